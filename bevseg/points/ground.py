"""A robust local ground: z of the ground under every place around the vehicle.

The sensor's height, ghost points below the road and walls that hide the road must not move it, so it is found from
coarse to fine: the level that most places near the vehicle share, a plane through it, then a grid whose cells listen
only to the points in a corridor around the estimate before, with less smoothing and a narrower corridor each time.
A cell that sees no ground takes the height of its neighbours. Banks steeper than about one in four are not followed:
at this resolution they cannot be told from the sides of large objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.ndimage import uniform_filter1d

from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud

_HALF_EXTENT_M = 64.0
_SEED_GRID = BevGrid.square(half_extent_m=_HALF_EXTENT_M, cell_m=4.0)
_FIT_GRID = BevGrid.square(half_extent_m=_HALF_EXTENT_M, cell_m=2.0)
_MAP_GRID = BevGrid.square(half_extent_m=_HALF_EXTENT_M, cell_m=0.5)

_MAX_POINTS = 20_000
"""More points than these are thinned evenly: the ground of denser scans is no better for them, only later."""

_OWN_VEHICLE_M = 1.5
"""Nearer returns are the vehicle's own roof, or the zeros that drivers write for lost echoes."""

_LAYER_M = 0.2
_LAYERS = 60
_LOW_SHARE = 0.1
"""A cell's low level is the first layer that this share of its points reaches: fewer below are ghosts."""

_SLOPES = np.array(
    sorted(product((-0.1, -0.05, 0.0, 0.05, 0.1), repeat=2), key=lambda slope: slope[0] ** 2 + slope[1] ** 2)
)
"""Slopes (along x, along y) that the first plane may have, the flattest first."""

_SHARE_LAYERS = 3
"""Cells whose low levels lie within this many layers share a level."""

_PLANE_ROUNDS = ((15.0, 0.8), (25.0, 0.7), (40.0, 0.6), (40.0, 0.4))
"""Range and half corridor, metres, of each round of the plane fit."""

_PLANE_PRIOR = np.diag([50.0, 50.0, 1.0])
"""Holds the plane level where few cells speak (m^2, m^2, 1); a full scan outweighs it by a hundred to one."""


class _Round(NamedTuple):
    """One pass from coarse to fine: width of the smoothing, and the corridor around the surface before."""

    sigma_cells: float
    below_m: float
    above_m: float


_ROUNDS = (_Round(5.0, -1.0, 0.7), _Round(2.5, -0.5, 0.4), _Round(1.0, -0.3, 0.2))
_MAX_VOTES = 5.0
"""Points beyond these add nothing to a cell's weight, so near cells do not drown far ones."""

_PRIOR_VOTES = 0.05
"""Weight of the surface before: it decides only where no point is near."""


@dataclass(frozen=True, eq=False)
class GroundModel:
    """Height of the ground on a grid, in the frame of the cloud that it was estimated from.

    Attributes:
        grid: Cells around the origin of the cloud's frame.
        height_m: z of the ground at the centre of each cell, metres, finite everywhere.
    """

    grid: BevGrid
    height_m: Float32[np.ndarray, "height width"]

    def __post_init__(self) -> None:
        if self.height_m.shape != self.grid.shape:
            raise ValueError(f"height_m must have the grid's shape {self.grid.shape}, got {self.height_m.shape}")

    def height_at(self, xy_m: Float[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n"]:
        """z of the ground in metres under each place; places off the grid take the nearest cell's."""
        columns = np.clip(self.grid.columns(xy_m[:, 0]), 0, self.grid.width - 1).astype(np.int32)
        rows = np.clip(self.grid.rows(xy_m[:, 1]), 0, self.grid.height - 1).astype(np.int32)
        return self.height_m.ravel()[rows * self.grid.width + columns]

    def height_above(self, xyz_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
        """Height of each point above the ground, metres; negative below it."""
        return xyz_m[:, 2] - self.height_at(xyz_m[:, :2])


def estimate_ground(cloud: PointCloud) -> GroundModel:
    """Finds the ground of a scan within 64 m; a cloud without usable points gives a flat ground at z = 0."""
    xyz = _usable_points(cloud)
    if not len(xyz):
        return GroundModel(_MAP_GRID, np.zeros(_MAP_GRID.shape, np.float32))
    plane = _fit_plane(*_cell_lows(xyz))
    rise = xyz[:, 2] - (xyz[:, :2] @ plane[:2] + plane[2])
    surface = _fit_surface(rise, _FIT_GRID.flat_cells_of(xyz[:, :2]))
    center = _MAP_GRID.x_of(np.arange(_MAP_GRID.width, dtype=np.float32) + np.float32(0.5))
    flat = plane[0] * center[None, :] + plane[1] * center[:, None] + plane[2]
    return GroundModel(_MAP_GRID, flat + _UPSAMPLE @ surface @ _UPSAMPLE.T)


def _usable_points(cloud: PointCloud) -> Float32[np.ndarray, "m 3"]:
    """An even share of the points on the grid, without those on the vehicle itself."""
    stride = -(-len(cloud) // _MAX_POINTS) | 1  # odd: an even one would skip whole beams of an interleaved scan
    xyz = cloud.xyz[::stride]
    offset = np.abs(xyz[:, :2] - cloud.ray_starts_m(slice(None, None, stride))[:, :2])
    outside = (offset[:, 0] > _OWN_VEHICLE_M) | (offset[:, 1] > _OWN_VEHICLE_M)
    return xyz[outside & _MAP_GRID.contains(xyz[:, :2])]


def _cell_lows(xyz: Float32[np.ndarray, "m 3"]) -> tuple[Float[np.ndarray, "c 2"], Float[np.ndarray, "c"]]:
    """Centre (x, y) and low level z of each coarse cell that holds points, by a histogram of layers in each cell."""
    near = xyz[_near(xyz, range_m=40.0, at_least=50)]
    rank = len(near) // 200
    base = float(np.partition(near[:, 2], rank)[rank]) - 1.0
    layer = np.floor((near[:, 2] - base) / _LAYER_M).astype(np.int64)
    inside = (layer >= 0) & (layer < _LAYERS)
    cell = _SEED_GRID.flat_cells_of(near[inside, :2])
    histogram = np.bincount(cell * _LAYERS + layer[inside], minlength=_SEED_GRID.num_cells * _LAYERS)
    cells = np.flatnonzero(np.bincount(cell, minlength=_SEED_GRID.num_cells))
    reached = histogram.reshape(-1, _LAYERS)[cells].cumsum(axis=1)
    total = reached[:, -1]
    enough = np.minimum(total, np.maximum(2, _LOW_SHARE * total))
    low_layer = (reached >= enough[:, None]).argmax(axis=1)
    return _SEED_GRID.centers_of(cells), base + (low_layer + 0.5) * _LAYER_M


def _fit_plane(xy: Float[np.ndarray, "c 2"], low: Float[np.ndarray, "c"]) -> Float32[np.ndarray, "3"]:
    """`(a, b, c)` of `z = a x + b y + c`: from the plane that most cells share, outward in a narrowing corridor."""
    near = _near(xy, range_m=25.0, at_least=5)
    plane = _shared_plane(xy[near], low[near])
    columns = np.column_stack([xy, np.ones(len(xy))])
    for range_m, corridor_m in _PLANE_ROUNDS:
        residual = low - columns @ plane
        chosen = (np.abs(residual) < corridor_m) & (np.hypot(xy[:, 0], xy[:, 1]) < range_m)
        a = columns[chosen]
        plane = plane + np.linalg.solve(a.T @ a + _PLANE_PRIOR, a.T @ residual[chosen])
    return plane.astype(np.float32)


def _shared_plane(xy: Float[np.ndarray, "c 2"], low: Float[np.ndarray, "c"]) -> Float[np.ndarray, "3"]:
    """Of a few slopes, the one whose best level most cells share; one vote a cell, the flattest where votes tie."""
    rest = low[None, :] - _SLOPES @ xy.T
    lowest = rest.min()
    layer = np.rint((rest - lowest) / _LAYER_M).astype(np.int64)
    layers = int(layer.max()) + 1
    votes = np.bincount((layer + layers * np.arange(len(_SLOPES))[:, None]).ravel(), minlength=layers * len(_SLOPES))
    shared = uniform_filter1d(votes.reshape(len(_SLOPES), layers) * _SHARE_LAYERS, _SHARE_LAYERS, mode="constant")
    slope, level = divmod(int(shared.argmax()), layers)
    return np.array([*_SLOPES[slope], lowest + level * _LAYER_M])


def _near(xyz: Float[np.ndarray, "m _"], *, range_m: float, at_least: int) -> Bool[np.ndarray, "m"]:
    """Which rows lie within the range of the origin; all of them where that leaves too few."""
    near: np.ndarray = xyz[:, 0] ** 2 + xyz[:, 1] ** 2 < range_m**2
    return near if np.count_nonzero(near) >= at_least else np.ones(len(xyz), dtype=bool)


def _fit_surface(
    rise: Float32[np.ndarray, "m"], cell: Int[np.ndarray, "m"]
) -> Float32[np.ndarray, "fit_height fit_width"]:
    """Height of the ground over the plane in each fine cell, by smoothed means in a narrowing corridor."""
    surface = np.zeros(_FIT_GRID.shape, np.float32)
    for (_, below_m, above_m), smoother in zip(_ROUNDS, _SMOOTHERS, strict=True):
        residual = rise - surface.ravel()[cell]
        chosen = np.flatnonzero((residual > below_m) & (residual < above_m))
        count = np.bincount(cell[chosen], minlength=_FIT_GRID.num_cells)
        total = np.bincount(cell[chosen], rise[chosen], minlength=_FIT_GRID.num_cells)
        votes = np.minimum(count, _MAX_VOTES)
        mean_votes = total * (votes / np.maximum(count, 1))
        top = smoother @ mean_votes.astype(np.float32).reshape(_FIT_GRID.shape) @ smoother
        weight = smoother @ votes.astype(np.float32).reshape(_FIT_GRID.shape) @ smoother
        surface = (top + _PRIOR_VOTES * surface) / (weight + _PRIOR_VOTES)
    return surface


def _gaussian_smoother(num: int, sigma: float) -> Float32[np.ndarray, "num num"]:
    """Matrix that spreads each of `num` cells over its neighbours; unnormalised, as top and weight share it."""
    cells = np.arange(num)
    return np.exp(-(((cells[:, None] - cells[None, :]) / sigma) ** 2) / 2).astype(np.float32)


def _linear_upsampler(num: int, factor: int) -> Float32[np.ndarray, "fine num"]:
    """Matrix that interpolates `num` cell centres linearly at `factor` times as many."""
    place = np.clip((np.arange(num * factor) + 0.5) / factor - 0.5, 0, num - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(num)[None, :])).astype(np.float32)


_SMOOTHERS = tuple(_gaussian_smoother(_FIT_GRID.width, r.sigma_cells) for r in _ROUNDS)
_UPSAMPLE = _linear_upsampler(_FIT_GRID.width, _MAP_GRID.width // _FIT_GRID.width)
