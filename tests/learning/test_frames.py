"""Tests of `bevseg.learning.frames`: the order of frames follows from the seed, whatever else happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.learning.frames import (
    Draw,
    FolderFrames,
    FrameOrder,
    PreparedFrames,
    SourceFrames,
    UnreadableFrameError,
    load_batches,
)
from bevseg.points.cloud import PointCloud


def make_sample(name: str) -> Sample:
    cloud = PointCloud.empty()
    truth = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    return Sample(name, cloud, truth, Transform.identity("lidar"), Transform.identity("lidar"))


@dataclass
class ListStore:
    """Names that a test changes as it goes."""

    present: list[str] = field(default_factory=list)

    def names(self) -> Sequence[str]:
        return list(self.present)

    def read(self, name: str) -> Sample:
        return make_sample(name)


@dataclass(frozen=True)
class ListSource:
    name: str = "list"

    def __len__(self) -> int:
        return 3

    def name_of(self, index: int) -> str:
        return f"scan{index}"

    def __getitem__(self, index: int) -> Sample:
        return make_sample(f"scan{index}")


def describe(sample: Sample, rng: np.random.Generator) -> str:
    return f"{sample.name} {rng.integers(1_000_000)}"


def describe_process(sample: Sample, rng: np.random.Generator) -> str:
    return f"{torch.get_num_threads()} {os.environ['OPENBLAS_NUM_THREADS']} {os.getpid()}"


def join(items: Sequence[str]) -> str:
    return ", ".join(items)


def names_of(batches: list[list[Draw]]) -> list[str]:
    return [draw.name for batch in batches for draw in batch]


def test_each_epoch_visits_every_frame_once_in_an_order_of_its_own() -> None:
    order = FrameOrder(ListStore(list("abcdef")), seed=1)
    names = names_of(list(order.batches(first=0, end=6, batch_size=3)))
    epochs = [names[0:6], names[6:12], names[12:18]]
    assert all(sorted(epoch) == list("abcdef") for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_seed_alone_sets_the_order() -> None:
    one, same, other = (
        names_of(list(FrameOrder(ListStore(list("abcdef")), seed).batches(first=0, end=4, batch_size=3)))
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_batches_reach_over_the_border_of_epochs_and_any_start_gives_the_same() -> None:
    whole = list(FrameOrder(ListStore(list("abcde")), seed=1).batches(first=0, end=9, batch_size=2))
    assert [draw.epoch for draw in whole[2]] == [0, 1]
    for first in range(10):
        later = FrameOrder(ListStore(list("abcde")), seed=1).batches(first=first, end=9, batch_size=2)
        assert list(later) == whole[first:]


def test_new_frames_come_in_with_the_next_epoch_and_numbers_never_change() -> None:
    store = ListStore(["m", "n"])
    order = FrameOrder(store, seed=1)
    draws = order.batches(first=0, end=100, batch_size=1)
    first = [next(draws)[0]]
    store.present = ["a", "m", "n", "z"]
    first.append(next(draws)[0])
    second = [next(draws)[0] for _ in range(4)]
    assert sorted(draw.name for draw in first) == ["m", "n"]
    assert sorted(draw.name for draw in second) == ["a", "m", "n", "z"]
    assert order.known == ["m", "n", "a", "z"]
    assert order.epoch_sizes == [2, 4]


def test_a_resumed_order_repeats_the_epochs_it_knows_although_the_store_has_grown() -> None:
    store = ListStore(["m", "n"])
    order = FrameOrder(store, seed=1)
    before = names_of(list(order.batches(first=0, end=4, batch_size=1)))
    store.present = [*"abcdefg", "m", "n"]
    resumed = FrameOrder(store, 1, known=list(order.known), epoch_sizes=list(order.epoch_sizes))
    after = names_of(list(resumed.batches(first=1, end=13, batch_size=1)))
    assert after[:3] == before[1:]
    assert sorted(after[3:]) == sorted(store.present)


def test_an_empty_store_is_an_error() -> None:
    with pytest.raises(UnreadableFrameError, match="no frame to train on"):
        next(FrameOrder(ListStore(), seed=1).batches(first=0, end=1, batch_size=1))


def test_a_source_is_a_store_of_numbered_frames() -> None:
    store = SourceFrames(ListSource())
    assert store.names() == ["0", "1", "2"]
    assert store.read("2").name == "scan2"


def test_a_folder_is_a_store_of_its_complete_files(tmp_path: Path) -> None:
    for name in ("000001.npz", "000000.npz", ".000002.npz.17.tmp", "notes.txt"):
        (tmp_path / name).touch()
    store = FolderFrames(tmp_path, ".npz", lambda path: make_sample(path.stem))
    assert store.names() == ["000000.npz", "000001.npz"]
    assert store.read("000001.npz").name == "000001"


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_with_the_same_contents(workers: int) -> None:
    store = ListStore(list("abcde"))
    draws = list(FrameOrder(store, seed=1).batches(first=0, end=4, batch_size=2))
    frames = PreparedFrames(store, describe, 1)
    loaded = list(load_batches(frames, iter(draws), join, workers=workers, start_method="fork"))
    assert [list(item.names) for item in loaded] == [[draw.name for draw in batch] for batch in draws]
    expected = [
        join([describe(make_sample(d.name), np.random.default_rng((1, d.epoch, d.number))) for d in batch])
        for batch in draws
    ]
    assert [item.batch for item in loaded] == expected


def test_a_worker_has_one_thread_and_the_environment_is_as_before() -> None:
    before = dict(os.environ)
    draws = iter([[Draw("a", 0, 0)]])
    frames = PreparedFrames(ListStore(), describe_process, 1)
    (loaded,) = load_batches(frames, draws, join, workers=1, start_method="fork")
    threads, blas, process = loaded.batch.split()
    assert (threads, blas) == ("1", "1")
    assert int(process) != os.getpid()
    assert dict(os.environ) == before


@pytest.mark.parametrize("workers", [0, 1])
def test_a_frame_that_cannot_be_prepared_is_named(workers: int) -> None:
    draws = iter([[Draw("a", 2, 5)]])
    frames = PreparedFrames(ListStore(), _fail, 1)
    with pytest.raises(UnreadableFrameError, match=r"frame 'a' \(number 5, epoch 2\).*KeyError: 'boxes'"):
        next(load_batches(frames, draws, join, workers=workers, start_method="fork"))


def _fail(sample: Sample, rng: np.random.Generator) -> str:
    raise KeyError("boxes")
