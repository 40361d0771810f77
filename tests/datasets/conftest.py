"""One small dataset of each layout, written by the simulator, and the drives they were made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.kitti import write_kitti
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes
from bevseg.simulation.writers.rosbag import write_rosbag
from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

SIMULATION = SimulationConfig(seed=5, frames=3, sensors=("vlp-16",), range_m=30.0, density=(0.6, 0.6))
NUSCENES = NuScenesWriterConfig(SIMULATION, scenes=2, keyframes=2, val_share=0.5)


@pytest.fixture(scope="session")
def drive() -> DriveSource:
    return DriveSource(DriveConfig(SIMULATION, speed_mps=8.0))


@pytest.fixture(scope="session")
def nuscenes_config() -> NuScenesWriterConfig:
    return NUSCENES


@pytest.fixture(scope="session")
def nuscenes_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nuscenes")
    write_nuscenes(NUSCENES, folder)
    return folder


@pytest.fixture(scope="session")
def kitti_root(drive: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kitti")
    write_kitti(drive, folder)
    return folder


@pytest.fixture(scope="session")
def semantic_kitti_root(drive: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("semantic_kitti")
    write_semantic_kitti(drive, folder)
    return folder


@pytest.fixture(scope="session")
def bag(drive: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bags") / "drive"
    write_rosbag(drive, file)
    return file
