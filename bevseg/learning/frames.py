"""Training frames: which frame comes when, and the workers that prepare it.

What a step sees is a function of (seed, epoch, frame) alone, so neither the number of workers nor an interruption
changes it. A folder may grow while it is trained on: the frames known are read at the start of each epoch, numbered in
the order they were first seen, and that list is kept with the run.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from bevseg.allocator import keep_freed_memory
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.processes import one_thread_each

Item = TypeVar("Item")
Batch = TypeVar("Batch")


@runtime_checkable
class FrameStore(Protocol):
    """Frames by name; the names may grow in number but never change what they stand for. Must be picklable."""

    def names(self) -> Sequence[str]:
        """The frames that are complete now."""
        ...

    def read(self, name: str) -> Sample: ...


@dataclass(frozen=True)
class SourceFrames:
    """The frames of a dataset reader, named by their position."""

    source: Source

    def names(self) -> Sequence[str]:
        return [str(i) for i in range(len(self.source))]

    def read(self, name: str) -> Sample:
        return self.source[int(name)]


@dataclass(frozen=True)
class FolderFrames:
    """The files of a folder that end in `suffix`; whoever adds one must move it there complete (write, then rename)."""

    folder: Path
    suffix: str
    read_file: Callable[[Path], Sample]

    def names(self) -> Sequence[str]:
        return sorted(entry.name for entry in os.scandir(self.folder) if entry.name.endswith(self.suffix))

    def read(self, name: str) -> Sample:
        return self.read_file(self.folder / name)


class UnreadableFrameError(ValueError):
    """A frame could not be read or prepared: which one, and why."""


@dataclass(frozen=True)
class Draw:
    """One frame in its place in the training order."""

    name: str
    epoch: int
    number: int


@dataclass(frozen=True)
class Loaded(Generic[Batch]):
    """A batch and the names of its frames."""

    batch: Batch
    names: tuple[str, ...]


@dataclass
class FrameOrder:
    """The endless sequence of frames: each epoch visits, in an order of its own, all frames known at its start.

    Attributes:
        store: Where names come from.
        seed: Of the whole run.
        known: Names in the order they were first seen; grows.
        epoch_sizes: How many of `known` each epoch begun so far visits; grows.
    """

    store: FrameStore
    seed: int
    known: list[str] = field(default_factory=list)
    epoch_sizes: list[int] = field(default_factory=list)

    def batches(self, *, first: int, end: int, batch_size: int) -> Iterator[list[Draw]]:
        """The draws of steps `first` to `end`; a batch may reach over the border of two epochs."""
        draws = self._draws(first * batch_size)
        for _ in range(first, end):
            yield [next(draws) for _ in range(batch_size)]

    def _draws(self, position: int) -> Iterator[Draw]:
        epoch = 0
        while position >= (size := self._size_of(epoch)):
            position -= size
            epoch += 1
        while True:
            order = np.random.default_rng((self.seed, epoch)).permutation(self._size_of(epoch))
            for number in order[position:]:
                yield Draw(self.known[number], epoch, int(number))
            position, epoch = 0, epoch + 1

    def _size_of(self, epoch: int) -> int:
        if epoch == len(self.epoch_sizes):
            before = set(self.known)
            self.known.extend(name for name in self.store.names() if name not in before)
            if not self.known:
                raise UnreadableFrameError(f"there is no frame to train on in {self.store}; add frames, then start")
            self.epoch_sizes.append(len(self.known))
        return self.epoch_sizes[epoch]


@dataclass(frozen=True)
class PreparedFrames(Dataset[tuple[str, Item]], Generic[Item]):
    """Reads and prepares the frame of a draw; runs inside the workers."""

    store: FrameStore
    prepare: Callable[[Sample, np.random.Generator], Item]
    seed: int

    def __getitem__(self, draw: Draw) -> tuple[str, Item]:
        rng = np.random.default_rng((self.seed, draw.epoch, draw.number))
        try:
            return draw.name, self.prepare(self.store.read(draw.name), rng)
        except Exception as error:
            raise UnreadableFrameError(
                f"frame '{draw.name}' (number {draw.number}, epoch {draw.epoch}) could not be prepared: "
                f"{type(error).__name__}: {error}. Remove or repair it; the run can be resumed."
            ) from error


@dataclass(frozen=True)
class _Joined(Generic[Item, Batch]):
    collate: Callable[[Sequence[Item]], Batch]

    def __call__(self, drawn: list[tuple[str, Item]]) -> Loaded[Batch]:
        return Loaded(self.collate([item for _, item in drawn]), tuple(name for name, _ in drawn))


def load_batches(
    frames: PreparedFrames[Item],
    draws: Iterator[list[Draw]],
    collate: Callable[[Sequence[Item]], Batch],
    *,
    workers: int,
    start_method: Literal["spawn", "fork", "forkserver"] = "spawn",
) -> Iterator[Loaded[Batch]]:
    """Prepared batches in the order of the draws.

    Args:
        frames: What a worker does with a draw; everything in it is picklable.
        draws: Frames of each batch.
        collate: Joins the items of a batch, inside the worker.
        workers: Processes, each with one thread; 0 prepares in this process.
        start_method: `spawn` is safe whatever threads this process has started; `fork` starts at once.
    """
    parallel: dict[str, Any] = {}
    if workers:
        parallel = {"multiprocessing_context": start_method, "prefetch_factor": 3, "worker_init_fn": _start_worker}
    loader: DataLoader[Any] = DataLoader(
        frames, batch_sampler=_Once(draws), collate_fn=_Joined(collate), num_workers=workers, **parallel
    )
    with one_thread_each():
        return iter(loader)


@dataclass(frozen=True)
class _Once:
    """DataLoader wants something it can iterate over; ours is consumed once."""

    draws: Iterator[list[Draw]]

    def __iter__(self) -> Iterator[list[Draw]]:
        return self.draws


def _start_worker(worker: int) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; only the trainer acts on it
    keep_freed_memory()  # 4 of 52 ms for an HDL-64E frame (2026-11-21)
