from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.cli import main
from bevseg.configuration import dump_yaml
from bevseg.evaluation.calibration import Reliability
from bevseg.evaluation.panoptic import SemanticCounts
from bevseg.evaluation.scores import MatchCounts
from bevseg.learning.experiment import ExperimentConfig
from bevseg.learning.export import ExportedCheckpoint
from bevseg.learning.trainer import TrainConfig
from bevseg.learning.validation import Validation
from bevseg.simulation.config import SimulationConfig

VALIDATION = SimulationConfig(seed=5, frames=9, sensors=("vlp-16",))
EXPERIMENT = replace(ExperimentConfig(TrainConfig(steps=1)), validation=VALIDATION)


@dataclass
class Recorder:
    """Stands in for the export itself."""

    calls: list[tuple[Path, Path, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, source: Path, destination: Path, **options: Any) -> ExportedCheckpoint:
        self.calls.append((source, destination, options))
        one = np.array([1, 0, 0, 0])
        counts = MatchCounts(one, one, one, 0.9 * one)
        validation = Validation(counts, SemanticCounts.zero(), (0.2, 0.5, 0.5, 0.5), Reliability.zero(4), ())
        return ExportedCheckpoint(destination, 2**20, validation)


@dataclass(frozen=True)
class Frames:
    """Stands in for the simulator: a sample is its number."""

    config: SimulationConfig
    name: str = "simulated"

    def __len__(self) -> int:
        return self.config.frames

    def __getitem__(self, index: int) -> int:
        return index


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr("bevseg.learning.export.export_checkpoint", recorder)
    monkeypatch.setattr("bevseg.simulation.source.SimulatedSource", Frames)
    return recorder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "last.safetensors").touch()
    (folder / "experiment.yaml").write_text(dump_yaml(EXPERIMENT))
    return folder


def _given(options: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    return options["samples"], options["samples_from"]


def test_a_run_is_exported_with_frames_like_those_of_its_validation(
    recorder: Recorder, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "small.safetensors"
    assert main(["export", str(run_folder), "--to", str(target), "--frames", "3", "--json"]) == 0
    ((source, destination, options),) = recorder.calls
    samples, samples_from = _given(options)
    assert (source, destination) == (run_folder / "last.safetensors", target)
    assert samples == [0, 1, 2]
    assert (samples_from["seed"], samples_from["sensors"]) == (5, ("vlp-16",))
    assert options["weight_type"] == "float16"
    said = json.loads(capsys.readouterr().out)
    assert said["bytes"] == 2**20
    assert said["threshold_vehicle"] == 0.2
    assert said["pq_static"] is None


def test_a_checkpoint_of_a_run_and_one_that_stands_alone(
    recorder: Recorder, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in (run_folder / "checkpoints" / "step_2.safetensors", tmp_path / "alone.safetensors"):
        assert main(["export", str(source), "--to", str(tmp_path / "a.safetensors"), "--weights", "bfloat16"]) == 0
        assert recorder.calls[-1][0] == source
        assert recorder.calls[-1][2]["weight_type"] == "bfloat16"
    assert [_given(options)[1]["seed"] for _, _, options in recorder.calls] == [5, 2]
    assert len(_given(recorder.calls[0][2])[0]) == 60
    assert "vehicle (2)" in capsys.readouterr().out


def test_another_seed_may_be_given_and_a_file_replaced(recorder: Recorder, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").touch()
    options = ["--to", str(tmp_path / "a.safetensors"), "--force", "--seed", "6", "--frames", "1"]
    assert main(["export", str(run_folder), *options]) == 0
    assert _given(recorder.calls[0][2])[1]["seed"] == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}", "--to", "{run}/last.safetensors"], "is there already"),
        (["{run}", "--to", "{new}", "--frames", "0"], "--frames must be 1 or more"),
        (["{run}", "--to", "{new}", "--seed", "1"], "frames that this run was trained on"),
        (["{run}/checkpoints", "--to", "{new}"], "has no last.safetensors"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    recorder: Recorder,
    run_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    places = {"run": run_folder, "new": tmp_path / "new.safetensors"}
    assert main(["export", *(argument.format(**places) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err
    assert recorder.calls == []
