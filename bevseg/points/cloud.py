"""The point cloud: what every reader makes and every stage takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from bevseg.geometry.frames import FrameError, Transform

_ABSURD_M = 1e9
"""No place on Earth: memory that a driver never wrote. Its square would overflow float32 sooner or later."""


@dataclass(frozen=True, eq=False)
class PointCloud:
    """One scan, or several sweeps moved into one frame (x forward, y left, z up, metres).

    Attributes:
        xyz: Finite coordinates, float32, metres.
        frame: Name of the frame that `xyz` is in.
        stamp_ns: Time of the scan, nanoseconds since the epoch (0 where the file has none).
        sensor_origins_m: Where the rays of each sweep start, in `frame`, metres.
        intensity: 0..1, or None where the source has none.
        time_s: Point time minus `stamp_ns` in seconds: 0, or negative for the past.
        ring: Beam index, or None.
        sweep: Index into `sensor_origins_m` for each point.
        dropped_non_finite: Points that the reader removed because a coordinate was NaN, infinite or beyond 10^9 m.
        ray_origins_m: Where each point's ray starts, in `frame`, metres, where it is known that the sensor moved during
            the sweep; None where every ray is taken to start at the origin of its sweep.
        sweep_of_origin: Which sweep in time each of `sensor_origins_m` belongs to, newest first, where several sensors
            measured at one time: 0 for all sensors of the newest sweep. None where each origin is a sweep of its own.
    """

    xyz: Float[np.ndarray, "n 3"]
    frame: str
    stamp_ns: int
    sensor_origins_m: Float[np.ndarray, "s 3"]
    intensity: Float[np.ndarray, "n"] | None
    time_s: Float[np.ndarray, "n"]
    ring: Integer[np.ndarray, "n"] | None
    sweep: Integer[np.ndarray, "n"]
    dropped_non_finite: int = 0
    ray_origins_m: Float[np.ndarray, "n 3"] | None = None
    sweep_of_origin: Integer[np.ndarray, "s"] | None = None

    def __post_init__(self) -> None:
        n = len(self.xyz)
        if self.xyz.shape != (n, 3) or self.xyz.dtype != np.float32:
            raise ValueError(f"xyz must be (n, 3) float32, got {self.xyz.shape} {self.xyz.dtype}")
        if self.ray_origins_m is not None and self.ray_origins_m.shape != (n, 3):
            raise ValueError(f"ray_origins_m must be ({n}, 3) to match xyz, got {self.ray_origins_m.shape}")
        if self.sensor_origins_m.ndim != 2 or self.sensor_origins_m.shape[1] != 3 or not len(self.sensor_origins_m):
            raise ValueError(f"sensor_origins_m must be (s, 3) with s >= 1, got {self.sensor_origins_m.shape}")
        for name, column in self._optional_columns().items():
            if column.shape != (n,):
                raise ValueError(f"{name} must be ({n},) to match xyz, got {column.shape}")
        if n and (int(self.sweep.min()) < 0 or int(self.sweep.max()) >= len(self.sensor_origins_m)):
            raise ValueError(f"sweep must index the {len(self.sensor_origins_m)} sensor origins")
        if self.sweep_of_origin is not None:
            _check_sweep_of_origin(self.sweep_of_origin, len(self.sensor_origins_m))

    @classmethod
    def from_xyz(
        cls,
        xyz: Float[np.ndarray, "n 3"],
        *,
        frame: str = "lidar",
        stamp_ns: int = 0,
        sensor_origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
        intensity: Float[np.ndarray, "n"] | None = None,
        time_s: Float[np.ndarray, "n"] | None = None,
        ring: Integer[np.ndarray, "n"] | None = None,
    ) -> PointCloud:
        """One sweep from its columns; points with a NaN, infinite or absurd coordinate are dropped and counted."""
        keep = usable_points(xyz)
        kept = np.ascontiguousarray(xyz[keep], dtype=np.float32)
        return cls(
            xyz=kept,
            frame=frame,
            stamp_ns=stamp_ns,
            sensor_origins_m=np.array([sensor_origin_m], dtype=np.float32),
            intensity=None if intensity is None else np.asarray(intensity[keep], np.float32),
            time_s=np.zeros(len(kept), np.float32) if time_s is None else np.asarray(time_s[keep], np.float32),
            ring=None if ring is None else np.asarray(ring[keep], np.int32),
            sweep=np.zeros(len(kept), np.int32),
            dropped_non_finite=len(xyz) - len(kept),
        )

    @classmethod
    def empty(cls, frame: str = "lidar", stamp_ns: int = 0) -> PointCloud:
        return cls.from_xyz(np.zeros((0, 3), np.float32), frame=frame, stamp_ns=stamp_ns)

    def __len__(self) -> int:
        return len(self.xyz)

    def __getitem__(self, index: Bool[np.ndarray, "n"] | Int[np.ndarray, "m"] | slice) -> PointCloud:
        """The chosen points; every column moves together."""
        return replace(
            self,
            xyz=self.xyz[index],
            intensity=None if self.intensity is None else self.intensity[index],
            time_s=self.time_s[index],
            ring=None if self.ring is None else self.ring[index],
            sweep=self.sweep[index],
            ray_origins_m=None if self.ray_origins_m is None else self.ray_origins_m[index],
        )

    def transformed(self, transform: Transform) -> PointCloud:
        """The same points in `transform.dst`; the sensor origins move with them.

        Raises:
            FrameError: `transform.src` is not this cloud's frame.
        """
        if transform.src != self.frame:
            raise FrameError(f"T_{transform.dst}_from_{transform.src} does not fit a cloud in frame '{self.frame}'")
        return replace(
            self,
            xyz=transform.apply(self.xyz),
            sensor_origins_m=transform.apply(self.sensor_origins_m),
            ray_origins_m=None if self.ray_origins_m is None else transform.apply(self.ray_origins_m),
            frame=transform.dst,
        )

    def ray_starts_m(self, index: slice = slice(None)) -> Float[np.ndarray, "m 3"]:
        """Where the rays of the chosen points start, in `frame`, metres."""
        if self.ray_origins_m is not None:
            return self.ray_origins_m[index]
        return self.sensor_origins_m[self.sweep[index]]

    @property
    def num_sweeps(self) -> int:
        """Times at which was measured; several sensors that did so together are one sweep."""
        return len(self.sensor_origins_m) if self.sweep_of_origin is None else int(self.sweep_of_origin[-1]) + 1

    @property
    def newest_origins_m(self) -> Float[np.ndarray, "m 3"]:
        """Where the sensors of the newest sweep are; the first of them is the one that depth is ordered from."""
        newest = 1 if self.sweep_of_origin is None else int((self.sweep_of_origin == 0).sum())
        return self.sensor_origins_m[:newest]

    def _optional_columns(self) -> dict[str, np.ndarray]:
        columns = {"intensity": self.intensity, "time_s": self.time_s, "ring": self.ring, "sweep": self.sweep}
        return {name: column for name, column in columns.items() if column is not None}


def _check_sweep_of_origin(sweep_of_origin: Integer[np.ndarray, "_"], num_origins: int) -> None:
    counts_up = sweep_of_origin.shape == (num_origins,) and not sweep_of_origin[0]
    if not counts_up or not np.isin(np.diff(sweep_of_origin), (0, 1)).all():
        raise ValueError(
            f"sweep_of_origin must give each of {num_origins} sensor origins its sweep, counted up from 0 without "
            f"gaps, got {sweep_of_origin.tolist()}"
        )


def usable_points(xyz: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, "m"] | slice:
    """The rows that `PointCloud.from_xyz` keeps: those without a NaN, infinite or absurd coordinate.

    Labels that a set has for every row of its file are to be picked by it.
    """
    finite = np.abs(xyz) < _ABSURD_M  # false for NaN
    # Reducing by rows costs as much as reading the file, and nearly every scan is finite.
    return slice(None) if finite.all() else np.flatnonzero(finite.all(axis=1))
