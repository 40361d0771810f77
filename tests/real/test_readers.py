"""Every reader on real frames: are boxes where the points are, and does the ground lie under them?

Counts in boxes find every usual mistake of a conversion: sizes `wlh` against `lwh`, signs of yaw, boxes at the axle
against the sensor.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.real_frames import BOXED_FRAMES, POINT_LABELLED_FRAMES
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.geometry.boxes import count_points_in_boxes
from bevseg.points.ground import estimate_ground
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def root() -> Path:
    folder = os.environ.get("BEVSEG_REAL_DATA")
    if not folder:
        pytest.skip("BEVSEG_REAL_DATA names no folder of real frames")
    return Path(folder)


def open_source(root: Path, folder: str) -> Source:
    if not (root / folder).is_dir():
        pytest.skip(f"{root} has no folder {folder}")
    return {**BOXED_FRAMES, **POINT_LABELLED_FRAMES}[folder](root / folder)


def some(source: Source) -> list[Sample]:
    """At most four samples, spread evenly."""
    return [source[k] for k in range(0, len(source), -(-len(source) // 4))]


def near_vehicles(sample: Sample) -> np.ndarray:
    """Which objects are vehicles that the lidar saw well."""
    truth = sample.annotations
    group = GROUP_OF_CLASS[truth.label]
    near = np.hypot(truth.boxes[:, 0], truth.boxes[:, 1]) < 30
    return np.asarray((group == ClassGroup.VEHICLE) & near & (truth.num_points >= 30))


@pytest.mark.parametrize("folder", BOXED_FRAMES)
def test_boxes_hold_more_points_than_boxes_turned_or_swapped(root: Path, folder: str) -> None:
    right, turned, mirrored = 0, 0, 0
    for sample in some(open_source(root, folder)):
        ground = estimate_ground(sample.cloud)
        xyz = sample.cloud.xyz[ground.height_above(sample.cloud.xyz) > 0.3]
        boxes = sample.annotations.boxes[near_vehicles(sample)]
        quarter, mirror = boxes.copy(), boxes.copy()
        quarter[:, 6] += np.pi / 2
        mirror[:, 1] *= -1
        right += count_points_in_boxes(xyz, boxes).sum()
        turned += count_points_in_boxes(xyz, quarter).sum()
        mirrored += count_points_in_boxes(xyz, mirror).sum()
    assert right > 1000 or folder.startswith("nuscenes")
    assert right > 300
    assert turned < 0.65 * right
    assert mirrored < 0.5 * right


@pytest.mark.parametrize("folder", BOXED_FRAMES)
def test_a_little_growth_adds_few_points_above_ground(root: Path, folder: str) -> None:
    """A box that is shifted, or whose length and width are swapped, cuts its object."""
    inside, grown = 0, 0
    for sample in some(open_source(root, folder)):
        xyz = sample.cloud.xyz[estimate_ground(sample.cloud).height_above(sample.cloud.xyz) > 0.3]
        boxes = sample.annotations.boxes[near_vehicles(sample)].copy()
        inside += count_points_in_boxes(xyz, boxes).sum()
        boxes[:, 3:5] += 0.6
        grown += count_points_in_boxes(xyz, boxes).sum()
    assert inside > 0.85 * grown


@pytest.mark.parametrize("folder", [f for f in BOXED_FRAMES if f != "argoverse1"])
def test_boxes_stand_on_the_ground(root: Path, folder: str) -> None:
    """Argoverse's labels lean against the road, see its reader."""
    heights: list[float] = []
    for sample in some(open_source(root, folder)):
        boxes = sample.annotations.boxes[near_vehicles(sample)]
        heights += (boxes[:, 2] - boxes[:, 5] / 2 - estimate_ground(sample.cloud).height_at(boxes[:, :2])).tolist()
    assert abs(float(np.median(heights))) < 0.1
    assert float(np.quantile(np.abs(heights), 0.9)) < 0.3


def test_argoverse_boxes_stand_on_the_ground_near_the_vehicle(root: Path) -> None:
    sample = open_source(root, "argoverse1")[0]
    boxes = sample.annotations.boxes
    near = boxes[np.hypot(boxes[:, 0], boxes[:, 1]) < 15]
    heights = near[:, 2] - near[:, 5] / 2 - estimate_ground(sample.cloud).height_at(near[:, :2])
    assert abs(float(np.median(heights))) < 0.15


def agrees(counted: np.ndarray, stated: np.ndarray, *, share: float) -> np.ndarray:
    """Whether counts of points in boxes agree up to three points or a share: rounding decides those on the faces."""
    return np.asarray(np.abs(counted - stated) <= np.maximum(3, share * stated))


def test_pandaset_counts_are_the_sets_own(root: Path) -> None:
    source = open_source(root, "pandaset_002")
    for index in (0, 30, 55):
        with np.load(root / "pandaset_002" / f"{index:02d}.npz") as frame:
            stated = frame["box_npts_pandar64"]
        counted = source[index].annotations.num_points
        assert agrees(counted, stated, share=0.03).mean() > 0.95
        assert abs(int(counted.sum()) - int(stated.sum())) < 0.005 * stated.sum()


def test_nuscenes_counts_are_the_sets_own(root: Path) -> None:
    source = open_source(root, "nuscenes_scene0103")
    keyframes = json.loads((root / "nuscenes_scene0103" / "mini_val_gt.json").read_text())
    stated_of = {k["sample_token"]: np.array([b["num_lidar_pts"] for b in k["boxes"]]) for k in keyframes}
    assert len(source) == 2
    for sample in some(source):
        stated, counted = stated_of[sample.name], sample.annotations.num_points
        # Boxes lose their roll and pitch against the tilted sensor, which moves a few lower faces through the road.
        assert agrees(counted, stated, share=0.03).mean() > 0.9
        assert abs(int(counted.sum()) - int(stated.sum())) < 0.1 * stated.sum()


def test_pandaset_tracks_stand_still_in_the_world(root: Path) -> None:
    """Parked cars keep their place over five seconds only if poses, axes and boxes agree."""
    source = open_source(root, "pandaset_002")
    with np.load(root / "pandaset_002" / "00.npz") as frame:
        stationary = frame["box_stationary"]
    first, last = source[0], source[50]
    parked = set(first.annotations.track_id[stationary].tolist())
    places = [
        {
            int(track): (sample.T_global_from_ego @ sample.T_ego_from_lidar).apply(box[None, :3].astype(np.float64))[0]
            for track, box in zip(sample.annotations.track_id, sample.annotations.boxes, strict=True)
        }
        for sample in (first, last)
    ]
    moved = [np.linalg.norm(places[0][t] - places[1][t]) for t in parked & set(places[1])]
    assert len(moved) > 20
    assert float(np.median(moved)) < 0.15


GROUND = (SemanticClass.DRIVEABLE_SURFACE, SemanticClass.OTHER_FLAT, SemanticClass.SIDEWALK)


@pytest.mark.parametrize("folder", ["pandaset_002", *POINT_LABELLED_FRAMES])
def test_ground_points_lie_on_the_estimated_ground(root: Path, folder: str) -> None:
    for sample in some(open_source(root, folder)):
        semantic = sample.annotations.point_semantic
        assert semantic is not None
        xyz = sample.cloud.xyz[np.isin(semantic, GROUND)]
        xyz = xyz[np.hypot(xyz[:, 0], xyz[:, 1]) < 51.2]
        error = np.abs(estimate_ground(sample.cloud).height_above(xyz))
        assert float(np.median(error)) < 0.055
        assert float(np.quantile(error, 0.95)) < 0.17


@pytest.mark.parametrize("folder", [*BOXED_FRAMES, *POINT_LABELLED_FRAMES])
def test_columns_keep_their_ranges(root: Path, folder: str) -> None:
    sample = open_source(root, folder)[0]
    cloud = sample.cloud
    assert cloud.frame == "lidar"
    assert float(cloud.time_s.max()) <= 0
    assert cloud.dropped_non_finite == 0
    if cloud.intensity is not None:
        assert float(cloud.intensity.min()) >= 0
        assert 0.9 < float(cloud.intensity.max()) <= 1
