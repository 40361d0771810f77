from __future__ import annotations

import numpy as np
import pytest

from bevseg.evaluation.order_baselines import nearest_edge_m, no_occlusion, sort_by_nearest_edge

ORIGIN = np.zeros(3)


def box(x: float, y: float, *, length: float = 2.0, width: float = 2.0, yaw: float = 0.0) -> list[float]:
    return [x, y, -0.9, length, width, 1.6, yaw]


def test_nearest_edges() -> None:
    boxes = np.array([box(10, 0), box(3, 5), box(0, -8, length=4, yaw=np.pi / 2), box(0.5, 0.5)])
    assert nearest_edge_m(boxes, ORIGIN) == pytest.approx([9, np.hypot(2, 4), 6, 0])
    assert nearest_edge_m(boxes, np.array([10.0, 5.0, 0.0]))[0] == pytest.approx(4)


def test_the_nearest_hides_what_shares_its_azimuths() -> None:
    # Behind the first: one whose near edge spans the same azimuths and more, and one beside it in the open.
    boxes = np.array([box(20, 0, width=4.0), box(10, 0), box(0, 15)])
    graph = sort_by_nearest_edge(boxes, ORIGIN)
    assert graph.rank.tolist() == [2, 0, 1]
    assert (graph.occluder.tolist(), graph.occluded.tolist()) == ([1], [0])
    # The near face at 9 m covers +-1/9, the far one at 19 m +-2/19: all of it.
    assert graph.hidden_fraction.tolist() == [1.0]
    assert graph.visible_fraction.tolist() == [0.0, 1.0, 1.0]


def test_half_of_a_wide_object_and_the_nearest_of_two_takes_the_credit() -> None:
    # Only the left half of the wall is behind something: two boxes in one line, the nearer one takes all of it.
    boxes = np.array([box(30, 0, length=0.2, width=20.0), box(10, 2.0, width=4.0), box(15, 3.0, width=4.0)])
    graph = sort_by_nearest_edge(boxes, ORIGIN)
    pairs = zip(graph.occluder.tolist(), graph.occluded.tolist(), strict=True)
    edges = dict(zip(pairs, graph.hidden_fraction.tolist(), strict=True))
    assert edges.keys() == {(1, 0), (1, 2)}
    assert edges[1, 0] == pytest.approx(0.5, abs=0.05)
    assert graph.visible_fraction[0] == pytest.approx(0.5, abs=0.05)


def test_objects_behind_the_sensor_where_azimuths_wrap() -> None:
    graph = sort_by_nearest_edge(np.array([box(-10, 0), box(-20, 0), box(10, 0)]), ORIGIN)
    assert (graph.occluder.tolist(), graph.occluded.tolist()) == ([0], [1])


def test_the_box_around_the_sensor_hides_nothing() -> None:
    graph = sort_by_nearest_edge(np.array([box(0, 0, length=4.0), box(10, 0)]), ORIGIN)
    assert graph.num_edges == 0
    assert graph.visible_fraction.tolist() == [1.0, 1.0]


def test_no_occlusion_and_no_objects() -> None:
    nothing = no_occlusion(3)
    assert nothing.num_edges == 0
    assert nothing.rank.tolist() == [0, 0, 0]
    assert nothing.visible_fraction.tolist() == [1.0] * 3
    assert len(sort_by_nearest_edge(np.zeros((0, 7)), ORIGIN).rank) == 0
