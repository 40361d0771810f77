"""Second echoes: behind glass, leaves and drops; which of them a sensor reports; first echoes stay as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.configuration import dump_yaml
from bevseg.datasets.sample import Sample
from bevseg.geometry.boxes import points_in_box
from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.echoes import APART_M, reported
from bevseg.simulation.layout.world import StaticPieces, World, build_world
from bevseg.simulation.materials import LIGHT_LEFT, Material
from bevseg.simulation.measured import Points
from bevseg.simulation.raycast import RayScene, first_returns
from bevseg.simulation.scan import Scan, scan
from bevseg.simulation.sensors import ReturnMode, find_sensor
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.shapes.mesh import Mesh, box, ellipsoid, quad
from bevseg.simulation.source import simulate_frame
from bevseg.simulation.stage import Stage
from bevseg.simulation.weather import Conditions
from bevseg.stopwatch import Stopwatch

MODES: tuple[ReturnMode, ...] = ("first", "strongest", "last", "dual")
CLEAR = Conditions(reach_factor=1.25, wet=0.0, ghost_share=0.0, lost_share=0.0, drops_share=0.0, ego_body=None)
EYE_M = 1000.0
"""The sensor hovers far above the ground of the world: only what a test puts up is met."""


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(np.random.default_rng(4), SimulationConfig(any_heading=0.0), density=0.0, range_m=20.0)


def _pane(x: float, material: Material) -> Mesh:
    z = EYE_M
    return quad(np.array([(x, -40, z - 40), (x, 40, z - 40), (x, 40, z + 40), (x, -40, z + 40)]), material)


def _scan(world: World, mode: ReturnMode, *meshes: Mesh, conditions: Conditions = CLEAR) -> Scan:
    """Of meshes around (0, 0) at the height of a sensor that looks ahead."""
    pieces = Assembly.of(_pane(-90.0, Material.EARTH), *meshes)  # piece 0 is the ground; this one is never met
    n = len(pieces)
    static = StaticPieces(pieces, np.full(n, SemanticClass.MANMADE, np.uint8), np.ones(n, np.float32))
    sensor = replace(find_sensor("vlp-16"), sector_deg=(-20.0, 20.0), azimuth_steps=200, returns=mode)
    pose = Transform.from_yaw(0.0, np.array([0.0, 0.0, EYE_M]), dst="global", src="lidar")
    stage = Stage(static, RayScene(pieces), world.surface, world.objects[np.zeros(0, np.int64)])
    rng = np.random.default_rng(np.random.SeedSequence(8))
    return scan(stage, sensor, pose, conditions, rng, occlusion=True, watch=Stopwatch())


def test_a_wall_behind_glass_is_the_second_echo(world: World) -> None:
    points = _scan(world, "dual", _pane(5.0, Material.GLASS), _pane(9.0, Material.CONCRETE)).points
    beams, echoes = np.unique(points.beam, return_counts=True)
    assert len(beams) > 3000
    two = np.isin(points.beam, beams[echoes == 2])
    x = points.xyz[two, 0].reshape(-1, 2)
    np.testing.assert_allclose(x, np.tile([5.0, 9.0], (len(x), 1)), atol=0.1)
    assert (points.time_s[two].reshape(-1, 2).ptp(axis=1) == 0).all()
    assert (points.ring[two].reshape(-1, 2).ptp(axis=1) == 0).all()
    assert 0.25 < (echoes == 2).mean() < 0.45  # the share of beams that glass answers
    np.testing.assert_allclose(points.xyz[~two, 0], 9.0, atol=0.1)


def test_a_second_echo_is_as_much_darker_as_light_is_missing(world: World) -> None:
    points = _scan(world, "dual", _pane(5.0, Material.GLASS), _pane(9.0, Material.CONCRETE)).points
    behind = points.xyz[:, 0] > 7
    second = behind & np.isin(points.beam, points.beam[~behind])
    ratio = np.median(points.intensity[second]) / np.median(points.intensity[behind & ~second])
    assert ratio == pytest.approx(LIGHT_LEFT[Material.GLASS] ** 0.85, rel=0.05)  # intensity grows as that power


@pytest.mark.parametrize(
    "meshes", [(_pane(5.0, Material.METAL), _pane(9.0, Material.BRICK)), (_pane(5.0, Material.GLASS),), ()]
)
def test_no_second_echo_from_behind_what_is_solid_or_from_nowhere(world: World, meshes: tuple[Mesh, ...]) -> None:
    found = [_scan(world, mode, *meshes).points for mode in MODES]
    assert len({points.xyz.tobytes() for points in found}) == 1
    assert bool(len(found[0])) == bool(meshes)


def test_echoes_that_are_near_to_each_other_are_one(world: World) -> None:
    near, far = (
        _scan(world, "dual", _pane(5.0, Material.GLASS), _pane(5.0 + gap, Material.BRICK)).points
        for gap in (0.8 * APART_M, 1.2 * APART_M)
    )
    assert len(np.unique(near.beam)) == len(near)
    assert len(np.unique(far.beam)) < len(far)


def test_a_second_leaf_or_the_wall_behind_but_never_the_air_between(world: World) -> None:
    crown = ellipsoid((10.0, 0, EYE_M), (1.5, 8.0, 8.0), Material.FOLIAGE, around=24, rings=16)
    points = _scan(world, "dual", crown, _pane(25.0, Material.BRICK)).points
    _, echoes = np.unique(points.beam, return_counts=True)
    assert (echoes == 2).mean() > 0.3
    from_center = np.linalg.norm((points.xyz - np.array([10.0, 0, 0])) / np.array([1.5, 8, 8]), axis=1)
    at_wall = np.abs(points.xyz[:, 0] - 25.0) < 0.1
    assert (at_wall | (from_center < 1.1)).all()
    second = np.append(False, np.diff(points.beam) == 0)
    assert 0.02 < at_wall[second].mean() < 0.98


def test_rays_that_start_in_leaves_leave_them_once() -> None:
    crown = ellipsoid((10.0, 0, 1.0), (3.0, 3.0, 3.0), Material.FOLIAGE, around=16, rings=9)
    wall = box((20.05, 0, 0), (0.1, 4, 3), Material.CONCRETE)
    scene, ahead = RayScene(Assembly.of(crown, wall)), np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (2, 1))
    origin, start, chance = np.array([0.0, 0.0, 1.0]), np.full(2, 9.0), np.full((2, 6), 0.5)
    inside = first_returns(scene, origin, ahead[:1], chance[:1], np.zeros(1))
    leaves = replace(inside[np.zeros(2, np.int64)], ray=np.arange(2), distance_m=np.array([10.0, 14.0]))
    hits = first_returns(scene, origin, ahead, chance, start, leaves=leaves)
    found = sorted(zip(hits.ray.tolist(), np.round(hits.distance_m, 3).tolist(), strict=True))
    assert found == [(0, 10.0), (1, 20.0)]


def test_behind_drops(world: World) -> None:
    rain = replace(CLEAR, drops_share=1.0)
    first, dual, last = (
        _scan(world, mode, _pane(40.0, Material.RETRO), conditions=rain).points for mode in ("first", "dual", "last")
    )
    assert (first.semantic == SemanticClass.NOISE).mean() > 0.95
    assert (dual.semantic == SemanticClass.MANMADE).mean() > 0.4
    assert (last.semantic == SemanticClass.MANMADE).mean() > 0.8


def _points(beam: list[int]) -> Points:
    n = len(beam)
    return Points(
        np.arange(3.0 * n, dtype=np.float32).reshape(n, 3), np.zeros(n, np.float32), np.zeros(n, np.float32),
        np.zeros(n, np.int32), np.array(beam, np.int64), np.zeros(n, np.uint8), np.zeros(n, np.int32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "beams", "of_second"),
    [
        ("first", [1, 4, 6], [False, False, False]),
        ("dual", [1, 4, 4, 5, 6, 6], [False, False, True, True, False, True]),
        ("last", [1, 4, 5, 6], [False, True, True, True]),
        ("strongest", [1, 4, 5, 6], [False, True, True, False]),
    ],
)
def test_which_echoes_are_reported(mode: ReturnMode, beams: list[int], of_second: list[bool]) -> None:
    first, second = _points([1, 4, 6]), replace(_points([4, 5, 6]), semantic=np.full(3, 9, np.uint8))
    found = reported(mode, first, np.array([3.0, 1.0, 2.0]), second, np.array([2.0, 1.0, 1.0]))
    assert found.beam.tolist() == beams
    assert (found.semantic == 9).tolist() == of_second
    assert len(reported(mode, _points([]), np.zeros(0), _points([]), np.zeros(0))) == 0


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[ReturnMode, Sample]:
    """The same frame of sensors that differ in what they report."""
    folder = tmp_path_factory.mktemp("sensors")
    samples: dict[ReturnMode, Sample] = {}
    for mode in MODES:
        file = folder / f"{mode}.yaml"
        file.write_text(dump_yaml(replace(find_sensor("vlp-32c"), returns=mode)))
        config = SimulationConfig(seed=21, frames=1, sensors=(str(file),), density=(0.9, 0.9), range_m=50.0)
        samples[mode] = simulate_frame(config, 0)
    return samples


def _rows(sample: Sample) -> set[bytes]:
    return {row.tobytes() for row in np.ascontiguousarray(sample.cloud.xyz)}


def test_first_echoes_are_those_of_a_sensor_that_reports_no_others(frames: dict[ReturnMode, Sample]) -> None:
    first, dual = frames["first"], frames["dual"]
    assert _rows(first) < _rows(dual)
    assert 1.02 * len(first.cloud) < len(dual.cloud) < 1.5 * len(first.cloud)
    one_each = {len(frames[mode].cloud) for mode in ("last", "strongest")}
    assert len(one_each) == 1
    assert len(first.cloud) <= one_each.pop() < len(dual.cloud)
    assert _rows(frames["last"]) < _rows(dual)
    assert _rows(frames["strongest"]) < _rows(dual)
    assert _rows(frames["strongest"]) != _rows(frames["last"])


def test_truth_of_second_echoes(frames: dict[ReturnMode, Sample]) -> None:
    dual, truth = frames["dual"], frames["dual"].annotations
    assert truth.point_instance is not None
    assert truth.point_semantic is not None
    earlier = _rows(frames["first"])
    second = np.array([row.tobytes() not in earlier for row in np.ascontiguousarray(dual.cloud.xyz)])
    assert (truth.point_instance[second] > 0).sum() > 20
    for k in np.unique(truth.point_instance[second & (truth.point_instance > 0)]) - 1:
        mine = second & (truth.point_instance == k + 1)
        assert points_in_box(dual.cloud.xyz[mine], truth.boxes[k], margin_m=0.25).mean() > 0.9
        assert (truth.point_semantic[mine] == truth.label[k]).all()
    np.testing.assert_array_equal(truth.num_points, np.bincount(truth.point_instance, minlength=len(truth) + 1)[1:])


def test_visible_fractions_are_those_of_first_echoes(frames: dict[ReturnMode, Sample]) -> None:
    expected = frames["first"].annotations.visible_fraction
    for mode in MODES:
        np.testing.assert_array_equal(frames[mode].annotations.visible_fraction, expected)


def test_a_drive_with_a_rolling_shutter_and_two_echoes() -> None:
    scene = SimulationConfig(
        seed=5, frames=2, sensors=("vlp-16-dual",), range_m=40.0, density=(0.5, 0.5), shutter="deskewed"
    )
    dual = DriveSource(DriveConfig(scene))[1]
    single = DriveSource(DriveConfig(replace(scene, sensors=("vlp-16",))))[1]
    assert _rows(single) < _rows(dual)
    assert (np.diff(dual.cloud.time_s) >= 0).all()
