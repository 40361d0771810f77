"""Scans joined with those before them in the same drive, moved by the vehicle's own motion.

The labels stay those of the newest scan: the points of earlier ones have no class (noise, which is ignored) and lie on
no object, and objects keep the number of points that the newest scan has on them. Returns of the own vehicle are left
out of earlier scans: they would stand behind it like something that follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Integer

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.sweeps import aggregate_sweeps

_OWN_VEHICLE_M = np.array([2.5, 0.9, 0.5], np.float32)
"""Where the own vehicle is, seen from its sensor: this far ahead and behind, to the sides, and not higher."""


@runtime_checkable
class DriveRecording(Source, Protocol):
    """A source whose neighbours follow each other in time.

    Attributes:
        has_poses: Whether `T_global_from_ego` is the vehicle's true motion, and not only a placeholder.
    """

    @property
    def has_poses(self) -> bool: ...

    def drive_of(self, index: int) -> str:
        """Name of the drive that a sample belongs to; samples of one drive lie side by side, in the order of time."""
        ...


def drives_of(source: Source) -> list[str] | None:
    """The drive of each sample; None where the source does not tell."""
    if not isinstance(source, DriveRecording):
        return None
    return [source.drive_of(index) for index in range(len(source))]


class SweptSource:
    """A recording whose every sample holds up to `sweeps` scans: its own, and those before it in the same drive.

    Raises:
        DatasetError: The recording does not know how the vehicle moved.
        ValueError: `sweeps` is less than 1.
    """

    def __init__(self, recording: DriveRecording, sweeps: int) -> None:
        if sweeps < 1:
            raise ValueError(f"sweeps must be 1 or more, got {sweeps}")
        if not recording.has_poses:
            raise DatasetError(f"{recording.name}: sweeps cannot be joined, as the set has no poses of the vehicle")
        self._recording = recording
        self._sweeps = sweeps

    @property
    def name(self) -> str:
        return self._recording.name

    @property
    def has_poses(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._recording)

    def drive_of(self, index: int) -> str:
        return self._recording.drive_of(index)

    def name_of(self, index: int) -> str:
        return self._recording.name_of(index)

    def __getitem__(self, index: int) -> Sample:
        sample = self._recording[index]
        drive = self._recording.drive_of(index)
        first = max(index - self._sweeps + 1, 0)
        earlier = [self._recording[k] for k in range(index - 1, first - 1, -1) if self._recording.drive_of(k) == drive]
        poses = [s.T_global_from_ego @ s.T_ego_from_lidar for s in earlier]
        return with_earlier_sweeps(sample, [s.cloud for s in earlier], poses)


def with_earlier_sweeps(
    sample: Sample, earlier: Sequence[PointCloud], T_global_from_lidar: Sequence[Transform]
) -> Sample:
    """The sample with more points, its own first.

    Args:
        sample: Its cloud is newer than the earlier ones.
        earlier: The sweeps before it, the latest first.
        T_global_from_lidar: The pose of each of them at its stamp.
    """
    if not earlier:
        return sample
    earlier = [cloud[~_on_own_vehicle(cloud)] for cloud in earlier]
    own_pose = sample.T_global_from_ego @ sample.T_ego_from_lidar
    cloud = aggregate_sweeps([sample.cloud, *earlier], [own_pose, *T_global_from_lidar])
    truth = sample.annotations
    annotations = replace(
        truth,
        point_semantic=_padded(truth.point_semantic, len(cloud)),
        point_instance=_padded(truth.point_instance, len(cloud)),
    )
    return replace(sample, cloud=cloud, annotations=annotations)


def _on_own_vehicle(cloud: PointCloud) -> Bool[np.ndarray, "n"]:
    away = cloud.xyz - cloud.sensor_origins_m[cloud.sweep]
    beside: np.ndarray = (np.abs(away[:, :2]) < _OWN_VEHICLE_M[:2]).all(axis=1)
    return beside & (away[:, 2] < _OWN_VEHICLE_M[2])


def _padded(labels: Integer[np.ndarray, "n"] | None, length: int) -> Integer[np.ndarray, "length"] | None:
    if labels is None:
        return None
    padded = np.zeros(length, labels.dtype)
    padded[: len(labels)] = labels
    return padded
