"""`bevseg eval --tracking`: objects followed through each drive, scored by nuScenes' evaluator of panoptic tracking.

What a method finds in single scans has no identity over time, so the tracker gives it one, scan after scan on one core:
the figures are those of method and tracker together. Scenes that are kept are not computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from bevseg.evaluation.frame_scores import Segmentation
from bevseg.evaluation.official.panoptic import PanopticTrackingScores, score_panoptic_tracking
from bevseg.results.scene import PointLabels, Scene
from bevseg.tracking.tracker import Tracker

if TYPE_CHECKING:
    from bevseg.datasets.sample import Sample
    from bevseg.datasets.swept import DriveRecording
    from bevseg.evaluation.run import Method

Scan = tuple[PointLabels, PointLabels]
"""Predicted and true labels, in which an object has one number all through its drive."""


class TrackingError(ValueError):
    """There is nothing to follow, or nothing to hold it against."""


def score_tracking(method: Method, recording: DriveRecording, name: str) -> PanopticTrackingScores:
    """Follows what a method finds, and scores it drive by drive.

    Args:
        method: What labels the points.
        recording: Whose truth has identities and labels of points.
        name: That the method knows the recording by.

    Raises:
        TrackingError: The method labels no points, or truth has no labels of objects.
    """
    drives = groupby(range(len(recording)), key=recording.drive_of)
    return score_panoptic_tracking(_followed(method, recording, name, indices) for _, indices in drives)


def _followed(method: Method, recording: DriveRecording, name: str, indices: Iterable[int]) -> Iterator[Scan]:
    tracker, numbers = Tracker(), dict[tuple[int, ...], int]()
    for index in indices:
        sample = recording[index]
        scene = _as_scene(sample, method(name, sample) or Segmentation.nothing(sample))
        followed = tracker.follow(scene, sample.T_global_from_ego @ sample.T_ego_from_lidar)
        yield followed.points, _truth_over_time(sample, index, numbers)


def _as_scene(sample: Sample, found: Segmentation) -> Scene:
    """What the tracker takes."""
    if found.points is None or found.occlusion is None or found.visibility is None:
        raise TrackingError(
            f"tracking needs labels of points in every frame, but the method gives none in {sample.name}"
        )
    return Scene(
        stamp_ns=sample.cloud.stamp_ns,
        frame=sample.cloud.frame,
        instances=found.instances,
        occlusion=found.occlusion,
        visibility=found.visibility,
        points=found.points,
    )


def _truth_over_time(sample: Sample, index: int, numbers: dict[tuple[int, ...], int]) -> PointLabels:
    """The true labels, in which objects have the numbers of their drive, which grow by those that are new.

    What has no box has no identity, so it is another object in every scan.
    """
    truth = sample.annotations
    if truth.point_semantic is None or truth.point_instance is None:
        raise TrackingError(f"tracking needs panoptic truth in every frame, but {sample.name} has none")
    largest = max(len(truth), int(truth.point_instance.max(initial=0)))
    known = [(int(track),) for track in truth.track_id]
    keys = [*known, *((index, instance) for instance in range(len(truth), largest))]
    number_of = np.array([0, *(numbers.setdefault(key, len(numbers) + 1) for key in keys)], np.int64)
    return PointLabels(truth.point_semantic, number_of[truth.point_instance])
