"""What the scores do not show: which failures there are, by name and frame, and how objects are ordered and hidden."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from bevseg.datasets.sample import Sample
from bevseg.evaluation.failure_tally import FailureTally, failure_tables, tally_frame
from bevseg.evaluation.failures import name_failures
from bevseg.evaluation.matching import FrameMasks, FrameMatches, MatchRule
from bevseg.evaluation.order_scores import OrderScores, score_order
from bevseg.results.classes import ClassGroup
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Failures and order of a set of frames; those of two sets add with `+`."""

    failures: FailureTally
    order: OrderScores

    @classmethod
    def zero(cls) -> Diagnosis:
        return cls(FailureTally.zero(), OrderScores.zero())

    def __add__(self, other: Diagnosis) -> Diagnosis:
        return Diagnosis(self.failures + other.failures, self.order + other.order)

    def tables(self) -> tuple[Table, ...]:
        """For a terminal: failures by class group, the worst of each kind; order and occlusion if truth has them."""
        by_group = {group.label: self.failures.count[:, group] for group in ClassGroup}
        title = f"Failures in {self.failures.num_frames} frames; FN and FP are those that each kind accounts for"
        return (*failure_tables(self.failures, by_group, title=title), *self.order.tables())

    def as_json(self) -> dict[str, object]:
        """By what it tells."""
        return {"failures": self.failures.as_json(), "order": self.order.as_json()}


def diagnose(
    instances: Instances,
    graph: OcclusionGraph | None,
    sample: Sample,
    matches: FrameMatches,
    *,
    rule: MatchRule,
    name: str,
    masks: FrameMasks | None = None,
) -> Diagnosis:
    """Names the failures of one scan and scores its order.

    Args:
        instances: The objects found.
        graph: Who hides whom among them; None from methods that do not say.
        sample: The scan with its truth.
        matches: How `rule` pairs the two.
        rule: Grid and IoU threshold of the matching.
        name: Of the frame.
        masks: The whole footprints on the grid of `rule`, where they are known already.
    """
    truth = sample.annotations
    failures = name_failures(instances, truth, matches, rule=rule, masks=masks)
    order = score_order(instances, graph, truth, matches, sample.cloud.sensor_origins_m[0])
    return Diagnosis(tally_frame(failures, name), order)
