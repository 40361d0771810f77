"""What is wrong with a dataset, each with its reason.

A conversion that went wrong rarely fails: boxes beside the points, a table of classes that maps nothing, a sensor under
the road. All of these make a set that trains to nothing, so each is a problem here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bevseg.datasets.inspection import NEAR_M, FrameFacts, Inspection, inspect_source
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.source import Source
from bevseg.results.classes import SemanticClass

_LEAST_SHARE_WITH_POINTS = 0.2
_LEAST_BOXES = 10
"""Fewer boxes than these are no evidence."""

_SENSOR_HEIGHT_M = (0.2, 5.0)
"""Lowest height of a sensor over the ground that is believed, and the highest that is not worth a note."""

_MOST_LOST = 0.5
_FLOATING_M = 0.5
_UNEVEN = 3.0
"""A pause of this many periods is a gap."""


def require_trainable(source: Source, frames: int | None = 10) -> None:
    """Reads some samples and rejects a source that would train, or be scored, to nothing.

    Raises:
        DatasetError: With every reason.
    """
    inspection = inspect_source(source, frames)
    reasons = problems_of(inspection)
    if not inspection.has_labels:
        reasons = (*reasons, "there are no labels: neither boxes nor classes of points")
    if reasons:
        raise DatasetError(f"{source.name}: would train to nothing: " + "; ".join(reasons))


def problems_of(inspection: Inspection) -> tuple[str, ...]:
    """What is wrong, each with its reason; nothing for a sound set, labelled or not."""
    return (
        *_unread(inspection),
        *_wrong_points(inspection.frames),
        *_wrong_classes(inspection),
        *_wrong_places(inspection),
        *_wrong_times(inspection),
    )


def notes_of(inspection: Inspection) -> tuple[str, ...]:
    """What is worth knowing and not wrong."""
    notes = []
    if inspection.frames and not inspection.has_labels:
        notes.append("there are no labels: fit to look at and to segment, not to train or score on")
    dropped = sum(frame.dropped for frame in inspection.frames)
    if dropped:
        notes.append(f"{dropped} points with coordinates that are no place (NaN, infinite) were dropped")
    periods = inspection.periods_s()
    if len(periods) and periods.max() > _UNEVEN * np.median(periods) > 0:
        notes.append(f"scans are {np.median(periods):.2f} s apart, but once {periods.max():.2f} s: some are missing")
    if inspection.sensor_height_m() > _SENSOR_HEIGHT_M[1]:
        notes.append(f"the sensor stands {inspection.sensor_height_m():.1f} m above the ground: is this a mast?")
    return tuple(notes)


def _unread(inspection: Inspection) -> Iterator[str]:
    if not inspection.samples:
        yield "there are no samples"
    if inspection.unreadable:
        first = inspection.unreadable[0]
        looked_at = len(inspection.unreadable) + len(inspection.frames)
        failed = f"{len(inspection.unreadable)} of {looked_at} samples cannot be read"
        yield f"{failed}, the first is number {first.index}: {first.reason}"


def _wrong_points(frames: Sequence[FrameFacts]) -> Iterator[str]:
    empty = [frame.name for frame in frames if not frame.points]
    if empty:
        yield f"{len(empty)} of {len(frames)} scans have no points, first {empty[0]}"
    lost = [f for f in frames if f.points and f.dropped > _MOST_LOST * (f.points + f.dropped)]
    if lost:
        yield f"{len(lost)} of {len(frames)} scans lost most of their points as NaN or infinite, first {lost[0].name}"


def _wrong_classes(inspection: Inspection) -> Iterator[str]:
    counts = inspection.box_counts()
    if counts.sum() and sum(frame.ignored_boxes for frame in inspection.frames) == counts.sum():
        yield f"all {counts.sum()} boxes are of classes that are not looked for: the table of classes maps nothing"
    points = inspection.point_counts()
    if points is not None and points.sum() and points[SemanticClass.NOISE] == points.sum():
        yield f"all {points.sum()} labelled points are noise: the table of classes maps nothing"


def _wrong_places(inspection: Inspection) -> Iterator[str]:
    height_m = inspection.sensor_height_m()
    if height_m < _SENSOR_HEIGHT_M[0]:
        yield (
            f"the sensor lies {height_m:.2f} m above the estimated ground, expected {_SENSOR_HEIGHT_M[0]} or more: "
            "is z up, and where is the origin of the points?"
        )
    near = sum(int(np.count_nonzero(frame.box_range_m <= NEAR_M)) for frame in inspection.frames)
    share = inspection.share_with_points(range_m=NEAR_M)
    if near >= _LEAST_BOXES and share < _LEAST_SHARE_WITH_POINTS:
        contain = "no boxes contain points" if share == 0 else f"only {share:.0%} of the boxes contain points"
        yield f"{contain} ({near} within {NEAR_M:.0f} m): are boxes and points in one frame, metres and radians?"
    rises = np.concatenate([np.zeros(0), *(frame.box_above_ground_m for frame in inspection.frames)])
    if len(rises) >= _LEAST_BOXES and abs(float(np.median(rises))) > _FLOATING_M:
        yield f"boxes stand {np.median(rises):+.1f} m off the ground (median of {len(rises)}): is z that of the centre?"


def _wrong_times(inspection: Inspection) -> Iterator[str]:
    periods = inspection.periods_s()
    if any(frame.stamp_ns for frame in inspection.frames) and (periods < 0).any():
        yield f"{np.count_nonzero(periods < 0)} of {len(periods)} scans are older than the scan before them"
    if (periods == 0).any() and (periods > 0).any():
        yield f"{np.count_nonzero(periods == 0)} of {len(periods)} scans have the stamp of the scan before them"
