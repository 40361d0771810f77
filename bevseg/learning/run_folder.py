"""The files of a training run: its state, from which it goes on bit for bit, and its tables of measurements.

experiment.yaml whole config, as the `train` command was given it
state.pt        weights, averaged weights, optimiser, place in the data (tensors and plain values only)
frames.txt      names of the frames in the order they were first seen
metrics.jsonl   one row every few steps: loss terms, learning rate, speed
curve.csv       one row an evaluation: frames seen, minutes trained, what the evaluation measured
tensorboard/    the same numbers
checkpoints/    averaged weights at each evaluation
last.safetensors  the newest of them
"""

from __future__ import annotations

import csv
import json
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

_FORMAT = 1


class ResumeError(ValueError):
    """A run cannot be started in, or resumed from, its folder."""


@dataclass(frozen=True, eq=False)
class TrainState:
    """All that the next step depends on. Random numbers are drawn from (seed, step) and need no state.

    Attributes:
        step: Steps done.
        seconds: Time trained so far.
        network: The trained network's `state_dict`.
        average: The averaged network's.
        optimizer: The optimiser's.
        epoch_sizes: Frames in each epoch begun so far.
        train_config: The run's config as YAML.
        model_config: The model's config as YAML.
    """

    step: int
    seconds: float
    network: Mapping[str, Any]
    average: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    epoch_sizes: list[int]
    train_config: str
    model_config: str


@dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of one run."""

    path: Path

    @property
    def experiment_file(self) -> Path:
        return self.path / "experiment.yaml"

    @property
    def state_file(self) -> Path:
        return self.path / "state.pt"

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "last.safetensors"

    def checkpoint_at(self, step: int) -> Path:
        """Where the averaged weights after `step` steps are kept."""
        return self.path / "checkpoints" / f"step_{step:08d}.safetensors"

    def create(self) -> None:
        (self.path / "checkpoints").mkdir(parents=True, exist_ok=True)

    def save_frame_names(self, names: Sequence[str]) -> None:
        """Writes which frame is which; what is written only ever grows."""
        _replace_text(self.path / "frames.txt", "".join(f"{name}\n" for name in names))

    def save(self, state: TrainState) -> None:
        """Writes the state; a crash midway leaves the one that was there before."""
        partial = self.state_file.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save({"format": _FORMAT, **vars(state)}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.state_file)

    def load(self) -> TrainState:
        """Reads the state; runs no code from it.

        Raises:
            ResumeError: There is none, or it is not readable.
        """
        try:
            fields = torch.load(self.state_file, map_location="cpu", weights_only=True)
            if fields.pop("format") != _FORMAT:
                raise ResumeError(f"{self.state_file} was written by another version; start a new run")
            return TrainState(**fields)
        except FileNotFoundError as error:
            raise ResumeError(f"no run to resume in {self.path}: it has no state.pt") from error
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError) as error:
            raise ResumeError(f"{self.state_file} is not a readable state ({error}); start a new run") from error

    def load_frame_names(self, at_least: int) -> list[str]:
        """Names of the frames seen so far.

        Raises:
            ResumeError: There are fewer than the state has used.
        """
        try:
            names = (self.path / "frames.txt").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise ResumeError(f"{self.path} has no frames.txt, which says which frame is which") from error
        if len(names) < at_least:
            raise ResumeError(f"{self.path / 'frames.txt'} names {len(names)} frames, the state has used {at_least}")
        return names

    def append_metrics(self, row: Mapping[str, int | float]) -> None:
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(row)) + "\n")

    def append_curve(self, row: Mapping[str, int | float]) -> None:
        """Adds an evaluation; a quantity that is new gets a column, empty in older rows."""
        self._write_curve([*self._read_curve(), {name: f"{value:.6g}" for name, value in row.items()}])

    def forget_after(self, step: int) -> None:
        """Drops rows of steps that a resumed run will do again."""
        metrics = self.path / "metrics.jsonl"
        if metrics.exists():
            kept = [line for line in _complete_lines(metrics) if json.loads(line)["step"] <= step]
            _replace_text(metrics, "".join(kept))
        if rows := self._read_curve():
            self._write_curve([row for row in rows if float(row["step"]) <= step])

    def _read_curve(self) -> list[dict[str, str]]:
        file = self.path / "curve.csv"
        if not file.exists():
            return []
        with file.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    def _write_curve(self, rows: list[dict[str, str]]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        partial = self.path / "curve.csv.partial"
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(partial, self.path / "curve.csv")


def _complete_lines(file: Path) -> list[str]:
    """Lines that end in a line break: a crash may leave half a row at the end."""
    return [line for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]


def _replace_text(file: Path, text: str) -> None:
    partial = file.with_name(file.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, file)
