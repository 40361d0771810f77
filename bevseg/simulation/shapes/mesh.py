"""Triangle meshes and the few primitives that every shape is built from. Metres; x forward, y left, z up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Integer, UInt8

from bevseg.simulation.materials import Material

Vector = tuple[float | int, float | int, float | int]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with a material each.

    Attributes:
        vertices: Corners, float32, metres.
        triangles: Three indices into `vertices` for each triangle.
        material: `Material` of each triangle.
    """

    vertices: Float[np.ndarray, "v 3"]
    triangles: Integer[np.ndarray, "t 3"]
    material: UInt8[np.ndarray, "t"]

    def __post_init__(self) -> None:
        if len(self.triangles) and int(self.triangles.max()) >= len(self.vertices):
            raise ValueError(f"triangles index vertex {self.triangles.max()} of {len(self.vertices)}")

    @classmethod
    def of(cls, vertices: np.ndarray, triangles: np.ndarray, material: Material) -> Mesh:
        """A mesh of one material."""
        triangles = np.asarray(triangles, np.int32).reshape(-1, 3)
        return cls(
            np.asarray(vertices, np.float32).reshape(-1, 3),
            triangles,
            np.full(len(triangles), material, dtype=np.uint8),
        )

    @property
    def low(self) -> Float[np.ndarray, "3"]:
        return self.vertices.min(axis=0)

    @property
    def high(self) -> Float[np.ndarray, "3"]:
        return self.vertices.max(axis=0)

    @cached_property
    def extent_m(self) -> tuple[float, float]:
        """Length and width of the smallest rectangle centred at the origin that holds the mesh."""
        reach = np.abs(self.vertices[:, :2]).max(axis=0)
        return 2 * float(reach[0]), 2 * float(reach[1])

    def moved(self, offset_m: Vector) -> Mesh:
        return replace(self, vertices=self.vertices + np.asarray(offset_m, np.float32))

    def scaled(self, factors: Vector) -> Mesh:
        return replace(self, vertices=self.vertices * np.asarray(factors, np.float32))

    def turned(self, yaw_rad: float) -> Mesh:
        """Turned about z, counter-clockwise."""
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        return self._rotated(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]))

    def pitched(self, angle_rad: float) -> Mesh:
        """Turned about y: what points to +z leans towards +x for a positive angle."""
        c, s = np.cos(angle_rad), np.sin(angle_rad)
        return self._rotated(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]))

    def rolled(self, angle_rad: float) -> Mesh:
        """Turned about x: what points to +z leans towards +y for a positive angle."""
        c, s = np.cos(angle_rad), np.sin(angle_rad)
        return self._rotated(np.array([[1, 0, 0], [0, c, s], [0, -s, c]]))

    def normalised(self, *, fill: float = 1.0) -> Mesh:
        """Stretched to a share of the unit box: x and y within +-0.5, z from 0 to 1 (times `fill`)."""
        low, high = self.low, self.high
        shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]], np.float32)
        return replace(self, vertices=(self.vertices - shift) * (fill / (high - low)))

    def simplified(self, cell_m: float) -> Mesh:
        """Fewer triangles: corners move to the mean of their cell of a cubic grid, what collapses is left out."""
        _, group = np.unique(np.floor(self.vertices / cell_m).astype(np.int64), axis=0, return_inverse=True)
        group = group.reshape(-1)
        count = np.bincount(group)
        sums = [np.bincount(group, self.vertices[:, axis].astype(np.float64)) for axis in range(3)]
        triangles = group[self.triangles].astype(np.int32)
        a, b, c = triangles.T
        kept = (a != b) & (b != c) & (a != c)
        return Mesh((np.stack(sums, axis=1) / count[:, None]).astype(np.float32), triangles[kept], self.material[kept])

    def _rotated(self, rotation: np.ndarray) -> Mesh:
        return replace(self, vertices=(self.vertices @ rotation.T.astype(np.float32)))


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """All triangles of the meshes as one mesh; empty for none."""
    if not meshes:
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros(0, np.uint8))
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    start = np.repeat(starts, [len(m.triangles) for m in meshes])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        (np.concatenate([m.triangles for m in meshes]) + start[:, None]).astype(np.int32),
        np.concatenate([m.material for m in meshes]),
    )


_BOX_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)], np.float32)
_BOX_TRIANGLES = np.array(
    [
        *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]),
        *([2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
    ],
    np.int32,
)


def box(center_m: Vector, size_m: Vector, material: Material) -> Mesh:
    """An upright box; `center_m` is the centre of its lower face."""
    return Mesh.of(_BOX_CORNERS * np.asarray(size_m) + np.asarray(center_m), _BOX_TRIANGLES, material)


def quad(corners: Float[np.ndarray, "4 3"], material: Material) -> Mesh:
    """A four-cornered face, corners in turn around it."""
    return Mesh.of(corners, np.array([[0, 1, 2], [0, 2, 3]]), material)


def loft(rings: Float[np.ndarray, "n m 3"], material: Material, *, closed_ends: bool = True) -> Mesh:
    """A skin over n rings of m corners each; the first and last ring are closed with fans."""
    n, m, _ = rings.shape
    return Mesh.of(rings.reshape(-1, 3), _loft_triangles(n, m, closed_ends), material)


@lru_cache(maxsize=128)
def _loft_triangles(n: int, m: int, closed_ends: bool) -> Integer[np.ndarray, "t 3"]:
    i, j = np.meshgrid(np.arange(n - 1), np.arange(m), indexing="ij")
    a, b = i * m + j, i * m + (j + 1) % m
    sides = np.stack([np.stack([a, b, b + m], -1), np.stack([a, b + m, a + m], -1)], -2).reshape(-1, 3)
    fan = np.stack([np.zeros(m - 2, int), np.arange(1, m - 1), np.arange(2, m)], axis=1)
    triangles = np.concatenate([sides, fan[:, ::-1], fan + (n - 1) * m]) if closed_ends else sides
    return _read_only(triangles.astype(np.int32))


def tube(
    start_m: Vector, end_m: Vector, radius_m: float | tuple[float, float], material: Material, *, sides: int = 5
) -> Mesh:
    """A round bar from start to end; two radii make a cone."""
    start, end = np.asarray(start_m, float), np.asarray(end_m, float)
    axis = (end - start) / np.linalg.norm(end - start)
    u = _cross(axis, np.array([1.0, 0, 0]) if abs(axis[0]) < 0.9 else np.array([0, 1.0, 0]))
    u /= np.linalg.norm(u)
    cosine, sine = _circle(sides)
    circle = cosine * u + sine * _cross(axis, u)
    first, last = radius_m if isinstance(radius_m, tuple) else (radius_m, radius_m)
    return loft(np.stack([start + first * circle, end + last * circle]), material)


@lru_cache(maxsize=32)
def _circle(sides: int) -> tuple[Float[np.ndarray, "k 1"], Float[np.ndarray, "k 1"]]:
    angle = np.arange(sides) * 2 * np.pi / sides
    return _read_only(np.cos(angle)[:, None]), _read_only(np.sin(angle)[:, None])


def _cross(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """`np.cross` of two single vectors, which takes ten times as long."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def ellipsoid(center_m: Vector, radii_m: Vector, material: Material, *, around: int = 6, rings: int = 3) -> Mesh:
    """An ellipsoid with a pole above and below; `rings` circles between them."""
    vertices, triangles = _unit_sphere(around, rings)
    return Mesh.of(vertices * np.asarray(radii_m) + np.asarray(center_m), triangles, material)


@lru_cache(maxsize=32)
def _unit_sphere(around: int, rings: int) -> tuple[Float[np.ndarray, "v 3"], Integer[np.ndarray, "t 3"]]:
    polar = np.arange(1, rings + 1) * np.pi / (rings + 1)
    angle = np.arange(around) * 2 * np.pi / around
    x = np.sin(polar)[:, None] * np.cos(angle)
    y = np.sin(polar)[:, None] * np.sin(angle)
    z = -np.cos(polar)[:, None] * np.ones(around)
    body = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    vertices = np.concatenate([body, [[0, 0, -1], [0, 0, 1]]])
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    a, b = i * around + j, i * around + (j + 1) % around
    sides = np.stack([np.stack([a, b, b + around], -1), np.stack([a, b + around, a + around], -1)], -2)
    k = np.arange(around)
    nxt, top = (k + 1) % around, (rings - 1) * around
    low_cap = np.stack([nxt, k, np.full(around, rings * around)], axis=1)
    high_cap = np.stack([k + top, nxt + top, np.full(around, rings * around + 1)], axis=1)
    triangles = np.concatenate([sides.reshape(-1, 3), low_cap, high_cap])
    return _read_only(vertices), _read_only(triangles.astype(np.int32))


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def prism(outline_xz: Float[np.ndarray, "m 2"], width_m: float, material: Material) -> Mesh:
    """A side outline (x, z), stretched over `width_m` along y and centred on y = 0; the outline must be convex."""
    ends = [np.insert(outline_xz, 1, y, axis=1) for y in (width_m / 2, -width_m / 2)]
    return loft(np.stack(ends), material)


def wheel(center_m: Vector, radius_m: float, width_m: float, *, sides: int = 7) -> Mesh:
    """A tyre whose axle points along y, with a rim that shines a little; the side that looks at y = 0 is open."""
    x, y, z = center_m
    inner, outer = (y - width_m / 2, y + width_m / 2) if y > 0 else (y + width_m / 2, y - width_m / 2)
    tyre = tube((x, inner, z), (x, outer, z), radius_m, Material.RUBBER, sides=sides)
    rim = len(tyre.triangles) - (sides - 2)
    shown = np.r_[0 : 2 * sides, rim : len(tyre.triangles)]
    material = tyre.material.copy()
    material[rim:] = Material.METAL
    return Mesh(tyre.vertices, tyre.triangles[shown], material[shown])
