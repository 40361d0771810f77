"""Tests of `bevseg.learning.trainer` on a network of a few weights and samples of a few points."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bevseg.checkpoint import load_checkpoint
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.learning.finite import NonFiniteLossError
from bevseg.learning.frames import UnreadableFrameError
from bevseg.learning.losses import LossTerms
from bevseg.learning.run_folder import ResumeError
from bevseg.learning.trainer import TrainConfig, TrainTask, train
from bevseg.points.cloud import PointCloud

CONFIG = TrainConfig(steps=6, batch_size=2, warmup_steps=2, eval_every=3, save_every=2, log_every=2, workers=0, seed=5)


def make_sample(number: int) -> Sample:
    """A scan of three points whose first x is its number."""
    cloud = PointCloud.from_xyz(np.array([[number, 1, 0], [2, 3, 1], [4, number, 2]], np.float32))
    truth = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    place = Transform.identity("lidar")
    return Sample(f"scan{number}", cloud, truth, place, place)


@dataclass
class GrowingStore:
    """Frames that become more each time they are asked for."""

    growth: int = 0
    size: int = 5
    broken: str | None = None

    def names(self) -> Sequence[str]:
        self.size += self.growth
        return [f"frame{i}" for i in range(self.size)]

    def read(self, name: str) -> Sample:
        if name == self.broken:
            raise OSError("cut off")
        return make_sample(int(name.removeprefix("frame")))


@dataclass(frozen=True)
class TinyConfig:
    width: int = 4


def prepare(sample: Sample, rng: np.random.Generator) -> Tensor:
    noise = rng.normal(size=sample.cloud.xyz.shape)
    return torch.from_numpy((sample.cloud.xyz / 10 + noise).astype(np.float32))


def collate(items: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(items))


def tiny_network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 1))


def loss_of(network: nn.Module, batch: Tensor) -> LossTerms:
    error = (network(batch) - batch.sum(1, keepdim=True)).square().mean()
    return LossTerms(error, {"error": error})


def evaluate(network: nn.Module) -> Mapping[str, float]:
    """Draws random numbers, as an evaluation may: training must not notice."""
    assert not network.training
    return {"pq": float(network(torch.ones(1, 3)) * 0 + torch.rand(()) * 0 + 0.5), "pq_rare": float("nan")}


def make_task(**changes: object) -> TrainTask[Tensor, Tensor]:
    task = TrainTask(tiny_network(), TinyConfig(), GrowingStore(), prepare, collate, loss_of, evaluate)
    return replace(task, **changes)  # type: ignore[arg-type]


def weights_of(task: TrainTask[Tensor, Tensor]) -> bytes:
    return b"".join(t.numpy().tobytes() for t in task.network.state_dict().values())


@dataclass
class SignalAfter:
    """A loss that sends this process a signal in its n-th call."""

    calls: int
    number: signal.Signals
    seen: list[int] = field(default_factory=list)

    def __call__(self, network: nn.Module, batch: Tensor) -> LossTerms:
        self.seen.append(1)
        if len(self.seen) == self.calls:
            os.kill(os.getpid(), self.number)
        return loss_of(network, batch)


@pytest.mark.parametrize("growth", [0, 3])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_interrupted_and_resumed_ends_in_the_same_bytes(
    tmp_path: Path, growth: int, number: signal.Signals
) -> None:
    straight = make_task(frames=GrowingStore(growth))
    assert train(straight, CONFIG, tmp_path / "straight").reason == "finished"
    store = GrowingStore(growth)
    first = make_task(frames=store, loss_of=SignalAfter(3, number))
    stopped = train(first, CONFIG, tmp_path / "halves")
    assert (stopped.reason, stopped.step) == ("signal", 3)
    assert weights_of(first) != weights_of(straight)
    second = make_task(frames=store, network=tiny_network())
    assert train(second, CONFIG, tmp_path / "halves", resume=True).step == 6
    assert weights_of(second) == weights_of(straight)
    last = [(tmp_path / name / "last.safetensors") for name in ("straight", "halves")]
    tensors = [load_checkpoint(path).tensors for path in last]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])


def test_an_interruption_loses_only_the_steps_after_the_last_save(tmp_path: Path) -> None:
    straight = make_task()
    train(straight, CONFIG, tmp_path / "straight")
    calls: list[int] = []

    def dies_at_six(network: nn.Module, batch: Tensor) -> LossTerms:
        calls.append(1)
        if len(calls) == 6:
            raise MemoryError
        return loss_of(network, batch)

    with pytest.raises(MemoryError):
        train(make_task(loss_of=dies_at_six), CONFIG, tmp_path / "run")
    second = make_task()
    train(second, CONFIG, tmp_path / "run", resume=True)
    assert weights_of(second) == weights_of(straight)
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_workers_change_nothing(tmp_path: Path) -> None:
    alone, helped = make_task(), make_task()
    train(alone, CONFIG, tmp_path / "alone")
    train(helped, replace(CONFIG, workers=1), tmp_path / "helped")
    assert weights_of(alone) == weights_of(helped)


def test_the_seed_changes_the_run(tmp_path: Path) -> None:
    one, other = make_task(), make_task()
    train(one, CONFIG, tmp_path / "one")
    train(other, replace(CONFIG, seed=6), tmp_path / "other")
    assert weights_of(one) != weights_of(other)


def test_the_tables_tell_the_run(tmp_path: Path) -> None:
    train(make_task(), CONFIG, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert {"loss", "error", "lr", "grad_norm", "waited_s", "frames_per_s"} <= rows[0].keys()
    with (tmp_path / "curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    assert [(row["step"], row["frames_seen"], row["pq"]) for row in curve] == [("3", "6", "0.5"), ("6", "12", "0.5")]
    checkpoint = load_checkpoint(tmp_path / "checkpoints" / "step_00000003.safetensors")
    assert checkpoint.config_as(TinyConfig) == TinyConfig()
    assert checkpoint.metadata["frames_seen"] == 6
    assert checkpoint.metadata["metrics"] == {"pq": 0.5, "pq_rare": None}
    assert any((tmp_path / "tensorboard").iterdir())


def test_training_lowers_the_loss_and_the_average_follows(tmp_path: Path) -> None:
    task = make_task(network=nn.Linear(3, 1))
    config = replace(CONFIG, steps=120, lr=0.05, eval_every=200, log_every=10, ema_decay=0.9)
    outcome = train(task, config, tmp_path)
    rows = [json.loads(line)["loss"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1] < 0.1 * rows[0]
    averaged = load_checkpoint(outcome.checkpoint).tensors["weight"]
    torch.testing.assert_close(averaged, torch.ones(1, 3), atol=0.2, rtol=0)


def test_the_time_box_ends_a_run_with_a_usable_checkpoint(tmp_path: Path) -> None:
    outcome = train(make_task(), replace(CONFIG, steps=10_000, max_minutes=1e-6), tmp_path)
    assert outcome.reason == "time"
    load_checkpoint(outcome.checkpoint).load_into(tiny_network())


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_non_finite_loss_or_gradient_names_step_terms_and_frames(tmp_path: Path, where: str) -> None:
    def explode(network: nn.Module, batch: Tensor) -> LossTerms:
        value = network(batch).sum()
        error = value * torch.nan if where == "loss" else (value - value.detach()).sqrt()
        return LossTerms(error, {"mask": error, "box": torch.tensor(2.0)})

    with pytest.raises(NonFiniteLossError, match=rf"{where} of step 0 is .*box 2\) on frames frame\d, frame\d"):
        train(make_task(loss_of=explode), CONFIG, tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_a_broken_frame_is_named_and_the_state_is_kept(tmp_path: Path) -> None:
    task = make_task(frames=GrowingStore(broken="frame2"))
    with pytest.raises(UnreadableFrameError, match=r"frame 'frame2' .*OSError: cut off"):
        train(task, CONFIG, tmp_path)
    repaired = make_task()
    assert train(repaired, CONFIG, tmp_path, resume=True).step == 6


def test_no_frames_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFrameError, match="no frame to train on"):
        train(make_task(frames=GrowingStore(size=0)), CONFIG, tmp_path)


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(make_task(), CONFIG, tmp_path)
    with pytest.raises(ResumeError, match="already holds a run"):
        train(make_task(), CONFIG, tmp_path)


def test_resuming_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="no run to resume"):
        train(make_task(), CONFIG, tmp_path, resume=True)


def test_a_resumed_run_may_grow_but_not_change(tmp_path: Path) -> None:
    train(make_task(), CONFIG, tmp_path)
    with pytest.raises(ResumeError, match=r"batch_size was 2, is 3; lr was 0.002, is 0.1"):
        train(make_task(), replace(CONFIG, batch_size=3, lr=0.1), tmp_path, resume=True)
    with pytest.raises(ResumeError, match="model's config"):
        train(make_task(model_config=TinyConfig(5)), CONFIG, tmp_path, resume=True)
    assert train(make_task(), replace(CONFIG, steps=8), tmp_path, resume=True).step == 8


@pytest.mark.parametrize(
    "make",
    [
        lambda: TrainConfig(steps=0),
        lambda: TrainConfig(steps=1, batch_size=0),
        lambda: TrainConfig(steps=1, lr=0.0),
        lambda: TrainConfig(steps=1, ema_decay=1.0),
        lambda: TrainConfig(steps=1, workers=-1),
    ],
)
def test_a_config_that_cannot_train_is_refused(make: Callable[[], TrainConfig]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()
