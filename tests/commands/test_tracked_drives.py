from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from bevseg.commands.tracked_drives import TrackingError, score_tracking
from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.frame_scores import Segmentation
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, VisibilityMap

pytest.importorskip("nuscenes.eval.panoptic", reason="needs the extra `datasets`")

CAR = int(SemanticClass.CAR)


@dataclass(frozen=True)
class Drives:
    """Two drives of three scans: two cars stand side by side, listed now in one order, now in the other."""

    name: str = "drives"
    has_poses: bool = True

    def __len__(self) -> int:
        return 6

    def drive_of(self, index: int) -> str:
        return "first" if index < 3 else "second"

    def name_of(self, index: int) -> str:
        return str(index)

    def __getitem__(self, index: int) -> Sample:
        ys = [[-4.0, 4.0], [4.0, -4.0]][index % 2]
        boxes = np.array([[10, y, 0, 4, 2, 1.5, 0] for y in ys], np.float32)
        xyz = np.concatenate([np.repeat(boxes[:1, :3], 20, axis=0), np.repeat(boxes[1:, :3], 30, axis=0)])
        cloud = replace(PointCloud.from_xyz(xyz), stamp_ns=index * 500_000_000)
        track_id = np.array([77 if y < 0 else 1 << 59 for y in ys], np.int64)
        truth = Annotations.from_boxes(cloud, boxes, np.array([CAR, CAR], np.uint8), track_id=track_id)
        truth = replace(truth, point_semantic=np.full(50, CAR, np.uint8), point_instance=np.repeat([1, 2], [20, 30]))
        ego, world = Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego")
        return Sample(self.name_of(index), cloud, truth, ego, world)


def truth_as_found(source: str, sample: Sample) -> Segmentation:
    truth = sample.annotations
    found = Instances.from_detections(
        label=truth.label,
        score=np.ones(2, np.float32),
        boxes=truth.boxes,
        velocity_mps=truth.velocity_mps,
        amodal=footprint_masks(truth.boxes, EVALUATION_GRID),
    )
    assert truth.point_semantic is not None
    assert truth.point_instance is not None
    ground = VisibilityMap(EVALUATION_GRID, np.full(EVALUATION_GRID.shape, CellState.UNOBSERVED, np.uint8))
    points = PointLabels(truth.point_semantic, truth.point_instance.astype(np.int32))
    return Segmentation(found, points, OcclusionGraph.empty(2), ground)


def test_objects_keep_their_numbers_whatever_their_order() -> None:
    scores = score_tracking(truth_as_found, Drives(), "drives")
    assert scores.tq == pytest.approx(1.0)
    assert scores.association == pytest.approx(1.0)


def test_objects_that_the_boxes_do_not_name_are_others_in_every_scan() -> None:
    class Unnamed(Drives):
        def __getitem__(self, index: int) -> Sample:
            sample = super().__getitem__(index)
            assert sample.annotations.point_instance is not None
            beyond = sample.annotations.point_instance + 2
            return replace(sample, annotations=replace(sample.annotations, point_instance=beyond))

    def found(source: str, sample: Sample) -> Segmentation:
        return truth_as_found(source, Drives()[int(sample.name)])

    scores = score_tracking(found, Unnamed(), "drives")
    assert scores.association == pytest.approx(1 / 3)  # each keeps to one of the three that it is held against


def test_frames_without_a_result_break_nothing() -> None:
    def every_other(source: str, sample: Sample) -> Segmentation | None:
        return None if sample.name in ("1", "4") else truth_as_found(source, sample)

    assert 0 < score_tracking(every_other, Drives(), "drives").association < 1


def test_without_labels_there_is_nothing_to_follow() -> None:
    with pytest.raises(TrackingError, match="the method gives none in 0"):
        score_tracking(lambda *given: replace(truth_as_found(*given), points=None), Drives(), "drives")

    class Unlabelled(Drives):
        def __getitem__(self, index: int) -> Sample:
            sample = super().__getitem__(index)
            return replace(sample, annotations=replace(sample.annotations, point_instance=None))

    with pytest.raises(TrackingError, match="panoptic truth in every frame, but 0 has none"):
        score_tracking(lambda source, sample: truth_as_found(source, Drives()[0]), Unlabelled(), "drives")
