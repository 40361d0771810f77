"""Tests of `bevseg train`: what it passes on, what it refuses, and one real run of a small network."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bevseg.cli import main
from bevseg.configuration import dump_yaml, load_yaml_as
from bevseg.geometry.grid import BevGrid
from bevseg.instances.heads.output import HeadOutput
from bevseg.learning.batch import Batch
from bevseg.learning.experiment import ExperimentConfig
from bevseg.learning.frames import FolderFrames, SourceFrames
from bevseg.learning.losses import LossTerms
from bevseg.learning.objective import ObjectiveConfig, objective
from bevseg.learning.trainer import TrainConfig, TrainOutcome
from bevseg.simulation.config import SimulationConfig

EXPERIMENT = ExperimentConfig(
    train=TrainConfig(steps=4, batch_size=1, workers=0, eval_every=2, log_every=1, warmup_steps=1),
    validation=SimulationConfig(seed=2, frames=1),
)


@dataclass
class Recorder:
    """Stands in for the training itself."""

    reason: str = "finished"
    calls: list[tuple[ExperimentConfig, Path, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, config: ExperimentConfig, folder: Path, **options: Any) -> TrainOutcome:
        self.calls.append((config, folder, options))
        (folder / "state.pt").touch()
        return TrainOutcome(config.train.steps, self.reason, folder / "last.safetensors")  # type: ignore[arg-type]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr("bevseg.learning.experiment.run_experiment", recorder)
    return recorder


@pytest.fixture
def yaml_file(tmp_path: Path) -> str:
    path = tmp_path / "experiment.yaml"
    path.write_text(dump_yaml(EXPERIMENT))
    return str(path)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "set by the test")


def test_a_new_run_takes_the_yaml_and_the_options(
    recorder: Recorder, yaml_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--steps", "9", "--minutes", "1.5", "--workers", "3", "--json"]
    assert main(["train", yaml_file, "--out", str(out), *options]) == 0
    ((config, folder, rest),) = recorder.calls
    expected = replace(EXPERIMENT, train=replace(EXPERIMENT.train, steps=9, max_minutes=1.5, workers=3))
    assert (config, folder, rest) == (expected, out, {"frames": None, "resume": False})
    assert load_yaml_as(ExperimentConfig, out / "experiment.yaml") == expected
    said = json.loads(capsys.readouterr().out)
    assert said == {"step": 9, "reason": "finished", "checkpoint": str(out / "last.safetensors")}


def test_a_resumed_run_needs_no_yaml(recorder: Recorder, yaml_file: str, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    main(["train", yaml_file, "--out", out])
    assert main(["train", "--out", out, "--resume", "--steps", "20"]) == 0
    config, _, rest = recorder.calls[1]
    assert config == replace(EXPERIMENT, train=replace(EXPERIMENT.train, steps=20))
    assert rest["resume"] is True


def test_a_run_may_start_with_the_weights_of_a_checkpoint(recorder: Recorder, yaml_file: str, tmp_path: Path) -> None:
    assert main(["train", yaml_file, "--out", str(tmp_path / "run"), "--initial", "bevseg-s"]) == 0
    assert recorder.calls[0][0] == replace(EXPERIMENT, initial="bevseg-s")


def test_a_run_stopped_by_a_signal_exits_as_interrupted(recorder: Recorder, yaml_file: str, tmp_path: Path) -> None:
    recorder.reason = "signal"
    assert main(["train", yaml_file, "--out", str(tmp_path / "run")]) == 130


def test_stored_frames_are_found_by_what_the_folder_holds(recorder: Recorder, yaml_file: str, tmp_path: Path) -> None:
    generated, loose = tmp_path / "generated", tmp_path / "loose"
    generated.mkdir()
    loose.mkdir()
    (generated / "simulation.json").touch()
    (loose / "a.npz").touch()
    main(["train", yaml_file, "--out", str(tmp_path / "one"), "--frames", str(generated)])
    main(["train", yaml_file, "--out", str(tmp_path / "two"), "--frames", str(loose)])
    assert isinstance(recorder.calls[0][2]["frames"], SourceFrames)
    store = recorder.calls[1][2]["frames"]
    assert isinstance(store, FolderFrames)
    assert store.names() == ["a.npz"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "{run}"], "already holds a run"),
        (["{yaml}", "--out", "{run}"], "already holds a run"),
        (["--out", "{new}"], "a new run needs the YAML"),
        (["--out", "{new}", "--resume"], "no run to resume"),
        (["--out", "{run}", "--resume", "--initial", "bevseg-s"], "--initial starts a new run"),
        (["{other}", "--out", "{run}", "--resume"], "other.yaml differs from"),
        (["{yaml}", "--out", "{new}", "--frames", "{new}"], "neither simulation.json nor .npz"),
        (["{yaml}", "--out", "{new}", "--steps", "0"], "steps must be at least 1"),
        (["missing.yaml", "--out", "{new}"], "missing.yaml"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    recorder: Recorder,
    yaml_file: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    run, other = tmp_path / "run", tmp_path / "other.yaml"
    main(["train", yaml_file, "--out", str(run)])
    other.write_text(dump_yaml(replace(EXPERIMENT, validation=SimulationConfig(seed=3, frames=1))))
    places = {"run": run, "new": tmp_path / "new", "yaml": yaml_file, "other": other}
    capsys.readouterr()
    assert main(["train", *(argument.format(**places) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err
    assert len(recorder.calls) == 1


@pytest.mark.slow
def test_a_small_network_trains_stops_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(EXPERIMENT.model, grid=BevGrid(-12.8, -6.4, 0.2, 128, 64))
    yaml_file, out = tmp_path / "small.yaml", tmp_path / "run"
    yaml_file.write_text(dump_yaml(replace(EXPERIMENT, model=small)))
    steps: list[int] = []

    def stop_after_two(output: HeadOutput, batch: Batch, weights: ObjectiveConfig) -> LossTerms:
        steps.append(1)
        if len(steps) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return objective(output, batch, weights)

    monkeypatch.setattr("bevseg.learning.experiment.objective", stop_after_two)
    assert main(["train", str(yaml_file), "--out", str(out)]) == 130
    assert main(["train", "--out", str(out), "--resume"]) == 0
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert (out / "last.safetensors").is_file()
