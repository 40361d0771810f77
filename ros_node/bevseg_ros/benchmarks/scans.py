"""Clouds to feed a node with: simulated, and real ones where there is a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bevseg.datasets.real_frames import open_real_frames
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.fill import make_message
from bevseg.messages.point_records import cloud_of_records
from bevseg.points.cloud import PointCloud
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import SimulatedSource

POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4")])
RATE_HZ = 10.0
_MOST_LEFT_OUT = 0.2
_FIRST_STAMP_NS = 1_700_000_000_000_000_000


def simulated_clouds(count: int, *, sensor: str = "hdl-32e", seed: int = 7) -> list[PointCloud]:
    """Streets as a sensor sees them."""
    config = SimulationConfig(seed=seed, frames=count, sensors=(sensor,), occlusion=False)
    source = SimulatedSource(config)
    return [source[index].cloud for index in range(count)]


def real_clouds(folder: Path, *, each: int = 4) -> list[PointCloud]:
    """The first clouds of each set of real frames under a folder.

    Raises:
        DatasetError: There is no set that is known.
    """
    return [source[index].cloud for source in open_real_frames(folder) for index in range(min(each, len(source)))]


def taken_in_turn(simulated: Sequence[PointCloud], real: Sequence[PointCloud]) -> list[PointCloud]:
    """One of each kind after the other, until both have come."""
    turns = max(len(simulated), len(real))
    kinds = [kind for kind in (simulated, real) if kind]
    return [kind[turn % len(kind)] for turn in range(turns) for kind in kinds]


class Feed:
    """Messages of clouds, each with a stamp a tenth of a second after the one before.

    No two messages are the same: up to `_MOST_LEFT_OUT` of the points are left out, others each time.
    """

    def __init__(self, clouds: Sequence[PointCloud], seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self.records = [_records(cloud) for cloud in clouds]
        self._sent = 0

    def next(self) -> Any:
        """The next message; after the last cloud the first comes again, with a later stamp."""
        stamp = TimeFields.from_ns(_FIRST_STAMP_NS + round(self._sent * 1e9 / RATE_HZ))
        whole = self.records[self._sent % len(self.records)]
        records = whole[self._rng.random(len(whole)) >= self._rng.uniform(0, _MOST_LEFT_OUT)]
        self._sent += 1
        return make_message(cloud_of_records(records, HeaderFields(stamp, "lidar"), is_dense=True))


def _records(cloud: PointCloud) -> np.ndarray:
    records = np.zeros(len(cloud), POINT)
    for column, axis in enumerate("xyz"):
        records[axis] = cloud.xyz[:, column]
    if cloud.intensity is not None:
        records["intensity"] = cloud.intensity
    return records
