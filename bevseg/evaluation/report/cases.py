"""Which failures the page shows in pictures: the worst of each kind, and where their frames are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot

from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.run import FramePlace
from bevseg.evaluation.summary import SourceScores
from bevseg.results.classes import SemanticClass

CASES_OF_KIND = 6
"""Shown of each kind."""
_NEIGHBOURS = 5
"""Frames of a source that are no farther apart may show one object again, on a drive."""
_SAME_PLACE_M = 4.0


@dataclass(frozen=True)
class Case:
    """One failure.

    Attributes:
        number: From 1 within its kind, worst first.
        kind: What went wrong.
        source: Name of its source.
        place: Where its frame is.
        frame: Name of that, without the source's.
        label: Class of the true object; without one, of the prediction.
        xy_m: Centre of it in the cloud's frame, metres.
        range_m: Distance of that from the frame's origin, metres.
        severity: 0 to 1.
        truth: Index of the true object, -1 for none.
        prediction: Index of the prediction, -1 for none.
    """

    number: int
    kind: FailureKind
    source: str
    place: FramePlace
    frame: str
    label: SemanticClass
    xy_m: tuple[float, float]
    range_m: float
    severity: float
    truth: int
    prediction: int

    @property
    def key(self) -> str:
        """Unique among the cases of a page, fit for a file name."""
        return f"{self.kind.label}-{self.number}"


def worst_cases(sources: Sequence[SourceScores], *, of_kind: int = CASES_OF_KIND) -> list[Case]:
    """The worst failures of each kind over all sources, kind by kind.

    Args:
        sources: What was counted, in the order of the evaluation.
        of_kind: How many of each kind at most.
    """
    found = [case for position, source in enumerate(sources) for case in _kept_failures(source, position)]
    return [case for kind in FailureKind for case in _worst([c for c in found if c.kind == kind])[:of_kind]]


def place_of_frame(source: SourceScores) -> dict[str, int]:
    """The place of each frame in its source by the name under which it was scored.

    Scores were added in the order of the frames, and the judged predictions of masks carry the name of each.
    """
    return {judged.frame: place for place, judged in enumerate(source.scores.masks.groups.amodal.frames)}


def _worst(cases: list[Case]) -> list[Case]:
    """The cases, worst first, and numbered; those that show an object once more come after all others."""
    fresh: list[Case] = []
    repeated: list[Case] = []
    for case in sorted(cases, key=lambda c: (-c.severity, c.place, c.truth, c.prediction)):
        (repeated if any(_shows_again(case, other) for other in fresh) else fresh).append(case)
    return [replace(case, number=number) for number, case in enumerate(fresh + repeated, 1)]


def _shows_again(case: Case, other: Case) -> bool:
    """Whether it is likely the same object a few frames apart, which fails for the same reason."""
    apart = abs(case.place.frame - other.place.frame)
    return (
        case.place.source == other.place.source
        and 0 < apart <= _NEIGHBOURS
        and case.label == other.label
        and hypot(case.xy_m[0] - other.xy_m[0], case.xy_m[1] - other.xy_m[1]) <= _SAME_PLACE_M
    )


def _kept_failures(source: SourceScores, position: int) -> Iterator[Case]:
    """Those that the tally of a source keeps by name."""
    tally, places = source.scores.diagnosis.failures, place_of_frame(source)
    worst = tally.worst
    for k, name in enumerate(tally.worst_frame):
        x, y = worst.xy_m[k].tolist()
        yield Case(
            number=0,
            kind=FailureKind(int(worst.kind[k])),
            source=source.name,
            place=FramePlace(position, places[name]),
            frame=name.removeprefix(f"{source.name}/"),
            label=SemanticClass(int(worst.label[k])),
            xy_m=(x, y),
            range_m=float(worst.range_m[k]),
            severity=float(worst.severity[k]),
            truth=int(worst.truth[k]),
            prediction=int(worst.prediction[k]),
        )
