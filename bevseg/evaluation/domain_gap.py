"""How far simulated scans are from real ones, in figures that the network feels.

Each figure is a distribution, taken over the objects, points or cells of many scans, and the distance between two is
that of Kolmogorov and Smirnov: the largest difference of the cumulated shares, 0 for equal, 1 for apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float
from scipy.stats import ks_2samp

from bevseg.datasets.sample import Sample
from bevseg.geometry.boxes import points_in_box
from bevseg.geometry.grid import BevGrid
from bevseg.points.ground import estimate_ground
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup

RANGE_BANDS_M = ((0.0, 15.0), (15.0, 30.0), (30.0, 50.0))
"""Distances of vehicles that are compared apart: a near one has a hundred times the points of a far one."""

_GRID = BevGrid.square(half_extent_m=51.2, cell_m=0.2)
_OWN_VEHICLE_M = 3.0
_REACH_M = 50.0
_POINTS_A_SCAN, _POINTS_A_VEHICLE = 4000, 50
"""Points beyond these are thinned evenly: a bus beside the sensor must not outweigh a street of cars."""

_SMIRNOV_95 = 1.358
"""Quantile of Kolmogorov's distribution (Smirnov, Annals of Mathematical Statistics 19, 1948)."""

_MIN_POINTS = 10
"""Vehicles with fewer are left out: people label what they can see, the simulator all that there is."""


@dataclass(frozen=True, eq=False)
class ScanProfile:
    """What scans look like, pooled over all of them.

    Attributes:
        vehicle_height_m: Height above the local ground of points on vehicles, of each vehicle about as many.
        vehicle_points: Points on each vehicle that has enough to be seen for one.
        vehicle_range_m: Distance of each of those vehicles.
        cell_range_m: Distance of each cell of 0.2 m that holds a point, the own vehicle's surroundings left out.
        elevation_deg: Angle of points above the sensor's horizon: how the rings fill.
        height_m: Height of points above the local ground.
        num_scans: Scans looked at.
        num_circles: The same, a scan that is labelled in a sector only counting as the share that the sector is.
    """

    vehicle_height_m: Float[np.ndarray, "p"]
    vehicle_points: Float[np.ndarray, "v"]
    vehicle_range_m: Float[np.ndarray, "v"]
    cell_range_m: Float[np.ndarray, "c"]
    elevation_deg: Float[np.ndarray, "e"]
    height_m: Float[np.ndarray, "h"]
    num_scans: int
    num_circles: float

    @property
    def crowdedness(self) -> float:
        """Vehicles seen around the sensor in one scan, within the reach of the bands; NaN without scans."""
        near = int((self.vehicle_range_m < RANGE_BANDS_M[-1][1]).sum())
        return near / self.num_circles if self.num_circles else float("nan")


@dataclass(frozen=True, eq=False)
class Gap:
    """One distribution, real against simulated.

    Attributes:
        name: What is distributed.
        unit: Its unit.
        real: Values in real scans.
        simulated: Values in simulated scans.
    """

    name: str
    unit: str
    real: Float[np.ndarray, "r"]
    simulated: Float[np.ndarray, "s"]

    @property
    def distance(self) -> float:
        """Kolmogorov-Smirnov distance; NaN where one side has nothing."""
        if not len(self.real) or not len(self.simulated):
            return float("nan")
        return float(ks_2samp(self.real, self.simulated).statistic)

    @property
    def chance(self) -> float:
        """Distance that one in twenty pairs of samples of these sizes has by chance, both drawn from one distribution.

        Larger in truth where values hang together, as those of one car that many scans saw.
        """
        if not len(self.real) or not len(self.simulated):
            return float("nan")
        return float(_SMIRNOV_95 * np.sqrt(1 / len(self.real) + 1 / len(self.simulated)))


def profile_scans(samples: Iterable[Sample]) -> ScanProfile:
    """Looks at scans one by one; none is kept."""
    return pooled([_profile(sample) for sample in samples])


def pooled(profiles: Sequence[ScanProfile]) -> ScanProfile:
    """One profile of the scans of all."""
    values = {
        field.name: np.concatenate([getattr(p, field.name) for p in profiles] or [np.zeros(0)])
        for field in fields(ScanProfile)
        if not field.name.startswith("num_")
    }
    return ScanProfile(
        **values, num_scans=sum(p.num_scans for p in profiles), num_circles=float(sum(p.num_circles for p in profiles))
    )


def gaps(real: ScanProfile, simulated: ScanProfile) -> tuple[Gap, ...]:
    """Every distribution of the two; points per vehicle once for each of `RANGE_BANDS_M`."""
    whole = (
        ("height of vehicle points", "m", "vehicle_height_m"),
        ("range of occupied cells", "m", "cell_range_m"),
        ("elevation of points", "deg", "elevation_deg"),
        ("height of points", "m", "height_m"),
    )
    found = [Gap(name, unit, getattr(real, field), getattr(simulated, field)) for name, unit, field in whole]
    for low, high in RANGE_BANDS_M:
        name = f"points per vehicle, {low:.0f}-{high:.0f} m"
        found.append(Gap(name, "points", _points_within(real, low, high), _points_within(simulated, low, high)))
    return tuple(found)


def mean_distance_of_bands(found: Sequence[Gap]) -> float:
    """Mean over the bands of range of the distance in points per vehicle; bands without vehicles are left out."""
    distances = [gap.distance for gap in found if gap.unit == "points" and not np.isnan(gap.distance)]
    return float(np.mean(distances)) if distances else float("nan")


def _points_within(profile: ScanProfile, low_m: float, high_m: float) -> Float[np.ndarray, "v"]:
    inside = (profile.vehicle_range_m >= low_m) & (profile.vehicle_range_m < high_m)
    return profile.vehicle_points[inside]


def _profile(sample: Sample) -> ScanProfile:
    cloud, truth = sample.cloud, sample.annotations
    xyz = cloud.xyz
    height_m = estimate_ground(cloud).height_above(xyz)
    origin = cloud.sensor_origins_m[0]
    away = xyz - origin
    range_m = np.hypot(away[:, 0], away[:, 1])
    around = np.flatnonzero((range_m > _OWN_VEHICLE_M) & (range_m < _REACH_M))
    cells = np.unique(_GRID.flat_cells_of(xyz[around[_GRID.contains(xyz[around, :2])], :2]))
    few = around[:: max(1, len(around) // _POINTS_A_SCAN)]
    vehicles = (GROUP_OF_CLASS[truth.label] == ClassGroup.VEHICLE) & ~truth.ignored
    counted = np.flatnonzero(vehicles & truth.view.contains(truth.boxes[:, :2]))
    on_vehicle = [np.flatnonzero(points_in_box(xyz, truth.boxes[k])) for k in counted]
    seen = [k for k, points in zip(counted, on_vehicle, strict=True) if len(points) >= _MIN_POINTS]
    points_seen = [points for points in on_vehicle if len(points) >= _MIN_POINTS]
    thinned = [points[:: -(-len(points) // _POINTS_A_VEHICLE)] for points in points_seen]
    return ScanProfile(
        vehicle_height_m=height_m[np.concatenate([np.zeros(0, np.int64), *thinned])].astype(np.float64),
        vehicle_points=np.array([len(points) for points in points_seen], np.float64),
        vehicle_range_m=np.hypot(*(truth.boxes[seen, :2] - origin[:2]).T).astype(np.float64),
        cell_range_m=np.hypot(*(_GRID.centers_of(cells) - origin[:2]).T),
        elevation_deg=np.degrees(np.arctan2(away[few, 2], range_m[few])).astype(np.float64),
        height_m=height_m[few].astype(np.float64),
        num_scans=1,
        num_circles=float(min(truth.view.half_angle_rad / np.pi, 1.0)),
    )
