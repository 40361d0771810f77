"""Reads and writes point files of every usual kind, told apart by how the name ends.

Every cloud comes out in the x-forward frame "lidar" with intensity in 0..1. A file whose layout contradicts what its
name promises is an error, as a wrong layout would make garbage that looks like points.

Intensity: nuScenes' `.pcd.bin` is 0..255 by its format. Elsewhere a file whose largest value is at most 1 is taken as
it is, up to 255 it is divided by 255, up to 65535 by 65535. As a dark scan can fall under a lower limit than its
neighbours, give `intensity_full_scale` where the scale is known. Values below 0 become 0.

Time: integers are nanoseconds and floats are seconds. The newest point is the stamp where its time is since the epoch
(else the stamp is 0), and every point's `time_s` counts back from it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Num

from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.input_frame import InputFrame, T_lidar_from_input, to_input_frame, to_x_forward
from bevseg.points.las import read_las, write_las
from bevseg.points.numpy_files import read_npy, read_npz, write_npy, write_npz
from bevseg.points.pcd import read_pcd, write_pcd
from bevseg.points.ply import read_ply, write_ply
from bevseg.points.raw_bin import KITTI_COLUMNS, NUSCENES_COLUMNS, parse_columns, read_raw_bin, write_raw_bin
from bevseg.points.raw_points import PointFileError, RawPoints

_log = logging.getLogger(__name__)

EXTENSIONS = (".pcd.bin", ".bin", ".pcd", ".ply", ".npy", ".npz", ".las", ".laz")
"""Longest first: nuScenes' `.pcd.bin` also ends in `.bin`."""

_HEADERLESS = {".pcd.bin": NUSCENES_COLUMNS, ".bin": KITTI_COLUMNS}
_WITH_OWN_COLUMNS = (".pcd", ".ply", ".las", ".laz")
_NUSCENES_FULL_SCALE = 255.0
_FULL_SCALES = (1.0, 255.0, 65535.0)
_FARTHEST_M = 1e5
"""Beyond 100 km float32 cannot hold centimetres: such coordinates are on a map, not around a sensor."""

_LONGEST_SCAN_S = 60.0
_EPOCH_NS = 10**18
"""Nanoseconds since the epoch have exceeded this since 2001."""


@dataclass(frozen=True, eq=False)
class PointFile:
    """A point file's cloud, and how its own axes were turned.

    Attributes:
        cloud: The points in the x-forward frame "lidar".
        T_output_from_input: From the file's axes into the cloud's.
    """

    cloud: PointCloud
    T_output_from_input: Transform


def read_points(
    path: Path | str,
    *,
    columns: str | tuple[str, ...] | None = None,
    input_frame: InputFrame | None = None,
    intensity_full_scale: float | None = None,
) -> PointFile:
    """Reads a point file of a known kind (see `EXTENSIONS`).

    Args:
        path: The file.
        columns: What each column of a headerless file is, "x,y,z,intensity,ring,time"; "_" skips one.
        input_frame: The file's axes; by default y-forward for nuScenes' `.pcd.bin` and x-forward elsewhere.
        intensity_full_scale: The file's intensity that stands for 1.

    Raises:
        PointFileError: The kind is unknown, or the file does not hold what its kind promises.
    """
    path = Path(path)
    if path.is_dir():
        raise PointFileError(f"{path} is a folder; give a file that ends in one of {', '.join(EXTENSIONS)}")
    extension_of(path.name)
    return read_points_bytes(
        path.read_bytes(),
        name=str(path),
        columns=columns,
        input_frame=input_frame,
        intensity_full_scale=intensity_full_scale,
    )


def read_points_bytes(
    data: bytes,
    *,
    name: str,
    columns: str | tuple[str, ...] | None = None,
    input_frame: InputFrame | None = None,
    intensity_full_scale: float | None = None,
) -> PointFile:
    """What `read_points` does with a file that is in memory; `name` says its kind and stands in the errors."""
    extension = extension_of(name)
    parsed = None if columns is None else parse_columns(columns)
    raw = _read_raw(data, extension, parsed, name=name)
    if extension == ".pcd.bin":
        intensity_full_scale = intensity_full_scale or _NUSCENES_FULL_SCALE
        input_frame = input_frame or "y-forward"
    input_frame = input_frame or "x-forward"
    if raw.xyz.dtype == np.float64:
        _require_near(raw.xyz, name=name)
    stamp_ns, time_s = _split_time(raw.time, name=name)
    cloud = PointCloud.from_xyz(
        to_x_forward(raw.xyz, input_frame),
        stamp_ns=stamp_ns,
        intensity=scaled_intensity(raw.intensity, intensity_full_scale, name=name),
        time_s=time_s,
        ring=None if raw.ring is None else raw.ring.astype(np.int32),
    )
    return PointFile(cloud, T_lidar_from_input(input_frame))


def write_points(path: Path | str, cloud: PointCloud) -> None:
    """Writes a cloud as the kind that the name ends in; what the kind has no place for is left out.

    `.pcd.bin` is written as nuScenes has it (y-forward, intensity 0..255), everything else in x-forward with
    intensity 0..1 (`.las`: 16 bits).

    Raises:
        PointFileError: The kind is unknown.
    """
    path = Path(path)
    extension = extension_of(path.name)
    time = cloud.time_s if cloud.time_s.any() else None
    raw = RawPoints(cloud.xyz, cloud.intensity, cloud.ring, time)
    path.write_bytes(_write_raw(raw, extension, name=str(path)))


def extension_of(name: str) -> str:
    """Which of `EXTENSIONS` a file name ends in, in any letter case.

    Raises:
        PointFileError: None of them.
    """
    for extension in EXTENSIONS:
        if name.lower().endswith(extension):
            return extension
    raise PointFileError(f"{name}: unknown kind of point file; known are {', '.join(EXTENSIONS)}")


def _read_raw(data: bytes, extension: str, columns: tuple[str, ...] | None, *, name: str) -> RawPoints:
    if columns and extension in _WITH_OWN_COLUMNS:
        raise PointFileError(f"{name}: {extension} files name their own columns; leave columns out")
    match extension:
        case ".pcd.bin" | ".bin":
            return read_raw_bin(data, columns or _HEADERLESS[extension], name=name)
        case ".pcd":
            return read_pcd(data, name=name)
        case ".ply":
            return read_ply(data, name=name)
        case ".npy":
            return read_npy(data, columns, name=name)
        case ".npz":
            return read_npz(data, columns, name=name)
        case _:
            return read_las(data, name=name)


def _write_raw(raw: RawPoints, extension: str, *, name: str) -> bytes:
    match extension:
        case ".pcd.bin":
            intensity = None if raw.intensity is None else raw.intensity * np.float32(_NUSCENES_FULL_SCALE)
            turned = RawPoints(to_input_frame(raw.xyz, "y-forward"), intensity, raw.ring)
            return write_raw_bin(turned, NUSCENES_COLUMNS)
        case ".bin":
            return write_raw_bin(raw, KITTI_COLUMNS)
        case ".pcd":
            return write_pcd(raw)
        case ".ply":
            return write_ply(raw)
        case ".npy":
            return write_npy(raw)
        case ".npz":
            return write_npz(raw)
        case _:
            return write_las(raw, compressed=extension == ".laz", name=name)


def _require_near(xyz: Num[np.ndarray, "n 3"], *, name: str) -> None:
    farthest = float(np.abs(xyz[np.isfinite(xyz)]).max(initial=0.0))
    if farthest > _FARTHEST_M:
        raise PointFileError(
            f"{name}: a coordinate of {farthest:.0f} m is on a map, not around a sensor, and too large for float32; "
            "subtract the sensor's place first"
        )


def scaled_intensity(
    values: Num[np.ndarray, "n"] | None, full_scale: float | None, *, name: str
) -> Float32[np.ndarray, "n"] | None:
    """Intensity in 0..1 by the rule in the module's docstring; a value that is not finite becomes 0.

    Raises:
        PointFileError: No usual scale reaches the largest value, and none is given.
    """
    if values is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold is not finite
        found = values.astype(np.float32)
    largest = found.max(initial=0.0)
    if not np.isfinite(largest):
        found = np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        largest = found.max(initial=0.0)
    if full_scale is None:
        full_scale = next((scale for scale in _FULL_SCALES if largest <= scale), None)
    if full_scale is None or full_scale <= 0:
        raise PointFileError(
            f"{name}: intensity reaches {largest:.6g}; give a positive intensity_full_scale, the value that means 1"
        )
    found *= np.float32(1 / full_scale)
    return np.clip(found, 0.0, 1.0, out=found)


def _split_time(time: Num[np.ndarray, "n"] | None, *, name: str) -> tuple[int, Float32[np.ndarray, "n"] | None]:
    """The stamp in nanoseconds and the seconds of each point before it, by the rule in the module's docstring."""
    if time is None or not len(time):
        return 0, None
    if time.dtype.kind in "iu":
        newest_ns = int(time.max())
        time_s = ((time.astype(np.int64) - newest_ns) * 1e-9).astype(np.float32)
    else:
        newest_s = float(time.max())
        newest_ns = round(newest_s * 1e9) if np.isfinite(newest_s) else 0
        time_s = (time - newest_s).astype(np.float32)
    oldest_s = float(time_s.min())
    if not oldest_s > -_LONGEST_SCAN_S:
        _log.warning("%s: its times span %g s, which is no scan in seconds or nanoseconds: left out", name, -oldest_s)
        return 0, None
    return (newest_ns if newest_ns > _EPOCH_NS else 0), time_s
