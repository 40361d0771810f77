"""A scene as visualization_msgs/Marker, for RViz and Foxglove.

| namespace | shows |
|---|---|
| outlines | the whole footprint of each object, on the ground under its box |
| hidden | diagonal lines over the part of it that the sensor did not see |
| boxes | each box with a stroke from the middle of its front |
| order | an arrow to each hidden object from the one that hides most of it |
| ids | class and id over each object, and the hidden share where it is large; the marker's id is the object's |

Where objects were followed, colours and ids are those of their tracks, so that both stay from scan to scan.

The first marker deletes all earlier ones. All lines of a namespace are one marker with a colour for every point, as
markers cost more than points.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

from bevseg.geometry.boxes import footprint_corners, footprint_edge_towards
from bevseg.messages.fields import (
    ColorFields,
    DurationFields,
    HeaderFields,
    MarkerAction,
    MarkerFields,
    MarkerType,
    PoseFields,
    PositionFields,
    Rows,
    VectorFields,
)
from bevseg.results.classes import SemanticClass
from bevseg.results.colors import ARROW, Color, mix, object_color
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import chosen_edges, thinned
from bevseg.results.outlines import mask_outlines
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels

HIDDEN_FROM = 0.2
"""Smallest hidden share that gets an arrow and a figure beside the id, as in pictures."""

_LIFETIME = DurationFields(sec=1)
"""What a node that stopped has shown last does not stay."""

_LINE_M = 0.06
_HATCH_CELLS = 3
_TEXT_M = 0.8
_ARROW_HEAD_M = 0.6
_WHITE: Color = (255, 255, 255)


def markers(scene: Scene, header: HeaderFields, tracks: TrackLabels | None = None) -> tuple[MarkerFields, ...]:
    """What a viewer shows of the scene: one marker that deletes the earlier ones, then those of the module's table."""
    instances = scene.instances
    ids = _shown_ids(instances, tracks)
    colors = [object_color(k) for k in ids]
    ground_m = instances.boxes[:, 2].astype(np.float64) - instances.boxes[:, 5] / 2
    outlines, hatching = _outlines(instances, ground_m), _hatching(instances, ground_m)
    boxes, arrows = _box_lines(instances.boxes.astype(np.float64)), _arrows(scene)
    lines = (
        _lines(header, "outlines", outlines, [mix(color, _WHITE, 0.15) for color in colors]),
        _lines(header, "hidden", hatching, colors),
        _lines(header, "boxes", boxes, [mix(color, _WHITE, 0.45) for color in colors]),
        _lines(header, "order", arrows, [ARROW] * len(arrows)),
    )
    first = MarkerFields(header, action=int(MarkerAction.DELETEALL))
    return (first, *(marker for marker in lines if len(marker.points)), *_labels(scene, header, ids, colors))


def _shown_ids(instances: Instances, tracks: TrackLabels | None) -> list[int]:
    """The track of each object where objects were followed, else its id within the scan."""
    return [int(k) for k in (instances.id if tracks is None else tracks.of(instances.id).track)]


Lines = list[Float64[np.ndarray, "_ 3"]]
"""Ends of lines, two points a line, one array for each object."""


def _lines(header: HeaderFields, namespace: str, lines: Lines, colors: list[Color]) -> MarkerFields:
    rgba = np.array([(*color, 255) for color in colors], np.float64).reshape(-1, 4) / 255
    counts = np.array([len(ends) for ends in lines], np.int64)
    return MarkerFields(
        header,
        ns=namespace,
        type=int(MarkerType.LINE_LIST),
        scale=VectorFields(x=_LINE_M),
        color=ColorFields(1.0, 1.0, 1.0, 1.0),
        lifetime=_LIFETIME,
        points=Rows(PositionFields, np.concatenate([np.zeros((0, 3)), *lines])),
        colors=Rows(ColorFields, rgba, repeats=counts),
    )


def _outlines(instances: Instances, ground_m: Float[np.ndarray, "k"]) -> Lines:
    """Around each amodal mask, and around its holes."""
    found = []
    for k, z_m in enumerate(ground_m.tolist()):
        rings = [_raised(_closed(ring), z_m) for ring in mask_outlines(instances.amodal.cells_of(k), instances.grid)]
        found.append(np.concatenate([np.zeros((0, 3)), *rings]))
    return found


def _closed(ring: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n2 2"]:
    """Ends of the edges of a ring of corners."""
    return np.stack([ring, np.roll(ring, -1, axis=0)], axis=1).reshape(-1, 2)


def _raised(xy_m: Float[np.ndarray, "n 2"], z_m: float) -> Float64[np.ndarray, "n 3"]:
    return np.column_stack([xy_m, np.full(len(xy_m), z_m)]).astype(np.float64)


def _hatching(instances: Instances, ground_m: Float[np.ndarray, "k"]) -> Lines:
    """Diagonals across the cells of each mask that were not seen, joined where they continue each other."""
    amodal, visible, grid = instances.amodal, instances.visible, instances.grid
    own = amodal.owner * grid.num_cells + amodal.cells
    seen = np.isin(own, visible.owner * grid.num_cells + visible.cells)
    hidden = amodal.where(~seen)
    row, column = np.divmod(hidden.cells, grid.width)
    on_line = (row + column) % _HATCH_CELLS == 0
    owner, row, column = hidden.owner[on_line], row[on_line], column[on_line]
    order = np.lexsort((column, row + column, owner))
    owner, row, column = owner[order], row[order], column[order]
    joined = (np.diff(owner) == 0) & (np.diff(row + column) == 0) & (np.diff(column) == 1)
    starts = np.flatnonzero(np.concatenate([[True], ~joined])[: len(owner)])
    ends = np.flatnonzero(np.concatenate([~joined, [True]])[: len(owner)])
    corners = np.stack(
        [
            np.stack([grid.x_of(column[starts]), grid.y_of(row[starts] + 1), ground_m[owner[starts]]], axis=1),
            np.stack([grid.x_of(column[ends] + 1), grid.y_of(row[ends]), ground_m[owner[ends]]], axis=1),
        ],
        axis=1,
    )
    of_object = np.searchsorted(owner[starts], np.arange(len(instances) + 1))
    return [corners[of_object[k] : of_object[k + 1]].reshape(-1, 3) for k in range(len(instances))]


def _box_lines(boxes: Float64[np.ndarray, "k 7"]) -> Lines:
    """The twelve edges of each box, and a stroke ahead of its front at half height."""
    corners = footprint_corners(boxes)
    low, high = (
        np.concatenate([corners, np.broadcast_to(z[:, None, None], (len(boxes), 4, 1))], axis=2)
        for z in (boxes[:, 2] - boxes[:, 5] / 2, boxes[:, 2] + boxes[:, 5] / 2)
    )
    next_low, next_high = np.roll(low, -1, axis=1), np.roll(high, -1, axis=1)
    edges = np.concatenate(
        [np.stack(pair, axis=2) for pair in ((low, next_low), (high, next_high), (low, high))], axis=1
    )
    front = (low[:, 0] + low[:, 3] + high[:, 0] + high[:, 3]) / 4
    ahead = np.stack([np.cos(boxes[:, 6]), np.sin(boxes[:, 6]), np.zeros(len(boxes))], axis=1)
    stroke = np.stack([front, front + ahead * np.maximum(0.4, 0.18 * boxes[:, 3:4])], axis=1)
    return [np.concatenate([edge.reshape(-1, 3), tick]) for edge, tick in zip(edges, stroke, strict=True)]


def _arrows(scene: Scene) -> Lines:
    """For each of the chosen edges a shaft between the facing sides of two boxes, and two strokes for its head."""
    graph = scene.occlusion
    boxes = scene.instances.boxes.astype(np.float64)
    return [
        _arrow(boxes[graph.occluder[edge]], boxes[graph.occluded[edge]])
        for edge in thinned(graph, chosen_edges(graph, at_least=HIDDEN_FROM)).edges
    ]


def _arrow(near: Float64[np.ndarray, "7"], far: Float64[np.ndarray, "7"]) -> Float64[np.ndarray, "6 3"]:
    start = np.append(footprint_edge_towards(near, far[:2]), near[2])
    tip = np.append(footprint_edge_towards(far, near[:2]), far[2])
    along = far[:2] - near[:2]
    along = along / max(float(np.hypot(*along)), 1e-6)
    across = np.array([-along[1], along[0]])
    heads = [tip - np.append(along + side * across, 0) * _ARROW_HEAD_M for side in (-0.4, 0.4)]
    return np.stack([start, tip, heads[0], tip, heads[1], tip])


def _labels(scene: Scene, header: HeaderFields, ids: list[int], colors: list[Color]) -> list[MarkerFields]:
    """Class and id above each box, and the hidden share where it is known and large."""
    instances = scene.instances
    hidden = 1 - np.nan_to_num(instances.visible_fraction, nan=1.0)
    return [
        MarkerFields(
            header,
            ns="ids",
            id=ids[k],
            type=int(MarkerType.TEXT_VIEW_FACING),
            pose=PoseFields(PositionFields(x, y, z + height / 2 + _TEXT_M)),
            scale=VectorFields(z=_TEXT_M),
            color=_opaque(mix(colors[k], _WHITE, 0.6)),
            lifetime=_LIFETIME,
            text=f"{SemanticClass(instances.label[k]).label} {ids[k]}" + _share(float(hidden[k])),
        )
        for k, (x, y, z, _, _, height, _) in enumerate(instances.boxes.tolist())
    ]


def _share(hidden: float) -> str:
    return f" {100 * hidden:.0f}% hidden" if hidden >= HIDDEN_FROM else ""


def _opaque(color: Color) -> ColorFields:
    red, green, blue = (channel / 255 for channel in color)
    return ColorFields(red, green, blue, 1.0)
