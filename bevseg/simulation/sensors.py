"""LiDARs by their data sheets, one YAML file each; a sensor of your own is one more file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from bevseg.configuration import ConfigError, load_yaml_as

SHIPPED = Path(__file__).with_name("sensor_files")

_MAX_RAYS = 4_000_000
"""Of one turn; a data sheet asks for less, a slip of the pen for more."""

ReturnMode = Literal["first", "strongest", "last", "dual"]


class SensorError(ValueError):
    """There is no such sensor, or its file describes none that could be built."""


@dataclass(frozen=True)
class Fan:
    """Beams at even steps from `low_deg` to `high_deg`, both ends included."""

    low_deg: float
    high_deg: float
    beams: int

    def __post_init__(self) -> None:
        if self.beams < 2 or not self.low_deg < self.high_deg:
            raise ValueError(
                f"a fan needs 2 beams or more from low_deg up to high_deg, got {self.beams} "
                f"from {self.low_deg} to {self.high_deg}"
            )


@dataclass(frozen=True)
class SensorSpec:
    """One LiDAR as it is mounted.

    Attributes:
        name: Its name.
        source: The data sheet or manual that the numbers are from.
        elevations_deg: Angle of each beam above the horizon, ring 0 first (lowest), single beams and fans.
        azimuth_steps: Firings a turn, or a sweep over the sector.
        mount_height_m: Usual height above the ground.
        reach_m: Range at which a tenth-reflecting target is still seen half of the time.
        max_range_m: Nothing is reported beyond.
        min_range_m: Nothing is reported nearer.
        range_noise_m: Standard deviation of the measured range.
        turn_s: Duration of one turn.
        sector_deg: Azimuths that are swept, from right (negative) to left; all around for a spinning sensor.
        azimuth_offsets_deg: How far each beam points to the left of the firing's azimuth; empty for none.
        returns: Which echoes of a beam are reported. "first": that of the first surface that answers, and none where
            it is too weak. The others know of two echoes where the first surface lets light through (glass, wire,
            leaves, drops): "dual" reports both, of the same time and ring, "last" the farther and "strongest" the one
            that more light comes back from.
    """

    name: str
    source: str
    elevations_deg: tuple[float | Fan, ...]
    azimuth_steps: int
    mount_height_m: float
    reach_m: float
    max_range_m: float
    min_range_m: float = 1.0
    range_noise_m: float = 0.015
    turn_s: float = 0.1
    sector_deg: tuple[float, float] = (-180.0, 180.0)
    azimuth_offsets_deg: tuple[float, ...] = ()
    returns: ReturnMode = "first"

    def __post_init__(self) -> None:
        angles = self.beam_elevations_deg
        if not len(angles) or not (np.diff(angles) > 0).all() or min(angles) < -90 or max(angles) > 90:
            raise ValueError("elevations_deg must rise from the lowest beam to the highest, within -90..90")
        if self.azimuth_steps < 1 or self.num_rays > _MAX_RAYS:
            raise ValueError(f"azimuth_steps must give 1 to {_MAX_RAYS:,} rays, got {self.num_rays:,}")
        if self.azimuth_offsets_deg and len(self.azimuth_offsets_deg) != len(angles):
            raise ValueError(
                f"azimuth_offsets_deg must be empty or have one value for each of {len(angles)} beams, "
                f"got {len(self.azimuth_offsets_deg)}"
            )
        right, left = self.sector_deg
        if not 0 < left - right <= 360:
            raise ValueError(f"sector_deg must go from right to left by at most 360 degrees, got {self.sector_deg}")
        if not 0 <= self.min_range_m < self.max_range_m or not self.reach_m > 0:
            raise ValueError(
                "ranges must be 0 <= min_range_m < max_range_m and reach_m above 0, "
                f"got {self.min_range_m}, {self.max_range_m}, {self.reach_m}"
            )
        if not self.turn_s > 0 or not self.mount_height_m > 0 or self.range_noise_m < 0:
            raise ValueError(
                "turn_s and mount_height_m must be above 0 and range_noise_m not negative, "
                f"got {self.turn_s}, {self.mount_height_m}, {self.range_noise_m}"
            )
        if self.returns not in get_args(ReturnMode):
            raise ValueError(f"returns must be one of {', '.join(get_args(ReturnMode))}, got '{self.returns}'")

    @cached_property
    def beam_elevations_deg(self) -> tuple[float, ...]:
        """The angle of every single beam."""
        angles: list[float] = []
        for entry in self.elevations_deg:
            fan = np.linspace(entry.low_deg, entry.high_deg, entry.beams) if isinstance(entry, Fan) else (entry,)
            angles.extend(float(angle) for angle in fan)
        return tuple(angles)

    @property
    def num_beams(self) -> int:
        return len(self.beam_elevations_deg)

    @property
    def num_rays(self) -> int:
        return self.num_beams * self.azimuth_steps

    def directions(self, first_azimuth_rad: float) -> Float[np.ndarray, "ray 3"]:
        """Unit vectors of one turn, azimuth by azimuth (clockwise as the sensors spin), ring fastest; float32.

        Args:
            first_azimuth_rad: Where a full turn begins, 0..2 pi; a sector begins at its left end, and the same share of
                one step is all that it shifts.
        """
        elevation = np.radians(np.array(self.beam_elevations_deg))
        azimuth = self._firing_azimuths(first_azimuth_rad)[:, None]
        if self.azimuth_offsets_deg:
            azimuth = azimuth + np.radians(np.array(self.azimuth_offsets_deg))
        directions = np.empty((self.azimuth_steps, self.num_beams, 3), dtype=np.float32)
        directions[..., 0] = np.cos(azimuth) * np.cos(elevation)
        directions[..., 1] = np.sin(azimuth) * np.cos(elevation)
        directions[..., 2] = np.sin(elevation)
        return directions.reshape(-1, 3)

    def firing_times_s(self) -> Float[np.ndarray, "firing"]:
        """When each firing of one turn happens, before its end: negative, and 0 for the last."""
        before_end: np.ndarray = (np.arange(self.azimuth_steps) + 1) / self.azimuth_steps - 1
        return before_end * self.turn_s

    def _firing_azimuths(self, first_azimuth_rad: float) -> Float[np.ndarray, "firing"]:
        right, left = np.radians(self.sector_deg)
        step = (left - right) / self.azimuth_steps
        if self.sector_deg[1] - self.sector_deg[0] == 360:
            step, start = 2 * np.pi / self.azimuth_steps, first_azimuth_rad
        else:
            start = left - step * first_azimuth_rad / (2 * np.pi)
        return start - np.arange(self.azimuth_steps) * step


def manifest_of_sensor(sensor: SensorSpec) -> dict[str, Any]:
    """The sensor as the manifests of folders hold it; `returns` is younger than they are, and left out if "first"."""
    manifest = asdict(sensor)
    if sensor.returns == "first":
        del manifest["returns"]
    return manifest


def shipped_sensors() -> tuple[str, ...]:
    """Names of the sensors that come with the package."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.yaml")))


@lru_cache(maxsize=64)
def find_sensor(name_or_file: str) -> SensorSpec:
    """A sensor that ships, by name, or one of your own, by the path of its YAML file.

    Raises:
        SensorError: There is no such sensor, or its file describes none.
    """
    own = name_or_file.endswith((".yaml", ".yml"))
    file = Path(name_or_file) if own else SHIPPED / f"{name_or_file}.yaml"
    if not own and name_or_file not in shipped_sensors():
        raise SensorError(
            f"no sensor called '{name_or_file}' (there are: {', '.join(shipped_sensors())}); "
            "one of your own is given by its file, which ends in .yaml"
        )
    try:
        return load_yaml_as(SensorSpec, file)
    except OSError as error:
        raise SensorError(f"the sensor file {file} cannot be read: {error.strerror}") from error
    except ConfigError as error:
        raise SensorError(str(error)) from error
