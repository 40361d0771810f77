"""Many placed meshes as one, without a loop over their vertices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from bevseg.simulation.shapes.mesh import Mesh, joined

HeightAt = Callable[[Float[np.ndarray, "v"], Float[np.ndarray, "v"]], Float[np.ndarray, "v"]]


@dataclass(frozen=True, eq=False)
class Assembly:
    """One mesh of many pieces.

    Attributes:
        mesh: All triangles, piece after piece.
        piece: Which piece each triangle belongs to.
        num_pieces: How many pieces there are.
    """

    mesh: Mesh
    piece: Int[np.ndarray, "t"]
    num_pieces: int

    @classmethod
    def of(cls, *meshes: Mesh) -> Assembly:
        """Meshes that are in their places already."""
        piece = np.repeat(np.arange(len(meshes)), [len(m.triangles) for m in meshes])
        return cls(joined(meshes), piece, len(meshes))

    def __len__(self) -> int:
        return self.num_pieces

    def __add__(self, other: Assembly) -> Assembly:
        piece = np.concatenate([self.piece, other.piece + self.num_pieces])
        return Assembly(joined([self.mesh, other.mesh]), piece, self.num_pieces + other.num_pieces)


def assemble(
    meshes: Sequence[Mesh],
    *,
    scale: Float[np.ndarray, "k 3"],
    xy_m: Float[np.ndarray, "k 2"],
    yaw_rad: Float[np.ndarray, "k"],
    lift_m: Float[np.ndarray, "k"],
    ground: HeightAt,
) -> Assembly:
    """Stretches, turns and moves each mesh, and lifts it by `lift_m` above the ground, whose slope it follows."""
    whole = Assembly.of(*meshes)
    count = np.array([len(m.vertices) for m in meshes], dtype=np.int64)
    x, y, z = (whole.mesh.vertices[:, axis] * np.repeat(scale[:, axis], count) for axis in range(3))
    c, s = np.repeat(np.cos(yaw_rad), count), np.repeat(np.sin(yaw_rad), count)
    world_x = np.repeat(xy_m[:, 0], count) + c * x - s * y
    world_y = np.repeat(xy_m[:, 1], count) + s * x + c * y
    world_z = z + (ground(world_x, world_y) + np.repeat(lift_m, count))
    vertices = np.stack([world_x, world_y, world_z], axis=1).astype(np.float32)
    return replace(whole, mesh=replace(whole.mesh, vertices=vertices))
