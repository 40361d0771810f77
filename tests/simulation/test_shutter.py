"""Rolling shutter: points lie where their surfaces are once the vehicle's motion is undone, and nowhere else before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.sample import Sample
from bevseg.geometry.boxes import points_in_box
from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.simulation import actors
from bevseg.simulation.config import Shutter, SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.frozen_set import sample_hash
from bevseg.simulation.generate import generate
from bevseg.simulation.shutter import sensor_path
from bevseg.simulation.source import SimulatedSource, simulate_frame

SCENE = SimulationConfig(seed=37, frames=5, sensors=("vlp-16",), range_m=50.0, density=(0.3, 0.3), ego_vehicle=0.0)
SPEED_MPS = 15.0
"""Of the vehicle, unless a test says otherwise."""


def _drive(
    mode: Shutter, sensor: str = "vlp-16", *, speed_mps: float = SPEED_MPS, rate_hz: float = 10.0
) -> DriveSource:
    scene = replace(SCENE, shutter=mode, sensors=(sensor,))
    return DriveSource(DriveConfig(scene, speed_mps=speed_mps, rate_hz=rate_hz))


@pytest.fixture(scope="module")
def deskewed() -> DriveSource:
    return _drive("deskewed")


@pytest.fixture(scope="module")
def distorted() -> DriveSource:
    return _drive("distorted")


def _off_the_walls_m(drive: DriveSource, sample: Sample, xyz: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """How far points on buildings are, along their rays, from what stands there in the world."""
    truth = sample.annotations.point_semantic
    assert truth is not None
    built = truth == SemanticClass.MANMADE
    to_world = sample.T_global_from_ego @ sample.T_ego_from_lidar
    points, origins = (to_world.apply(v[built].astype(np.float64)) for v in (xyz, starts))
    ray = points - origins
    length = np.linalg.norm(ray, axis=1)
    directions = (ray / length[:, None]).astype(np.float32)
    hits = drive._stage.static_scene.nearest(origins, directions, np.maximum(length - 2.0, 0.0))
    off = np.full(len(length), np.inf)
    off[hits.ray] = np.abs(hits.distance_m - length[hits.ray])
    assert len(off) > 500
    return off


def test_deskewed_points_lie_on_what_stands_still(deskewed: DriveSource) -> None:
    sample = deskewed[3]
    off = _off_the_walls_m(deskewed, sample, sample.cloud.xyz, sample.cloud.ray_starts_m())
    assert np.median(off) < 0.02
    assert np.quantile(off, 0.9) < 0.06


def test_distorted_points_do_so_once_the_motion_is_undone(distorted: DriveSource) -> None:
    sample = distorted[3]
    cloud = sample.cloud
    assert cloud.ray_origins_m is None
    at_stamp = _off_the_walls_m(distorted, sample, cloud.xyz, np.zeros_like(cloud.xyz))
    assert (at_stamp > 0.1).mean() > 0.2  # walls along the way do not show it

    before = distorted.ego_pose_before(3, 0.05)
    way = (sample.T_global_from_ego.inverse() @ before).translation_m
    velocity = sample.T_ego_from_lidar.matrix[:3, :3].T @ (-way / 0.05)
    moved = cloud.time_s[:, None] * velocity
    undone = _off_the_walls_m(distorted, sample, cloud.xyz + moved, moved)
    assert np.median(undone) < 0.03
    assert (undone > 0.1).mean() < 0.05


def test_the_earliest_points_are_off_by_the_way_of_a_turn(deskewed: DriveSource, distorted: DriveSource) -> None:
    straight, raw = deskewed[3].cloud, distorted[3].cloud
    assert straight.time_s.tobytes() == raw.time_s.tobytes()
    assert -0.1 < raw.time_s.min() < -0.099
    assert raw.time_s.max() == 0
    shift = straight.xyz - raw.xyz
    early, last = raw.time_s < -0.098, raw.time_s == 0
    np.testing.assert_allclose(np.linalg.norm(shift[early], axis=1), SPEED_MPS * 0.099, rtol=0.05)
    assert (shift[early, 0] < -1.3).all()
    assert (shift[last] == 0).all()
    assert straight.ray_origins_m is not None
    np.testing.assert_allclose(straight.ray_origins_m[:, 0], SPEED_MPS * raw.time_s, atol=0.05)


def test_moving_objects_are_smeared_backwards_and_keep_their_labels(deskewed: DriveSource) -> None:
    as_it_is: list[float] = []
    for index in range(5):
        sample = deskewed[index]
        truth, cloud = sample.annotations, sample.cloud
        assert truth.point_instance is not None
        fast = np.hypot(*truth.velocity_mps.T) > 3
        for k in np.flatnonzero(fast & (truth.num_points >= 10)):
            mine = truth.point_instance == k + 1
            points, time_s = cloud.xyz[mine], cloud.time_s[mine]
            ahead = np.append(truth.velocity_mps[k], 0.0).astype(np.float32)
            assert points_in_box(points - time_s[:, None] * ahead, truth.boxes[k], margin_m=0.2).mean() > 0.95
            if time_s.mean() * np.linalg.norm(ahead) < -0.6:
                as_it_is.append(points_in_box(points, truth.boxes[k], margin_m=0.2).mean())
    assert min(as_it_is) < 0.6
    assert np.mean(as_it_is) < 0.9


def test_truth_is_exact_for_what_was_cast(deskewed: DriveSource) -> None:
    truth = deskewed[2].annotations
    assert truth.point_instance is not None
    assert truth.point_semantic is not None
    known = np.isfinite(truth.visible_fraction)
    assert ((truth.visible_fraction > 0) == (truth.num_points > 0))[known].all()
    on = truth.point_instance > 0
    np.testing.assert_array_equal(truth.label[truth.point_instance[on] - 1], truth.point_semantic[on])
    instant = _drive("instant")[2].annotations
    np.testing.assert_array_equal(truth.boxes, instant.boxes)
    np.testing.assert_array_equal(truth.velocity_mps, instant.velocity_mps)
    np.testing.assert_allclose(truth.num_points.sum(), instant.num_points.sum(), rtol=0.1)


@pytest.mark.parametrize("shutter", ["deskewed", "distorted"])
def test_where_nothing_moves_a_scan_is_that_of_an_instant(shutter: Shutter) -> None:
    drives = [_drive(mode, speed_mps=0.0) for mode in ("instant", shutter)]
    for drive in drives:
        stage = drive._stage
        still = replace(stage.trajectories, speed_mps=np.zeros_like(stage.trajectories.speed_mps))
        drive.__dict__["_stage"] = replace(stage, trajectories=still)
    assert sample_hash(drives[1][3]) == sample_hash(drives[0][3])


def test_any_order_gives_the_same_bytes(deskewed: DriveSource) -> None:
    assert sample_hash(DriveSource(deskewed.config)[2]) == sample_hash(deskewed[2])


def test_a_sector_is_swept_from_its_left_to_its_right() -> None:
    drive = _drive("deskewed", "at128")
    straight, raw = drive[1], _drive("distorted", "at128")[1]
    azimuth = np.arctan2(raw.cloud.xyz[:, 1], raw.cloud.xyz[:, 0])
    assert np.corrcoef(azimuth, raw.cloud.time_s)[0, 1] < -0.99
    assert -0.1 < raw.cloud.time_s.min() < -0.09
    off = _off_the_walls_m(drive, straight, straight.cloud.xyz, straight.cloud.ray_starts_m())
    assert np.quantile(off, 0.8) < 0.06
    np.testing.assert_allclose(straight.cloud.xyz[:, 0] - raw.cloud.xyz[:, 0], SPEED_MPS * raw.cloud.time_s, atol=0.3)


def test_a_slice_leaves_out_no_object_that_its_beams_meet(
    deskewed: DriveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = deskewed[4]
    monkeypatch.setattr(actors, "_may_be_met", lambda boxes, _: np.ones(len(boxes), bool))
    found = deskewed[4]
    assert len(found.cloud) == len(expected.cloud)
    np.testing.assert_allclose(found.cloud.xyz, expected.cloud.xyz, atol=1e-4)
    assert found.annotations.point_instance is not None
    assert expected.annotations.point_instance is not None
    np.testing.assert_array_equal(found.annotations.point_instance, expected.annotations.point_instance)
    np.testing.assert_array_equal(found.annotations.visible_fraction, expected.annotations.visible_fraction)


def test_a_sensor_turns_as_often_as_its_scans_come() -> None:
    fast = _drive("distorted", rate_hz=20.0)
    assert fast.turn_s == 0.05
    assert -0.05 <= fast[1].cloud.time_s.min() < -0.049
    assert _drive("distorted", rate_hz=5.0).turn_s == 0.1
    assert _drive("instant", rate_hz=20.0)[1].cloud.time_s.min() < -0.09


def test_a_curve_is_followed_firing_by_firing() -> None:
    """To the left, uphill, with a sensor ahead of the vehicle's frame that is tilted."""
    pitch, roll = 0.03, -0.02
    tilt = np.array([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]]) @ np.array(
        [[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]]
    )
    mount = Transform.from_rotation_translation(tilt, np.array([0.9, 0.1, 1.8]), dst="ego", src="lidar")
    places = np.array([[10.0, 5.0, 0.2], [10.6, 5.3, 0.25], [11.1, 5.8, 0.3]])
    yaw = np.array([0.4, 0.5, 0.62])
    poses = [Transform.from_yaw(a, p, dst="global", src="ego") @ mount for a, p in zip(yaw, places, strict=True)]
    path = sensor_path(np.array([-0.2, -0.1, 0.0]), places, yaw, poses[-1])
    point = np.array([[7.0, -3.0, 0.4]], np.float32)
    for firing in range(3):
        expected = (poses[-1].inverse() @ poses[firing]).apply(point.astype(np.float64))
        np.testing.assert_allclose(path.deskewed(point, np.array([firing])), expected, atol=1e-5)


def test_single_scenes_are_taken_in_an_instant(tmp_path: Path) -> None:
    config = replace(SCENE, shutter="distorted")
    for attempt in (
        lambda: SimulatedSource(config),
        lambda: simulate_frame(config, 0),
        lambda: generate(config, tmp_path / "scenes", 1),
    ):
        with pytest.raises(ValueError, match="shutter 'distorted' needs a vehicle that moves: simulate a drive"):
            attempt()
    assert not (tmp_path / "scenes").exists()
