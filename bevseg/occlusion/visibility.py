"""What the sensor could tell about the ground: free, occupied, hidden or unobserved, by casting rays on the grid.

Every return is put into azimuth bins and range steps around its sensor. An obstacle of height h at range a, seen from
a sensor H above the ground there, hides the ground from a to `a * H / (H - h)`, and all ground behind it where
h >= H. What was hit itself is known whatever stands in front. So, for one sweep and one cell:

* OCCUPIED: a return between the two obstacle heights lies in the cell.
* FREE: a ground return lies in the cell, or rays cross it on their way to a farther return and no shadow falls on it.
* HIDDEN: the shadow of a nearer obstacle falls on it and nothing was hit in it.
* UNOBSERVED: the rest: farther than every return of its azimuth, or an azimuth without returns.

Over several sweeps, and several sensors that measured at one time, the cell keeps the strongest evidence: occupied,
then free, then hidden, then unobserved. A place that one sweep hid and another saw is known; a moving object leaves its
past places occupied.

Returns above the upper obstacle height (bridges, crowns of trees) say nothing about the ground and are left out, and so
are returns well below the ground, which are reflections.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8

from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.polar import PolarGrid, running_max
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import CellState, VisibilityMap

_MAX_CACHED_ORIGINS = 16
_EVIDENCE = np.array([0, 2, 3, 1], np.uint8)
"""Strength of each `CellState` where sweeps disagree."""
_STATE_OF_EVIDENCE = np.argsort(_EVIDENCE).astype(np.uint8)


@dataclass(frozen=True)
class VisibilityConfig:
    """How returns become obstacles and shadows.

    Attributes:
        obstacle_min_m: Lowest height above ground of an obstacle, metres; below it a return is ground.
        obstacle_max_m: Highest height above ground that stands in the way of a vehicle, metres.
        below_ground_m: Returns lower than this under the ground are reflections and are left out, metres.
        min_range_m: Returns nearer than this are the sensor's own vehicle and are left out, metres.
        azimuth_bins: Bins in a full turn; about as wide as two firings of a 10 Hz sensor.
    """

    obstacle_min_m: float = 0.3
    obstacle_max_m: float = 2.5
    below_ground_m: float = 0.5
    min_range_m: float = 2.0
    azimuth_bins: int = 720

    def __post_init__(self) -> None:
        if not 0 <= self.obstacle_min_m < self.obstacle_max_m:
            raise ValueError(
                "obstacle heights must satisfy 0 <= obstacle_min_m < obstacle_max_m, "
                f"got {self.obstacle_min_m} and {self.obstacle_max_m}"
            )
        if self.below_ground_m < 0 or self.min_range_m < 0 or self.azimuth_bins < 8:
            raise ValueError(
                "below_ground_m and min_range_m must not be negative and azimuth_bins must be 8 or more, "
                f"got {self.below_ground_m}, {self.min_range_m} and {self.azimuth_bins}"
            )


@dataclass(frozen=True, eq=False)
class Horizon:
    """The steepest obstacle seen along each azimuth, up to each range, from one sensor.

    Attributes:
        polar: The azimuth bins and range steps.
        slope: Largest `(z - sensor z) / range` of the obstacle returns nearer than the row's step; -inf where none is.
    """

    polar: PolarGrid
    slope: Float[np.ndarray, "row bin"]

    def slope_before(
        self, azimuth_rad: Float[np.ndarray, "*shape"], range_m: Float[np.ndarray, "*shape"]
    ) -> Float[np.ndarray, "*shape"]:
        """Lines of sight below this slope end before `range_m`: they meet an obstacle; -inf where none is."""
        return self.slope[self.polar.rows_of(range_m), self.polar.bins_of(azimuth_rad)]


@dataclass(frozen=True, eq=False)
class Observation:
    """What one cloud tells of its surroundings.

    Attributes:
        visibility: The ground, as all sweeps show it.
        horizons: How far each line of sight reaches from each sensor of the newest sweep, see
            `PointCloud.newest_origins_m`.
    """

    visibility: VisibilityMap
    horizons: tuple[Horizon, ...]

    @property
    def horizon(self) -> Horizon:
        """That of the sensor which depth is ordered from."""
        return self.horizons[0]


@dataclass
class VisibilityMapper:
    """Makes visibility maps over one grid; keeps the polar place of every cell for the sensor origins it has met.

    Attributes:
        grid: The grid of the maps.
        config: Heights and bins.
    """

    grid: BevGrid
    config: VisibilityConfig = field(default_factory=VisibilityConfig)
    _lookups: dict[PolarGrid, Int[np.ndarray, "cells"]] = field(default_factory=dict, init=False, repr=False)

    def visibility(self, cloud: PointCloud, ground_height_above: Float[np.ndarray, "n"]) -> VisibilityMap:
        """The state of every cell after all sweeps of `cloud`.

        Args:
            cloud: Scan in the grid's frame, with the origin of each sweep's rays.
            ground_height_above: Height of each point above the ground, metres; NaN leaves the point out.
        """
        return self._map(self._returns_by_sweep(cloud, ground_height_above))

    def observe(self, cloud: PointCloud, ground_height_above: Float[np.ndarray, "n"]) -> Observation:
        """The same map, and the horizons of the newest sweep, which tell what stands in front of an object."""
        sweeps = self._returns_by_sweep(cloud, ground_height_above)
        newest = sweeps[: len(cloud.newest_origins_m)]
        return Observation(self._map(sweeps), tuple(_horizon(returns) for returns in newest))

    def horizon(self, cloud: PointCloud, ground_height_above: Float[np.ndarray, "n"]) -> Horizon:
        """The horizon of sweep 0 alone."""
        return _horizon(self._returns_by_sweep(cloud, ground_height_above)[0])

    def _returns_by_sweep(self, cloud: PointCloud, height_m: Float[np.ndarray, "n"]) -> list[_Returns]:
        if height_m.shape != (len(cloud),):
            raise ValueError(f"ground_height_above must have one entry a point ({len(cloud)},), got {height_m.shape}")
        sweeps = []
        for sweep, origin in enumerate(cloud.sensor_origins_m):
            chosen = slice(None) if len(cloud.sensor_origins_m) == 1 else np.flatnonzero(cloud.sweep == sweep)
            x_m, y_m, z_m = (float(c) for c in origin)
            polar = PolarGrid.around(self.grid, origin_x_m=x_m, origin_y_m=y_m, bins=self.config.azimuth_bins)
            sweeps.append(_returns(cloud.xyz[chosen], height_m[chosen], polar, z_m, self.config))
        return sweeps

    def _map(self, sweeps: list[_Returns]) -> VisibilityMap:
        state = self._state(sweeps[0])
        for returns in sweeps[1:]:
            stronger = np.maximum(_EVIDENCE[state], _EVIDENCE[self._state(returns)])
            state = _STATE_OF_EVIDENCE[stronger]
        return VisibilityMap(self.grid, state.reshape(self.grid.shape))

    def _state(self, returns: _Returns) -> UInt8[np.ndarray, "cells"]:
        state = _polar_state(returns).take(self._lookup(returns.polar))
        cells = self.grid.flat_cells_of(returns.xyz_m[:, :2])
        ground, obstacle = cells[returns.num_obstacles :], cells[: returns.num_obstacles]
        state[ground[ground >= 0]] = CellState.FREE
        state[obstacle[obstacle >= 0]] = CellState.OCCUPIED
        return state

    def _lookup(self, polar: PolarGrid) -> Int[np.ndarray, "cells"]:
        """Polar place of every cell; the oldest of many origins is forgotten, since past sweeps bring new ones."""
        if polar not in self._lookups:
            if len(self._lookups) == _MAX_CACHED_ORIGINS:
                del self._lookups[next(iter(self._lookups))]
            self._lookups[polar] = polar.lookup(self.grid)
        return self._lookups[polar]


def visibility_map(
    cloud: PointCloud,
    ground_height_above: Float[np.ndarray, "n"],
    grid: BevGrid,
    config: VisibilityConfig | None = None,
) -> VisibilityMap:
    """The state of every cell of `grid`, for one cloud alone; over many clouds hold a `VisibilityMapper`."""
    return VisibilityMapper(grid, config or VisibilityConfig()).visibility(cloud, ground_height_above)


@dataclass(frozen=True, eq=False)
class _Returns:
    """The returns of one sweep that tell of obstacles, then those of the ground, with their place in the polar grid."""

    polar: PolarGrid
    sensor_z_m: float
    xyz_m: Float[np.ndarray, "n 3"]
    height_m: Float[np.ndarray, "n"]
    range_m: Float[np.ndarray, "n"]
    row: Int[np.ndarray, "n"]
    bin: Int[np.ndarray, "n"]
    num_obstacles: int


def _returns(
    xyz_m: Float[np.ndarray, "n 3"],
    height_m: Float[np.ndarray, "n"],
    polar: PolarGrid,
    sensor_z_m: float,
    config: VisibilityConfig,
) -> _Returns:
    range_m = polar.ranges_of(xyz_m[:, :2])
    speaks = (height_m >= -config.below_ground_m) & (height_m <= config.obstacle_max_m)
    speaks &= range_m >= config.min_range_m
    is_obstacle = height_m >= config.obstacle_min_m
    obstacles = np.flatnonzero(speaks & is_obstacle)
    kept = np.concatenate([obstacles, np.flatnonzero(speaks & ~is_obstacle)])
    xyz_m, height_m, range_m = xyz_m.take(kept, axis=0), height_m[kept], range_m[kept]
    return _Returns(
        polar=polar,
        sensor_z_m=sensor_z_m,
        xyz_m=xyz_m,
        height_m=height_m,
        range_m=range_m,
        row=polar.rows_of(range_m),
        bin=polar.bins_of(polar.azimuths_of(xyz_m[:, :2])),
        num_obstacles=len(obstacles),
    )


def _polar_state(returns: _Returns) -> UInt8[np.ndarray, "row bin"]:
    """State of every polar place; bins without any return between two that have some follow the poorer of the two."""
    polar = returns.polar
    last_row = np.full(polar.bins, -1, np.int32)
    np.maximum.at(last_row, returns.bin, returns.row)
    shadow_end = running_max(_behind_obstacles(returns, _shadow_end_rows(returns), nothing=-1.0))
    gaps = np.flatnonzero(last_row < 0)
    left, right = gaps - 1, (gaps + 1) % polar.bins
    last_row[gaps] = np.minimum(last_row[left], last_row[right])
    shadow_end[:, gaps] = np.minimum(shadow_end[:, left], shadow_end[:, right])
    rows = np.arange(polar.rows, dtype=np.int32)[:, None]
    crossed = (rows <= last_row).view(np.uint8) * np.uint8(CellState.FREE)
    in_shadow = (shadow_end >= rows).view(np.uint8) * np.uint8(CellState.HIDDEN)
    return np.maximum(crossed, in_shadow)  # a shadow wins: HIDDEN is the larger of the two states


def _shadow_end_rows(returns: _Returns) -> Int[np.ndarray, "o"]:
    """Last row that each obstacle hides, taking the ground to go on flat behind it."""
    m = returns.num_obstacles
    drop_m = returns.sensor_z_m - returns.xyz_m[:m, 2]
    reach = np.where(drop_m > 0, 1 + returns.height_m[:m] / np.maximum(drop_m, 1e-3), np.inf)
    return returns.polar.rows_of(returns.range_m[:m] * reach)


def _horizon(returns: _Returns) -> Horizon:
    m, polar = returns.num_obstacles, returns.polar
    rise_m = returns.xyz_m[:m, 2] - returns.sensor_z_m
    slope = rise_m / np.maximum(returns.range_m[:m], polar.step_m)
    return Horizon(polar, running_max(_behind_obstacles(returns, slope, nothing=-np.inf)))


def _behind_obstacles(returns: _Returns, value: np.ndarray, *, nothing: float) -> np.ndarray:
    """Polar map of the largest value among the obstacles of each place, moved one row away from the sensor."""
    m, polar = returns.num_obstacles, returns.polar
    largest = np.full((polar.rows + 1) * polar.bins, nothing, value.dtype)
    places = (returns.row[:m].astype(np.intp) + 1) * polar.bins + returns.bin[:m]
    np.maximum.at(largest, places, value)
    return largest.reshape(polar.rows + 1, polar.bins)[:-1]
