"""Who hides whom, counted by hand. Object 0 is nearest, the last one farthest, unless a scene says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bevseg.evaluation.matching import FrameMatches, PredictionStatus, TruthStatus
from bevseg.evaluation.ordering import OrderCounts, count_order
from bevseg.results.occlusion_graph import OcclusionGraph, near_to_far

RIGHT, WRONG, EXCUSED = PredictionStatus.RIGHT, PredictionStatus.WRONG, PredictionStatus.IGNORED
FOUND, MISSED, IGNORED = TruthStatus.FOUND, TruthStatus.MISSED, TruthStatus.IGNORED
Edge = tuple[int, int, float]


def graph(num_objects: int, *edges: Edge, range_m: Sequence[float] | None = None) -> OcclusionGraph:
    front, behind = (np.array([e[i] for e in edges], np.int32) for i in (0, 1))
    ranges = np.arange(num_objects, dtype=float) if range_m is None else np.array(range_m)
    rank, cycles = near_to_far(front, behind, ranges)
    hidden = np.array([e[2] for e in edges], np.float32)
    return OcclusionGraph(front, behind, hidden, rank, np.ones(num_objects, np.float32), cycles)


def matches(truth_of_prediction: Sequence[int], truth: Sequence[TruthStatus], *, alarm: int = WRONG) -> FrameMatches:
    """Predictions by the object that each found; -1 are false alarms (or excused)."""
    truth_of = np.array(truth_of_prediction, np.int64)
    prediction_of = np.full(len(truth), -1)
    prediction_of[truth_of[truth_of >= 0]] = np.flatnonzero(truth_of >= 0)
    return FrameMatches(
        by="group",
        prediction_category=np.zeros(len(truth_of), np.int64),
        prediction_status=np.where(truth_of >= 0, RIGHT, alarm),
        truth_of_prediction=truth_of,
        iou=np.where(truth_of >= 0, 0.75, 0.0),
        truth_category=np.zeros(len(truth), np.int64),
        truth_status=np.array(truth, np.int64),
        prediction_of_truth=prediction_of,
    )


def all_found(k: int) -> FrameMatches:
    return matches(range(k), [FOUND] * k)


CHAIN = graph(3, (0, 1, 0.5), (1, 2, 0.25), (0, 2, 0.125))


def test_the_true_graph_is_perfect() -> None:
    counts = count_order(CHAIN, CHAIN, all_found(3))
    assert (counts.pairs, counts.pairs_stated, counts.pairs_right) == (3, 3, 3)
    assert (counts.edges, counts.edges_stated, counts.edges_right) == (3, 3, 3)
    assert counts.depth.f1 == counts.occlusion.f1 == counts.occlusion_found.f1 == 1.0
    assert counts.whdr == 0.0


def test_whdr_weighs_by_what_is_hidden() -> None:
    # The first two trade places: that pair is wrong, and it weighs 0.5 of 0.875.
    counts = count_order(graph(3, (1, 0, 0.5), (1, 2, 0.25)), CHAIN, all_found(3))
    assert (counts.pairs_stated, counts.pairs_right) == (3, 2)
    assert counts.whdr == pytest.approx(0.5 / 0.875)
    assert (counts.edges_stated, counts.edges_right) == (2, 1)
    assert counts.occlusion.precision == 0.5
    assert counts.occlusion.recall == pytest.approx(1 / 3)
    assert counts.occlusion.f1 == pytest.approx(2 / 5)


def test_order_may_be_right_without_an_edge() -> None:
    counts = count_order(graph(3), CHAIN, all_found(3))
    assert counts.depth.f1 == 1.0  # by range
    assert counts.occlusion.recall == 0.0
    assert np.isnan(counts.occlusion.precision)


def test_predictions_may_come_in_another_order_than_the_truth() -> None:
    # Prediction 0 found object 2, prediction 1 object 0, prediction 2 object 1.
    found = graph(3, (1, 2, 0.4), (2, 0, 0.2), (1, 0, 0.1), range_m=[9.0, 1.0, 5.0])
    counts = count_order(found, CHAIN, matches([2, 0, 1], [FOUND] * 3))
    assert (counts.pairs_right, counts.edges_right) == (3, 3)


def test_pairs_that_hide_each_other_go_by_the_larger_share() -> None:
    mutual = graph(2, (0, 1, 0.5), (1, 0, 0.125))
    assert mutual.cycles == ((0, 1),)
    counts = count_order(graph(2, (0, 1, 0.3)), mutual, all_found(2))
    assert (counts.pairs, counts.pairs_right, counts.weight_found) == (1, 1, 0.375)
    assert (counts.edges, counts.edges_right) == (2, 1)
    equal = count_order(graph(2), graph(2, (0, 1, 0.25), (1, 0, 0.25)), all_found(2))
    assert (equal.pairs, equal.edges) == (0, 2)
    assert np.isnan(equal.whdr)


def test_a_cycle_states_no_order() -> None:
    circle = graph(3, (0, 1, 0.5), (1, 2, 0.25), (2, 0, 0.125))
    counts = count_order(circle, CHAIN, all_found(3))
    assert (counts.pairs, counts.pairs_stated) == (3, 0)
    assert np.isnan(counts.depth.precision)
    assert counts.depth.recall == 0.0
    assert counts.whdr == 1.0
    assert (counts.edges_stated, counts.edges_right) == (3, 2)


def test_what_the_prediction_does_not_know_is_lost() -> None:
    # The middle object was missed; predictions 0 and 1 found the first and the last.
    counts = count_order(graph(2, (0, 1, 0.3)), CHAIN, matches([0, 2], [FOUND, MISSED, FOUND]))
    assert (counts.pairs, counts.pairs_found, counts.pairs_right) == (3, 1, 1)
    assert counts.depth.precision == 1.0
    assert counts.depth.recall == pytest.approx(1 / 3)
    assert counts.whdr == 0.0  # of the one pair that was found
    assert counts.occlusion.recall == pytest.approx(1 / 3)
    assert counts.occlusion_found.f1 == 1.0


def test_nothing_was_found() -> None:
    counts = count_order(graph(0), CHAIN, matches([], [MISSED] * 3))
    assert (counts.pairs, counts.pairs_found, counts.edges, counts.edges_found) == (3, 0, 3, 0)
    assert counts.depth.f1 == counts.occlusion.f1 == 0.0
    assert np.isnan(counts.whdr)


def test_edges_of_invented_objects_are_wrong_and_of_excused_ones_neither() -> None:
    found = graph(3, (0, 1, 0.5), (0, 2, 0.5))
    truth = graph(2, (0, 1, 0.5))
    invented = count_order(found, truth, matches([0, 1, -1], [FOUND, FOUND]))
    assert (invented.edges_stated, invented.edges_stated_found, invented.edges_right) == (2, 1, 1)
    excused = count_order(found, truth, matches([0, 1, -1], [FOUND, FOUND], alarm=EXCUSED))
    assert (excused.edges_stated, excused.edges_right) == (1, 1)


def test_ignored_truth_is_not_asked_for() -> None:
    counts = count_order(graph(2, (0, 1, 0.5)), CHAIN, matches([0, 1], [FOUND, FOUND, IGNORED]))
    assert (counts.pairs, counts.edges) == (1, 1)


def test_a_sliver_may_be_said_or_not() -> None:
    truth = graph(2, (0, 1, 0.005))
    for found in (graph(2), graph(2, (0, 1, 0.02))):
        counts = count_order(found, truth, all_found(2))
        assert (counts.pairs, counts.edges, counts.edges_stated) == (0, 0, 0)
    backwards = count_order(graph(2, (1, 0, 0.02)), truth, all_found(2))
    assert (backwards.edges_stated, backwards.edges_right) == (1, 0)


def test_parts_add_to_the_whole_exactly() -> None:
    rng = np.random.default_rng(1)
    parts = []
    for _ in range(9):
        edges = [(i, j, float(rng.random())) for i in range(6) for j in range(i + 1, 6) if rng.random() < 0.6]
        truth = graph(6, *edges)
        parts.append(count_order(graph(6, *edges[::2]), truth, all_found(6)))
    forwards = sum(parts, start=OrderCounts.zero())
    backwards = sum(parts[:4][::-1], start=OrderCounts.zero()) + sum(parts[4:], start=OrderCounts.zero())
    assert forwards == backwards


def test_no_frames() -> None:
    zero = OrderCounts.zero()
    assert np.isnan([zero.depth.f1, zero.occlusion.f1, zero.whdr]).all()


def test_graphs_of_other_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="graph must speak of the 3 objects"):
        count_order(graph(2), CHAIN, all_found(3))
    with pytest.raises(ValueError, match="truth must speak of the 3 objects"):
        count_order(CHAIN, graph(4), all_found(3))
