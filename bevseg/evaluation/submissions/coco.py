"""Masks from above as COCO's JSON: truth as a data set, and results for it, for `pycocotools` to read.

An image is the grid of a frame, a pixel is a cell: row 0 at y_min, column 0 at x_min. Masks are compressed run lengths.
Categories are our thing classes with our numbers. Images are numbered in the order of the names of their frames, in
which equal scores are ranked.

Truth that is neither right nor wrong to find is a crowd; labelled noise, which excuses any object, is one of every
category, and labelled stuff, which excuses none, is left out. A result that is neither right nor wrong unless it finds
something (it lies where nothing is labelled) has a `bbox` beyond COCO's largest area, by which COCO leaves it out: the
format has no other word for it. So `COCOeval` gives what `bevseg eval` gives (`bevseg.evaluation.mask_ap`).

Source: "COCO data format" and "Results format", cocodataset.org; `COCO.loadRes` and `COCOeval` of pycocotools.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Integer
from pycocotools import mask as coco_mask

from bevseg.evaluation.submissions.checks import SubmissionError, check_masks, check_names, check_objects
from bevseg.evaluation.submissions.json_stream import separated, write_text_parts
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import THING_CLASSES, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.rle import encode_masks

Row = dict[str, Any]
"""An annotation or a result, without its numbers, which it gets when all frames are known."""

_BEYOND_ALL = [0.0, 0.0, 1e6, 1e6]
"""A box of 10^12 pixels; COCO's largest area is 10^10."""


class FrameRows(NamedTuple):
    """What a file holds of one frame."""

    frame: str
    rows: list[Row]


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
    """A number for each frame, from 1 on in the order of their names, by which results refer to truth.

    Raises:
        SubmissionError: A frame comes twice.
    """
    names = sorted(frames)
    check_names(names)
    return {name: number for number, name in enumerate(names, 1)}


def true_rows(frame: TrueMasks, grid: BevGrid) -> list[Row]:
    """The annotations of a frame.

    Raises:
        SubmissionError: A mask does not lie on the grid.
    """
    check_masks(frame.masks, grid, frame=frame.frame)
    rles, area = encode_masks(frame.masks), frame.masks.area_cells.tolist()
    return [
        {
            "category_id": category,
            "segmentation": rles[k],
            "area": area[k],
            "bbox": coco_mask.toBbox(rles[k]).tolist(),
            "iscrowd": int(frame.ignored[k]),
        }
        for k, label in enumerate(frame.label.tolist())
        for category in _categories(label)
    ]


def found_rows(
    frame: str, instances: Instances, grid: BevGrid, *, outside: Bool[np.ndarray, "k"] | None = None
) -> list[Row]:
    """The results of a frame: the amodal masks.

    Args:
        frame: Its name.
        instances: The objects found.
        grid: That all masks lie on, as the truth does.
        outside: Those that are neither right nor wrong unless they find something; none unless given.

    Raises:
        SubmissionError: An object is unfit, or a mask does not lie on the grid.
    """
    check_objects(instances, frame=frame)
    check_masks(instances.amodal, grid, frame=frame)
    beyond = np.zeros(len(instances), bool) if outside is None else outside
    return [
        {
            "category_id": label,
            "segmentation": rle,
            "bbox": _BEYOND_ALL if beyond[k] else coco_mask.toBbox(rle).tolist(),
            "score": score,
        }
        for k, (label, rle, score) in enumerate(
            zip(instances.label.tolist(), encode_masks(instances.amodal), instances.score.tolist(), strict=True)
        )
    ]


def write_coco_truth(path: Path, frames: Iterable[FrameRows], grid: BevGrid, *, image_ids: Mapping[str, int]) -> None:
    """Writes the truth of all frames as one data set, while they are given.

    Raises:
        SubmissionError: A frame has no number.
    """
    images = [
        {"id": number, "file_name": name, "width": grid.width, "height": grid.height}
        for name, number in image_ids.items()
    ]
    categories = [{"id": int(c), "name": c.label} for c in THING_CLASSES]
    rows = (row for frame in frames for row in _numbered(frame, image_ids))
    annotations = (json.dumps({"id": number, **row}, allow_nan=False) for number, row in enumerate(rows, 1))
    head = f'{{"images": {json.dumps(images)},\n"categories": {json.dumps(categories)},\n"annotations": ['
    write_text_parts(path, (part for parts in ((head,), separated(annotations), ("]}",)) for part in parts))


def write_coco_results(path: Path, frames: Iterable[FrameRows], *, image_ids: Mapping[str, int]) -> None:
    """Writes what was found in all frames, as `COCO.loadRes` reads it, while they are given.

    Raises:
        SubmissionError: The truth has no such frame.
    """
    rows = (json.dumps(row, allow_nan=False) for frame in frames for row in _numbered(frame, image_ids))
    write_text_parts(path, (part for parts in (("[",), separated(rows), ("]",)) for part in parts))


def _categories(label: int) -> list[int]:
    """Whom a true object concerns."""
    if label == SemanticClass.NOISE:
        return [int(c) for c in THING_CLASSES]
    return [label] if label in THING_CLASSES else []


def _numbered(frame: FrameRows, image_ids: Mapping[str, int]) -> list[Row]:
    if frame.frame not in image_ids:
        raise SubmissionError(
            f"frame {frame.frame}: expected one of the {len(image_ids)} frames of the truth, it is none"
        )
    return [{"image_id": image_ids[frame.frame], **row} for row in frame.rows]
