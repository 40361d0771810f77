"""Ray casting with Embree: beams go through glass and wire, into leaves, and on behind what they hit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Int

from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY
from bevseg.simulation.shapes.mesh import Mesh

_STEP_M = 1e-3
"""How far behind a surface a beam that goes on starts again."""

MAX_LAYERS = 6
"""Surfaces that one beam can go through before it is lost."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Where rays met triangles; one entry a hit.

    Attributes:
        ray: Index of the ray.
        distance_m: Along it, from the sensor.
        triangle: Index of the triangle.
        cosine: Of the angle between beam and surface normal, 0..1.
    """

    ray: Int[np.ndarray, "h"]
    distance_m: Float[np.ndarray, "h"]
    triangle: Int[np.ndarray, "h"]
    cosine: Float[np.ndarray, "h"]

    @classmethod
    def empty(cls) -> Hits:
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))

    def __len__(self) -> int:
        return len(self.ray)

    def __getitem__(self, index: Bool[np.ndarray, "h"] | Int[np.ndarray, "j"]) -> Hits:
        return Hits(self.ray[index], self.distance_m[index], self.triangle[index], self.cosine[index])


def concatenated(parts: list[Hits]) -> Hits:
    """All hits in the order given."""
    if not parts:
        return Hits.empty()
    return Hits(
        np.concatenate([p.ray for p in parts]),
        np.concatenate([p.distance_m for p in parts]),
        np.concatenate([p.triangle for p in parts]),
        np.concatenate([p.cosine for p in parts]),
    )


class RayScene:
    """Triangles that rays can be cast against; built once, then only read."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._scene = EmbreeScene()
        self._geometry = TriangleMesh(self._scene, mesh.vertices, mesh.triangles) if len(mesh.triangles) else None

    def nearest(
        self, origin_m: Float[np.ndarray, "3"], directions: Float[np.ndarray, "n 3"], start_m: Float[np.ndarray, "n"]
    ) -> Hits:
        """The first triangle behind `start_m` on each ray from the sensor; rays without one are left out."""
        if self._geometry is None or not len(directions):
            return Hits.empty()
        origins = directions * start_m.astype(np.float32)[:, None]
        origins += origin_m.astype(np.float32)
        found = self._scene.run(origins, directions, output=True)
        ray = np.flatnonzero(found["geomID"] >= 0)
        normal = found["Ng"][ray]
        length = np.sqrt(np.einsum("ij,ij->i", normal, normal)) + np.float32(1e-12)
        cosine = np.abs(np.einsum("ij,ij->i", normal, directions[ray])) / length
        distance = start_m[ray] + found["tfar"][ray]
        return Hits(ray, distance, found["primID"][ray].astype(np.int64), cosine)


def first_returns(
    scene: RayScene,
    origin_m: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "n 3"],
    chance: Float[np.ndarray, "n layers"],
    start_m: Float[np.ndarray, "n"],
) -> Hits:
    """The first surface behind `start_m` that answers on each ray.

    `chance` decides, evenly drawn in 0..1, at each surface whether the beam passes it, and how deep it goes into
    a medium: a medium's hull starts a free path, and the beam returns where the path ends unless it has left before
    or met something else.
    """
    done: list[Hits] = []
    active = np.arange(len(directions))
    start = start_m.astype(np.float64).copy()
    stop = np.full(len(directions), np.inf)
    stop_triangle = np.zeros(len(directions), np.int64)
    for layer in range(chance.shape[1]):
        hits = scene.nearest(origin_m, directions[active], start[active])
        ray = active[hits.ray]
        hits = Hits(ray, hits.distance_m, hits.triangle, hits.cosine)
        inside = stop[ray] < hits.distance_m
        ended = ray[inside]
        done.append(Hits(ended, stop[ended], stop_triangle[ended], np.full(len(ended), 0.7)))
        hits = hits[~inside]
        material = scene.mesh.material[hits.triangle]
        free_path = FREE_PATH_M[material]
        medium = free_path > 0
        passed = ~medium & (chance[hits.ray, layer] < PASS_PROBABILITY[material])
        done.append(hits[~medium & ~passed])
        enters = medium & ~np.isfinite(stop[hits.ray])
        into = hits.ray[enters]
        depth = -np.log1p(-chance[into, layer] * 0.999) * free_path[enters]
        stop[into] = hits.distance_m[enters] + depth
        stop_triangle[into] = hits.triangle[enters]
        leaves = hits.ray[medium & ~enters]
        stop[leaves] = np.inf
        active = hits.ray[medium | passed]
        start[active] = hits.distance_m[medium | passed] + _STEP_M
        if not len(active):
            break
    return concatenated(done)
