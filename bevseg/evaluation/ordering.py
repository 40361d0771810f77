"""Who is in front of whom, and who hides whom, against the counted truth of a simulator.

Two questions are asked of an `OcclusionGraph`, both after its objects were matched with the true ones:

* Depth order, answered by its ranks. A true pair are two counted objects that overlap along the sensor's rays: beams
  that would reach one of them end at the other. Where each hides some of the other, the one that hides the larger share
  is in front. A prediction states an order for a pair where it found both and their ranks differ (members of a cycle
  share a rank). Precision is the share of the stated orders that is right, recall that of all true pairs.
* Occlusion order, answered by its edges. A true edge leads from one counted object to another of which it hides
  `LEAST_HIDDEN` or more; predicting an edge where less is hidden, though something is, is neither right nor wrong. A
  predicted edge is judged if each of its ends is right or wrong; an end that is wrong, an object that is not there,
  makes it wrong. Precision, recall and F1 over directed edges are those of InstaOrder (Lee and Park, "Instance-wise
  Occlusion and Depth Orders in Natural Scenes", CVPR 2022), there with true masks given. Here the objects have to be
  found as well; the same figures over edges between found objects leave that out.

WHDR is the weighted human disagreement rate (Bell et al., "Intrinsic Images in the Wild", SIGGRAPH 2014; for the depth
order of objects: InstaOrder): weight of the pairs where prediction and truth disagree, over the weight of all. In place
of people's confidence a pair weighs the share that is hidden: of the object behind by the one in front, less what it
hides in turn. A pair without a stated order disagrees. It is taken over the pairs of found objects.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.evaluation.matching import FrameMatches, PredictionStatus, TruthStatus
from bevseg.evaluation.scores import exact_sum
from bevseg.results.occlusion_graph import OcclusionGraph

LEAST_HIDDEN = 0.01
"""Share of an object that another has to hide to be said to hide it, as in the graphs that the pipeline makes."""


@dataclass(frozen=True)
class OrderCounts:
    """What a set of frames adds up to; counts of two sets of frames add with `+`.

    Attributes:
        pairs: True pairs.
        pairs_found: Those of which both objects were found.
        pairs_stated: Those of these for which the prediction states an order.
        pairs_right: Those of these for which it is the true one.
        weight_found: Weight of the pairs of found objects.
        weight_right: Weight of those whose order is right.
        edges: True edges.
        edges_found: Those between objects that were found.
        edges_stated: Predicted edges that are right or wrong.
        edges_stated_found: Those between predictions that found an object.
        edges_right: Predicted edges that are true.
    """

    pairs: int
    pairs_found: int
    pairs_stated: int
    pairs_right: int
    weight_found: float
    weight_right: float
    edges: int
    edges_found: int
    edges_stated: int
    edges_stated_found: int
    edges_right: int

    @classmethod
    def zero(cls) -> OrderCounts:
        return cls(0, 0, 0, 0, 0.0, 0.0, 0, 0, 0, 0, 0)

    def __add__(self, other: OrderCounts) -> OrderCounts:
        return OrderCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def depth(self) -> DetectionRates:
        """Precision, recall and F1 of the depth order."""
        return DetectionRates.of(self.pairs_right, self.pairs_stated, self.pairs)

    @property
    def whdr(self) -> float:
        """Weighted human disagreement rate over pairs of found objects, 0 (all right) to 1; NaN without such pairs."""
        return 1 - self.weight_right / self.weight_found if self.weight_found else float("nan")

    @property
    def occlusion(self) -> DetectionRates:
        """Precision, recall and F1 of the edges."""
        return DetectionRates.of(self.edges_right, self.edges_stated, self.edges)

    @property
    def occlusion_found(self) -> DetectionRates:
        """The same between objects that were found."""
        return DetectionRates.of(self.edges_right, self.edges_stated_found, self.edges_found)


@dataclass(frozen=True)
class DetectionRates:
    """Precision, recall and their harmonic mean; NaN where there is nothing to measure."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, right: int, stated: int, true: int) -> DetectionRates:
        """Of `true` things to say and `stated` ones that were said, of which `right` are true."""
        nan = float("nan")
        return cls(
            right / stated if stated else nan,
            right / true if true else nan,
            2 * right / (stated + true) if stated + true else nan,
        )


def count_order(graph: OcclusionGraph, truth: OcclusionGraph, matches: FrameMatches) -> OrderCounts:
    """Compares the order of one frame with the true one.

    Args:
        graph: Of the predictions, in their order.
        truth: Of the true objects, in theirs.
        matches: Who found whom among them.

    Raises:
        ValueError: A graph speaks of another number of objects than the matches.
    """
    _refuse_others("graph", graph, matches.prediction_status)
    _refuse_others("truth", truth, matches.truth_status)
    counted = matches.truth_status != TruthStatus.IGNORED
    found = matches.truth_status == TruthStatus.FOUND
    hidden = _hidden_shares(truth)
    true_edge = hidden >= LEAST_HIDDEN
    known = found[:, None] & found
    lead = hidden - hidden.T  # above 0 where the row's object is in front
    pair = (lead > 0) & (true_edge | true_edge.T) & counted[:, None] & counted
    rank = np.where(found, graph.rank[matches.prediction_of_truth] if len(graph.rank) else 0, -1)
    ahead = known & (rank[:, None] < rank)
    right, stated = pair & ahead, pair & (ahead | ahead.T)
    said = _judged_edges(graph, hidden, matches)
    return OrderCounts(
        pairs=int(pair.sum()),
        pairs_found=int((pair & known).sum()),
        pairs_stated=int(stated.sum()),
        pairs_right=int(right.sum()),
        weight_found=exact_sum(lead[pair & known]),
        weight_right=exact_sum(lead[right]),
        edges=int((true_edge & counted[:, None] & counted).sum()),
        edges_found=int((true_edge & known).sum()),
        edges_stated=int(said.judged.sum()),
        edges_stated_found=int((said.judged & said.found).sum()),
        edges_right=int(said.right.sum()),
    )


def _refuse_others(name: str, graph: OcclusionGraph, status: Int[np.ndarray, "k"]) -> None:
    if len(graph.rank) != len(status):
        raise ValueError(
            f"{name} must speak of the {len(status)} objects that were matched, got one of {len(graph.rank)}"
        )


def _hidden_shares(graph: OcclusionGraph) -> Float[np.ndarray, "k k"]:
    """`[i, j]`: share of object j that object i hides, exactly as stored."""
    k = len(graph.rank)
    hidden = np.zeros((k, k))
    hidden[graph.occluder, graph.occluded] = graph.hidden_fraction
    return hidden


@dataclass(frozen=True, eq=False)
class _JudgedEdges:
    """Of each predicted edge: whether it is right or wrong, whether both its ends are objects, whether it is right."""

    judged: Bool[np.ndarray, "edge"]
    found: Bool[np.ndarray, "edge"]
    right: Bool[np.ndarray, "edge"]


def _judged_edges(
    graph: OcclusionGraph, hidden: Float[np.ndarray, "truth truth"], matches: FrameMatches
) -> _JudgedEdges:
    status = matches.prediction_status
    is_right, is_wrong = status == PredictionStatus.RIGHT, status == PredictionStatus.WRONG
    front, behind = graph.occluder, graph.occluded
    found = is_right[front] & is_right[behind]
    judged = (is_right | is_wrong)[front] & (is_right | is_wrong)[behind]
    share = np.zeros(len(front))
    share[found] = hidden[_truth_of(front[found], matches), _truth_of(behind[found], matches)]
    right = share >= LEAST_HIDDEN
    return _JudgedEdges(judged & (right | (share == 0)), found, right)


def _truth_of(prediction: Int[np.ndarray, "edge"], matches: FrameMatches) -> Int[np.ndarray, "edge"]:
    return matches.truth_of_prediction[prediction]
