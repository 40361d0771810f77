"""The training loop: any network, any loss, frames from any store; interrupted anywhere, it goes on bit for bit.

On a CPU two variables must be set before torch is first imported, or the maths library's idle threads take the cores
from the data workers by spinning (a third of the speed, measured): `GOMP_SPINCOUNT=0` and `OMP_WAIT_POLICY=passive`.
The `train` command sets them before it imports torch.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

import numpy as np
import torch
from torch import nn

from bevseg.checkpoint import save_checkpoint
from bevseg.configuration import dump_yaml, parse_yaml_as
from bevseg.datasets.sample import Sample
from bevseg.interruption import StopRequest
from bevseg.learning.finite import check_finite
from bevseg.learning.frames import FrameOrder, FrameStore, Loaded, PreparedFrames, load_batches
from bevseg.learning.losses import LossTerms
from bevseg.learning.progress import RunLog
from bevseg.learning.run_folder import ResumeError, RunFolder, TrainState
from bevseg.learning.schedule import MovingAverage, build_optimizer, learning_rate

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train. What may change when a run is resumed is said in `_FREE_ON_RESUME`.

    Attributes:
        steps: Length of the run and of the learning rate's schedule.
        batch_size: Frames a step.
        lr: Highest learning rate.
        weight_decay: Of AdamW, on matrices.
        warmup_steps: Until the highest rate.
        final_lr_share: Rate at the end over the highest.
        ema_decay: Of the averaged weights, which are what is evaluated and kept.
        max_grad_norm: Gradients longer than this are shortened to it.
        eval_every: Steps between evaluations.
        save_every: Steps between saved states.
        log_every: Steps between rows of measurements.
        seed: Of everything random.
        workers: Processes that prepare frames; 0 prepares between the steps.
        max_minutes: Stop after this much training (evaluations count), 0 for no limit.
    """

    steps: int
    batch_size: int = 4
    lr: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 200
    final_lr_share: float = 0.01
    ema_decay: float = 0.999
    max_grad_norm: float = 10.0
    eval_every: int = 500
    save_every: int = 250
    log_every: int = 20
    seed: int = 0
    workers: int = 1
    max_minutes: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "eval_every", "save_every", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("weight_decay", "warmup_steps", "final_lr_share", "seed", "workers", "max_minutes"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if not self.lr > 0 or not self.max_grad_norm > 0 or not 0 <= self.ema_decay < 1:
            raise ValueError(
                "lr and max_grad_norm must be above 0 and ema_decay in [0, 1), "
                f"got {self.lr}, {self.max_grad_norm}, {self.ema_decay}"
            )


_FREE_ON_RESUME = ("steps", "eval_every", "save_every", "log_every", "workers", "max_minutes")
"""Changing any of these keeps the run meaningful (`steps` bends the schedule from here on)."""


@dataclass(frozen=True)
class TrainTask(Generic[Item, Batch]):
    """What is trained, on what.

    Attributes:
        network: Starts from the weights it has; trained in place.
        model_config: The dataclass it was built from, kept inside its checkpoints.
        frames: Where scans come from.
        prepare: Scan to network input and targets, augmentation included; runs in the workers, so must be picklable.
        collate: Joins prepared scans; runs in the workers.
        loss_of: Runs the network on a batch and compares.
        evaluate: Measures the averaged network; None never evaluates (checkpoints are still kept).
        history: Metadata of the checkpoint that the network's weights are from; kept inside the run's own checkpoints.
    """

    network: nn.Module
    model_config: object
    frames: FrameStore
    prepare: Callable[[Sample, np.random.Generator], Item]
    collate: Callable[[Sequence[Item]], Batch]
    loss_of: Callable[[nn.Module, Batch], LossTerms]
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None
    history: Mapping[str, object] | None = None


@dataclass(frozen=True)
class TrainOutcome:
    """How a run ended: after which step, why, and where its averaged weights are."""

    step: int
    reason: Literal["finished", "time", "signal"]
    checkpoint: Path


def train(task: TrainTask[Item, Batch], config: TrainConfig, folder: Path, *, resume: bool = False) -> TrainOutcome:
    """Trains until the steps are done, the time is over or a signal asks to stop; keeps state and averaged weights.

    Raises:
        ResumeError: `folder` holds a run and `resume` is False, or the other way round, or the configs do not fit.
        NonFiniteLossError: The loss or its gradient is not finite; the state saved last is kept.
        UnreadableFrameError: A frame cannot be read or prepared; the state is saved first.
    """
    run = RunFolder(folder)
    if not resume and run.state_file.exists():
        raise ResumeError(f"{folder} already holds a run: resume it, or choose another folder")
    trainer = _Trainer(task, config, run)
    if resume:
        trainer.restore(run.load())
    run.create()
    with StopRequest() as stop:
        return trainer.run(stop)


class _Trainer(Generic[Item, Batch]):
    def __init__(self, task: TrainTask[Item, Batch], config: TrainConfig, folder: RunFolder) -> None:
        self._task = task
        self._config = config
        self._folder = folder
        self._optimizer = build_optimizer(task.network, lr=config.lr, weight_decay=config.weight_decay)
        self._average = MovingAverage(task.network, decay=config.ema_decay)
        self._order = FrameOrder(task.frames, config.seed)
        self._names_saved = 0
        self._step = 0
        self._seconds_before = 0.0
        self._started = time.monotonic()

    def restore(self, state: TrainState) -> None:
        """Takes up a saved state."""
        _check_same_run(state, self._config, self._task.model_config)
        self._task.network.load_state_dict(state.network)
        self._average.network.load_state_dict(state.average)
        self._optimizer.load_state_dict(dict(state.optimizer))
        self._order.epoch_sizes = list(state.epoch_sizes)
        self._order.known = self._folder.load_frame_names(at_least=max(state.epoch_sizes, default=0))
        self._step, self._seconds_before = state.step, state.seconds
        self._folder.forget_after(state.step)

    def run(self, stop: StopRequest) -> TrainOutcome:
        """Steps until there is a reason to stop."""
        config = self._config
        log = RunLog(
            self._folder,
            steps=config.steps,
            first_step=self._step,
            every=config.log_every,
            batch_size=config.batch_size,
        )
        batches = self._batches()
        with log:
            while (reason := self._reason_to_stop(stop)) is None:
                waited_from = time.perf_counter()
                prepared = self._next(batches)
                waited = time.perf_counter() - waited_from
                measured = self._train_on(prepared)
                log.add(self._step, {**measured, "waited_s": waited})
                if self._step % config.eval_every == 0 or self._step == config.steps:
                    self._evaluate(log, measured["loss"])
                elif self._step % config.save_every == 0:
                    self._save()
            self._save()
            self._keep(self._folder.last_checkpoint, {})
        return TrainOutcome(self._step, reason, self._folder.last_checkpoint)

    def _batches(self) -> Iterator[Loaded[Batch]]:
        config = self._config
        frames = PreparedFrames(self._task.frames, self._task.prepare, config.seed)
        draws = self._order.batches(first=self._step, end=config.steps, batch_size=config.batch_size)
        return load_batches(frames, draws, self._task.collate, workers=config.workers)

    def _next(self, batches: Iterator[Loaded[Batch]]) -> Loaded[Batch]:
        try:
            return next(batches)
        except Exception:
            self._save()  # the weights are sound, only the data is not
            raise

    def _train_on(self, prepared: Loaded[Batch]) -> dict[str, float]:
        """One step; afterwards `self._step` counts it."""
        config, network = self._config, self._task.network
        lr = learning_rate(
            self._step,
            steps=config.steps,
            warmup_steps=config.warmup_steps,
            peak=config.lr,
            final_share=config.final_lr_share,
        )
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        torch.manual_seed(config.seed * 1_000_003 + self._step)
        network.train()
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._task.loss_of(network, prepared.batch)
        terms = {name: float(term.detach()) for name, term in loss.terms.items()}
        check_finite("loss", float(loss.total.detach()), terms, step=self._step, frames=prepared.names)
        loss.total.backward()
        length = float(nn.utils.clip_grad_norm_(network.parameters(), config.max_grad_norm))
        check_finite("gradient", length, terms, step=self._step, frames=prepared.names)
        self._optimizer.step()
        self._step += 1
        self._average.update(network, step=self._step)
        return {"loss": float(loss.total.detach()), **terms, "lr": lr, "grad_norm": length}

    def _evaluate(self, log: RunLog, loss: float) -> None:
        self._save()
        measured: Mapping[str, float] = {}
        if self._task.evaluate is not None:
            with torch.no_grad(), torch.random.fork_rng():
                measured = self._task.evaluate(self._average.network.eval())
        frames_seen = self._step * self._config.batch_size
        row = {"step": self._step, "frames_seen": frames_seen, "minutes": self._seconds() / 60, "loss": loss}
        log.add_evaluation(self._step, {**row, **measured})
        self._keep(self._folder.checkpoint_at(self._step), measured)

    def _keep(self, file: Path, measured: Mapping[str, float]) -> None:
        metadata = {
            "step": self._step,
            "frames_seen": self._step * self._config.batch_size,
            "minutes": round(self._seconds() / 60, 2),
            "seed": self._config.seed,
            "train_config": dataclasses.asdict(self._config),
            "metrics": {name: value if math.isfinite(value) else None for name, value in measured.items()},
            **({} if self._task.history is None else {"started_from": self._task.history}),
        }
        save_checkpoint(file, self._average.network.state_dict(), self._task.model_config, metadata=metadata)

    def _save(self) -> None:
        state = TrainState(
            step=self._step,
            seconds=self._seconds(),
            network=self._task.network.state_dict(),
            average=self._average.network.state_dict(),
            optimizer=self._optimizer.state_dict(),
            epoch_sizes=list(self._order.epoch_sizes),
            train_config=dump_yaml(self._config),
            model_config=dump_yaml(self._task.model_config),
        )
        if len(self._order.known) > self._names_saved:
            self._folder.save_frame_names(self._order.known)
            self._names_saved = len(self._order.known)
        self._folder.save(state)

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._started

    def _reason_to_stop(self, stop: StopRequest) -> Literal["finished", "time", "signal"] | None:
        if self._step >= self._config.steps:
            return "finished"
        if stop.signal_name is not None:
            logger.info("stopping after step %d: %s", self._step, stop.signal_name)
            return "signal"
        if self._config.max_minutes and self._seconds() > 60 * self._config.max_minutes:
            return "time"
        return None


def _check_same_run(state: TrainState, config: TrainConfig, model_config: object) -> None:
    before = dataclasses.asdict(parse_yaml_as(TrainConfig, state.train_config, origin="the saved training config"))
    changed = [
        f"{name} was {before[name]}, is {now}"
        for name, now in dataclasses.asdict(config).items()
        if name not in _FREE_ON_RESUME and now != before[name]
    ]
    if changed:
        raise ResumeError(f"a resumed run must keep its config, but {'; '.join(changed)}: start a new run for that")
    if dump_yaml(model_config) != state.model_config:
        raise ResumeError("a resumed run must keep its model's config, but it differs: start a new run for that")
