"""A scene and its cloud as one picture: seen from above, with a legend and a table of the nearest objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8

from bevseg.datasets.sample import Annotations
from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.labels import short_name
from bevseg.drawing.layers import PointColoring, draw_ego, draw_ground, draw_points, draw_rings, point_colors
from bevseg.drawing.legend import Chip, legend_bottom, panel_with_legend
from bevseg.drawing.object_layers import draw_arrows, draw_boxes, draw_dashed_boxes, draw_labels, draw_masks
from bevseg.drawing.palette import Color
from bevseg.drawing.panel import draw_foot, draw_table, draw_title, panel_width
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import STUFF_CLASSES, THING_CLASSES
from bevseg.results.instances import Instances
from bevseg.results.scene import Scene

_LEGEND_GAP_PX = 36
"""Between the legend and the table, in pixels of a 720-pixel picture."""

_BEHIND_M = 26.0
_AHEAD_M = 46.0
"""What a view shows unless it is chosen: cars must be large enough to read."""


@dataclass(frozen=True)
class DrawStyle:
    """How a picture looks.

    Attributes:
        width: Pixels.
        height: Pixels; text and lines grow with it.
        view: The ground to show; None shows the near part of the scene's grid.
        panel: Whether the legend and the table stand at the right.
        object_colors: One steady colour for each object id, or one for each class.
        point_colors: By height, by class, or by height with the points of objects in the object's colour.
        arrows_from: Smallest hidden fraction that gets an arrow and a figure beside the object; above 1 there are none.
        labels: Whether objects carry their class and id.
        boxes: Whether oriented boxes are drawn.
    """

    width: int = 1280
    height: int = 720
    view: BevView | None = None
    panel: bool = True
    object_colors: Literal["object", "class"] = "object"
    point_colors: PointColoring = "object"
    arrows_from: float = 0.2
    labels: bool = True
    boxes: bool = True

    def __post_init__(self) -> None:
        if self.width < 320 or self.height < 180:
            raise ValueError(f"a picture needs at least 320 x 180 pixels, got {self.width} x {self.height}")


@dataclass(frozen=True, eq=False)
class TruthMatches:
    """Which predictions of a scene found which truth; the matching itself is the caller's.

    Attributes:
        prediction: Positions in the scene's instances, one for each pair.
        truth: Positions in the annotations, one for each pair.
        ignored_prediction: For each prediction whether it is neither right nor wrong; None where all count.
    """

    prediction: Integer[np.ndarray, "m"]
    truth: Integer[np.ndarray, "m"]
    ignored_prediction: Bool[np.ndarray, "k"] | None = None


@dataclass(frozen=True, eq=False)
class _Dashed:
    """Boxes that are drawn as dashed outlines of one colour."""

    boxes: Float[np.ndarray, "k 7"]
    color: Color


def draw_scene(
    cloud: PointCloud,
    scene: Scene,
    *,
    style: DrawStyle | None = None,
    title: str = "",
    truth: Annotations | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draws one scan with everything that bevseg says about it.

    Args:
        cloud: The scan that the scene was made from.
        scene: The result.
        style: Size, view and layers.
        title: Name of the frame, at the top of the panel.
        truth: Its boxes are drawn as thin dashed outlines.

    Returns:
        An RGB picture; x (forward) is up, y (left) is left.

    Raises:
        ValueError: The scene was made from another cloud.
    """
    style = style or DrawStyle()
    colors = instance_colors(scene.instances, style.object_colors)
    dashed = [] if truth is None else [_Dashed(truth.boxes, palette.TRUTH)]
    chips = () if truth is None else (Chip("truth", palette.TRUTH, dashed=True),)
    return _paint(cloud, scene, colors, dashed, style=style, title=title, chips=chips + _class_chips(style))


def draw_truth_comparison(
    cloud: PointCloud,
    scene: Scene,
    truth: Annotations,
    matches: TruthMatches,
    *,
    style: DrawStyle | None = None,
    title: str = "",
) -> UInt8[np.ndarray, "h w 3"]:
    """Draws a scene against its truth: objects found, objects invented, and truth that was missed as dashed outlines.

    Truth that was found and truth that is ignored are dashed too, quietly. The picture is RGB as of `draw_scene`.

    Raises:
        ValueError: `matches` does not fit the scene or the truth, or the scene was made from another cloud.
    """
    _check_matches(matches, num_predictions=len(scene.instances), num_truth=len(truth))
    colors = [palette.INVENTED] * len(scene.instances)
    if matches.ignored_prediction is not None:
        colors = [palette.TEXT_QUIET if k else palette.INVENTED for k in matches.ignored_prediction]
    for k in matches.prediction:
        colors[int(k)] = palette.FOUND
    missed = ~truth.ignored
    missed[matches.truth] = False
    quiet = palette.mix(palette.BACKGROUND, palette.TRUTH, 0.5)
    chips = (
        Chip("found", palette.FOUND),
        Chip("invented", palette.INVENTED),
        Chip("missed truth", palette.MISSED, dashed=True),
        Chip("other truth", quiet, dashed=True),
    )
    dashed = [_Dashed(truth.boxes[~missed], quiet), _Dashed(truth.boxes[missed], palette.MISSED)]
    return _paint(cloud, scene, colors, dashed, style=style or DrawStyle(), title=title, chips=chips)


def default_view(grid: BevGrid) -> BevView:
    """The part of the grid that lies within reach of the eye: 26 m behind to 46 m ahead of the origin."""
    x_min_m, x_max_m = max(grid.x_min_m, -_BEHIND_M), min(grid.x_max_m, _AHEAD_M)
    if x_max_m <= x_min_m:  # a grid that lies wholly farther away
        x_min_m, x_max_m = grid.x_min_m, grid.x_max_m
    y_center_m = 0.0 if grid.y_min_m < 0 < grid.y_max_m else (grid.y_min_m + grid.y_max_m) / 2
    return BevView(x_min_m, x_max_m, y_center_m)


def instance_colors(instances: Instances, by: Literal["object", "class"]) -> list[Color]:
    """The colour of each object of a scene."""
    if by == "class":
        return [palette.class_color(int(label)) for label in instances.label]
    return [palette.object_color(int(k)) for k in instances.id]


def _paint(
    cloud: PointCloud,
    scene: Scene,
    colors: list[Color],
    dashed: list[_Dashed],
    *,
    style: DrawStyle,
    title: str,
    chips: tuple[Chip, ...],
) -> UInt8[np.ndarray, "h w 3"]:
    if len(scene.points.semantic) != len(cloud):
        raise ValueError(
            f"the scene must be that of the cloud, got labels for {len(scene.points.semantic)} of {len(cloud)} points"
        )
    ui = style.height / 720
    picture = np.empty((style.height, style.width, 3), np.uint8)
    bev_width = style.width - (panel_width(style.width, ui) if style.panel else 0)
    view = style.view or default_view(scene.grid)
    # both canvases are parts of the picture, not copies of it, and each is painted over from edge to edge
    _paint_layers(Canvas(picture[:, :bev_width], view, ui), cloud, scene, colors, dashed, style)
    if style.panel:
        side = Canvas(picture[:, bev_width:], view, ui)
        side.image[...] = panel_with_legend(side.width, side.height, ui, chips)
        draw_title(side, scene, title)
        draw_table(side, scene.instances, colors, top=legend_bottom(chips) + _LEGEND_GAP_PX)
        draw_foot(side, scene, len(cloud))
    return picture


def _paint_layers(
    canvas: Canvas, cloud: PointCloud, scene: Scene, colors: list[Color], dashed: list[_Dashed], style: DrawStyle
) -> None:
    """The order in which the layers cover each other."""
    instances = scene.instances
    draw_ground(canvas, scene.visibility)
    draw_rings(canvas)
    draw_points(canvas, cloud.xyz[:, :2], point_colors(cloud, scene.points, style.point_colors))
    draw_masks(canvas, instances, colors)
    if style.boxes:
        draw_boxes(canvas, instances.boxes, colors)
    for group in dashed:
        draw_dashed_boxes(canvas, group.boxes, color=group.color)
    draw_ego(canvas)
    draw_arrows(canvas, instances.boxes, scene.occlusion, at_least=style.arrows_from)
    if style.labels:
        draw_labels(canvas, instances, colors, hidden_from=style.arrows_from)


def _class_chips(style: DrawStyle) -> tuple[Chip, ...]:
    """Classes whose colours the picture uses and the legend must explain."""
    things = THING_CLASSES if "class" in (style.object_colors, style.point_colors) else ()
    stuff = STUFF_CLASSES if style.point_colors == "class" else ()
    return tuple(Chip(short_name(label), palette.class_color(label)) for label in things + stuff)


def _check_matches(matches: TruthMatches, *, num_predictions: int, num_truth: int) -> None:
    if len(matches.prediction) != len(matches.truth):
        raise ValueError(
            f"a pair has a prediction and a truth, got {len(matches.prediction)} and {len(matches.truth)} positions"
        )
    for name, positions, count in (
        ("prediction", matches.prediction, num_predictions),
        ("truth", matches.truth, num_truth),
    ):
        if len(positions) and not (int(positions.min()) >= 0 and int(positions.max()) < count):
            raise ValueError(f"matched {name} positions must lie in 0..{count - 1}, got {positions}")
    ignored = matches.ignored_prediction
    if ignored is not None and len(ignored) != num_predictions:
        raise ValueError(f"ignored_prediction must have {num_predictions} entries, got {len(ignored)}")
