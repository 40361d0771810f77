"""A network that is small enough for tests, untrained, and scans to run it on; a short drive to replay."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bevseg.bev.neck import NeckConfig
from bevseg.checkpoint import save_checkpoint
from bevseg.config import ModelConfig
from bevseg.datasets.sample_file import write_sample
from bevseg.geometry.grid import BevGrid
from bevseg.instances.decode import DecodeConfig
from bevseg.instances.heads.center_offset import CenterOffsetHeadConfig
from bevseg.network import build_network
from bevseg.points.cloud import PointCloud
from bevseg.replay.truth import TruthScenes
from bevseg.results.scene_file import write_scene
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.voxels.encoder import PillarEncoderConfig

_PATIENCE_S = 300.0
"""Only so that a hang ends."""

TINY = ModelConfig(
    name="tiny",
    grid=BevGrid(-3.2, -12.8, 0.2, 128, 96),
    encoder=PillarEncoderConfig(channels=(8, 8, 8, 8)),
    neck=NeckConfig(channels_8=8, channels_4=8, channels_2=8, convs_8=1, convs_4=1),
    head=CenterOffsetHeadConfig(channels=8, semantic_channels=8),
    decode=DecodeConfig(max_objects=40, min_foreground=0.001),
    precision="fp32",
)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small network with fixed random weights."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(TINY)
    save_checkpoint(path, network.state_dict(), TINY, metadata={})
    return path


@pytest.fixture(scope="session")
def street() -> PointCloud:
    """A flat road ahead of the sensor with the rear and one side of a car on it."""
    x, y = np.meshgrid(np.arange(-3, 22, 0.3), np.arange(-12, 6, 0.3))
    road = np.stack([x.ravel(), y.ravel(), np.full(x.size, -1.8)], axis=1)
    up = np.arange(-1.7, -0.3, 0.15)
    rear = np.array([(8.0, y, z) for y in np.arange(-2.9, -1.1, 0.1) for z in up])
    side = np.array([(x, -1.1, z) for x in np.arange(8.0, 12.4, 0.1) for z in up])
    xyz = np.concatenate([road, rear, side]).astype(np.float32)
    return PointCloud.from_xyz(xyz, intensity=np.full(len(xyz), 0.25, np.float32))


@pytest.fixture(scope="session")
def clip_source() -> DriveSource:
    """A simulated drive of four scans."""
    config = SimulationConfig(seed=5, frames=4, sensors=("vlp-16",), density=(0.3, 0.4))
    return DriveSource(DriveConfig(config))


@pytest.fixture(scope="session")
def clip(clip_source: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `bevseg replay` is given: the scans of `clip_source` in `drive`, and a result for each in `results`."""
    folder, truth = tmp_path_factory.mktemp("clip"), TruthScenes()
    for sample in (clip_source[k] for k in range(len(clip_source))):
        write_sample(folder / "drive" / f"{sample.name}.npz", sample)
        write_scene(folder / "results" / sample.name, truth.predict(sample))
    return folder


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    """Commands set the threads of the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def until_all_have_left() -> Callable[[int], None]:
    """`until_all_have_left(session)`: returns when no process of a session is there any more."""
    return _until_all_have_left


def _until_all_have_left(session: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while (left := _members_of(session)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []


def _members_of(session: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has left meanwhile
            state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found
