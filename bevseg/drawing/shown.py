"""What is drawn of a frame, and from above: every picture of a frame paints these layers, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.datasets.sample import Annotations
from bevseg.drawing import palette
from bevseg.drawing.bev import instance_colors
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.difference import Difference, outcome_colors
from bevseg.drawing.difference_layers import draw_marks, draw_true_outlines
from bevseg.drawing.layers import (
    PointColoring,
    draw_ego,
    draw_ground,
    draw_points,
    draw_ring_labels,
    draw_rings,
    point_colors,
)
from bevseg.drawing.motion_layers import draw_trails, draw_velocities
from bevseg.drawing.object_layers import draw_arrows, draw_boxes, draw_dashed_boxes, draw_labels, draw_masks
from bevseg.drawing.palette import Color
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene

Layer = Literal[
    "ground", "rings", "points", "masks", "boxes", "velocity", "tracks", "arrows", "labels", "truth", "difference"
]
"""What can be switched on and off."""

LAYERS: frozenset[Layer] = frozenset(get_args(Layer))

HIDDEN_FROM = 0.2
"""Hidden share from which on an object gets an arrow from what hides it, and the share in figures."""


def parse_layers(text: str) -> frozenset[Layer]:
    """The layers that a list names, as `points,masks`; with a minus each, as `-arrows,-labels`, all but those.

    Raises:
        ValueError: A layer is not known, or the list mixes both ways.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    bare = {name.removeprefix("-") for name in names}
    without = [name for name in names if name.startswith("-")]
    if not names or not bare <= LAYERS or len(without) not in (0, len(names)):
        raise ValueError(
            f"expected layers such as 'points,masks', or '-arrows' for all but those, of {', '.join(get_args(Layer))}; "
            f"got '{text}'"
        )
    chosen = frozenset(layer for layer in LAYERS if layer in bare)
    return LAYERS - chosen if without else chosen


@dataclass(frozen=True, eq=False)
class Shown:
    """One scan, what was found in it, and which layers of that are painted.

    Attributes:
        cloud: The scan.
        scene: What was found.
        trails: Where each object was before, oldest place first, metres; none at all where that is not known.
        truth: The true objects, if any.
        difference: Between the two, if any.
        layers: Those that are painted.
        coloring: What the colour of a point tells.
        with_ids: Whether labels bear ids, which tell something only in pictures of frames that follow each other.
    """

    cloud: PointCloud
    scene: Scene
    trails: tuple[Float[np.ndarray, "_ 2"], ...] = ()
    truth: Annotations | None = None
    difference: Difference | None = None
    layers: frozenset[Layer] = LAYERS
    coloring: PointColoring = "object"
    with_ids: bool = True

    @property
    def compared(self) -> Difference | None:
        """The difference where it is known and wanted."""
        return self.difference if "difference" in self.layers else None

    @cached_property
    def colors(self) -> list[Color]:
        """Of each object: what became of it where results are compared with truth, else its own."""
        if self.compared is not None:
            return outcome_colors(self.compared.prediction)
        return instance_colors(self.scene.instances, "object")

    @cached_property
    def point_colors(self) -> UInt8[np.ndarray, "n 3"]:
        """Of each point."""
        if self.coloring != "object":
            return point_colors(self.cloud, self.scene.points, self.coloring)
        colors = point_colors(self.cloud, self.scene.points, "height")
        colors[self.on_object] = self.object_point_colors
        return colors

    @cached_property
    def on_object(self) -> np.ndarray:
        """Indices of the points that lie on an object."""
        return np.flatnonzero(np.isin(self.scene.points.instance, self.scene.instances.id))

    @cached_property
    def object_point_colors(self) -> UInt8[np.ndarray, "m 3"]:
        """Of the points on objects: the object's colour, lighter."""
        ids = self.scene.instances.id
        order = np.argsort(ids)
        place = order[np.searchsorted(ids[order], self.scene.points.instance[self.on_object])]
        bright = np.array(self.colors, np.int16).reshape(-1, 3)[place]
        return (bright + (255 - bright) // 3).astype(np.uint8)


def paint_ground(canvas: Canvas, shown: Shown) -> None:
    """What lies on the ground: the visibility map, rings and masks; paints the whole picture."""
    if "ground" in shown.layers:
        draw_ground(canvas, shown.scene.visibility)
    else:
        canvas.image[...] = palette.BACKGROUND
    if "rings" in shown.layers:
        draw_rings(canvas, with_labels=False)  # in perspective they could not be read
    if "masks" in shown.layers:
        draw_masks(canvas, shown.scene.instances, shown.colors)


def paint_above(canvas: Canvas, shown: Shown) -> None:
    """What stands over the ground, and words."""
    layers, instances, colors = shown.layers, shown.scene.instances, shown.colors
    if "tracks" in layers and shown.trails:
        draw_trails(canvas, shown.trails, colors)
    if "points" in layers:
        draw_points(canvas, shown.cloud.xyz[:, :2], shown.point_colors)
    if "rings" in layers:
        draw_ring_labels(canvas)
    if "boxes" in layers:
        draw_boxes(canvas, instances.boxes, colors)
    _paint_truth(canvas, shown)
    if "velocity" in layers:
        draw_velocities(canvas, instances, colors)
    draw_ego(canvas)
    if "arrows" in layers:
        draw_arrows(canvas, instances.boxes, shown.scene.occlusion, at_least=HIDDEN_FROM)
    taken = []
    if shown.compared is not None and shown.truth is not None:
        taken = draw_marks(canvas, instances.boxes, shown.truth, shown.compared)
    if "labels" in layers:
        draw_labels(canvas, instances, colors, hidden_from=HIDDEN_FROM, taken=taken, with_ids=shown.with_ids)


def _paint_truth(canvas: Canvas, shown: Shown) -> None:
    if shown.truth is None:
        return
    if shown.compared is not None:
        draw_true_outlines(canvas, shown.truth, shown.compared)
    elif "truth" in shown.layers:
        draw_dashed_boxes(canvas, shown.truth.boxes, color=palette.TRUTH)
