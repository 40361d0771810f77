"""Tests of `bevseg.learning.augment`: truth and points must stay together, whatever is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.ground_cells import GroundCells
from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.geometry.boxes import count_points_in_boxes, points_in_box
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.learning.augment import AugmentConfig, augment
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import VisibilityMap

OFF = AugmentConfig(
    weather_probability=0.0,
    flip_probability=0.0,
    max_yaw_rad=0.0,
    max_tilt_rad=0.0,
    max_scale=0.0,
    shift_probability=0.0,
    max_rise_m=0.0,
    fewer_beams_probability=0.0,
    beam_loss_probability=0.0,
    point_loss_probability=0.0,
    range_noise_m=0.0,
    ghost_probability=0.0,
    screen_probability=0.0,
)
BOXES = np.array(
    [[12, 4, 0.2, 4.5, 1.8, 1.6, 0.4], [-8, -3, 0, 0.8, 0.7, 1.7, -2.9], [3, 15, 0.5, 9, 2.5, 3, 1.5]], np.float32
)
SENSOR = (0.5, -0.2, 1.5)
PLACE = Transform.identity("lidar")


def make_sample(*, ring: bool = True, view: LabelledView | None = None, per_box: int = 400) -> Sample:
    """Three objects full of points, on a road of points below the sensor; not symmetric in any way."""
    rng = np.random.default_rng(7)
    local = rng.uniform(-0.45, 0.45, (len(BOXES), per_box, 3)) * BOXES[:, None, 3:6]
    c, s = np.cos(BOXES[:, 6, None]), np.sin(BOXES[:, 6, None])
    on_objects = np.stack(
        [c * local[..., 0] - s * local[..., 1], s * local[..., 0] + c * local[..., 1], local[..., 2]], axis=-1
    )
    road = np.column_stack([rng.uniform(-30, 40, (2000, 2)), np.full(2000, -0.8)])
    xyz = np.concatenate([(on_objects + BOXES[:, None, :3]).reshape(-1, 3), road]).astype(np.float32)
    instance = np.concatenate([np.repeat([1, 2, 3], per_box), np.zeros(2000, np.int64)]).astype(np.int32)
    semantic = np.where(instance > 0, SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE).astype(np.uint8)
    cloud = PointCloud.from_xyz(
        xyz,
        sensor_origin_m=SENSOR,
        intensity=rng.random(len(xyz)).astype(np.float32),
        ring=(np.arange(len(xyz)) % 64) if ring else None,
    )
    truth = Annotations(
        boxes=BOXES,
        label=np.full(3, SemanticClass.CAR, np.uint8),
        track_id=np.arange(3),
        velocity_mps=np.array([[5, 2], [np.nan, np.nan], [0, -3]], np.float32),
        visible_fraction=np.array([1.0, 0.5, np.nan], np.float32),
        num_points=np.full(3, per_box),
        ignored=np.zeros(3, bool),
        point_semantic=semantic,
        point_instance=instance,
        occlusion=OcclusionGraph.empty(3),
        view=view or LabelledView(),
    )
    return Sample("scan", cloud, truth, PLACE, PLACE)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_happens_when_all_is_off() -> None:
    sample = make_sample()
    result = augment(sample, rng(), OFF)
    np.testing.assert_array_equal(result.cloud.xyz, sample.cloud.xyz)
    np.testing.assert_allclose(result.annotations.boxes, BOXES, atol=1e-6)
    np.testing.assert_array_equal(result.annotations.num_points, [400, 400, 400])


@pytest.mark.parametrize("seed", range(8))
def test_points_stay_in_their_boxes_and_the_counts_hold(seed: int) -> None:
    config = AugmentConfig(range_noise_m=0.0)
    result = augment(make_sample(), rng(seed), config)
    truth = result.annotations
    assert truth.point_instance is not None
    for k in range(len(truth)):
        own = result.cloud.xyz[truth.point_instance == k + 1]
        assert points_in_box(own, truth.boxes[k], margin_m=0.05).all()
        assert truth.num_points[k] == len(own)
    assert len(truth.point_instance) == len(result.cloud)


@pytest.mark.parametrize("seed", range(4))
def test_the_argument_is_never_changed(seed: int) -> None:
    sample, untouched = make_sample(), make_sample()
    always = AugmentConfig(
        fewer_beams_probability=1.0, beam_loss_probability=1.0, point_loss_probability=1.0, ghost_probability=1.0,
        screen_probability=1.0, shift_probability=1.0, flip_probability=1.0,
    )  # fmt: skip
    augment(sample, rng(seed), always)
    for ours, theirs in ((sample.cloud, untouched.cloud), (sample.annotations, untouched.annotations)):
        for name, value in vars(ours).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, getattr(theirs, name), err_msg=name)


def test_the_generator_alone_decides() -> None:
    one, same, other = (augment(make_sample(), rng(seed), AugmentConfig()) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.cloud.xyz, same.cloud.xyz)
    assert one.cloud.xyz.shape != other.cloud.xyz.shape or not np.allclose(one.cloud.xyz, other.cloud.xyz)


def test_truth_about_the_ground_is_dropped_and_truncation_kept() -> None:
    grid = BevGrid(2.0, -3.0, 0.5, 4, 3)
    ground = GroundCells(VisibilityMap(grid, np.zeros(grid.shape, np.uint8)), np.zeros(grid.shape, bool))
    sample = make_sample()
    truncation = np.array([0.0, 0.5, 1.0], np.float32)
    truth = replace(sample.annotations, ground=ground, truncation=truncation)
    result = augment(replace(sample, annotations=truth), rng(1), OFF).annotations
    assert result.ground is None
    assert result.truncation is truncation


def test_a_mirrored_scan_has_left_and_right_exchanged() -> None:
    result = augment(make_sample(), rng(), replace(OFF, flip_probability=1.0))
    sample = make_sample()
    np.testing.assert_allclose(result.cloud.xyz, sample.cloud.xyz * np.array([1, -1, 1], np.float32))
    np.testing.assert_allclose(result.cloud.sensor_origins_m, [[0.5, 0.2, 1.5]], atol=1e-6)
    np.testing.assert_allclose(
        result.annotations.boxes, BOXES * np.array([1, -1, 1, 1, 1, 1, -1], np.float32), atol=1e-6
    )
    np.testing.assert_allclose(result.annotations.velocity_mps, np.array([[5, -2], [np.nan, np.nan], [0, 3]]))


def test_a_turn_turns_points_boxes_and_velocities_alike() -> None:
    result = augment(make_sample(), rng(1), replace(OFF, max_yaw_rad=3.0))
    before, after = make_sample().annotations, result.annotations
    turn = float(after.boxes[0, 6] - before.boxes[0, 6])
    assert abs(turn) > 0.1
    heading = np.arctan2(after.velocity_mps[0, 1], after.velocity_mps[0, 0]) - np.arctan2(2, 5)
    np.testing.assert_allclose(np.exp(1j * heading), np.exp(1j * turn), atol=1e-5)
    np.testing.assert_allclose(np.hypot(*after.velocity_mps[0]), np.hypot(5, 2), rtol=1e-5)
    assert (np.abs(after.boxes[:, 6]) <= np.pi).all()


def test_a_scale_scales_sizes_and_velocities() -> None:
    result = augment(make_sample(), rng(1), replace(OFF, max_scale=0.05)).annotations
    scale = result.boxes[0, 3] / BOXES[0, 3]
    assert 0.95 <= scale <= 1.05
    assert abs(scale - 1) > 1e-3
    np.testing.assert_allclose(result.boxes[:, :6], BOXES[:, :6] * scale, rtol=1e-5)
    np.testing.assert_allclose(result.velocity_mps[0], np.array([5, 2], np.float32) * scale, rtol=1e-5)


def test_a_shift_moves_the_sensor_away_from_the_origin() -> None:
    config = replace(OFF, shift_probability=1.0, max_rise_m=0.4)
    result = augment(make_sample(view=LabelledView(max_range_m=50.0)), rng(1), config)
    shift = result.cloud.sensor_origins_m[0] - np.array(SENSOR, np.float32)
    assert (np.abs(shift) > 0).all()
    assert (np.abs(shift) <= (1.5, 1.5, 0.4)).all()
    np.testing.assert_allclose(result.cloud.xyz, make_sample().cloud.xyz + shift, atol=1e-5)
    np.testing.assert_allclose(result.annotations.boxes[:, :3], BOXES[:, :3] + shift, atol=1e-5)
    assert result.annotations.view.max_range_m == pytest.approx(50 - np.hypot(shift[0], shift[1]), rel=1e-5)


def test_a_scan_labelled_in_a_sector_keeps_its_heading_and_place() -> None:
    config = replace(OFF, max_yaw_rad=np.pi, shift_probability=1.0, max_rise_m=0.4)
    result = augment(make_sample(view=LabelledView(half_angle_rad=0.7)), rng(1), config)
    np.testing.assert_allclose(result.cloud.xyz[:, :2], make_sample().cloud.xyz[:, :2], atol=1e-6)
    assert abs(result.cloud.xyz[0, 2] - make_sample().cloud.xyz[0, 2]) > 1e-3


def test_fewer_beams_are_spread_evenly() -> None:
    config = replace(OFF, fewer_beams_probability=1.0, beam_counts=(16,))
    result = augment(make_sample(), rng(), config)
    assert result.cloud.ring is not None
    beams = np.unique(result.cloud.ring)
    assert len(beams) == 16
    assert set(np.diff(beams)) == {4}
    np.testing.assert_array_equal(result.annotations.visible_fraction, make_sample().annotations.visible_fraction)


@pytest.mark.parametrize("beams", [40, 64, 128])
def test_any_number_of_beams_up_to_the_scans_own_is_kept(beams: int) -> None:
    result = augment(make_sample(), rng(2), replace(OFF, fewer_beams_probability=1.0, beam_counts=(beams,)))
    assert result.cloud.ring is not None
    assert len(np.unique(result.cloud.ring)) == min(beams, 64)


def test_beams_are_found_by_elevation_where_the_scan_has_none() -> None:
    result = augment(make_sample(ring=False), rng(), replace(OFF, fewer_beams_probability=1.0, beam_counts=(16,)))
    assert 0.1 < len(result.cloud) / len(make_sample().cloud) < 0.6
    assert result.cloud.ring is None


def test_lost_beams_are_lost_whole() -> None:
    result = augment(make_sample(), rng(1), replace(OFF, beam_loss_probability=1.0, max_beam_loss=0.5))
    assert result.cloud.ring is not None
    left = np.bincount(result.cloud.ring, minlength=64)
    whole = np.bincount(np.arange(len(make_sample().cloud)) % 64)
    assert 0 < np.count_nonzero(left == 0) < 40
    np.testing.assert_array_equal(left[left > 0], whole[left > 0])


def test_lost_points_leave_every_column_in_step() -> None:
    result = augment(make_sample(), rng(1), replace(OFF, point_loss_probability=1.0))
    cloud, whole = result.cloud, make_sample().cloud
    assert 0.2 < len(cloud) / len(whole) < 1
    assert cloud.intensity is not None
    assert whole.intensity is not None
    place = {float(i): k for k, i in enumerate(whole.intensity)}
    rows = [place[float(i)] for i in cloud.intensity]
    np.testing.assert_array_equal(cloud.xyz, whole.xyz[rows])
    assert result.annotations.point_semantic is not None
    assert make_sample().annotations.point_semantic is not None


def test_an_object_may_lose_all_its_points_and_stays() -> None:
    config = replace(OFF, point_loss_probability=1.0, max_point_loss=1.0)
    results = [augment(make_sample(per_box=1), rng(seed), config).annotations for seed in range(6)]
    assert any((truth.num_points == 0).any() for truth in results)
    assert {len(truth) for truth in results} == {3}


def test_a_screen_ends_rays_and_takes_visible_fraction() -> None:
    config = replace(OFF, screen_probability=1.0, screen_distance_m=(6.0, 6.0), max_screen_rad=1.2)
    touched = 0
    for seed in range(20):
        result, sample = augment(make_sample(), rng(seed), config), make_sample()
        ray, old = result.cloud.xyz - SENSOR, sample.cloud.xyz - SENSOR
        moved = np.flatnonzero(~np.isclose(ray, old, atol=1e-4).all(axis=1))
        touched += len(moved) > 0
        direction = ray[moved] / np.linalg.norm(ray[moved], axis=1, keepdims=True)
        np.testing.assert_allclose(direction, old[moved] / np.linalg.norm(old[moved], axis=1, keepdims=True), atol=1e-4)
        assert (np.linalg.norm(ray[moved], axis=1) < np.linalg.norm(old[moved], axis=1)).all()
        truth = result.annotations
        assert truth.point_semantic is not None
        assert truth.occlusion is not None
        assert (truth.point_semantic[moved] == SemanticClass.MANMADE).all()
        np.testing.assert_allclose(truth.visible_fraction[:2], np.array([1.0, 0.5]) * truth.num_points[:2] / 400)
        np.testing.assert_allclose(truth.occlusion.visible_fraction, truth.num_points / 400)
        assert np.isnan(truth.visible_fraction[2])
    assert touched > 10


def test_ghosts_lie_below_the_road_and_belong_to_nothing() -> None:
    result = augment(make_sample(), rng(1), replace(OFF, ghost_probability=1.0, max_ghosts=0.2))
    ghosts = result.cloud.xyz[:, 2] < -0.85
    assert ghosts.any()
    assert result.annotations.point_semantic is not None
    assert result.annotations.point_instance is not None
    assert (result.annotations.point_semantic[ghosts] == SemanticClass.NOISE).all()
    assert (result.annotations.point_instance[ghosts] == 0).all()


def test_range_noise_moves_points_along_their_rays() -> None:
    result = augment(make_sample(), rng(1), replace(OFF, range_noise_m=0.05))
    ray, old = result.cloud.xyz - SENSOR, make_sample().cloud.xyz - SENSOR
    assert 0.001 < np.std(np.linalg.norm(ray, axis=1) - np.linalg.norm(old, axis=1)) < 0.05
    np.testing.assert_allclose(np.cross(ray, old), 0, atol=0.01)


def test_boxes_count_where_points_have_no_labels() -> None:
    sample = make_sample()
    bare = replace(sample, annotations=replace(sample.annotations, point_semantic=None, point_instance=None))
    result = augment(bare, rng(), replace(OFF, max_yaw_rad=np.pi, screen_probability=1.0, ghost_probability=1.0))
    counted = count_points_in_boxes(result.cloud.xyz, result.annotations.boxes)
    np.testing.assert_array_equal(result.annotations.num_points, counted)
    assert counted.sum() > 600


def test_several_sweeps_move_with_their_own_origins() -> None:
    sample = make_sample()
    sweep = (np.arange(len(sample.cloud)) % 2).astype(np.int32)
    origins = np.array([SENSOR, (-2.0, 0.0, 1.5)], np.float32)
    two = replace(sample, cloud=replace(sample.cloud, sweep=sweep, sensor_origins_m=origins))
    result = augment(two, rng(1), replace(OFF, range_noise_m=0.05, flip_probability=1.0))
    assert result.cloud.num_sweeps == 2
    ray = result.cloud.xyz - result.cloud.sensor_origins_m[sweep]
    old = (two.cloud.xyz - origins[sweep]) * np.array([1, -1, 1], np.float32)
    np.testing.assert_allclose(np.cross(ray, old), 0, atol=0.01)


def test_rays_of_a_sensor_that_moved_keep_their_own_origins() -> None:
    sample = make_sample()
    origins = np.linspace((-1.5, 0, 1.5), (0, 0, 1.5), len(sample.cloud), dtype=np.float32)
    moving = replace(sample, cloud=replace(sample.cloud, ray_origins_m=origins))
    result = augment(moving, rng(1), replace(OFF, range_noise_m=0.05, flip_probability=1.0))
    old = (moving.cloud.xyz - origins) * np.array([1, -1, 1], np.float32)
    np.testing.assert_allclose(np.cross(result.cloud.xyz - result.cloud.ray_starts_m(), old), 0, atol=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_an_empty_scan_without_objects_passes(seed: int) -> None:
    cloud = PointCloud.empty()
    truth = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    always = AugmentConfig(
        fewer_beams_probability=1.0, beam_loss_probability=1.0, point_loss_probability=1.0, ghost_probability=1.0,
        screen_probability=1.0, shift_probability=1.0,
    )  # fmt: skip
    result = augment(Sample("empty", cloud, truth, PLACE, PLACE), rng(seed), always)
    assert len(result.cloud) == 0
    assert len(result.annotations) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: AugmentConfig(flip_probability=1.5),
        lambda: AugmentConfig(max_point_loss=-0.1),
        lambda: AugmentConfig(range_noise_m=-1.0),
        lambda: AugmentConfig(screen_distance_m=(5.0, 2.0)),
        lambda: AugmentConfig(beam_counts=(0,)),
    ],
)
def test_impossible_amounts_are_refused(make: Callable[[], AugmentConfig]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()


def test_weather_takes_points_and_leaves_the_rest_true() -> None:
    sample = make_sample()
    stormy = replace(OFF, weather_probability=1.0, max_weather=1.0)
    lost = 0
    for seed in range(12):
        changed = augment(sample, np.random.default_rng(seed), stormy)
        assert np.allclose(changed.annotations.boxes, sample.annotations.boxes, atol=1e-5)
        instance = changed.annotations.point_instance
        assert instance is not None
        assert len(instance) == len(changed.cloud)
        assert np.array_equal(np.bincount(instance, minlength=4)[1:], changed.annotations.num_points)
        lost += len(sample.cloud) - len(changed.cloud)
    assert lost > 1000
