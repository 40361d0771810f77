"""The scenes of a dataset and their scans: which drive each is, its names, its time and its files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bevseg.datasets.sample import Sample
from bevseg.geometry.frames import Transform
from bevseg.simulation.config import SIMULATOR_VERSION
from bevseg.simulation.drive import DriveConfig
from bevseg.simulation.writers.nuscenes.config import MINI_TRAIN, MINI_VAL, SCANS_A_KEYFRAME, NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.schema import CHANNEL, token

RATE_HZ = 20.0

_FIRST_SCENE = 2000
"""Beyond the last of nuScenes' own scenes, 1110, so that no fixed split holds a simulated one by accident."""
_FIRST_STAMP_US = 1_700_000_000_000_000
_PAUSE_US = 60_000_000
_SCAN_US = round(1e6 / RATE_HZ)
_MAP_MARGIN_M = 10.0


@dataclass(frozen=True)
class SceneSpec:
    """One scene: which drive it is, and what it is called.

    Attributes:
        index: Place in the dataset.
        config: Of the dataset.
    """

    index: int
    config: NuScenesWriterConfig

    @property
    def seed(self) -> int:
        return self.config.simulation.seed + self.index

    @property
    def drive(self) -> DriveConfig:
        scene = replace(self.config.simulation, seed=self.seed, frames=self.config.scans)
        return DriveConfig(scene, rate_hz=RATE_HZ, speed_mps=self.config.speed_mps)

    @property
    def logfile(self) -> str:
        """Unique among all scenes of this version of the simulator; every token and file name is made of it."""
        return f"drive-v{SIMULATOR_VERSION}-{self.seed}"

    @property
    def is_val(self) -> bool:
        return self.index >= self.config.num_train

    @property
    def name(self) -> str:
        if self.config.scene_names == "simulated":
            return f"scene-{_FIRST_SCENE + self.index}"
        return MINI_VAL[self.index - self.config.num_train] if self.is_val else MINI_TRAIN[self.index]

    @property
    def start_us(self) -> int:
        """Scenes follow each other in time, as tools that sort a whole dataset by time stamps expect."""
        return _FIRST_STAMP_US + self.index * (self.config.scans * _SCAN_US + _PAUSE_US)

    @property
    def map_size_m(self) -> float:
        """Side of the square that all objects of the drive lie in; its lower left corner is the map's origin."""
        way_m = self.config.speed_mps * (self.config.scans - 1) / RATE_HZ
        return 20.0 * math.ceil((self.config.simulation.range_m + way_m + _MAP_MARGIN_M) / 10)

    @cached_property
    def T_map_from_global(self) -> Transform:  # noqa: N802 (names of transforms cancel)
        """From the simulated world to the map's frame: nuScenes' maps have no negative coordinates."""
        half = self.map_size_m / 2
        return Transform.from_yaw(0.0, np.array([half, half, 0.0]), dst="map", src="global")

    def sensor_pose(self, sample: Sample) -> Transform:
        """T_map_from_lidar of one of its scans."""
        return self.T_map_from_global @ sample.T_global_from_ego @ sample.T_ego_from_lidar

    @property
    def map_file(self) -> str:
        return f"maps/{self.logfile}.png"

    def token(self, table: str, *names: str | int) -> str:
        """The primary key of a row of this scene."""
        return token(table, self.logfile, *names)

    def scan(self, index: int) -> ScanSpec:
        return ScanSpec(self, index)

    def scans(self) -> Iterator[ScanSpec]:
        """Every scan, in the order of time."""
        return (ScanSpec(self, index) for index in range(self.config.scans))


@dataclass(frozen=True)
class ScanSpec:
    """One scan of a scene: its time, its tokens, and the files that hold it, as paths below the dataset's folder."""

    scene: SceneSpec
    index: int

    @property
    def is_keyframe(self) -> bool:
        return self.index % SCANS_A_KEYFRAME == 0

    @property
    def timestamp_us(self) -> int:
        return self.scene.start_us + self.index * _SCAN_US

    @property
    def token(self) -> str:
        """Of its row in `sample_data`, which its labels are named after."""
        return self.scene.token("sample_data", self.index)

    @property
    def sample_token(self) -> str:
        """Of its keyframe: itself, or for a sweep the keyframe that follows."""
        return self.scene.token("sample", -(-self.index // SCANS_A_KEYFRAME))

    @property
    def points_file(self) -> str:
        folder = "samples" if self.is_keyframe else "sweeps"
        return f"{folder}/{CHANNEL}/{self.scene.logfile}__{CHANNEL}__{self.timestamp_us}.pcd.bin"

    @property
    def lidarseg_file(self) -> str:
        return f"lidarseg/{self.scene.config.version}/{self.token}_lidarseg.bin"

    @property
    def panoptic_file(self) -> str:
        return f"panoptic/{self.scene.config.version}/{self.token}_panoptic.npz"

    @property
    def record_file(self) -> str:
        """The scan without its points, from which the tables are made; the last of its files to be written."""
        return f"scan_records/{self.scene.logfile}/{self.index:06d}.npz"

    @property
    def files(self) -> tuple[str, ...]:
        """All of them, in the order in which they are written."""
        labels = (self.lidarseg_file, self.panoptic_file) if self.is_keyframe else ()
        return (self.points_file, *labels, self.record_file)


def scene_specs(config: NuScenesWriterConfig) -> tuple[SceneSpec, ...]:
    """The scenes of a dataset, those for training first."""
    return tuple(SceneSpec(index, config) for index in range(config.scenes))
