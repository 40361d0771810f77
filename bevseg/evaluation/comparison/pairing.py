"""Frame beside frame: which frames two runs have in common, and whether they were scored by the same rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from bevseg.evaluation.comparison.finished_run import ComparisonError, FinishedRun, RunSource, listed
from bevseg.evaluation.comparison.frame_counts import FrameCounts, frame_name, stack_frames
from bevseg.results.classes import ClassGroup

_OF_THE_METHOD = "rule.score_thresholds"
"""Each method has its own, and is judged with it."""


@dataclass(frozen=True, eq=False)
class PairedSource:
    """One source as both runs scored it: the same frames in the same order.

    Attributes:
        name: Of the source.
        groups: Class groups that it labels.
        a: What run A counted.
        b: What run B counted.
        place: Of each frame in the source of run A.
        drives: Of each frame, or None where neither run tells.
        only_a: Frames that B lacks, which were left out.
        only_b: Frames that A lacks.
    """

    name: str
    groups: tuple[ClassGroup, ...]
    a: FrameCounts
    b: FrameCounts
    place: Int[np.ndarray, "frame"]
    drives: tuple[str, ...] | None
    only_a: int
    only_b: int


def pair_runs(a: FinishedRun, b: FinishedRun, *, allow_missing: bool = False) -> tuple[PairedSource, ...]:
    """What two runs have in common.

    Args:
        a: The one run.
        b: The other.
        allow_missing: Whether sources and frames that one of them lacks are left out.

    Raises:
        ComparisonError: They were made of different sources or frames, or by different rules; or one is unfinished.
    """
    alone = [*(name for name in a.sources if name not in b.sources), *(n for n in b.sources if n not in a.sources)]
    shared = [name for name in a.sources if name in b.sources]
    if not shared or (alone and not allow_missing):
        raise ComparisonError(
            f"{a.folder} was scored on {', '.join(a.sources)}, and {b.folder} on {', '.join(b.sources)}: "
            + ("compare what they share with --allow-missing" if shared else "they share no source")
        )
    for name in shared:
        _refuse_other_rules(a, b, name)
    return tuple(_pair(a, b, name, allow_missing=allow_missing) for name in shared)


def _refuse_other_rules(a: FinishedRun, b: FinishedRun, name: str) -> None:
    one, other = _flat(a.sources[name].scoring), _flat(b.sources[name].scoring)
    differ = [k for k in {**one, **other} if k != _OF_THE_METHOD and one.get(k) != other.get(k)]
    if differ:
        rules = "; ".join(f"{key}: {one.get(key)} in A, {other.get(key)} in B" for key in differ)
        raise ComparisonError(
            f"{name}: {a.folder} and {b.folder} were scored by different rules ({rules}): figures of different "
            "rules cannot be compared; score one of them again"
        )


def _flat(scoring: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in scoring.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat


def _pair(a: FinishedRun, b: FinishedRun, name: str, *, allow_missing: bool) -> PairedSource:
    source_a, source_b = a.sources[name], b.sources[name]
    of_a, of_b = (run.read(run.sources[name], allow_missing=allow_missing) for run in (a, b))
    place_a, place_b = ({frame_name(s): place for place, s in scores.items()} for scores in (of_a, of_b))
    common = sorted(place_a.keys() & place_b.keys())
    only_a, only_b = sorted(place_a.keys() - place_b.keys()), sorted(place_b.keys() - place_a.keys())
    if not common or ((only_a or only_b) and not allow_missing):
        _refuse_frames(name, only_a, only_b, bool(common))
    counts_a, counts_b = (
        stack_frames([scores[place[frame]] for frame in common]) for scores, place in ((of_a, place_a), (of_b, place_b))
    )
    if a.method.get("corruption") == b.method.get("corruption"):
        _refuse_other_truth(name, counts_a, counts_b)
    return PairedSource(
        name=name,
        groups=tuple(ClassGroup(group) for group in source_a.scoring["groups"]),
        a=counts_a,
        b=counts_b,
        place=np.array([place_a[frame] for frame in common], np.int64),
        drives=_drives(source_a, [place_a[f] for f in common]) or _drives(source_b, [place_b[f] for f in common]),
        only_a=len(only_a),
        only_b=len(only_b),
    )


def _drives(source: RunSource, places: list[int]) -> tuple[str, ...] | None:
    drives = source.drives
    return None if drives is None else tuple(drives[place] for place in places)


def _refuse_frames(name: str, only_a: list[str], only_b: list[str], some_common: bool) -> None:
    lacks = [
        f"{len(frames)} that {who} lacks ({listed(frames)})" for who, frames in (("B", only_a), ("A", only_b)) if frames
    ]
    advice = "compare those they share with --allow-missing" if some_common else "they share no frame"
    raise ComparisonError(f"{name}: the runs were scored on different frames, {' and '.join(lacks)}: {advice}")


def _refuse_other_truth(name: str, a: FrameCounts, b: FrameCounts) -> None:
    """Frames of one name that hold different objects are different frames: of another seed, say."""
    truth_a, truth_b = (np.stack([d.num_truth[:, 0] for d in c.class_detections]) for c in (a, b))
    differ = np.flatnonzero((truth_a != truth_b).any(axis=1))
    if len(differ):
        first = int(differ[0])
        raise ComparisonError(
            f"{name}: {len(differ)} of {len(a)} frames hold other objects in B than in A, the first is "
            f"{a.names[first]} ({int(truth_a[first].sum())} to be found in A, {int(truth_b[first].sum())} in B): they "
            "have the same names but are different frames, such as those of another seed or of another version of the "
            "dataset"
        )
