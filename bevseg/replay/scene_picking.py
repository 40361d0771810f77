"""Which object a click meets, and which it is in the next frame. All in metres; pixels count from the upper left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from bevseg.drawing.difference import Outcome
from bevseg.drawing.shown import Shown
from bevseg.geometry.frames import Transform

_MARGIN_RAD = 0.006
"""What is clicked beside a box by so much, as the camera sees it, still meets it: far objects are but a few pixels."""
_SAME_ID_M, _SAME_PLACE_M = 8.0, 2.0
"""How far an object comes from frame to frame, fixed frame; ids begin anew where frames are read out of order."""


@dataclass(frozen=True, eq=False)
class Ray:
    """A line of sight: where it starts, and its direction of length 1."""

    origin_m: Float[np.ndarray, "3"]
    direction: Float[np.ndarray, "3"]


@dataclass(frozen=True)
class Picked:
    """An object of a frame: of the result that is shown, or a true one. `k` is its place among them."""

    kind: Literal["result", "truth"]
    k: int


@dataclass(frozen=True)
class Followed:
    """What is needed to know an object again: its id, its class, and its place in the fixed frame."""

    kind: Literal["result", "truth"]
    id: int
    label: int
    place_m: tuple[float, float, float]


def ray_through(
    x: float, y: float, *, size: tuple[int, int], view: Float[np.ndarray, "4 4"], projection: Float[np.ndarray, "4 4"]
) -> Ray:
    """The line of sight through a pixel.

    Args:
        x: Column, 0 at the left edge.
        y: Row, 0 at the upper edge.
        size: Width and height of the picture, pixels.
        view: From the cloud's frame to the camera's, which looks along -z (OpenGL).
        projection: From there to clip space.
    """
    back = np.linalg.inv(projection.astype(np.float64) @ view.astype(np.float64))
    across, up = 2 * x / size[0] - 1, 1 - 2 * y / size[1]
    near, far = (back @ np.array([across, up, depth, 1.0]) for depth in (0.2, 0.8))
    origin = np.linalg.inv(view.astype(np.float64))[:3, 3]
    along = far[:3] / far[3] - near[:3] / near[3]
    along *= np.sign(along @ (near[:3] / near[3] - origin))  # depth may run either way
    return Ray(origin, along / np.linalg.norm(along))


def first_met(boxes: Float[np.ndarray, "k 7"], ray: Ray) -> tuple[int, float] | None:
    """The box that a ray enters first, and after how many metres; None where it meets none."""
    if not len(boxes):
        return None
    boxes = boxes.astype(np.float64)
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    start, along = (_turned(v, c, s) for v in (ray.origin_m - boxes[:, :3], np.tile(ray.direction, (len(boxes), 1))))
    away_m = np.linalg.norm(start, axis=1)
    half = boxes[:, 3:6] / 2 + (_MARGIN_RAD * away_m)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-half - start) / along, (half - start) / along
    parallel = np.abs(along) < 1e-12
    within = np.abs(start) <= half
    enter = np.where(parallel, np.where(within, -np.inf, np.inf), np.minimum(one, other)).max(axis=1)
    leave = np.where(parallel, np.where(within, np.inf, -np.inf), np.maximum(one, other)).min(axis=1)
    depth = np.where((leave >= enter) & (leave > 0), np.maximum(enter, 0.0), np.inf)
    k = int(np.argmin(depth))
    return (k, float(depth[k])) if np.isfinite(depth[k]) else None


def picked(shown: Shown, ray: Ray) -> Picked | None:
    """The object that a ray meets first; a true one only where it was missed, or where the truth alone is in view."""
    met = first_met(shown.scene.instances.boxes, ray)
    truth = _true_ones(shown)
    missed = first_met(shown.truth.boxes[truth], ray) if shown.truth is not None else None
    if missed is not None and (met is None or missed[1] < met[1]):
        return Picked("truth", int(truth[missed[0]]))
    return None if met is None else Picked("result", met[0])


def follow(shown: Shown, chosen: Picked, T_fixed_from_cloud: Transform) -> Followed:
    """What is needed to find an object again in another frame."""
    ids, labels, places = _objects(shown, chosen.kind, T_fixed_from_cloud)
    x, y, z = places[chosen.k].tolist()
    return Followed(chosen.kind, int(ids[chosen.k]), int(labels[chosen.k]), (x, y, z))


def found_again(shown: Shown, followed: Followed, T_fixed_from_cloud: Transform) -> Picked | None:
    """The same object in a frame: the one of its id not far from where it was, or one of its class quite there."""
    ids, labels, places = _objects(shown, followed.kind, T_fixed_from_cloud)
    away_m = np.linalg.norm(places - np.array(followed.place_m), axis=1)
    known = (ids == followed.id) & (ids >= 0) & (away_m <= _SAME_ID_M)
    candidates = known if known.any() else (labels == followed.label) & (away_m <= _SAME_PLACE_M)
    if not candidates.any():
        return None
    return Picked(followed.kind, int(np.argmin(np.where(candidates, away_m, np.inf))))


def _true_ones(shown: Shown) -> Int[np.ndarray, "m"]:
    """The true objects that a click may mean."""
    if shown.truth is None:
        return np.zeros(0, np.int64)
    if shown.compared is not None:
        return np.flatnonzero(shown.compared.truth == Outcome.MISSED)
    return np.arange(len(shown.truth) if "truth" in shown.layers else 0)


def _objects(
    shown: Shown, kind: Literal["result", "truth"], T_fixed_from_cloud: Transform
) -> tuple[Int[np.ndarray, "k"], Int[np.ndarray, "k"], Float[np.ndarray, "k 3"]]:
    """Id (-1 for none), class, and place in the fixed frame."""
    if kind == "result":
        found = shown.scene.instances
        ids, labels, boxes = found.id, found.label, found.boxes
    elif shown.truth is not None:
        ids, labels, boxes = shown.truth.track_id, shown.truth.label, shown.truth.boxes
    else:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3))
    places = T_fixed_from_cloud.apply(boxes[:, :3].astype(np.float64))
    return ids.astype(np.int64), labels.astype(np.int64), places


def _turned(
    vectors: Float[np.ndarray, "k 3"], c: Float[np.ndarray, "k"], s: Float[np.ndarray, "k"]
) -> Float[np.ndarray, "k 3"]:
    """Into the frame of each box."""
    x, y, z = vectors.T
    return np.stack([c * x + s * y, c * y - s * x, z], axis=1)
