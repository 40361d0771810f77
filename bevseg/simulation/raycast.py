"""Ray casting with Embree: beams go through glass and wire, into leaves, and on behind what they hit."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Int, Integer, UInt8

from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY
from bevseg.simulation.shapes.assemble import Assembly

STEP_M = 1e-3
"""How far behind a surface a beam that goes on starts again."""

MAX_LAYERS = 6
"""Surfaces that one beam can go through before it is lost."""

_LEAF_COSINE = 0.7
"""Leaves have no one direction; a return from inside a medium is that of a surface that slants by so much."""

_SOLID = (PASS_PROBABILITY == 0) & (FREE_PATH_M == 0)
"""Materials at which every beam ends."""


_NO_RAYS = np.zeros((0, 3), np.float32)


@dataclass(frozen=True, eq=False)
class Hits:
    """Where rays met triangles; one entry a hit.

    Attributes:
        ray: Index of the ray.
        distance_m: Along it, from the sensor.
        piece: Which piece of the scene.
        material: `Material` of the triangle.
        cosine: Of the angle between beam and surface normal, 0..1.
    """

    ray: Int[np.ndarray, "h"]
    distance_m: Float[np.ndarray, "h"]
    piece: Int[np.ndarray, "h"]
    material: UInt8[np.ndarray, "h"]
    cosine: Float[np.ndarray, "h"]

    @classmethod
    def empty(cls) -> Hits:
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0))

    def __len__(self) -> int:
        return len(self.ray)

    def __getitem__(self, index: Bool[np.ndarray, "h"] | Int[np.ndarray, "j"]) -> Hits:
        chosen = np.flatnonzero(index) if index.dtype == bool else index  # faster than a mask for each column
        return Hits(
            self.ray[chosen], self.distance_m[chosen], self.piece[chosen], self.material[chosen], self.cosine[chosen]
        )

    def of_rays(self, ray: Int[np.ndarray, "n"]) -> Hits:
        """The same hits where ray k was ray `ray[k]` of more rays."""
        return Hits(ray[self.ray], self.distance_m, self.piece, self.material, self.cosine)


def concatenated(parts: list[Hits]) -> Hits:
    """All hits in the order given."""
    if len(parts) < 2:
        return parts[0] if parts else Hits.empty()
    return Hits(
        np.concatenate([p.ray for p in parts]),
        np.concatenate([p.distance_m for p in parts]),
        np.concatenate([p.piece for p in parts]),
        np.concatenate([p.material for p in parts]),
        np.concatenate([p.cosine for p in parts]),
    )


class _TriangleRows(threading.local):
    """Triangles in the form that Embree's binding reads fastest: as an array of memory views, one a triangle.

    The binding reads number by number through Python. To make a view of a triangle takes longer than to read one, so
    the views are kept, as many as the largest scene needed; each scene writes its corners into the memory below them.
    """

    def __init__(self) -> None:
        self._corners = np.zeros(0, np.int32)
        self._rows = np.zeros(0, object)

    def of(self, triangles: Integer[np.ndarray, "t 3"]) -> np.ndarray:
        """The triangles, until the next ones are asked for."""
        count = len(triangles)
        if count > len(self._rows):
            kept = count + count // 2
            self._corners = np.empty(3 * kept, np.int32)
            memory = self._corners.data
            self._rows = np.fromiter((memory[3 * k : 3 * k + 3] for k in range(kept)), dtype=object, count=kept)
        self._corners[: 3 * count] = triangles.ravel()
        return self._rows[:count]


_rows = _TriangleRows()


class RayScene:
    """Triangles that rays can be cast against; built once, then only read."""

    def __init__(self, pieces: Assembly) -> None:
        self._piece, self._material = pieces.piece, pieces.mesh.material
        self._scene = EmbreeScene()
        self._geometry = None
        if len(pieces.mesh.triangles):
            rows = _rows.of(pieces.mesh.triangles)
            self._geometry = TriangleMesh(self._scene, pieces.mesh.vertices.astype(np.float64), rows)
            self._scene.run(_NO_RAYS, _NO_RAYS)  # builds the tree now and not when the first ray is cast

    def nearest(
        self,
        origin_m: Float[np.ndarray, "... 3"],
        directions: Float[np.ndarray, "n 3"],
        start_m: Float[np.ndarray, "n"],
        end_m: Float[np.ndarray, "n"] | None = None,
    ) -> Hits:
        """The first triangle between `start_m` and `end_m` on each ray; no hit for rays without one.

        The rays start at one origin, or at one each.
        """
        if self._geometry is None or not len(directions):
            return Hits.empty()
        origins = _starts(origin_m, directions, start_m)
        way = None if end_m is None else np.maximum(end_m - start_m, 0.0).astype(np.float32)
        found = self._scene.run(origins, directions, dists=way, output=True)
        ray = np.flatnonzero(found["geomID"] >= 0)
        triangle = found["primID"][ray]
        distance, cosine = start_m[ray] + found["tfar"][ray], _cosine(found["Ng"], directions, ray)
        return Hits(ray, distance, self._piece[triangle], self._material[triangle], cosine)

    def meets(
        self,
        origin_m: Float[np.ndarray, "3"],
        directions: Float[np.ndarray, "n 3"],
        start_m: Float[np.ndarray, "n"],
        end_m: Float[np.ndarray, "n"],
    ) -> Bool[np.ndarray, "n"]:
        """Whether any triangle lies between `start_m` and `end_m` on each ray; several times faster than which."""
        if self._geometry is None or not len(directions):
            return np.zeros(len(directions), bool)
        way = np.maximum(end_m - start_m, 0.0).astype(np.float32)
        origins = _starts(origin_m, directions, start_m)
        met: np.ndarray = self._scene.run(origins, directions, dists=way, query="OCCLUDED") >= 0
        return met


def _starts(
    origin_m: Float[np.ndarray, "... 3"], directions: Float[np.ndarray, "n 3"], start_m: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n 3"]:
    """The point `start_m` along each ray, float32; rays start at one origin, or at one each."""
    start = start_m.astype(np.float32)
    origins = np.empty((3, len(start)), np.float32)  # by column: numpy is slow on rows of three
    for axis in range(3):
        np.multiply(directions[:, axis], start, out=origins[axis])
        origins[axis] += origin_m[..., axis].astype(np.float32)
    return origins.T


def _cosine(
    normals: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"], ray: Int[np.ndarray, "h"]
) -> Float[np.ndarray, "h"]:
    """Of the angle between some of the rays and the normals, of any length, of what they meet."""
    (x, y, z), (dx, dy, dz) = ([v[:, axis][ray] for axis in range(3)] for v in (normals, directions))
    length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
    return (np.abs(x * dx + y * dy + z * dz) / length).astype(np.float64)


def origins_of(origin_m: Float[np.ndarray, "... 3"], index: slice | Int[np.ndarray, "m"]) -> Float[np.ndarray, "... 3"]:
    """Where some of the rays start: one origin for all of them, or the chosen ones where each has its own."""
    return origin_m if origin_m.ndim == 1 else origin_m[index]


def first_returns(
    scene: RayScene,
    origin_m: Float[np.ndarray, "... 3"],
    directions: Float[np.ndarray, "n 3"],
    chance: Float[np.ndarray, "n layers"],
    start_m: Float[np.ndarray, "n"],
    end_m: Float[np.ndarray, "n"] | None = None,
    leaves: Hits | None = None,
) -> Hits:
    """The first surface behind `start_m` that answers on each ray; the rays start at one origin, or at one each.

    `chance` decides, evenly drawn in 0..1, at each surface whether the beam passes it, and how deep it goes into
    a medium: a medium's hull starts a free path, and the beam returns where the path ends unless it has left before
    or met something else. Nobody wants to know of surfaces beyond `end_m`: most of them are left out. Rays that start
    inside a medium have in `leaves` where they return from it, unless they have left it before.
    """
    hits = scene.nearest(origin_m, directions, start_m, end_m)
    solid = _SOLID[hits.material]
    stop = np.full(len(directions), np.inf)
    stop_piece, stop_material = np.zeros(len(directions), np.int64), np.zeros(len(directions), np.uint8)
    if leaves is not None:
        stop[leaves.ray], stop_piece[leaves.ray] = leaves.distance_m, leaves.piece
        stop_material[leaves.ray] = leaves.material
        solid &= np.isinf(stop[hits.ray])
    done, hits = [hits[solid]], hits[~solid]
    for layer in range(chance.shape[1]):
        free_path = FREE_PATH_M[hits.material]
        medium = free_path > 0
        goes_on = medium | (chance[hits.ray, layer] < PASS_PROBABILITY[hits.material])
        inside = stop[hits.ray] < hits.distance_m
        ended = hits.ray[inside]
        in_medium = Hits(ended, stop[ended], stop_piece[ended], stop_material[ended], np.full(len(ended), _LEAF_COSINE))
        done += [in_medium, hits[~(inside | goes_on)]]
        goes_on &= ~inside
        enters = goes_on & medium & np.isinf(stop[hits.ray])
        stop[hits.ray[medium]] = np.inf  # a second hull is where the beam leaves the medium
        into = hits[enters]
        depth = -np.log1p(-chance[into.ray, layer] * 0.999) * free_path[enters]
        stop[into.ray] = into.distance_m + depth
        stop_piece[into.ray], stop_material[into.ray] = into.piece, into.material
        on = hits[goes_on]
        if not len(on) or layer == chance.shape[1] - 1:
            break
        # In a medium the beam returns only if there is something behind it, however far.
        end = None if end_m is None else np.where(np.isinf(stop[on.ray]), end_m[on.ray], np.inf)
        further = directions.take(on.ray, axis=0)
        hits = scene.nearest(origins_of(origin_m, on.ray), further, on.distance_m + STEP_M, end).of_rays(on.ray)
    return concatenated(done)
