"""A flat road with boxes on it, of which the sensor sees the sides that face it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float

from bevseg.datasets.real_frames import open_real_frames
from bevseg.evaluation.frame_scores import REAL
from bevseg.evaluation.matching import EVALUATION_GRID, count_matches, match_frame
from bevseg.evaluation.scores import MatchCounts
from bevseg.geometry.grid import BevGrid
from bevseg.instances.clusters import ClusterConfig, segment_clusters
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass

GRID = BevGrid(2.0, -20.0, 0.2, 200, 160)
CONFIG = ClusterConfig()
ROAD_Z_M = -1.8


def _road() -> Float[np.ndarray, "n 3"]:
    x, y = np.meshgrid(np.arange(-30, 45, 0.4), np.arange(-25, 25, 0.4))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, ROAD_Z_M)], axis=1)


def _sides(x: float, y: float, length: float, width: float, height: float) -> Float[np.ndarray, "n 3"]:
    """The two sides of an upright box, rear and right, that face a sensor behind and to the right of it."""
    up = np.arange(0.1, height, 0.15)
    along, across = np.arange(0, length + 1e-9, 0.1), np.arange(0, width + 1e-9, 0.1)
    rear = np.array([(x - length / 2, y - width / 2 + t, z) for t in across for z in up])
    right = np.array([(x - length / 2 + t, y - width / 2, z) for t in along for z in up])
    return np.concatenate([rear, right]) + np.array([0, 0, ROAD_Z_M])


def _cloud(*objects: Float[np.ndarray, "n 3"]) -> PointCloud:
    return PointCloud.from_xyz(np.concatenate([_road(), *objects]).astype(np.float32))


def test_a_car_is_found_whole() -> None:
    found = segment_clusters(_cloud(_sides(15, 5, 4.4, 1.8, 1.5)), GRID, CONFIG)
    assert found.label.tolist() == [SemanticClass.CAR]
    x, y, z, length, width, height, yaw = found.boxes[0]
    assert (x, y) == pytest.approx((15, 5), abs=0.15)
    assert (length, width) == pytest.approx((4.6, 1.9), abs=0.1)
    assert z == pytest.approx(ROAD_Z_M + height / 2, abs=0.05)
    assert np.sin(yaw) == pytest.approx(0, abs=1e-6)
    assert found.grid == GRID
    assert found.amodal.area_cells[0] == pytest.approx(4.6 * 1.9 / 0.04, rel=0.15)


def test_a_rear_alone_is_completed_away_from_the_sensor() -> None:
    rear = _sides(15, 0, 0.1, 1.8, 1.5)
    found = segment_clusters(_cloud(rear), GRID, CONFIG)
    assert found.label.tolist() == [SemanticClass.CAR]
    assert found.boxes[0, 0] == pytest.approx(15 + 4.6 / 2, abs=0.2)
    assert found.boxes[0, 3] == pytest.approx(4.6, abs=0.1)
    assert np.sin(found.boxes[0, 6]) == pytest.approx(0, abs=1e-6)


def test_pedestrian_and_bicycle() -> None:
    found = segment_clusters(_cloud(_sides(8, 3, 0.4, 0.5, 1.7), _sides(12, -4, 1.3, 0.5, 1.6)), GRID, CONFIG)
    assert sorted(found.label.tolist()) == [SemanticClass.BICYCLE, SemanticClass.PEDESTRIAN]


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((14.0, 0.3, 1.5), id="a wall"),
        pytest.param((5.0, 2.0, 5.0), id="a building"),
        pytest.param((0.3, 0.3, 5.0), id="a pole"),
        pytest.param((2.0, 2.0, 0.5), id="a kerb"),
    ],
)
def test_what_is_no_object_is_left_out(size: tuple[float, float, float]) -> None:
    assert len(segment_clusters(_cloud(_sides(15, 5, *size)), GRID, CONFIG)) == 0


def test_too_few_points_are_nothing() -> None:
    car = _sides(15, 5, 4.4, 1.8, 1.5)
    assert len(segment_clusters(_cloud(car[::60]), GRID, CONFIG)) == 0


def test_far_cells_are_joined_across_wider_gaps() -> None:
    dots = np.array([(x, 5.0, ROAD_Z_M + z) for x in np.arange(30.1, 34.2, 0.6) for z in np.arange(0.4, 1.5, 0.1)])
    config = ClusterConfig(far_m=20.0)
    assert len(segment_clusters(_cloud(dots), GRID, config)) == 1
    assert len(segment_clusters(_cloud(dots), GRID, ClusterConfig(far_m=100.0))) == 0


def test_of_two_that_share_ground_the_stronger_stays() -> None:
    # The rear of one car is completed into the place where another, seen from its side, stands.
    rear, side = _sides(15, 0, 0.1, 1.8, 1.5), _sides(17.5, 0.0, 2.4, 0.1, 1.5)
    found = segment_clusters(_cloud(rear, side), GRID, CONFIG)
    assert len(found) == 1
    assert found.score[0] == 1.0


def test_objects_off_the_grid_are_not_sought() -> None:
    assert len(segment_clusters(_cloud(_sides(-15, 5, 4.4, 1.8, 1.5)), GRID, CONFIG)) == 0


def test_an_empty_cloud_and_a_bare_road() -> None:
    assert len(segment_clusters(PointCloud.empty(), GRID, CONFIG)) == 0
    assert len(segment_clusters(_cloud(), GRID, CONFIG)) == 0


def test_configurations_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="cell_m"):
        ClusterConfig(cell_m=0.0)
    with pytest.raises(ValueError, match="low_m < tall_m"):
        ClusterConfig(low_m=2.5)


@pytest.mark.real
def test_real_vehicles_are_found_by_what_was_chosen_on_simulated_frames(real_data: Path) -> None:
    samples = (source[k] for source in open_real_frames(real_data) for k in range(len(source)))
    boxed = (sample for sample in samples if len(sample.annotations))
    found = (
        match_frame(segment_clusters(s.cloud, EVALUATION_GRID, CONFIG), s.annotations, rule=REAL.rule) for s in boxed
    )
    counts = sum((count_matches(matches) for matches in found), start=MatchCounts.zero(len(ClassGroup)))
    assert counts.f1[ClassGroup.VEHICLE] >= 0.39
