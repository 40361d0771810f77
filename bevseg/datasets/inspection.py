"""What the samples of a dataset hold: points, sensors, boxes, labels, times. What is wrong follows from these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import SampleFileError
from bevseg.datasets.source import Source
from bevseg.datasets.swept import DriveRecording
from bevseg.geometry.boxes import count_points_in_boxes
from bevseg.points.ground import estimate_ground
from bevseg.points.raw_points import PointFileError
from bevseg.results.classes import NUM_CLASSES

OnSample = Callable[[int, Sample], None]

NEAR_M = 40.0
"""Boxes within this range should hold points."""

_STANDING_M = 20.0
"""Boxes within this range should stand on the ground; farther away labels may lean against it by half a degree."""


@dataclass(frozen=True, eq=False)
class FrameFacts:
    """What one sample holds.

    Attributes:
        index: Its place in the source.
        name: Its name.
        drive: Name of its drive, or "" where the source has none.
        stamp_ns: Of the scan.
        points: Their number.
        dropped: Points with coordinates that are no place.
        beams: Highest ring + 1, or 0 where rings are not known.
        has_intensity: Whether the points have it.
        has_times: Whether the points were measured at different times.
        sweeps: Scans (or sensors) in the cloud.
        sensor_height_m: Of the first ray origin over the ground estimated under it; NaN without points.
        boxes: Number of boxes of each class.
        ignored_boxes: Boxes that are neither right nor wrong to find.
        box_range_m: Distance of each box from the origin.
        box_points: Points in each box, counted here.
        box_above_ground_m: Lower face of each box within 20 m that holds points, over the estimated ground.
        semantic: Points of each class; None where points have no labels.
        view_range_m: How far the labels reach.
    """

    index: int
    name: str
    drive: str
    stamp_ns: int
    points: int
    dropped: int
    beams: int
    has_intensity: bool
    has_times: bool
    sweeps: int
    sensor_height_m: float
    boxes: Int64[np.ndarray, "label"]
    ignored_boxes: int
    box_range_m: Float64[np.ndarray, "k"]
    box_points: Int64[np.ndarray, "k"]
    box_above_ground_m: Float64[np.ndarray, "near"]
    semantic: Int64[np.ndarray, "label"] | None
    view_range_m: float


@dataclass(frozen=True)
class Unreadable:
    """A sample that could not be read, and why."""

    index: int
    reason: str


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was found in some samples of a source.

    Attributes:
        name: Of the source.
        samples: In the source.
        frames: Those that were read.
        unreadable: Those that could not be.
    """

    name: str
    samples: int
    frames: tuple[FrameFacts, ...]
    unreadable: tuple[Unreadable, ...] = ()

    def box_counts(self) -> Int64[np.ndarray, "label"]:
        """Boxes of each class."""
        return np.asarray(sum((f.boxes for f in self.frames), start=np.zeros(NUM_CLASSES, np.int64)))

    def point_counts(self) -> Int64[np.ndarray, "label"] | None:
        """Labelled points of each class; None where points have no labels."""
        labelled = [frame.semantic for frame in self.frames if frame.semantic is not None]
        return np.sum(labelled, axis=0) if labelled else None

    def share_with_points(self, *, range_m: float = np.inf) -> float:
        """Share of the boxes within a range that hold a point; NaN without boxes."""
        held = np.concatenate([np.zeros(0, bool), *(f.box_points[f.box_range_m <= range_m] > 0 for f in self.frames)])
        return float(held.mean()) if len(held) else float("nan")

    def sensor_height_m(self) -> float:
        """Median height of the sensor over the ground; NaN where no scan has points."""
        heights = [f.sensor_height_m for f in self.frames if not np.isnan(f.sensor_height_m)]
        return float(np.median(heights)) if heights else float("nan")

    @property
    def has_labels(self) -> bool:
        """Whether any sample has boxes or labelled points."""
        return bool(self.box_counts().any()) or self.point_counts() is not None

    def periods_s(self) -> Float64[np.ndarray, "pair"]:
        """Time between samples that follow each other in a drive."""
        pairs = zip(self.frames[:-1], self.frames[1:], strict=True)
        gaps = [(b.stamp_ns - a.stamp_ns) * 1e-9 for a, b in pairs if b.index == a.index + 1 and a.drive == b.drive]
        return np.array(gaps, np.float64)


def inspect_source(source: Source, frames: int | None = 20, *, seen: OnSample | None = None) -> Inspection:
    """Reads some samples of a source, one at a time, in their order.

    Args:
        source: What is inspected.
        frames: How many samples are read, in pairs of neighbours spread over the source; None for all.
        seen: Told of each sample that was read, with its place in the source.
    """
    facts, unreadable = [], []
    for index in chosen_indices(len(source), frames):
        try:
            sample = source[index]
        except (DatasetError, PointFileError, SampleFileError) as error:
            unreadable.append(Unreadable(index, str(error)))
            continue
        drive = source.drive_of(index) if isinstance(source, DriveRecording) else ""
        facts.append(facts_of(sample, index=index, drive=drive))
        if seen:
            seen(index, sample)
    return Inspection(source.name, len(source), tuple(facts), tuple(unreadable))


def chosen_indices(samples: int, frames: int | None) -> list[int]:
    """Which samples are looked at: neighbours two by two, so that the time between samples is seen."""
    if frames is None or frames >= samples:
        return list(range(samples))
    firsts = np.linspace(0, samples - 2, max(frames // 2, 1)).astype(int)
    return sorted({int(first) + step for first in firsts for step in (0, 1)})[: max(frames, 1)]


def facts_of(sample: Sample, *, index: int, drive: str = "") -> FrameFacts:
    """What a sample holds."""
    cloud, truth = sample.cloud, sample.annotations
    ground = estimate_ground(cloud)
    origin = cloud.sensor_origins_m[:1]
    boxes = truth.boxes.astype(np.float64)
    range_m = np.hypot(boxes[:, 0], boxes[:, 1])
    held = count_points_in_boxes(cloud.xyz, truth.boxes)
    near = (range_m <= _STANDING_M) & (held > 0)
    rise = boxes[near, 2] - boxes[near, 5] / 2 - ground.height_at(boxes[near, :2])
    semantic = truth.point_semantic
    return FrameFacts(
        index=index,
        name=sample.name,
        drive=drive,
        stamp_ns=cloud.stamp_ns,
        points=len(cloud),
        dropped=cloud.dropped_non_finite,
        beams=int(cloud.ring.max()) + 1 if cloud.ring is not None and len(cloud) else 0,
        has_intensity=cloud.intensity is not None,
        has_times=bool(len(cloud)) and float(np.ptp(cloud.time_s)) > 0,
        sweeps=cloud.num_sweeps,
        sensor_height_m=float(ground.height_above(origin.astype(np.float64))[0]) if len(cloud) else float("nan"),
        boxes=np.bincount(truth.label.astype(np.int64), minlength=NUM_CLASSES),
        ignored_boxes=int(np.count_nonzero(truth.ignored)),
        box_range_m=range_m,
        box_points=held,
        box_above_ground_m=rise,
        semantic=None if semantic is None else np.bincount(semantic, minlength=NUM_CLASSES),
        view_range_m=float(truth.view.max_range_m),
    )
