from typing import Any

import numpy as np
import pytest

from bevseg.results.occlusion_graph import OcclusionGraph, chosen_edges, near_to_far, thinned


def _fields(**changed: Any) -> dict[str, Any]:
    fields = {
        "occluder": np.array([0, 2, 0]),
        "occluded": np.array([1, 1, 2]),
        "hidden_fraction": np.array([0.25, 0.5, 0.125], np.float32),
        "rank": np.array([0, 2, 1]),
        "visible_fraction": np.array([1, 0.5, 0.875], np.float32),
    }
    return fields | changed


def test_occluders_come_in_the_order_of_what_they_hide() -> None:
    graph = OcclusionGraph(**_fields())

    assert graph.num_edges == 3
    assert graph.occluders_of(1).tolist() == [2, 0]
    assert graph.occluders_of(0).tolist() == []


@pytest.mark.parametrize("num_objects", [0, 3])
def test_empty_graph_shows_everything(num_objects: int) -> None:
    graph = OcclusionGraph.empty(num_objects)

    assert graph.num_edges == 0
    assert graph.rank.tolist() == list(range(num_objects))
    assert graph.visible_fraction.tolist() == [1.0] * num_objects


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"occluder": np.array([0, 2])}, "one length"),
        ({"hidden_fraction": np.zeros(2, np.float32)}, "one length"),
        ({"visible_fraction": np.ones(2, np.float32)}, "3 entries"),
        ({"occluded": np.array([1, 1, 3])}, "occluded must index the 3"),
        ({"occluder": np.array([0, 2, -1])}, "occluder must index the 3"),
    ],
)
def test_fields_that_disagree_are_rejected(changed: dict[str, Any], message: str) -> None:
    fields = _fields(**changed)
    with pytest.raises(ValueError, match=message):
        OcclusionGraph(**fields)


@pytest.mark.parametrize(
    ("edges", "ranges_m", "rank", "cycles"),
    [
        ([], [3.0, 1.0, 2.0], [2, 0, 1], ()),
        ([(0, 1)], [5.0, 1.0, 2.0], [1, 2, 0], ()),
        ([(0, 1), (1, 0)], [5.0, 9.0, 6.0], [0, 0, 1], ((0, 1),)),
        ([(0, 1), (1, 0), (2, 3), (3, 2), (1, 2)], [5.0, 6.0, 1.0, 2.0], [0, 0, 1, 1], ((0, 1), (2, 3))),
        ([(2, 0), (2, 0), (0, 1)], [1.0, 1.0, 1.0], [1, 2, 0], ()),
        ([], [], [], ()),
    ],
)
def test_near_to_far(
    edges: list[tuple[int, int]], ranges_m: list[float], rank: list[int], cycles: tuple[tuple[int, ...], ...]
) -> None:
    ends = np.array(edges, np.int64).reshape(-1, 2)

    got_rank, got_cycles = near_to_far(ends[:, 0], ends[:, 1], np.array(ranges_m, np.float64))

    assert got_rank.tolist() == rank
    assert got_cycles == cycles


def _four_edges() -> OcclusionGraph:
    return OcclusionGraph(
        occluder=np.array([0, 1, 0, 0], np.int32),
        occluded=np.array([1, 2, 2, 3], np.int32),
        hidden_fraction=np.array([0.3, 0.2, 0.6, 0.1], np.float32),
        rank=np.arange(4, dtype=np.int32),
        visible_fraction=np.full(4, 0.5, np.float32),
    )


def test_each_hidden_object_gets_the_arrow_of_what_hides_it_most() -> None:
    assert set(chosen_edges(_four_edges(), at_least=0.0).tolist()) == {0, 2, 3}
    assert set(chosen_edges(_four_edges(), at_least=0.2).tolist()) == {0, 2}
    assert len(chosen_edges(OcclusionGraph.empty(3), at_least=0.0)) == 0


def test_of_one_object_the_arrows_to_what_it_hides_most_of_are_kept() -> None:
    graph = OcclusionGraph(
        occluder=np.array([5, 0, 0, 5, 0, 0], np.int32),
        occluded=np.array([1, 2, 3, 4, 6, 7], np.int32),
        hidden_fraction=np.array([0.3, 0.2, 0.9, 0.6, 0.5, 0.5], np.float32),
        rank=np.arange(8, dtype=np.int32),
        visible_fraction=np.full(8, 0.5, np.float32),
    )
    few = thinned(graph, np.arange(6), most=2)
    assert few.edges.tolist() == [0, 2, 3, 4]
    assert (few.crowded.tolist(), few.left_out.tolist()) == ([0], [2])
    assert thinned(graph, np.array([1, 5, 0]), most=1).edges.tolist() == [0, 5]
    assert thinned(graph, np.arange(6), most=4).crowded.tolist() == []
    nothing = thinned(OcclusionGraph.empty(3), np.zeros(0, np.int64))
    assert (len(nothing.edges), len(nothing.crowded)) == (0, 0)
