"""Frames that show something: merged or missed objects, hidden ones, low scores, circles of occlusion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bevseg.drawing.difference import Outcome
from bevseg.replay.frames import BrokenFrame, Frame, Prediction

Sight = Literal[
    "merged", "split", "missed", "false", "label", "twice", "shape", "hidden", "low-score", "order-cycle", "broken",
]  # fmt: skip
"""What can be looked for; failures by the words that stand beside them in pictures."""

SIGHTS: tuple[Sight, ...] = get_args(Sight)

OTHER_WORDS: dict[str, Sight] = {"over-merge": "merged", "over-split": "split", "false-alarm": "false"}
"""The evaluation's words for some of them, which are understood as well."""

OUTCOME_OF_SIGHT: dict[Sight, Outcome] = {
    "merged": Outcome.MERGED,
    "split": Outcome.SPLIT,
    "missed": Outcome.MISSED,
    "false": Outcome.FALSE_ALARM,
    "label": Outcome.WRONG_LABEL,
    "twice": Outcome.TWICE,
    "shape": Outcome.WRONG_SHAPE,
}
"""Those that need a truth to compare with."""

LIMITS: dict[Sight, float] = {"hidden": 0.6, "low-score": 0.5}
"""Hidden share from which on, and score below which, an object is looked for, unless another is given."""


@dataclass(frozen=True)
class Query:
    """What is looked for.

    Attributes:
        sight: Its kind.
        limit: Least hidden share, or the score below which an object is meant; of no meaning for other kinds.
    """

    sight: Sight
    limit: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Query:
        """From text such as `merged`, `over-merge` or `low-score:0.3`.

        Raises:
            ValueError: It is none of the kinds, or its limit is no number in 0..1.
        """
        name, _, limit = text.partition(":")
        words: dict[str, Sight] = {**{sight: sight for sight in SIGHTS}, **OTHER_WORDS}
        if name not in words:
            raise ValueError(f"cannot look for '{name}'; known are {', '.join(SIGHTS)} (and {', '.join(OTHER_WORDS)})")
        sight = words[name]
        if not limit:
            return cls(sight, LIMITS.get(sight, 0.0))
        try:
            value = float(limit)
        except ValueError:
            value = np.nan
        if sight not in LIMITS or not 0 <= value <= 1:
            raise ValueError(f"expected a share or a score in 0..1 after hidden: or low-score:, got '{text}'")
        return cls(sight, value)

    @property
    def needs_truth(self) -> bool:
        """Whether it can be told only where there is truth."""
        return self.sight in OUTCOME_OF_SIGHT


@dataclass(frozen=True)
class Find:
    """A frame that shows what was looked for, in one result or in another.

    Attributes:
        index: Its place in the recording.
        name: Its name.
        results: The names of its results, one or two; none where the frame cannot be read.
        counts: How many objects show it, in each result.
        severity: Of the worst of them, 0..1.
        worst: What that severity comes from, such as "score 0.37", "95 % hidden" or "IoU 0.41".
        worst_in: The result that holds the worst of them; empty where the frame cannot be read.
        reason: Why the frame cannot be shown as a whole; mostly empty.
    """

    index: int
    name: str
    results: tuple[str, ...]
    counts: tuple[int, ...]
    severity: float
    worst: str
    worst_in: str
    reason: str = ""


def find(query: Query, frames: Iterable[Frame | BrokenFrame]) -> Iterator[Find]:
    """The frames that show it, in their order, as they are read."""
    for frame in frames:
        if isinstance(frame, BrokenFrame):
            if query.sight == "broken":
                yield Find(frame.index, frame.name, (), (), 1.0, frame.reason, "", frame.reason)
            continue
        severities = severities_in(query, frame)
        if any(map(len, severities)):
            yield _find(query, frame, severities)


def severities_in(query: Query, frame: Frame) -> tuple[np.ndarray, ...]:
    """How bad each object of a frame is that shows it, 0..1: (m,) for each of its results."""
    return tuple(_severities(query, prediction) for prediction in frame.predictions)


def _find(query: Query, frame: Frame, severities: tuple[np.ndarray, ...]) -> Find:
    most = [float(severity.max(initial=-1.0)) for severity in severities]
    worst = most.index(max(most))
    prediction, place = frame.predictions[worst], int(severities[worst].argmax())
    notes = [f"{p.name}: {p.note}" if len(severities) > 1 else p.note for p in frame.predictions if p.note]
    return Find(
        index=frame.index,
        name=frame.name,
        results=tuple(prediction.name for prediction in frame.predictions),
        counts=tuple(map(len, severities)),
        severity=most[worst],
        worst=_measure(query, prediction, place, most[worst]),
        worst_in=prediction.name,
        reason="; ".join(notes) if query.sight == "broken" else "",
    )


def _severities(query: Query, prediction: Prediction) -> np.ndarray:
    instances, graph = prediction.scene.instances, prediction.scene.occlusion
    match query.sight:
        case "hidden":
            hidden = 1 - np.nan_to_num(instances.visible_fraction, nan=1.0)
            return hidden[hidden >= query.limit]
        case "low-score":
            return 1 - instances.score[instances.score < query.limit]
        case "order-cycle":
            return 1 - 1 / np.array([len(cycle) for cycle in graph.cycles], np.float64)
        case "broken":
            return np.ones(1 if prediction.note else 0)
        case _:
            difference = prediction.difference
            if difference is None:
                return np.zeros(0)
            return difference.severity[difference.mark == OUTCOME_OF_SIGHT[query.sight]]


def _measure(query: Query, prediction: Prediction, place: int, severity: float) -> str:
    """What the severity comes from, of one of those that `_severities` tells of."""
    match query.sight:
        case "hidden":
            return f"{100 * severity:.0f} % hidden"
        case "low-score":
            return f"score {1 - severity:.2f}"
        case "order-cycle":
            return f"a circle of {len(prediction.scene.occlusion.cycles[place])}"
        case "broken":
            return prediction.note
        case _:
            difference = prediction.difference
            if difference is None:
                return ""
            return difference.mark_measure[np.flatnonzero(difference.mark == OUTCOME_OF_SIGHT[query.sight])[place]]
