"""Distances between real and simulated scans, on scans whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.evaluation.domain_gap import Gap, gaps, mean_distance_of_bands, pooled, profile_scans
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass

GROUND_Z_M = -1.8


def scan(*, car_x_m: float = 20.0, car_points: int = 40, lift_m: float = 0.0) -> Sample:
    """Flat ground and one car whose points lie at heights between 0.5 and 1.0 m, raised by `lift_m`."""
    rng = np.random.default_rng(0)
    ground = np.column_stack([rng.uniform(-45, 45, (9000, 2)), np.full(9000, GROUND_Z_M)])
    z = GROUND_Z_M + lift_m + np.linspace(0.5, 1.0, car_points)
    car = np.column_stack([np.full(car_points, car_x_m), np.linspace(-0.5, 0.5, car_points), z])
    cloud = PointCloud.from_xyz(np.concatenate([ground, car]).astype(np.float32), frame="lidar", stamp_ns=0)
    box = np.array([[car_x_m, 0.0, GROUND_Z_M + 1.0, 4.4, 1.9, 1.7, 0.0]], np.float32)
    still = [Transform(np.eye(4), dst=dst, src=src) for dst, src in (("ego", "lidar"), ("global", "ego"))]
    return Sample("flat", cloud, Annotations.from_boxes(cloud, box, np.array([SemanticClass.CAR])), *still)


def distance(found: tuple[Gap, ...], name: str) -> float:
    return next(gap.distance for gap in found if gap.name == name)


def test_scans_are_as_themselves() -> None:
    profile = profile_scans([scan(), scan()])
    assert profile.num_scans == 2
    assert profile.vehicle_points.tolist() == [40, 40]
    found = gaps(profile, profile)
    assert [gap.distance for gap in found if len(gap.real)] == [0.0] * 5
    assert mean_distance_of_bands(found) == 0.0


def test_heights_of_vehicles_are_taken_from_the_ground() -> None:
    low, high = profile_scans([scan()]), profile_scans([scan(lift_m=0.25)])
    np.testing.assert_allclose(np.sort(low.vehicle_height_m), np.linspace(0.5, 1.0, 40), atol=0.03)
    assert distance(gaps(low, high), "height of vehicle points") == pytest.approx(0.5, abs=0.08)


def test_vehicles_are_compared_within_their_band_of_range() -> None:
    near, far = profile_scans([scan(car_x_m=10.0)]), profile_scans([scan(car_x_m=40.0), scan(car_points=10)])
    found = gaps(near, far)
    assert np.isnan(distance(found, "points per vehicle, 0-15 m"))
    assert np.isnan(mean_distance_of_bands(found))
    both = gaps(profile_scans([scan(), scan(car_x_m=10.0)]), far)
    assert distance(both, "points per vehicle, 15-30 m") == 1.0
    assert mean_distance_of_bands(both) == 1.0


def test_each_vehicle_weighs_alike_if_it_can_be_seen_at_all() -> None:
    profile = profile_scans([scan(car_points=500), scan(car_points=45), scan(car_points=6)])
    assert profile.vehicle_points.tolist() == [500, 45]
    assert len(profile.vehicle_height_m) == 50 + 45


def test_ignored_vehicles_and_no_scans_count_nothing() -> None:
    sample = scan()
    ignored = replace(sample, annotations=replace(sample.annotations, ignored=np.ones(1, bool)))
    assert len(profile_scans([ignored]).vehicle_points) == 0
    nothing = profile_scans([])
    assert nothing.num_scans == 0
    assert all(np.isnan(gap.distance) for gap in gaps(nothing, nothing))


def test_the_own_vehicle_is_no_part_of_the_cells() -> None:
    assert profile_scans([scan()]).cell_range_m.min() > 2.8


def test_a_sector_counts_as_its_share_of_a_circle() -> None:
    whole = scan()
    sector = replace(whole, annotations=replace(whole.annotations, view=LabelledView(half_angle_rad=np.pi / 4)))
    assert profile_scans([whole]).crowdedness == 1.0
    assert profile_scans([sector]).crowdedness == 4.0
    both = pooled([profile_scans([whole]), profile_scans([sector, sector])])
    assert (both.num_scans, both.num_circles) == (3, 1.5)
    assert both.crowdedness == 2.0
    assert np.isnan(profile_scans([]).crowdedness)


def test_what_chance_gives_falls_with_the_number_of_values() -> None:
    few, many = (Gap("x", "m", np.arange(float(n)), np.arange(float(n))) for n in (8, 800))
    assert few.chance == pytest.approx(0.679)
    assert many.chance == pytest.approx(0.0679)
    assert np.isnan(Gap("x", "m", np.zeros(0), np.zeros(3)).chance)
