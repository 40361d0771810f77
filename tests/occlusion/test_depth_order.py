import numpy as np
import pytest

from bevseg.occlusion.depth_order import order_boxes
from bevseg.occlusion.sight_lines import AZIMUTHS_PER_OBJECT
from bevseg.results.occlusion_graph import OcclusionGraph

SENSOR = np.zeros(3)


def _car(x: float, y: float, yaw: float = 0.0) -> list[float]:
    """A car on the ground 1.8 m below the sensor."""
    return [x, y, -1.05, 4.5, 1.9, 1.5, yaw]


def _van(x: float, y: float, yaw: float = 0.0) -> list[float]:
    return [x, y, -0.5, 5.5, 2.0, 2.6, yaw]


def _order(*boxes: list[float], sensor: np.ndarray = SENSOR) -> OcclusionGraph:
    return order_boxes(np.array(boxes, np.float64).reshape(-1, 7), sensor)


def _edges(graph: OcclusionGraph) -> list[tuple[int, int]]:
    return list(zip(graph.occluder.tolist(), graph.occluded.tolist(), strict=True))


def test_a_van_hides_the_car_behind_it() -> None:
    graph = _order(_car(30, 0), _van(12, 0))

    assert _edges(graph) == [(1, 0)]
    assert graph.hidden_fraction[0] == pytest.approx(1.0)
    assert graph.visible_fraction.tolist() == pytest.approx([0.0, 1.0])
    assert graph.rank.tolist() == [1, 0]
    assert graph.cycles == ()


def test_objects_side_by_side_do_not_hide_each_other() -> None:
    graph = _order(_car(20, 6), _van(15, 0), _car(-15, 0))

    assert graph.num_edges == 0
    assert graph.visible_fraction.tolist() == [1, 1, 1]
    assert graph.rank.tolist() == [2, 0, 1], "without edges the nearest footprint comes first"


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_hidden_share_is_the_share_of_the_azimuths(share: float) -> None:
    """A thin, high screen across the left part of a thin target's angle."""
    half = np.arctan2(2.0, 20.0)
    edge = 10 * np.tan(half - 2 * half * share)
    target = [20.0, 0, 0, 0.01, 4, 2, 0]
    screen = [10.0, edge + 5, 0, 0.01, 10, 4, 0]
    graph = _order(target, screen)

    assert _edges(graph) == [(1, 0)]
    assert graph.hidden_fraction[0] == pytest.approx(share, abs=1 / AZIMUTHS_PER_OBJECT)
    assert graph.visible_fraction[0] == pytest.approx(1 - share, abs=1 / AZIMUTHS_PER_OBJECT)


def test_a_cone_does_not_hide_a_bus_but_a_bus_hides_a_cone() -> None:
    cone_before = [8.0, 0, -1.45, 0.4, 0.4, 0.7, 0]
    cone_behind = [25.0, 0, -1.45, 0.4, 0.4, 0.7, 0]
    bus = [16.0, 0, -0.2, 3, 12, 3.2, 0]
    graph = _order(cone_before, bus, cone_behind)

    assert _edges(graph) == [(1, 2)]
    assert graph.visible_fraction.tolist() == pytest.approx([1, 1, 0], abs=0.01)


def test_a_roof_shows_above_a_lower_car_for_a_high_sensor() -> None:
    boxes = (_car(12, 0), _van(20, 0))
    low = _order(*boxes, sensor=np.array([0, 0, -0.5]))
    high = _order(*boxes, sensor=np.array([0, 0, 3.0]))

    assert low.visible_fraction[1] < high.visible_fraction[1] < 1


def test_what_two_hide_is_credited_to_the_nearer() -> None:
    graph = _order(_car(30, 0), _van(21, 0), _van(12, 0))

    assert _edges(graph) == [(2, 0), (2, 1)]
    assert graph.visible_fraction[0] == pytest.approx(0, abs=1e-6)
    assert graph.rank.tolist() == [2, 1, 0]


def test_hidden_fractions_and_the_visible_one_sum_to_one() -> None:
    rng = np.random.default_rng(5)
    boxes = [_van(float(x), float(y), float(yaw)) for x, y, yaw in rng.uniform([8, -25, -3], [60, 25, 3], (40, 3))]
    graph = _order(*boxes)

    hidden = np.bincount(graph.occluded, graph.hidden_fraction, minlength=40)
    assert (hidden > 0.3).sum() > 10
    np.testing.assert_allclose(hidden + graph.visible_fraction, 1, atol=0.03, err_msg="edges below 1 % are left out")


def test_what_does_not_fill_its_box_hides_less() -> None:
    solid = _order([20, 0, -0.8, 0.1, 4, 2, 0], _car(12, 0, np.pi / 2))
    boxes = np.array([[20, 0, -0.8, 0.1, 4, 2, 0], _car(12, 0, np.pi / 2)])
    half = order_boxes(boxes, SENSOR, solid_share=np.array([1.0, 0.5]))

    assert solid.visible_fraction[0] < half.visible_fraction[0] < 1
    assert half.visible_fraction[1] == 1


@pytest.mark.parametrize("turn_rad", [0.0, 0.7, np.pi / 2, np.pi, -2.5])
def test_a_turn_of_the_world_changes_nothing(turn_rad: float) -> None:
    """Also where the shared azimuths lie across pi."""
    rng = np.random.default_rng(2)
    boxes = np.array(
        [_car(float(x), float(y), float(yaw)) for x, y, yaw in rng.uniform([5, 5, -3], [40, 40, 3], (25, 3))]
    )
    shift = np.array([30.0, -7.0, 0.5])
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    moved = boxes.copy()
    moved[:, :2] = boxes[:, :2] @ np.array([[c, s], [-s, c]])
    moved[:, :3] += shift
    moved[:, 6] += turn_rad

    before, after = order_boxes(boxes, SENSOR), order_boxes(moved, shift)

    assert _edges(before) == _edges(after)
    np.testing.assert_allclose(before.visible_fraction, after.visible_fraction, atol=1e-6)
    np.testing.assert_array_equal(before.rank, after.rank)


def test_a_box_around_the_sensor_hides_nothing_and_comes_first() -> None:
    graph = _order(_car(15, 0), [0.5, 0, -0.8, 5, 2, 2.0, 0.1], _van(8, 0))

    assert _edges(graph) == [(2, 0)]
    assert graph.visible_fraction[1] == 1
    assert graph.rank.tolist() == [2, 0, 1]


def test_three_boxes_in_a_pinwheel_are_reported_as_a_cycle() -> None:
    """Each starts near the sensor and ends behind the start of the next."""
    turns = np.arange(3) * 2 * np.pi / 3
    near = 5 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    far = 25 * np.stack([np.cos(turns + 2.3), np.sin(turns + 2.3)], axis=1)
    middle, along = (near + far) / 2, far - near
    pinwheel = [
        [*middle[k], 0, float(np.hypot(*along[k])), 0.4, 3, float(np.arctan2(along[k, 1], along[k, 0]))]
        for k in range(3)
    ]
    graph = _order(_car(60, 0), *pinwheel, _car(2.6, 0))

    assert graph.cycles == ((1, 2, 3),)
    assert {(2, 1), (3, 2), (1, 3)} <= set(_edges(graph))
    assert graph.rank[1] == graph.rank[2] == graph.rank[3] == 1
    assert graph.rank[4] == 0
    assert graph.rank[0] == 2


@pytest.mark.parametrize("k", [0, 1])
def test_too_few_boxes_for_an_edge(k: int) -> None:
    graph = _order(*[_car(10, 0)] * k)

    assert graph.num_edges == 0
    assert graph.rank.tolist() == list(range(k))
    assert graph.visible_fraction.tolist() == [1.0] * k


def test_boxes_that_are_not_finite_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"boxes \[1\]"):
        _order(_car(10, 0), _car(np.nan, 0))


def test_the_visible_fraction_is_that_of_cast_rays() -> None:
    """Against counting: 3-D rays on a fine grid of angles, every box hit in turn, by the slab method."""
    rng = np.random.default_rng(11)
    boxes: list[list[float]] = []
    while len(boxes) < 30:
        x, y = rng.uniform(-35, 35, 2)
        if np.hypot(x, y) > 6 and all(np.hypot(x - b[0], y - b[1]) > 6 for b in boxes):
            boxes.append((_car, _van)[len(boxes) % 2](float(x), float(y), float(rng.uniform(-3, 3))))
    array = np.array(boxes)

    counted, hits = _count_visible(array)
    estimated = order_boxes(array, SENSOR).visible_fraction

    well_sampled = hits > 100
    assert well_sampled.sum() > 20
    assert (counted[well_sampled] < 0.9).sum() > 8, "the scene has hidden objects"
    np.testing.assert_allclose(estimated[well_sampled], counted[well_sampled], atol=0.06)


def _count_visible(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Visible fraction by counting rays, and the rays that hit each box with all others removed."""
    azimuth, slope = np.meshgrid(np.radians(np.arange(-180, 180, 0.3)), np.arange(-0.32, 0.2, 0.004))
    rays = np.stack([np.cos(azimuth), np.sin(azimuth), slope], axis=-1).reshape(-1, 3)
    ranges = np.full((len(boxes), len(rays)), np.inf)
    for k, box in enumerate(boxes):
        c, s = np.cos(box[6]), np.sin(box[6])
        to_box = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        with np.errstate(divide="ignore"):
            inverse = 1 / (rays @ to_box.T)
        a, b = (to_box @ -box[:3] - box[3:6] / 2) * -inverse, (to_box @ -box[:3] + box[3:6] / 2) * -inverse
        entry, exit_ = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
        ranges[k] = np.where((exit_ >= entry) & (entry > 0), entry, np.inf)
    alone = np.isfinite(ranges)
    seen = alone & (ranges == ranges.min(axis=0))
    return seen.sum(axis=1) / np.maximum(alone.sum(axis=1), 1), alone.sum(axis=1)
