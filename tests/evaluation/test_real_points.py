"""Classes of points on real frames, set by set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.real_points import score_real_points
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import PointLabels

CAR, ROAD, WALL = SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE, SemanticClass.MANMADE


@dataclass(frozen=True)
class _Points:
    """Scans whose points have the classes given, 0 for unlabelled."""

    name: str
    scans: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, index: int) -> Sample:
        truth = np.array(self.scans[index], np.uint8)
        cloud = PointCloud.from_xyz(np.zeros((len(truth), 3), np.float32))
        annotations = Annotations.from_boxes(cloud, np.zeros((0, 7)), np.zeros(0, np.uint8), point_semantic=truth)
        still = [Transform(np.eye(4), dst, src) for dst, src in (("ego", "lidar"), ("global", "ego"))]
        return Sample(str(index), cloud, annotations, *still)


def all_road(cloud: PointCloud) -> PointLabels:
    return PointLabels(np.full(len(cloud), ROAD, np.uint8), np.zeros(len(cloud), np.int32))


def test_each_set_is_scored_by_itself_over_the_classes_it_knows() -> None:
    sources = [
        _Points("pandaset", ((CAR, ROAD, 0), (ROAD, ROAD, 0))),
        _Points("nuscenes_lidarseg", ((WALL, 0),)),
        _Points("kitti", ((CAR,),)),
    ]
    found = score_real_points(all_road, sources).as_json()
    assert list(found) == ["PandaSet", "nuScenes"]
    pandaset, nuscenes = found["PandaSet"], found["nuScenes"]
    assert isinstance(pandaset, dict)
    assert isinstance(nuscenes, dict)
    assert pandaset["iou"]["driveable_surface"] == pytest.approx(3 / 4)
    assert pandaset["iou"]["car"] == 0.0
    assert pandaset["iou"]["bus"] is None
    assert pandaset["mean"] == pytest.approx(3 / 8)
    assert nuscenes["iou"]["driveable_surface"] is None  # not in its truth, though wrongly predicted
    assert nuscenes["mean"] == 0.0


def test_the_table_has_a_column_for_each_set() -> None:
    (table,) = score_real_points(all_road, [_Points("pandaset", ((ROAD, ROAD),))]).tables()
    assert [column.header for column in table.columns] == ["points", "PandaSet"]
    assert list(table.columns[1].cells)[-1] == "1.000"


def test_no_sets_are_an_empty_table() -> None:
    scores = score_real_points(all_road, [])
    assert scores.as_json() == {}
    assert len(scores.tables()[0].columns) == 1


def test_a_set_that_knows_no_classes_is_an_error() -> None:
    @dataclass(frozen=True)
    class Unlabelled(_Points):
        def __getitem__(self, index: int) -> Sample:
            sample = super().__getitem__(index)
            return replace(sample, annotations=replace(sample.annotations, point_semantic=None))

    with pytest.raises(ValueError, match="pandaset: frame 0 has no class"):
        score_real_points(all_road, [Unlabelled("pandaset", ((ROAD,),))])
