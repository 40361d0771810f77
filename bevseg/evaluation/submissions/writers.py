"""What `bevseg eval` writes beside scores: a dataset's own format for results, and COCO's for masks.

    <run>/submission/coco/{truth,results}.json                        every kind of dataset: masks from above
    <run>/submission/nuscenes/detections.json                         nuScenes
    <run>/submission/nuscenes/panoptic/<split>/<token>_panoptic.npz
    <run>/submission/nuscenes/<split>/submission.json
    <run>/submission/kitti/data/000000.txt                            KITTI's objects
    <run>/submission/kitti/<drive>/000000.txt                         KITTI's drives: detections that a tracker takes
    <run>/submission/semantic-kitti/sequences/08/predictions/000000.label
    <run>/parts/000000.jsonl                                          what a frame adds to files of all frames

A frame's own files are written by whoever scores it; files of all frames are put together at the end, frame by frame.
Methods that label no points write no labels of points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bevseg.datasets.open import Kind
from bevseg.datasets.sample import Sample
from bevseg.datasets.scan_origin import ScanOrigin
from bevseg.evaluation.frame_scores import Scoring, Segmentation
from bevseg.evaluation.mask_scores import Comparison
from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.coco import (
    FrameRows,
    TrueMasks,
    coco_image_ids,
    found_rows,
    true_rows,
    write_coco_results,
    write_coco_truth,
)
from bevseg.evaluation.submissions.frame_parts import (
    FrameParts,
    PartsHead,
    Section,
    read_head,
    read_section,
    write_parts,
)
from bevseg.evaluation.submissions.kitti import read_kitti_camera, write_kitti_results
from bevseg.evaluation.submissions.nuscenes_detection import (
    PlacedObjects,
    SampleBoxes,
    best_objects,
    detection_boxes,
    write_nuscenes_detections,
)
from bevseg.evaluation.submissions.nuscenes_panoptic import write_nuscenes_panoptic, write_panoptic_task
from bevseg.evaluation.submissions.semantic_kitti import write_semantic_kitti_labels
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import GROUP_OF_CLASS
from bevseg.results.instances import Instances
from bevseg.results.scene import PointLabels

Format = Literal["nuscenes", "kitti", "semantic-kitti", "masks alone"]


def format_of(kind: Kind) -> Format:
    """The format that the benchmark of a kind of dataset takes; "masks alone" where there is none."""
    match kind:
        case "nuscenes":
            return "nuscenes"
        case "kitti-object" | "kitti-object-folder" | "kitti-tracking" | "kitti-tracking-folder":
            return "kitti"
        case "semantic-kitti" | "semantic-kitti-drive" | "semantic-kitti-folder":
            return "semantic-kitti"
        case _:
            return "masks alone"


@dataclass(frozen=True)
class EvaluatedPart:
    """Which part of which dataset results are for.

    Attributes:
        path: Where the dataset lies.
        kind: What it is.
        version: nuScenes: the folder of tables.
        split: nuScenes: the split that it is, as a whole; None where it is none.
    """

    path: Path
    kind: Kind
    version: str = ""
    split: str | None = None


@dataclass(frozen=True)
class SubmissionWriter:
    """Writes what was found in the frames of one source.

    Attributes:
        run: Folder of the evaluation.
        part: What the results are for.
        scoring: Which objects count, for COCO's truth.
    """

    run: Path
    part: EvaluatedPart
    scoring: Scoring

    @property
    def grid(self) -> BevGrid:
        """That masks are compared on."""
        return self.scoring.rule.grid

    @property
    def format(self) -> Format:
        """Of the files."""
        return format_of(self.part.kind)

    @property
    def split(self) -> str:
        """Name that nuScenes' labels of points are filed under: that of the split, or of the tables."""
        return self.part.split or self.part.version

    @property
    def folder(self) -> Path:
        """Of the submission."""
        return self.run / "submission"

    @property
    def detections(self) -> Path:
        """nuScenes' boxes of all frames."""
        return self.folder / "nuscenes" / "detections.json"

    @property
    def kitti_results(self) -> Path:
        """KITTI's objects, a file a frame."""
        return self.folder / "kitti" / "data"

    def frames(self, num_frames: int) -> Iterator[PartsHead]:
        """The name of each frame, and its own files."""
        return (read_head(self._parts_file(frame)) for frame in range(num_frames))

    def is_written(self, frame: int) -> bool:
        """Whether all is there that a frame adds, by its place."""
        path = self._parts_file(frame)
        return path.is_file() and all((self.folder / name).is_file() for name in read_head(path).files)

    def write(self, frame: int, sample: Sample, found: Segmentation) -> None:
        """Writes what was found in one frame.

        Args:
            frame: Its place in the source.
            sample: The scan.
            found: What a method says of it.

        Raises:
            SubmissionError: What was found is unfit, or the scan is not as it was read from its file.
        """
        compared = Comparison.of(found.instances, sample.annotations, rule=self.scoring.rule)
        overlaps, grid = compared.overlaps, self.grid
        label = sample.annotations.label
        counted = overlaps.truth_counted & np.isin(GROUP_OF_CLASS[label], self.scoring.groups)
        true = TrueMasks(sample.name, compared.masks.true, label, ~counted)
        on_grid = replace(found.instances, amodal=compared.masks.predicted)
        found_masks = found_rows(sample.name, on_grid, grid, outside=overlaps.prediction_outside)
        boxes = self._boxes(sample, found.instances)
        files = tuple(str(path.relative_to(self.folder)) for path in self._write_files(sample, found))
        parts = FrameParts(PartsHead(sample.name, files), true_rows(true, grid), found_masks, boxes)
        write_parts(self._parts_file(frame), parts)

    def assemble(self, num_frames: int) -> None:
        """Puts the files of all frames together, which all have to be written.

        Raises:
            SubmissionError: A frame is missing, or two have one name.
        """
        heads = list(self.frames(num_frames))
        places = {head.frame: place for place, head in enumerate(heads)}
        image_ids = coco_image_ids(head.frame for head in heads)
        coco = self.folder / "coco"
        by_name = {name: places[name] for name in image_ids}
        write_coco_truth(coco / "truth.json", self._rows(by_name, "true_masks"), self.grid, image_ids=image_ids)
        write_coco_results(coco / "results.json", self._rows(by_name, "found_masks"), image_ids=image_ids)
        if self.format == "nuscenes":
            write_nuscenes_detections(self.detections, (SampleBoxes(*frame) for frame in self._rows(places, "boxes")))
            if any(head.files for head in heads):
                write_panoptic_task(self.folder / "nuscenes", split=self.split)

    def _rows(self, places: dict[str, int], section: Section) -> Iterator[FrameRows]:
        """One kind of rows, frame by frame in the order given."""
        return (FrameRows(name, read_section(self._parts_file(place), section)) for name, place in places.items())

    def _parts_file(self, frame: int) -> Path:
        return self.run / "parts" / f"{frame:06d}.jsonl"

    def _boxes(self, sample: Sample, instances: Instances) -> list[dict[str, object]]:
        if self.format != "nuscenes":
            return []
        return detection_boxes(PlacedObjects.of_sample(sample, best_objects(instances)))

    def _write_files(self, sample: Sample, found: Segmentation) -> Iterator[Path]:
        """Writes the files of one frame, and names them."""
        match self.format:
            case "nuscenes" if found.points is not None:
                origin = _origin(sample)
                yield write_nuscenes_panoptic(
                    self.folder / "nuscenes",
                    _by_row(found.points, origin),
                    split=self.split,
                    token=origin.scan,
                    num_points=origin.num_points,
                )
            case "kitti":
                origin = _origin(sample)
                camera = read_kitti_camera(origin.calibration) if origin.calibration else None
                folder = self.folder / "kitti" / origin.drive if origin.drive else self.kitti_results
                yield write_kitti_results(folder, found.instances, frame=origin.scan, camera=camera)
            case "semantic-kitti" if found.points is not None:
                origin = _origin(sample)
                yield write_semantic_kitti_labels(
                    self.folder / "semantic-kitti",
                    _by_row(found.points, origin),
                    sequence=origin.drive,
                    frame=origin.scan,
                    num_points=origin.num_points,
                )


def _origin(sample: Sample) -> ScanOrigin:
    if sample.origin is None:
        raise SubmissionError(
            f"frame {sample.name}: expected a scan as it was read from its file, got one whose points were changed"
        )
    return sample.origin


def _by_row(points: PointLabels, origin: ScanOrigin) -> PointLabels:
    """A label for each row of the scan's file: noise for those without a place; earlier scans are left out."""
    return PointLabels(origin.by_row(points.semantic), origin.by_row(points.instance))
