"""ASPRS `.las` and `.laz`, by way of laspy, which is an optional extra."""

from __future__ import annotations

import io
from types import ModuleType

import numpy as np

from bevseg.points.raw_points import PointFileError, RawPoints


def read_las(data: bytes, *, name: str) -> RawPoints:
    """Coordinates and intensity of a `.las` or `.laz` file.

    Raises:
        PointFileError: laspy is not installed, or cannot read the file.
    """
    laspy = _laspy(name)
    try:
        las = laspy.read(io.BytesIO(data))
    except (laspy.LaspyException, ValueError, OSError, EOFError) as error:
        raise PointFileError(f"{name}: not a LAS file that can be read: {error}") from error
    return RawPoints(np.asarray(las.xyz, np.float64), np.asarray(las.intensity))


def write_las(points: RawPoints, *, compressed: bool, name: str) -> bytes:
    """LAS 1.2 point format 0, to the millimetre; intensity 0..1 fills 16 bits as the specification asks."""
    laspy = _laspy(name)
    header = laspy.LasHeader(point_format=0, version="1.2")
    header.scales = np.full(3, 0.001)
    las = laspy.LasData(header)
    las.xyz = points.xyz.astype(np.float64)
    if points.intensity is not None:
        las.intensity = np.rint(np.clip(points.intensity, 0, 1) * 65535).astype(np.uint16)
    buffer = io.BytesIO()
    las.write(buffer, do_compress=compressed)
    return buffer.getvalue()


def _laspy(name: str) -> ModuleType:
    try:
        import laspy
    except ImportError as error:
        raise PointFileError(f"{name}: LAS files need laspy: pip install 'laspy[lazrs]'") from error
    return laspy
