"""Tests of `bevseg.learning.run_folder`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from bevseg.learning.run_folder import ResumeError, RunFolder, TrainState


def state(step: int = 3) -> TrainState:
    weights = {"a": torch.arange(4.0), "b": torch.tensor(2)}
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]}
    return TrainState(
        step=step,
        seconds=1.5,
        network=weights,
        average=weights,
        optimizer=optimizer,
        epoch_sizes=[2, 4],
        train_config="steps: 6\n",
        model_config="width: 4\n",
    )


def test_a_state_comes_back_whole(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.save(state(2))
    folder.save(state(3))
    loaded = folder.load()
    assert (loaded.step, loaded.seconds, loaded.epoch_sizes) == (3, 1.5, [2, 4])
    assert torch.equal(loaded.network["a"], torch.arange(4.0))
    assert loaded.optimizer["param_groups"] == [{"lr": 0.1, "betas": (0.9, 0.99)}]
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_a_missing_torn_or_foreign_state_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(ResumeError, match="no run to resume"):
        folder.load()
    folder.save(state())
    whole = folder.state_file.read_bytes()
    for length in (0, 10, len(whole) // 2):
        folder.state_file.write_bytes(whole[:length])
        with pytest.raises(ResumeError, match="not a readable state"):
            folder.load()
    torch.save({"format": 99}, folder.state_file)
    with pytest.raises(ResumeError, match="another version"):
        folder.load()
    torch.save({"weights": torch.zeros(2)}, folder.state_file)
    with pytest.raises(ResumeError, match="not a readable state"):
        folder.load()


class Harmful:
    """Would create a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_state_that_would_run_code_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    torch.save({"format": 1, "step": Harmful(tmp_path / "harm")}, folder.state_file)
    with pytest.raises(ResumeError, match="not a readable state"):
        folder.load()
    assert not (tmp_path / "harm").exists()


def test_frame_names_come_back_in_their_order(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(ResumeError, match=r"no frames\.txt"):
        folder.load_frame_names(at_least=0)
    folder.save_frame_names(["b.npz", "a.npz"])
    assert folder.load_frame_names(at_least=2) == ["b.npz", "a.npz"]
    with pytest.raises(ResumeError, match="names 2 frames, the state has used 3"):
        folder.load_frame_names(at_least=3)


def test_rows_after_the_resumed_step_are_forgotten(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.forget_after(0)  # nothing there yet
    for step in (2, 4, 6):
        folder.append_metrics({"step": step, "loss": 0.5})
        folder.append_curve({"step": step, "pq": 0.25})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "lo')
    folder.forget_after(4)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    with (tmp_path / "curve.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2", "4"]


def test_a_new_quantity_gets_a_column(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_curve({"step": 1, "pq": 0.123456789})
    folder.append_curve({"step": 2, "miou": float("nan")})
    assert (tmp_path / "curve.csv").read_text() == "step,pq,miou\n1,0.123457,\n2,,nan\n"
