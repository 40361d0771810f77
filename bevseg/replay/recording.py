"""A recording: any source of scans with the results of one method or of several, read one frame at a time.

Nothing is read ahead of need, and nothing is kept but what following objects takes.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bevseg.datasets.labels import NO_BOXES
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.datasets.swept import DriveRecording
from bevseg.evaluation.frame_scores import Scoring
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.replay.difference import with_differences
from bevseg.replay.following import Follower
from bevseg.replay.frames import BrokenFrame, Frame, Prediction, nothing_found
from bevseg.results.scene import Scene

Predict = Callable[[Sample], Scene | None]
"""What a method says of a scan; None where it has no result for it."""

UNREADABLE = (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, json.JSONDecodeError)
"""What readers raise for a frame that is missing, cut or of another kind."""


@dataclass(frozen=True)
class Predictor:
    """A method.

    Attributes:
        name: What it is called in pictures.
        predict: What it says of a scan.
        has_steady_ids: Whether an object has one id in all scans; where it has not, objects are followed.
    """

    name: str
    predict: Predict
    has_steady_ids: Callable[[Sample], bool] = lambda sample: False


@dataclass
class Recording:
    """Frames with what was found in them.

    Attributes:
        source: The scans.
        predictors: Whose results are shown, one or two.
        scoring: Which objects count where results are compared with the truth; None where they are not.
        with_truth: Whether frames carry the truth.
        period_s: Time between frames whose scans have no stamps, seconds.
    """

    source: Source
    predictors: tuple[Predictor, ...]
    scoring: Scoring | None = None
    with_truth: bool = True
    period_s: float = 0.1
    _followers: tuple[Follower, ...] = field(init=False, repr=False)
    _first: tuple[int, int] | None = field(default=None, init=False, repr=False)
    _is_fixed: bool | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.predictors) <= 2:
            raise ValueError(f"a recording shows one method or compares two, got {len(self.predictors)}")
        self._followers = tuple(Follower() for _ in self.predictors)

    def __len__(self) -> int:
        return len(self.source)

    def read(self, index: int, *, with_difference: bool = True) -> Frame | BrokenFrame:
        """A frame; ids are steady over frames that are read one after the other.

        Args:
            index: From 0.
            with_difference: Whether results are compared with the truth here, and not by `with_differences` later.
        """
        try:
            frame = self._frame(index, self.source[index])
            return with_differences(frame, self.scoring) if with_difference else frame
        except UNREADABLE as error:
            return BrokenFrame(index, len(self), _reason(error), self._name_of(index))

    def reopened(self, source: Source) -> None:
        """Goes on with a source that holds more frames."""
        self.source, self._is_fixed = source, None

    def time_of(self, index: int) -> float:
        """Seconds since the first frame, of a frame that is read for it.

        Raises:
            ValueError: It cannot be read.
        """
        try:
            return self._time_s(index, self.source[index].cloud)
        except UNREADABLE as error:
            raise ValueError(f"the time of frame {index} cannot be told: {_reason(error)}") from error

    def stamp_ns_of(self, frame: Frame) -> int:
        """The stamp of a frame's scan, nanoseconds; those of a recording without stamps come at a steady rate.

        A recording whose stamps are all 0 begins one period after that, as ROS takes a stamp of 0 for none.
        """
        first_index, first_ns = self._first = self._first or self._start(frame.index, frame.cloud)
        if frame.cloud.stamp_ns != first_ns:
            return frame.cloud.stamp_ns
        periods = frame.index - first_index + (1 if first_ns == 0 else 0)
        return first_ns + round(periods * self.period_s * 1e9)

    def has_poses(self) -> bool:
        """Whether it is known how the vehicle moved; sources that do not tell know it if they have any pose at all."""
        if isinstance(self.source, DriveRecording):
            return self.source.has_poses
        return any(self._has_pose(index) for index in range(min(len(self), 2)))

    def _name_of(self, index: int) -> str:
        """The name of a frame that cannot be read; empty for sources that read frames to tell it."""
        try:
            return self.source.name_of(index)
        except UNREADABLE:
            return ""

    def _has_pose(self, index: int) -> bool:
        try:
            return not np.array_equal(self.source[index].T_global_from_ego.matrix, np.eye(4))
        except UNREADABLE:
            return False

    def frames_per_s(self) -> float | None:
        """By the stamps of the first two frames; None where they do not tell."""
        if len(self) < 2:
            return None
        try:
            elapsed_s = (self.source[1].cloud.stamp_ns - self.source[0].cloud.stamp_ns) / 1e9
        except UNREADABLE:
            return None
        return 1 / elapsed_s if 1e-3 <= elapsed_s <= 10 else None

    def _frame(self, index: int, sample: Sample) -> Frame:
        T_fixed_from_cloud = sample.T_global_from_ego @ sample.T_ego_from_lidar
        predictions = tuple(
            self._prediction(predictor, follower, index, sample, T_fixed_from_cloud)
            for predictor, follower in zip(self.predictors, self._followers, strict=True)
        )
        return Frame(
            index=index,
            total=len(self),
            name=sample.name,
            time_s=self._time_s(index, sample.cloud),
            cloud=sample.cloud,
            truth=sample.annotations if self.with_truth and sample.annotations.view != NO_BOXES else None,
            predictions=predictions,
            T_fixed_from_cloud=T_fixed_from_cloud,
            T_ego_from_cloud=sample.T_ego_from_lidar,
        )

    def _prediction(
        self, predictor: Predictor, follower: Follower, index: int, sample: Sample, T_fixed_from_cloud: Transform
    ) -> Prediction:
        scene = predictor.predict(sample)
        if scene is None:
            return Prediction(predictor.name, nothing_found(sample.cloud), note=f"no result for frame {sample.name}")
        pose = Transform(T_fixed_from_cloud.matrix, T_fixed_from_cloud.dst, scene.frame)
        if self._is_fixed is None:
            self._is_fixed = self.has_poses()
        renumber = not predictor.has_steady_ids(sample)
        followed = follower.follow(index, scene, pose, renumber=renumber, is_fixed=self._is_fixed)
        return Prediction(predictor.name, followed.scene, followed.trails)

    def _time_s(self, index: int, cloud: PointCloud) -> float:
        """By the stamps, or by the place of the frame where all scans have one stamp."""
        first_index, first_ns = self._first = self._first or self._start(index, cloud)
        if cloud.stamp_ns == first_ns:
            return (index - first_index) * self.period_s
        return (cloud.stamp_ns - first_ns) / 1e9

    def _start(self, index: int, cloud: PointCloud) -> tuple[int, int]:
        """Place and stamp of the first frame; of the one at hand where the first cannot be read."""
        try:
            return 0, cloud.stamp_ns if index == 0 else self.source[0].cloud.stamp_ns
        except UNREADABLE:
            return index, cloud.stamp_ns


def _reason(error: Exception) -> str:
    """In one line; a `KeyError` alone would be but the key."""
    text = " ".join(str(error).split())
    return f"lacks {text}" if isinstance(error, KeyError) else text or type(error).__name__
