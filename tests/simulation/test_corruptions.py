"""Weather and damage: what is lost, what ends elsewhere, and truth that stays true."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.sample_edit import beams_of, rays_of
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.corruptions import CorruptedSource, Corruption, CorruptionKind, corrupt
from bevseg.simulation.source import simulate_frame

KINDS: tuple[CorruptionKind, ...] = get_args(CorruptionKind)
LOSING = tuple(kind for kind in KINDS if kind not in ("timing-jitter", "lift"))


@pytest.fixture(scope="module")
def scan() -> Sample:
    return simulate_frame(SimulationConfig(seed=3, frames=1, sensors=("vlp-16",), range_m=40.0, occlusion=False), 0)


def after(scan: Sample, kind: CorruptionKind, strength: float, seed: int = 0) -> Sample:
    return corrupt(scan, Corruption(kind, strength), np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_strength_0_changes_nothing(scan: Sample, kind: CorruptionKind) -> None:
    assert after(scan, kind, 0.0) is scan


def test_truth_about_the_ground_is_that_of_clear_air() -> None:
    grid = BevGrid(2.0, -3.0, 0.5, 20, 10)
    config = SimulationConfig(seed=3, frames=1, sensors=("vlp-16",), range_m=20.0, occlusion=False, ground_cells=grid)
    scan = simulate_frame(config, 0)
    assert scan.annotations.ground is not None
    assert after(scan, "fog", 1.0).annotations.ground is scan.annotations.ground


@pytest.mark.parametrize("kind", KINDS)
def test_truth_stays_true_and_the_scan_as_it_was(scan: Sample, kind: CorruptionKind) -> None:
    before = scan.cloud.xyz.copy()
    worse = after(scan, kind, 0.8)
    np.testing.assert_array_equal(scan.cloud.xyz, before)
    truth = worse.annotations
    assert truth.point_instance is not None
    assert truth.point_semantic is not None
    assert len(truth.point_instance) == len(truth.point_semantic) == len(worse.cloud)
    np.testing.assert_array_equal(truth.num_points, np.bincount(truth.point_instance, minlength=len(truth) + 1)[1:])
    assert (truth.num_points <= scan.annotations.num_points).all()
    assert (truth.point_instance[truth.point_semantic == SemanticClass.NOISE] == 0).all()
    again = after(scan, kind, 0.8)
    np.testing.assert_array_equal(again.cloud.xyz, worse.cloud.xyz)
    assert np.isfinite(worse.cloud.xyz).all()


@pytest.mark.parametrize("kind", LOSING)
def test_more_of_it_loses_more(scan: Sample, kind: CorruptionKind) -> None:
    on_objects = [sum(after(scan, kind, s, seed).annotations.num_points.sum() for seed in range(4)) for s in (0.2, 0.9)]
    assert on_objects[1] < on_objects[0] <= 4 * scan.annotations.num_points.sum()


def test_fog_takes_the_far_and_the_dark_first(scan: Sample) -> None:
    foggy = after(scan, "fog", 0.7)
    echoes = foggy.annotations.point_semantic != SemanticClass.NOISE
    far = np.linalg.norm(rays_of(foggy.cloud)[echoes], axis=1) > 25
    far_before = np.linalg.norm(rays_of(scan.cloud), axis=1) > 25
    assert far.mean() < 0.5 * far_before.mean()


@pytest.mark.parametrize("kind", ["fog", "snow"])
def test_what_the_air_returns_lies_on_the_ray_before_the_target(scan: Sample, kind: CorruptionKind) -> None:
    worse = after(scan, kind, 1.0)
    assert worse.annotations.point_semantic is not None
    assert scan.annotations.point_semantic is not None
    airborne = rays_of(worse.cloud)[worse.annotations.point_semantic == SemanticClass.NOISE]
    clear = rays_of(scan.cloud)[scan.annotations.point_semantic == SemanticClass.NOISE]
    assert len(airborne) > len(clear) + 50
    assert np.median(np.linalg.norm(airborne, axis=1)) < 15


def test_damage_takes_whole_beams_or_sectors(scan: Sample) -> None:
    rings = set(beams_of(scan.cloud).tolist())
    blocked = set(beams_of(after(scan, "blocked-beams", 1.0).cloud).tolist())
    assert 0 < len(blocked) < len(rings)
    quarter = set(beams_of(after(scan, "fewer-beams", 1.0).cloud).tolist())
    assert len(quarter) <= len(rings) / 4 + 1
    assert np.ptp(np.diff(sorted(quarter))) <= 1


def test_jitter_turns_about_the_sensor(scan: Sample) -> None:
    shaken = after(scan, "timing-jitter", 1.0)
    old, new = rays_of(scan.cloud), rays_of(shaken.cloud)
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), np.linalg.norm(old, axis=1), rtol=1e-4)
    turn = np.degrees(np.arctan2(new[:, 1], new[:, 0]) - np.arctan2(old[:, 1], old[:, 0]))
    turn = (turn + 180) % 360 - 180
    assert 0.3 < turn.std() < 0.9


def test_a_lifted_scan_takes_its_truth_along(scan: Sample) -> None:
    lifted = after(scan, "lift", 0.4)
    np.testing.assert_allclose(lifted.cloud.xyz[:, 2] - scan.cloud.xyz[:, 2], 0.4, atol=1e-5)
    np.testing.assert_allclose(lifted.annotations.boxes[:, 2] - scan.annotations.boxes[:, 2], 0.4, atol=1e-5)
    np.testing.assert_allclose(rays_of(lifted.cloud), rays_of(scan.cloud), atol=1e-5)
    moving = replace(scan, cloud=replace(scan.cloud, ray_origins_m=np.float32(0.1) * scan.cloud.xyz))
    np.testing.assert_allclose(rays_of(after(moving, "lift", 0.4).cloud), rays_of(moving.cloud), atol=1e-5)


def test_point_loss_loses_the_share_it_says(scan: Sample) -> None:
    assert len(after(scan, "point-loss", 0.75).cloud) == pytest.approx(0.25 * len(scan.cloud), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_scan_and_one_without_labels(scan: Sample, kind: CorruptionKind) -> None:
    empty = replace(
        scan,
        cloud=scan.cloud[np.zeros(0, np.int64)],
        annotations=replace(scan.annotations, point_semantic=None, point_instance=None),
    )
    assert len(after(empty, kind, 1.0).cloud) == 0
    unlabelled = replace(scan, annotations=replace(scan.annotations, point_semantic=None, point_instance=None))
    assert len(after(unlabelled, kind, 0.5).cloud) > 0


def test_a_set_that_labels_objects_but_has_no_boxes(scan: Sample) -> None:
    bare = Annotations.from_boxes(scan.cloud, np.zeros((0, 7)), np.zeros(0, np.uint8))
    labelled = replace(scan, annotations=replace(bare, point_instance=scan.annotations.point_instance))
    assert len(after(labelled, "point-loss", 0.5).annotations) == 0


def test_reading_a_corruption() -> None:
    assert Corruption.parse("fog:0.5") == Corruption("fog", 0.5)
    for text in ("fog", "fog:", "fog:2", "fog:nan", "smoke:0.5", ""):
        with pytest.raises(ValueError, match=r"KIND:STRENGTH.*dirty-lens"):
            Corruption.parse(text)


def test_every_scan_of_a_source_comes_to_its_own_harm_every_time(scan: Sample) -> None:
    @dataclass(frozen=True)
    class Twice:
        name: str = "twice"

        def __len__(self) -> int:
            return 2

        def name_of(self, index: int) -> str:
            return scan.name

        def __getitem__(self, index: int) -> Sample:
            return scan

    source = CorruptedSource(Twice(), Corruption("point-loss", 0.5))
    assert (source.name, len(source)) == ("twice", 2)
    np.testing.assert_array_equal(source[1].cloud.xyz, source[1].cloud.xyz)
    assert len(source[0].cloud) != len(source[1].cloud)
