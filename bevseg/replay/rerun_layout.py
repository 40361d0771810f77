"""How Rerun's viewer is laid out for a recording: in perspective, from above, and curves below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bevseg.drawing import palette
from bevseg.replay.pictures import Look
from bevseg.replay.rerun_cameras import ABOVE, BEHIND, EGO
from bevseg.replay.rerun_frames import colorings, slots
from bevseg.replay.rerun_plots import PLOTS

if TYPE_CHECKING:
    import rerun.blueprint as rrb


def layout(names: tuple[str, ...], look: Look, *, compared: bool) -> rrb.Blueprint:
    """For each result the scene from behind (or free in 3-D) and from above; curves below.

    Args:
        names: Of the results, one or two.
        look: The colouring of the points that is on at first.
        compared: Whether there are curves of failures.
    """
    import rerun.blueprint as rrb

    scenes: list[rrb.View | rrb.Container] = []
    curves: list[rrb.View | rrb.Container] = []
    others: list[rrb.View] = []
    for path, name in zip(slots(len(names)), names, strict=True):
        behind = rrb.Tabs(_fixed(BEHIND, path, f"{name} · from behind", look), _free(path, name, look))
        above = _fixed(ABOVE, path, f"{name} · from above", look)
        scenes.append(rrb.Horizontal(behind, above) if len(names) == 1 else rrb.Vertical(behind, above))
        for group, heading in PLOTS.items():
            title = heading if len(names) == 1 else f"{heading} · {name}"
            view = rrb.TimeSeriesView(name=title, origin=f"/plots/{path}/{group}")
            if group != "failures":
                others.append(view)
            elif compared:
                curves.append(view)
    curves.append(rrb.Tabs(*others, rrb.TextLogView(name="Notes", origin="/notes")))
    return rrb.Blueprint(
        rrb.Vertical(rrb.Horizontal(*scenes), rrb.Horizontal(*curves), row_shares=[3, 1]),
        rrb.BlueprintPanel(state="expanded"),
        rrb.SelectionPanel(state="collapsed"),
        rrb.TimePanel(state="collapsed"),
    )


def _free(path: str, name: str, look: Look) -> rrb.Spatial3DView:
    import rerun.blueprint as rrb

    return rrb.Spatial3DView(
        name=f"{name} · 3-D",
        origin=f"/{EGO}",  # the eye goes with the vehicle
        contents=_contents(path),
        background=palette.BACKGROUND,
        line_grid=rrb.archetypes.LineGrid3D(visible=False),
        overrides=_switched_off(path, look),
    )


def _fixed(camera: str, path: str, title: str, look: Look) -> rrb.Spatial2DView:
    """What one of the cameras sees, with words at their places in its picture."""
    import rerun.blueprint as rrb

    off = _switched_off(path, look) | {f"/{camera}/{path}/labels": rrb.EntityBehavior(visible=False)}
    return rrb.Spatial2DView(
        name=title,
        origin=f"/{camera}",
        contents=[*_contents(path), f"+ /{camera}/{path}/**"],
        background=palette.BACKGROUND,
        overrides=off,
    )


def _contents(path: str) -> list[str]:
    return [f"+ /{EGO}/{part}" for part in ("vehicle", "rings", f"{path}/**")]


def _switched_off(path: str, look: Look) -> dict[str, rrb.EntityBehavior]:
    """Points are shown in one colouring at a time."""
    import rerun.blueprint as rrb

    return {f"/{EGO}/{path}/points/{coloring}": rrb.EntityBehavior(visible=False) for coloring in colorings(look)[1:]}
