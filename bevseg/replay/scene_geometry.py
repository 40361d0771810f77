"""What is drawn of a frame in three dimensions, as plain arrays: every view in 3-D takes points and lines from here.

All of it is in the cloud's frame, metres; the ground is a plane at the height of the ground about the vehicle. A layer
that is switched off is empty, so that a view which draws all of it draws what was asked for. Colours are those of the
pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, UInt8

from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.drawing.labels import short_name
from bevseg.drawing.palette import Color
from bevseg.drawing.perspective import ground_height_m
from bevseg.drawing.shown import HIDDEN_FROM, Shown
from bevseg.geometry.boxes import footprint_corners
from bevseg.replay.mask_geometry import Flat, hatching, outline_strips, row_quads
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import chosen_edges, thinned

_LEAST_MPS = 0.8
"""What moves more slowly stands: its arrow would show the jitter of its box."""
_MASK_M, _HATCH_M, _TRAIL_M = 0.04, 0.06, 0.08
"""Heights over the ground, so that what lies on it does not flicker."""
_EDGES = np.array([(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)])
_QUIET = 0.55
_VISIBLE_DIM, _HIDDEN_DIM = 0.35, 0.82
"""Share of the background in filled masks, which views draw opaque."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Oriented boxes with words.

    Attributes:
        boxes: `(x, y, z, l, w, h, yaw)`.
        colors: Of the edges.
        labels: What stands at each; empty for no word.
    """

    boxes: Float[np.ndarray, "k 7"]
    colors: UInt8[np.ndarray, "k 3"]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.boxes)

    @cached_property
    def segments(self) -> Float32[np.ndarray, "twelve_k 2 3"]:
        """The twelve edges of each box, one box after the other."""
        return box_edges(self.boxes)


@dataclass(frozen=True, eq=False)
class Arrows:
    """Arrows with words.

    Attributes:
        origins: Where each starts.
        vectors: From there to its tip.
        colors: Of each.
        labels: What stands at each; empty for no word.
    """

    origins: Float32[np.ndarray, "a 3"]
    vectors: Float32[np.ndarray, "a 3"]
    colors: UInt8[np.ndarray, "a 3"]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.origins)


@dataclass(frozen=True, eq=False)
class Strips:
    """Lines through several places, one colour each."""

    paths: tuple[Float32[np.ndarray, "_ 3"], ...]
    colors: UInt8[np.ndarray, "s 3"]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, eq=False)
class Marks:
    """A word at each failure, the worst first."""

    xyz: Float32[np.ndarray, "m 3"]
    colors: UInt8[np.ndarray, "m 3"]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True, eq=False)
class SceneGeometry:
    """One result in 3-D; each part is made when it is asked for.

    Attributes:
        shown: The scan, what was found in it, and which layers are on.
        ground_z_m: Height of the ground about the vehicle.
    """

    shown: Shown
    ground_z_m: float

    @classmethod
    def of(cls, shown: Shown) -> SceneGeometry:
        """The geometry of a frame."""
        return cls(shown, ground_height_m(shown.cloud))

    @property
    def points_xyz(self) -> Float[np.ndarray, "n 3"]:
        """The scan."""
        return self.shown.cloud.xyz if "points" in self.shown.layers else np.zeros((0, 3), np.float32)

    @property
    def point_colors(self) -> UInt8[np.ndarray, "n 3"]:
        """Of each point of the scan."""
        return self.shown.point_colors if "points" in self.shown.layers else np.zeros((0, 3), np.uint8)

    @cached_property
    def visible(self) -> Flat:
        """The part of each mask that the sensor saw, filled."""
        return row_quads(self._masks.visible, dimmed(self._colors, _VISIBLE_DIM), self.ground_z_m + _MASK_M)

    @cached_property
    def hidden(self) -> Flat:
        """The part of each mask that is hidden, faintly filled: what lies under the hatching."""
        return row_quads(self._hidden, dimmed(self._colors, _HIDDEN_DIM), self.ground_z_m + _MASK_M)

    @cached_property
    def hatching(self) -> tuple[Float32[np.ndarray, "s 2 3"], UInt8[np.ndarray, "s 3"]]:
        """Diagonal lines over the hidden part of each mask, and their colours."""
        return hatching(self._hidden, self._colors, self.ground_z_m + _HATCH_M)

    @cached_property
    def outlines(self) -> Strips:
        """Around the whole mask of each object."""
        paths, owner = outline_strips(self._masks.amodal, self.ground_z_m + _HATCH_M)
        return Strips(paths, self._colors[owner])

    @cached_property
    def boxes(self) -> Boxes:
        """Of the objects, with class, id and hidden share."""
        instances = self.shown.scene.instances
        if "boxes" not in self.shown.layers:
            return _no_boxes()
        with_words = "labels" in self.shown.layers
        labels = tuple(object_label(instances, k) if with_words else "" for k in range(len(instances)))
        return Boxes(instances.boxes.astype(np.float64), self._colors, labels)

    @cached_property
    def velocities(self) -> Arrows:
        """From the middle of each object that moves to where it will be in a second."""
        instances = self.shown.scene.instances
        speed = np.hypot(instances.velocity_mps[:, 0], instances.velocity_mps[:, 1])
        moves = speed >= _LEAST_MPS if "velocity" in self.shown.layers else np.zeros(len(instances), bool)
        vectors = np.pad(instances.velocity_mps[moves], ((0, 0), (0, 1)))
        words = tuple(f"{mps:.1f} m/s" for mps in speed[moves])
        return Arrows(_float(instances.boxes[moves, :3]), _float(vectors), self._colors[moves], words)

    @cached_property
    def order(self) -> Arrows:
        """From the top of what hides to the top of what it hides most of, with the hidden share."""
        graph, boxes = self.shown.scene.occlusion, self.shown.scene.instances.boxes
        edges = chosen_edges(graph, at_least=HIDDEN_FROM if "arrows" in self.shown.layers else np.inf)
        edges = thinned(graph, edges).edges
        top = boxes[:, :3] + np.array([0.0, 0.0, 0.5]) * boxes[:, 5:6]
        near, far = top[graph.occluder[edges]], top[graph.occluded[edges]]
        words = tuple(f"{100 * share:.0f}% hidden" for share in graph.hidden_fraction[edges])
        return Arrows(_float(near), _float(far - near), _repeated(palette.ARROW, len(edges)), words)

    @cached_property
    def trails(self) -> Strips:
        """Where each object was, the newest place last."""
        on = [k for k, trail in enumerate(self.shown.trails) if len(trail) > 1 and "tracks" in self.shown.layers]
        z_m = self.ground_z_m + _TRAIL_M
        paths = tuple(_float(np.pad(self.shown.trails[k], ((0, 0), (0, 1)), constant_values=z_m)) for k in on)
        return Strips(paths, self._colors[np.array(on, np.int64)])

    @cached_property
    def truth(self) -> Boxes:
        """The true objects; in the colour of what became of them where results are compared with truth."""
        truth, compared = self.shown.truth, self.shown.compared
        if truth is None or (compared is None and "truth" not in self.shown.layers):
            return _no_boxes()
        if compared is None:
            labels = tuple(short_name(int(label)) for label in truth.label)
            return Boxes(truth.boxes.astype(np.float64), _repeated(palette.TRUTH, len(truth)), labels)
        outcomes = [Outcome(int(outcome)) for outcome in compared.truth]
        colors = [o.color if o.is_failure else palette.mix(o.color, palette.BACKGROUND, _QUIET) for o in outcomes]
        words = tuple(
            f"{short_name(int(label))}: {o.word}" for label, o in zip(truth.label.tolist(), outcomes, strict=True)
        )
        return Boxes(truth.boxes.astype(np.float64), _rgb(colors), words)

    @cached_property
    def marks(self) -> Marks:
        """What is wrong, at the place where it is."""
        compared = self.shown.compared
        if compared is None:
            return Marks(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), ())
        xyz = np.pad(compared.mark_xy_m, ((0, 0), (0, 1)), constant_values=self.ground_z_m + 2.2)
        colors = _rgb([Outcome(int(outcome)).color for outcome in compared.mark])
        return Marks(_float(xyz), colors, compared.mark_text)

    @property
    def _masks(self) -> Instances:
        instances = self.shown.scene.instances
        return instances if "masks" in self.shown.layers else Instances.empty(instances.grid)

    @cached_property
    def _hidden(self) -> BevMasks:
        """Of each mask the cells that were not seen."""
        amodal, visible = self._masks.amodal, self._masks.visible
        cells = amodal.grid.num_cells
        return amodal.where(~np.isin(amodal.owner * cells + amodal.cells, visible.owner * cells + visible.cells))

    @cached_property
    def _colors(self) -> UInt8[np.ndarray, "k 3"]:
        return _rgb(self.shown.colors)


def object_label(instances: Instances, k: int) -> str:
    """Class, id, and the share that is hidden where it is large."""
    hidden = 1 - float(instances.visible_fraction[k])
    name = f"{short_name(int(instances.label[k]))} {instances.id[k]}"
    return f"{name} · {100 * hidden:.0f}% hidden" if hidden >= HIDDEN_FROM else name


def box_corners(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k 8 3"]:
    """Corners 0..3 at the bottom in the order of `footprint_corners`, 4..7 above them."""
    flat = footprint_corners(boxes.astype(np.float64))
    z = np.stack([boxes[:, 2] - boxes[:, 5] / 2, boxes[:, 2] + boxes[:, 5] / 2], axis=1)
    return np.concatenate([np.concatenate([flat, flat], axis=1), np.repeat(z, 4, axis=1)[..., None]], axis=2)


def box_edges(boxes: Float[np.ndarray, "k 7"]) -> Float32[np.ndarray, "twelve_k 2 3"]:
    """The twelve edges of each box, one box after the other."""
    return box_corners(boxes)[:, _EDGES].reshape(-1, 2, 3).astype(np.float32)


def dimmed(colors: UInt8[np.ndarray, "n 3"], share: float) -> UInt8[np.ndarray, "n 3"]:
    """With so much of the background in them."""
    return np.rint(colors * (1 - share) + np.array(palette.BACKGROUND) * share).astype(np.uint8)


def _no_boxes() -> Boxes:
    return Boxes(np.zeros((0, 7)), np.zeros((0, 3), np.uint8), ())


def _rgb(colors: list[Color]) -> UInt8[np.ndarray, "k 3"]:
    return np.array(colors, np.uint8).reshape(-1, 3)


def _repeated(color: Color, count: int) -> UInt8[np.ndarray, "k 3"]:
    return np.tile(np.array(color, np.uint8), (count, 1))


def _float(values: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    return values.astype(np.float32)
