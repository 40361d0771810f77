"""Tests of `bevseg.learning.progress`."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from bevseg.learning.progress import RunLog
from bevseg.learning.run_folder import RunFolder


def log_into(folder: Path, *, first_step: int = 0) -> RunLog:
    return RunLog(RunFolder(folder), steps=8, first_step=first_step, every=2, batch_size=3)


def rows_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_rows_hold_the_means_of_their_steps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), log_into(tmp_path) as log:
        for step, loss in enumerate([4.0, 2.0, 1.0, 0.5, 9.0], start=1):
            log.add(step, {"loss": loss, "lr": 0.1})
    rows = rows_of(tmp_path)
    assert [(row["step"], row["loss"]) for row in rows] == [(2, 3.0), (4, 0.75)]
    assert all(row["frames_per_s"] > 0 for row in rows)
    assert "step 4: loss 0.75" in caplog.text


def test_an_evaluation_is_a_row_of_the_curve_and_starts_the_means_anew(tmp_path: Path) -> None:
    with log_into(tmp_path) as log:
        log.add(1, {"loss": 4.0})
        log.add_evaluation(1, {"step": 1, "pq": 0.5, "pq_rare": float("nan")})
        log.add(2, {"loss": 1.0})
    assert rows_of(tmp_path)[0]["loss"] == 1.0
    assert (tmp_path / "curve.csv").read_text() == "step,pq,pq_rare\n1,0.5,nan\n"


def test_tensorboard_gets_what_is_finite(tmp_path: Path) -> None:
    with log_into(tmp_path) as log:
        log.add(1, {"loss": 4.0})
        log.add(2, {"loss": 2.0})
        log.add_evaluation(2, {"pq": 0.5, "pq_rare": float("nan")})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"training/loss", "training/frames_per_s", "evaluation/pq"}
    assert [(event.step, event.value) for event in events.Scalars("training/loss")] == [(2, 3.0)]


def test_a_run_without_steps_writes_nothing(tmp_path: Path) -> None:
    with log_into(tmp_path, first_step=8):
        pass
    assert not (tmp_path / "metrics.jsonl").exists()
