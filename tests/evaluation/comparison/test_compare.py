from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bevseg.evaluation.comparison.changed_frames import changed_frames
from bevseg.evaluation.comparison.compare import Difference, SourceComparison, compare_source
from bevseg.evaluation.comparison.comparison_tables import (
    Comparison,
    count_verdicts,
    method_words,
    notes_of,
    wins_words,
    written,
)
from bevseg.evaluation.comparison.draws import Interval
from bevseg.evaluation.comparison.figures import Figure
from bevseg.evaluation.comparison.finished_run import FinishedRun
from bevseg.evaluation.comparison.pairing import pair_runs

WriteRun = Callable[..., Path]


def _comparison(a: Path, b: Path, *, resamples: int = 60) -> Comparison:
    runs = FinishedRun.open(a), FinishedRun.open(b)
    paired = pair_runs(*runs, allow_missing=True)
    sources = tuple(compare_source(p, resamples=resamples, seed=0) for p in paired)
    return Comparison(*runs, sources, tuple(map(changed_frames, paired)), resamples, 0)


def _row(source: SourceComparison, *named: str) -> Difference:
    return next(r for r in source.rows if (r.figure.part, r.figure.category, r.figure.measure) == named)


@pytest.fixture(scope="module")
def two_runs(write_run: WriteRun) -> Comparison:
    a = write_run("a", {"s": range(12), "t": range(3)}, method=1)
    b = write_run("b", {"s": range(12), "t": range(4)}, method=2, about={"sha256": "0123456789", "step": 3})
    return _comparison(a, b)


def test_a_run_against_itself_is_the_same_throughout(write_run: WriteRun) -> None:
    a = write_run("a", {"s": range(6)})
    comparison = _comparison(a, a)
    (source,) = comparison.sources
    assert {row.verdict for row in source.rows} == {"same"}
    assert {row.interval for row in source.rows} == {Interval(0.0, 0.0)}
    assert comparison.changed[0].gained == comparison.changed[0].lost == ()


def test_values_are_those_of_the_runs_and_turn_with_them(two_runs: Comparison) -> None:
    source = two_runs.sources[0]
    f1 = _row(source, "groups", "vehicle", "F1")
    for counts, value in ((source.paired.a, f1.a), (source.paired.b, f1.b)):
        right, wrong, missed, _ = counts.objects[:, 0, :, 0].sum(axis=0)
        assert value == pytest.approx(2 * right / (2 * right + wrong + missed))
    assert f1.objects is not None
    assert f1.objects[0] == f1.objects[1] == source.paired.a.objects[:, 0, [0, 2], 0].sum()
    assert f1.interval.low <= f1.difference <= f1.interval.high
    assert (f1.draws, f1.a_better + f1.b_better <= 60) == (60, True)
    turned = _comparison(two_runs.b.folder, two_runs.a.folder).sources[0]
    back = _row(turned, "groups", "vehicle", "F1")
    assert (back.difference, back.a_better) == (-f1.difference, f1.b_better)
    assert (back.interval.low, back.interval.high) == pytest.approx((-f1.interval.high, -f1.interval.low))


@pytest.mark.parametrize(
    ("values", "interval", "better", "verdict"),
    [
        ((0.5, 0.6), (0.05, 0.15), "higher", "better"),
        ((0.5, 0.6), (0.05, 0.15), "lower", "worse"),
        ((0.5, 0.4), (-0.2, -0.05), "lower", "better"),
        ((0.5, 0.4), (-0.2, -0.05), "higher", "worse"),
        ((0.5, 0.6), (-0.01, 0.2), "higher", "unclear"),
        ((0.5, 0.6), (np.nan, np.nan), "higher", "unclear"),
        ((0.5, np.nan), (np.nan, np.nan), "higher", "A only"),
        ((np.nan, 0.5), (np.nan, np.nan), "lower", "B only"),
    ],
)
def test_verdicts(values: tuple[float, float], interval: tuple[float, float], better: str, verdict: str) -> None:
    figure = Figure("groups", "vehicle", "F1", better)  # type: ignore[arg-type]
    assert Difference(figure, None, *values, Interval(*interval), 3, 4, 10).verdict == verdict


def test_words_do_not_say_more_than_is_known() -> None:
    def row(better: int, draws: int = 1000) -> Difference:
        return Difference(Figure("time", "scan", "ms"), None, -0.0, 1.0, Interval(0.0, 1.0), better, 0, draws)

    assert [wins_words(row(n)) for n in (0, 3, 500, 997, 1000)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]
    assert wins_words(row(0, draws=0)) == "-"
    assert [written(row(0), v) for v in (-0.0, -0.0004, -0.0006, np.nan)] == ["0.000", "0.000", "-0.001", "-"]
    assert [written(row(0), v, signed=True) for v in (-0.0004, 0.25)] == ["+0.000", "+0.250"]


def test_tables_fit_eighty_columns_and_leave_nothing_out(two_runs: Comparison) -> None:
    console = Console(width=80, color_system=None)
    with console.capture() as shown:
        console.print(*two_runs.tables())
    lines = shown.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in shown.get()
    assert any(line.startswith(" construction_vehicle PQ") for line in lines)
    assert any(line.startswith("t: Failures") for line in lines)
    assert two_runs.sources[0].rows


def test_json_holds_everything_and_no_nan(two_runs: Comparison) -> None:
    stored = json.loads(json.dumps(two_runs.as_json(), allow_nan=False))
    first, second = stored["sources"]
    assert stored["b"]["method"] == {"head": "b", "sha256": "0123456789", "step": 3}
    assert (first["frames"], second["frames"], second["frames_only_in_b"]) == (12, 3, 1)
    assert len(first["rows"]) == len(two_runs.sources[0].rows)
    assert first["verdicts"] == count_verdicts(two_runs.sources[0].rows)
    row = next(r for r in first["rows"] if (r["category"], r["measure"]) == ("vehicle", "F1"))
    assert row["difference"] == pytest.approx(row["b"] - row["a"])
    assert row["interval"][0] <= row["difference"] <= row["interval"][1]
    assert first["drawn"]["unit"] == "frame"


def test_notes_say_what_was_left_out_and_what_was_compared(two_runs: Comparison) -> None:
    drawn, left_out = notes_of(two_runs.sources[1])
    assert drawn == "There are no intervals: nothing can be concluded from 3 frames, at least 6 are needed."
    assert left_out == "Left out: 0 frames that only A has and 1 that only B has; 3 are compared."
    assert method_words(two_runs.b) == "b (step 3, sha256 01234567)"


def test_from_three_frames_nothing_is_concluded(two_runs: Comparison) -> None:
    rows = two_runs.sources[1].rows
    assert {row.draws for row in rows} == {0}
    assert {row.verdict for row in rows} <= {"unclear", "A only", "B only"}
    assert {wins_words(row) for row in rows} == {"-"}


def test_draws_differ_with_the_seed_and_values_do_not(two_runs: Comparison) -> None:
    paired = two_runs.sources[0].paired
    one, same, other = (compare_source(paired, resamples=40, seed=seed).rows for seed in (1, 1, 2))
    assert one == same
    assert [row.a for row in one] == pytest.approx([row.a for row in other], nan_ok=True)
    assert [row.interval for row in one] != [row.interval for row in other]
