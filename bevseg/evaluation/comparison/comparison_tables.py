"""A comparison as tables for a terminal of 80 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

from bevseg.evaluation.comparison.changed_frames import ChangedFrames, FrameChange
from bevseg.evaluation.comparison.compare import Difference, SourceComparison
from bevseg.evaluation.comparison.draws import CONFIDENCE
from bevseg.evaluation.comparison.finished_run import FinishedRun
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.mask_tables import MEAN
from bevseg.evaluation.tables import json_number, text_table

CAUTION = (
    f"Of figures that did not change, one in {round(1 / (1 - CONFIDENCE))} is called better or worse by chance alone: "
    "the intervals are of single figures and not of all of them together."
)
TIME_CAUTION = "Times were taken while the frames were scored: they tell of that machine and of what else it did."

_HEADINGS = ("truth", "A", "B", "B - A", "from", "to", "B wins", "B is")
_STYLES = {"better": "green", "worse": "red"}
_BRIEF_CLASSES = ("F1", "PQ", "AP")
_TITLES = {
    "groups": "Objects by class group; ECE: calibration error",
    "classes": "Objects by class",
    "points": "Classes and segments of points",
    "order": "Order and occlusion",
    "ground": "Ground cells",
    "failures": "Failures, by number in these frames",
    "time": "Time of a scan in ms",
}
_FRAMES_SHOWN = 3
_MOST_WITH_CLASSES = 2


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs side by side.

    Attributes:
        a: The one.
        b: The other.
        sources: What they were scored on.
        changed: The frames of each source that changed most.
        resamples: Draws of each source.
        seed: Of the draws.
    """

    a: FinishedRun
    b: FinishedRun
    sources: tuple[SourceComparison, ...]
    changed: tuple[ChangedFrames, ...]
    resamples: int
    seed: int

    def tables(self) -> tuple[Table, ...]:
        """For a terminal; of many sources without what is said of single classes."""
        parts = [part for part in _TITLES if part != "classes" or len(self.sources) <= _MOST_WITH_CLASSES]
        return tuple(
            table
            for source, changed in zip(self.sources, self.changed, strict=True)
            for table in (*_source_tables(source, parts), *_frame_tables(source.name, changed))
        )

    def as_json(self) -> dict[str, object]:
        """Everything but pictures; None stands for a figure of nothing."""
        return {
            "a": {"folder": str(self.a.folder), "method": dict(self.a.method)},
            "b": {"folder": str(self.b.folder), "method": dict(self.b.method)},
            "confidence": CONFIDENCE,
            "resamples": self.resamples,
            "seed": self.seed,
            "sources": [_as_json(s, c) for s, c in zip(self.sources, self.changed, strict=True)],
        }


def method_words(run: FinishedRun) -> str:
    """What was evaluated, in a few words."""
    about = run.method
    name = str(about.get("checkpoint") or about.get("head") or about.get("predictions") or "unnamed")
    known = [f"{key} {about[key]}" for key in ("step", "precision", "corruption") if key in about]
    known += [f"sha256 {str(about['sha256'])[:8]}"] if "sha256" in about else []
    return name + (f" ({', '.join(known)})" if known else "")


def notes_of(source: SourceComparison) -> tuple[str, ...]:
    """What a reader has to know of a source: what was drawn, what was left out."""
    paired = source.paired
    notes = [source.units.meaning]
    if paired.only_a or paired.only_b:
        notes.append(
            f"Left out: {paired.only_a} frames that only A has and {paired.only_b} that only B has; "
            f"{len(paired.a)} are compared."
        )
    for who, counts in (("A", paired.a), ("B", paired.b)):
        if counts.without_result:
            notes.append(f"{who} had no result for {len(counts.without_result)} frames: nothing was found there.")
    return tuple(notes)


def count_verdicts(rows: Iterable[Difference]) -> dict[str, int]:
    """How often B is what, of the figures that both runs have."""
    verdicts = [row.verdict for row in rows]
    return {name: verdicts.count(name) for name in ("better", "worse", "unclear", "same")}


def verdicts_in_words(rows: Sequence[Difference]) -> str:
    """The same as a sentence."""
    counted = count_verdicts(rows)
    alone = len(rows) - sum(counted.values())
    words = (
        f"B is better in {counted['better']} of {len(rows)} figures, worse in {counted['worse']}, unclear in "
        f"{counted['unclear']}, the same in {counted['same']}"
    )
    return words + (f"; {alone} only one of the runs has." if alone else ".")


def written(row: Difference, value: float, *, signed: bool = False) -> str:
    """A value of the row as people read it; a dash stands for a figure of nothing."""
    if np.isnan(value):
        return "-"
    rounded = round(value, row.figure.decimals) + 0.0  # which turns -0.0 into 0.0
    return f"{rounded:{'+' if signed else ''}.{row.figure.decimals}f}"


def _source_tables(source: SourceComparison, parts: Sequence[str]) -> Iterator[Table]:
    for part in parts:
        rows = [row for row in source.of(part) if _is_brief(row)]
        if rows:
            skipped = 0 if any(row.objects for row in rows) else 1
            yield text_table(
                {_row_name(row): _cells(row)[skipped:] for row in rows},
                ("", *_HEADINGS[skipped:]),
                title=f"{source.name}: {_TITLES[part]}",
            )


def _row_name(row: Difference) -> str:
    return row.figure.category if row.figure.part == "failures" else f"{row.figure.category} {row.figure.measure}"


def _is_brief(row: Difference) -> bool:
    """Whether a terminal shows it: not each measure of each class."""
    figure = row.figure
    if figure.part == "classes":
        return figure.measure in _BRIEF_CLASSES
    return figure.part != "points" or figure.category == MEAN


def _cells(row: Difference) -> list[str]:
    ends = (row.interval.low, row.interval.high)
    style = _STYLES.get(row.verdict)
    return [
        objects_words(row),
        written(row, row.a),
        written(row, row.b),
        written(row, row.difference, signed=True),
        *(written(row, end, signed=True) for end in ends),
        wins_words(row),
        f"[{style}]{row.verdict}[/]" if style else row.verdict,
    ]


def objects_words(row: Difference) -> str:
    """True objects; of both runs where they differ."""
    if row.objects is None:
        return "-"
    a, b = row.objects
    return str(a) if a == b else f"{a}/{b}"


def wins_words(row: Difference) -> str:
    """Share of the draws in which B is better, rounded away from certainty."""
    if not row.draws:
        return "-"
    share = row.b_better / row.draws
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def _frame_tables(name: str, changed: ChangedFrames) -> Iterator[Table]:
    for frames, title in ((changed.gained, "fewer"), (changed.lost, "more")):
        if frames:
            yield text_table(
                {frame.name: _frame_cells(frame) for frame in frames[:_FRAMES_SHOWN]},
                ("frame", "A", "B", "gone", "new", "mostly"),
                title=f"{name}: frames with {title} errors in B; failures that are gone, and new ones",
            )


def _frame_cells(frame: FrameChange) -> list[str]:
    gone, new = sum(frame.vanished.values()), sum(frame.appeared.values())
    kinds = frame.vanished if gone >= new else frame.appeared
    mostly = max(kinds, key=lambda kind: kinds[kind]).label if kinds else "-"
    return [str(frame.errors_a), str(frame.errors_b), str(gone), str(new), mostly]


def kinds_words(kinds: Mapping[FailureKind, int]) -> str:
    """Such as `3 halo, 1 false_alarm`, the most first."""
    most_first = sorted(kinds.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {kind.label}" for kind, count in most_first) or "-"


def _as_json(source: SourceComparison, changed: ChangedFrames) -> dict[str, object]:
    paired = source.paired
    return {
        "name": source.name,
        "frames": len(paired.a),
        "frames_only_in_a": paired.only_a,
        "frames_only_in_b": paired.only_b,
        "without_result": {"a": list(paired.a.without_result), "b": list(paired.b.without_result)},
        "drawn": {"unit": source.units.name[0], "units": len(source.units), "meaning": source.units.meaning},
        "verdicts": count_verdicts(source.rows),
        "rows": [_row_as_json(row) for row in source.rows],
        "frames_that_gained": _frames_as_json(changed.gained),
        "frames_that_lost": _frames_as_json(changed.lost),
    }


def _row_as_json(row: Difference) -> dict[str, object]:
    return {
        **{key: value for key, value in asdict(row.figure).items() if key != "decimals"},
        "objects": None if row.objects is None else dict(zip("ab", row.objects, strict=True)),
        "a": json_number(row.a),
        "b": json_number(row.b),
        "difference": json_number(row.difference),
        "interval": [json_number(row.interval.low), json_number(row.interval.high)],
        "b_better_in": row.b_better,
        "a_better_in": row.a_better,
        "draws": row.draws,
        "verdict": row.verdict,
    }


def _frames_as_json(frames: Sequence[FrameChange]) -> list[dict[str, object]]:
    return [
        {
            "frame": frame.name,
            "errors": {"a": frame.errors_a, "b": frame.errors_b},
            "iou_gain": round(frame.iou_gain, 4),
            "vanished": {kind.label: count for kind, count in frame.vanished.items()},
            "appeared": {kind.label: count for kind, count in frame.appeared.items()},
        }
        for frame in frames
    ]
