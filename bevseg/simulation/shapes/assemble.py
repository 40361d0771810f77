"""Many placed meshes as one, without a loop over their vertices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from bevseg.simulation.shapes.mesh import Mesh, joined


@dataclass(frozen=True, eq=False)
class Assembly:
    """One mesh of many pieces.

    Attributes:
        mesh: All triangles, piece after piece.
        piece_of_vertex: Which piece each vertex belongs to.
        piece_of_triangle: Which piece each triangle belongs to.
    """

    mesh: Mesh
    piece_of_vertex: Int[np.ndarray, "v"]
    piece_of_triangle: Int[np.ndarray, "t"]

    def with_vertices(self, vertices: Float[np.ndarray, "v 3"]) -> Mesh:
        """The same triangles over other vertices."""
        return replace(self.mesh, vertices=vertices.astype(np.float32))


def assemble(
    meshes: Sequence[Mesh],
    *,
    scale: Float[np.ndarray, "k 3"],
    xy_m: Float[np.ndarray, "k 2"],
    yaw_rad: Float[np.ndarray, "k"],
) -> Assembly:
    """Stretches, turns and moves each mesh on the ground plane and joins them all."""
    whole = joined(meshes)
    of_vertex = np.repeat(np.arange(len(meshes)), [len(m.vertices) for m in meshes])
    of_triangle = np.repeat(np.arange(len(meshes)), [len(m.triangles) for m in meshes])
    local = whole.vertices * scale[of_vertex]
    c, s = np.cos(yaw_rad)[of_vertex], np.sin(yaw_rad)[of_vertex]
    placed = np.empty_like(local)
    placed[:, 0] = xy_m[of_vertex, 0] + c * local[:, 0] - s * local[:, 1]
    placed[:, 1] = xy_m[of_vertex, 1] + s * local[:, 0] + c * local[:, 1]
    placed[:, 2] = local[:, 2]
    return Assembly(replace(whole, vertices=placed), of_vertex, of_triangle)
