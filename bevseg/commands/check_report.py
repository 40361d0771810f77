"""What `bevseg check` found in a dataset: as tables on the screen, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bevseg.datasets.inspection import NEAR_M, FrameFacts, Inspection
from bevseg.results.classes import SemanticClass

if TYPE_CHECKING:
    from rich.table import Table


def report_of(inspection: Inspection) -> dict[str, object]:
    """The figures as JSON has them; what is not known is null."""
    frames = inspection.frames
    points = [frame.points for frame in frames]
    semantic = inspection.point_counts()
    ranges = np.concatenate([np.zeros(0), *(frame.box_range_m for frame in frames)])
    periods = inspection.periods_s()
    return {
        "name": inspection.name,
        "samples": inspection.samples,
        "read": len(frames),
        "unreadable": len(inspection.unreadable),
        "drives": len({frame.drive for frame in frames if frame.drive}) or None,
        "beams": max((frame.beams for frame in frames), default=0) or None,
        "intensity": all(frame.has_intensity for frame in frames),
        "times_of_points": any(frame.has_times for frame in frames),
        "ray_origins_a_sample": max((frame.sweeps for frame in frames), default=0),
        "points_min_median_max": _spread(points),
        "dropped_points": sum(frame.dropped for frame in frames),
        "sensor_height_m": _known(inspection.sensor_height_m()),
        "period_s_median": _known(float(np.median(periods))) if len(periods) else None,
        "period_s_longest": _known(float(periods.max())) if len(periods) else None,
        "boxes": int(inspection.box_counts().sum()),
        "boxes_with_points": _known(inspection.share_with_points()),
        f"boxes_with_points_within_{NEAR_M:.0f}_m": _known(inspection.share_with_points(range_m=NEAR_M)),
        "box_range_m_min_median_max": _spread(ranges.tolist()),
        "labelled_points": None if semantic is None else _known(1 - semantic[SemanticClass.NOISE] / semantic.sum()),
        "classes": classes_of(inspection),
    }


def classes_of(inspection: Inspection) -> dict[str, dict[str, int]]:
    """Boxes and labelled points of each class that has any."""
    boxes, points = inspection.box_counts(), inspection.point_counts()
    return {
        c.label: {"boxes": int(boxes[c]), "points": 0 if points is None else int(points[c])}
        for c in SemanticClass
        if boxes[c] or (points is not None and points[c])
    }


def facts_table(inspection: Inspection) -> Table:
    """One line a fact; facts that the set does not have are left out."""
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in _facts(inspection):
        table.add_row(name, value)
    return table


def classes_table(inspection: Inspection) -> Table:
    """Boxes and points of each class."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column("class")
    for heading in ("boxes", "labelled points"):
        table.add_column(heading, justify="right")
    for name, counts in classes_of(inspection).items():
        table.add_row(name, *(f"{count:,}" if count else "" for count in (counts["boxes"], counts["points"])))
    return table


def _facts(inspection: Inspection) -> list[tuple[str, str]]:
    frames, report = inspection.frames, report_of(inspection)
    facts = [("samples", f"{inspection.samples:,}, of which {len(frames)} were read")]
    if not frames:
        return facts
    facts += [
        ("points a sample", _three([frame.points for frame in frames], ",.0f")),
        ("sensor", _sensor(frames)),
        ("height of the sensor", f"{inspection.sensor_height_m():.2f} m above the estimated ground"),
    ]
    if report["period_s_longest"]:
        facts.append(
            ("between samples", f"{report['period_s_median']:.3f} s, longest {report['period_s_longest']:.3f} s")
        )
    if report["boxes"]:
        near, everywhere = inspection.share_with_points(range_m=NEAR_M), inspection.share_with_points()
        ranges = np.concatenate([frame.box_range_m for frame in frames])
        facts += [
            ("boxes a sample", _three([len(frame.box_points) for frame in frames], ".0f")),
            ("boxes with points", f"{everywhere:.0%}, within {NEAR_M:.0f} m {near:.0%}"),
            ("boxes that are ignored", f"{sum(frame.ignored_boxes for frame in frames):,}"),
            ("distance of boxes", _three(ranges.tolist(), ".0f") + " m"),
        ]
    if report["labelled_points"] is not None:
        facts.append(("points with a class", f"{report['labelled_points']:.1%}"))
    return facts


def _sensor(frames: Sequence[FrameFacts]) -> str:
    beams = max(frame.beams for frame in frames)
    words = [f"{beams} beams" if beams else "beams not told"]
    words.append("intensity" if all(frame.has_intensity for frame in frames) else "no intensity")
    words.append("a time for each point" if any(frame.has_times for frame in frames) else "one time a scan")
    origins = max(frame.sweeps for frame in frames)
    return ", ".join(words + ([f"{origins} ray origins"] if origins > 1 else []))


def _three(values: Sequence[float | int], form: str) -> str:
    if not values:
        return "none"
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _spread(values: Sequence[float | int]) -> list[float] | None:
    if not values:
        return None
    return [round(float(v), 3) for v in (min(values), np.median(values), max(values))]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
