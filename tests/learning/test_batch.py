from __future__ import annotations

import numpy as np
import torch

from bevseg.config import ModelConfig
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.learning.batch import Prepared, collate, prepare
from bevseg.learning.targets import TargetConfig
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass as C

MODEL = ModelConfig(grid=BevGrid(x_min_m=-6.4, y_min_m=-12.8, cell_m=0.4, width=64, height=64))


def scan(seed: int, *, points: int = 400, labelled: bool = True) -> Sample:
    """A flat road with one car on it."""
    rng = np.random.default_rng(seed)
    road = np.column_stack([rng.uniform(-6, 18, points), rng.uniform(-12, 12, points), np.full(points, -1.7)])
    car = np.column_stack([rng.uniform(6, 10, 60), rng.uniform(1, 3, 60), rng.uniform(-1.5, -0.2, 60)])
    cloud = PointCloud.from_xyz(np.concatenate([road, car]).astype(np.float32))
    semantic = np.r_[np.full(points, C.DRIVEABLE_SURFACE), np.full(60, C.CAR)].astype(np.uint8)
    truth = Annotations.from_boxes(
        cloud,
        np.array([[8.0, 2.0, -0.9, 4.4, 2.2, 1.7, 0.0]], np.float32),
        np.array([C.CAR]),
        point_semantic=semantic if labelled else None,
    )
    lidar = Transform.identity("lidar")
    return Sample(f"scan {seed}", cloud, truth, lidar, lidar)


def prepared(*samples: Sample) -> list[Prepared]:
    return [prepare(sample, MODEL, TargetConfig()) for sample in samples]


def test_a_scan_says_what_each_cell_is() -> None:
    (one,) = prepared(scan(0))
    assert set(one.semantic.unique().tolist()) == {0, C.DRIVEABLE_SURFACE, C.CAR}
    assert len(one.semantic) == one.cells.num_pillars * MODEL.head.semantic_layers
    assert len(one.objects.center) > 0


def test_a_scan_without_point_labels_teaches_no_semantics() -> None:
    (one,) = prepared(scan(0, labelled=False))
    assert not one.semantic.any()


def test_a_batch_counts_cells_and_pillars_through() -> None:
    scans = prepared(scan(0), scan(1))
    batch = collate(scans)
    coarse = MODEL.grid.num_cells // 4
    assert batch.names == ("scan 0", "scan 1")
    assert len(batch) == 2
    assert batch.heat.shape == (2, 4, *MODEL.grid.shape)
    split = len(scans[0].objects.center)
    assert torch.equal(batch.center[split:] - coarse, torch.from_numpy(scans[1].objects.center))
    assert torch.equal(batch.cell[len(scans[0].objects.cell) :] - coarse, torch.from_numpy(scans[1].objects.cell))
    pillars = scans[0].cells.num_pillars
    assert set(batch.cells.coords[:pillars, 0].tolist()) == {0}
    assert set(batch.cells.coords[pillars:, 0].tolist()) == {1}
    second = batch.cells.point_to_pillar[len(scans[0].cells.point_to_pillar) :]
    expected = scans[1].cells.point_to_pillar
    assert torch.equal(second[expected >= 0] - pillars, expected[expected >= 0])
    assert (second[expected < 0] == -1).all()


def test_an_empty_scan_joins_a_batch() -> None:
    lidar = Transform.identity("lidar")
    cloud = PointCloud.empty()
    nothing = Annotations.from_boxes(
        cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8), point_semantic=np.zeros(0, np.uint8)
    )
    batch = collate(prepared(Sample("empty", cloud, nothing, lidar, lidar), scan(1)))
    assert len(batch) == 2
    assert set(batch.cells.coords[:, 0].tolist()) == {1}
