"""The objects of one scan as rows, for a table on the screen or for JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from bevseg.results.scene import Scene


@dataclass(frozen=True)
class ObjectRow:
    """One object in words and plain numbers.

    Attributes:
        id: Positive, unique within the scan.
        label: Class name as nuScenes has it.
        range_m: From the frame's origin to the middle of the box, on the ground, metres.
        visible: Share that the sensor sees, 0..1; None where unknown.
        hidden_by: Ids of the objects in front of it, the one that hides most first.
        rank: Place in the near-to-far order, from 0.
        score: Confidence, 0..1.
    """

    id: int
    label: str
    range_m: float
    visible: float | None
    hidden_by: tuple[int, ...]
    rank: int
    score: float


def object_rows(scene: Scene) -> list[ObjectRow]:
    """The objects of a scene, the nearest first."""
    from bevseg.results.classes import SemanticClass

    instances, rows = scene.instances, []
    for k in range(len(instances)):
        visible = float(instances.visible_fraction[k])
        rows.append(
            ObjectRow(
                id=int(instances.id[k]),
                label=SemanticClass(int(instances.label[k])).label,
                range_m=math.hypot(float(instances.boxes[k, 0]), float(instances.boxes[k, 1])),
                visible=None if math.isnan(visible) else visible,
                hidden_by=tuple(int(instances.id[j]) for j in scene.occlusion.occluders_of(k)),
                rank=int(scene.occlusion.rank[k]),
                score=float(instances.score[k]),
            )
        )
    return sorted(rows, key=lambda row: row.range_m)


def object_table(rows: list[ObjectRow], *, title: str) -> Table:
    """The rows as people read them."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("class")
    for heading in ("range", "visible"):
        table.add_column(heading, justify="right")
    table.add_column("hidden by")
    for heading in ("rank", "score"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            str(row.id),
            row.label,
            f"{row.range_m:.1f} m",
            "?" if row.visible is None else f"{row.visible:.0%}",
            ", ".join(str(k) for k in row.hidden_by) or "-",
            str(row.rank),
            f"{row.score:.2f}",
        )
    return table
