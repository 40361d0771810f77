"""Masks from above as COCO's JSON: truth as a data set, and results for it, for `pycocotools` to read.

An image is the grid of a frame, a pixel is a cell: row 0 at y_min, column 0 at x_min. Masks are compressed run lengths.
Categories are our thing classes with our numbers. Truth that is neither right nor wrong to find is a crowd.

Source: "COCO data format" and "Results format", cocodataset.org.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Integer
from pycocotools import mask as coco_mask

from bevseg.evaluation.submissions.checks import SubmissionError, check_masks, check_names, check_objects
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import THING_CLASSES
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.rle import encode_masks
from bevseg.whole_files import write_whole


@dataclass(frozen=True, eq=False)
class TrueMasks:
    """The true objects of one frame.

    Attributes:
        frame: Its name.
        masks: Their footprints.
        label: `SemanticClass` of each.
        ignored: Those that are neither right nor wrong to find.
    """

    frame: str
    masks: BevMasks
    label: Integer[np.ndarray, "k"]
    ignored: Bool[np.ndarray, "k"]

    def __post_init__(self) -> None:
        if not len(self.masks) == len(self.label) == len(self.ignored):
            raise SubmissionError(
                f"frame {self.frame}: expected a class and a note on each of {len(self.masks)} masks, "
                f"got {len(self.label)} and {len(self.ignored)}"
            )


def coco_image_ids(frames: Iterable[str]) -> dict[str, int]:
    """A number for each frame, from 1 on in their order, by which results refer to truth.

    Raises:
        SubmissionError: A frame comes twice.
    """
    names = list(frames)
    check_names(names)
    return {name: number for number, name in enumerate(names, 1)}


def write_coco_truth(path: Path, frames: Sequence[TrueMasks], grid: BevGrid) -> dict[str, int]:
    """Writes the truth of all frames as one data set.

    Returns:
        The number of each frame, for `write_coco_results`.

    Raises:
        SubmissionError: A mask does not lie on the grid, or a frame comes twice.
    """
    image_ids = coco_image_ids(frame.frame for frame in frames)
    annotations = [row for frame in frames for row in _true_rows(frame, image_ids[frame.frame], grid)]
    document = {
        "images": [
            {"id": number, "file_name": name, "width": grid.width, "height": grid.height}
            for name, number in image_ids.items()
        ],
        "categories": [{"id": int(c), "name": c.label} for c in THING_CLASSES],
        "annotations": [{"id": number, **row} for number, row in enumerate(annotations, 1)],
    }
    write_whole(path, json.dumps(document, allow_nan=False).encode())
    return image_ids


def write_coco_results(
    path: Path, frames: Mapping[str, Instances], grid: BevGrid, *, image_ids: Mapping[str, int]
) -> None:
    """Writes the amodal masks found in all frames, as `COCO.loadRes` reads them.

    Args:
        path: The JSON file.
        frames: The objects by the name of their frame.
        grid: That all masks lie on, as the truth does.
        image_ids: Of the truth.

    Raises:
        SubmissionError: An object is unfit, a mask does not lie on the grid, or the truth has no such frame.
    """
    rows = [row for name, instances in frames.items() for row in _found_rows(name, instances, grid, image_ids)]
    write_whole(path, json.dumps(rows, allow_nan=False).encode())


def _true_rows(frame: TrueMasks, image_id: int, grid: BevGrid) -> list[dict[str, Any]]:
    check_masks(frame.masks, grid, frame=frame.frame)
    return [
        {
            "image_id": image_id,
            "category_id": label,
            "segmentation": rle,
            "area": area,
            "bbox": coco_mask.toBbox(rle).tolist(),
            "iscrowd": int(ignored),
        }
        for label, rle, area, ignored in zip(
            frame.label.tolist(),
            encode_masks(frame.masks),
            frame.masks.area_cells.tolist(),
            frame.ignored.tolist(),
            strict=True,
        )
    ]


def _found_rows(name: str, instances: Instances, grid: BevGrid, image_ids: Mapping[str, int]) -> list[dict[str, Any]]:
    check_objects(instances, frame=name)
    check_masks(instances.amodal, grid, frame=name)
    if name not in image_ids:
        raise SubmissionError(f"frame {name}: expected one of the {len(image_ids)} frames of the truth, it is none")
    return [
        {"image_id": image_ids[name], "category_id": label, "segmentation": rle, "score": score}
        for label, rle, score in zip(
            instances.label.tolist(), encode_masks(instances.amodal), instances.score.tolist(), strict=True
        )
    ]
