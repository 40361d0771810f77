"""From a message to a cloud in the frame of the results: decoded, checked, moved, cropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from bevseg.messages.input_types import PointCloud2
from bevseg.messages.pointcloud2 import PointCloud2Error, decode_pointcloud2, point_columns, stamp_of
from bevseg.points.cloud import PointCloud
from bevseg_ros.policies import RefusedError
from bevseg_ros.settings import LiveSettings, Settings
from bevseg_ros.transforms import TransformSource

_SAMPLED = 32
"""Rows and columns of a cloud whose coordinates are looked at for their byte order."""

_LEAST_M, _MOST_M = 1e-4, 1e4
"""Coordinates of a LiDAR lie between these, or are exactly 0; those with swapped bytes hardly ever do."""

_FEWEST = 8
"""Of fewer points nothing is said about their byte order."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a message became.

    Attributes:
        cloud: In the frame of the results.
        clipped: Points that were left out: no place, too far, or the vehicle's own.
        remark: `empty_cloud`, None for a cloud with points.
    """

    cloud: PointCloud
    clipped: int
    remark: str | None


def prepare(
    message: PointCloud2, settings: Settings, transforms: TransformSource | None, timeout_s: float = 0.0
) -> Prepared:
    """Makes a cloud of a message.

    Args:
        message: As it came.
        settings: Of the node.
        transforms: Who knows where the sensor is; None where results stay in the frame of the cloud.
        timeout_s: How long to wait for a transform.

    Raises:
        RefusedError: The message cannot be read, or its transform is not known.
    """
    points = int(message.width) * int(message.height)
    if points > settings.max_points:
        raise RefusedError(
            "absurd_size", f"{message.width} x {message.height} points, expected at most {settings.max_points}"
        )
    cloud = _decoded(message, settings)
    stamp_ns = stamp_of(message.header)
    if transforms is not None:
        cloud = cloud.transformed(transforms.T_base_from_sensor(cloud.frame, stamp_ns, timeout_s))
    kept = cropped(cloud, settings.live)
    return Prepared(kept, points - len(kept), None if points else "empty_cloud")


def cropped(cloud: PointCloud, live: LiveSettings) -> PointCloud:
    """Without the points that are too far and those of the vehicle itself."""
    inside: Bool[np.ndarray, "n"] | None = None
    if live.range_m is not None:
        inside = np.einsum("ij,ij->i", cloud.xyz[:, :2], cloud.xyz[:, :2]) <= live.range_m**2
    if live.ego_box_m is not None:
        low, high = np.array(live.ego_box_m, np.float32).reshape(3, 2).T
        outside_box = ~((cloud.xyz >= low) & (cloud.xyz <= high)).all(axis=1)
        inside = outside_box if inside is None else inside & outside_box
    return cloud if inside is None else cloud[inside]


def _decoded(message: PointCloud2, settings: Settings) -> PointCloud:
    try:
        _refuse_wrong_byte_order(message)
        return decode_pointcloud2(
            message, intensity_full_scale=settings.intensity_full_scale, with_time=settings.with_time
        )
    except PointCloud2Error as error:
        raise RefusedError(error.reason, str(error)) from error


def _refuse_wrong_byte_order(message: PointCloud2) -> None:
    sample = _sampled_coordinates(message)
    if sample is None or _share_of_places(sample) >= 0.5:
        return
    swapped = np.stack([axis.byteswap() for axis in sample])
    said = "big" if message.is_bigendian else "little"
    if _share_of_places(swapped) >= 0.9:
        raise RefusedError(
            "wrong_endianness",
            f"coordinates make no sense in {said}-endian order, as is_bigendian has it, but do in the other",
        )
    raise RefusedError("wrong_values", f"most coordinates are not within {_LEAST_M:g}..{_MOST_M:g} m, in no byte order")


def _sampled_coordinates(message: PointCloud2) -> np.ndarray[Any, np.dtype[np.floating]] | None:
    """x, y and z of about a thousand points that are numbers, (3, n); None where they are integers, or too few."""
    columns = point_columns(message)
    height, width = columns["x"].shape
    every_row = max(1, height // _SAMPLED)
    every_column = max(1, width * min(height, _SAMPLED) // _SAMPLED**2)
    axes = [columns[axis][::every_row, ::every_column].ravel() for axis in "xyz"]
    if len({axis.dtype for axis in axes}) > 1 or axes[0].dtype.kind != "f":
        return None
    sample = np.stack(axes).astype(axes[0].dtype)  # stacking would turn the bytes into this machine's order
    sample = sample[:, ~np.isnan(sample).any(axis=0)]
    return sample if sample.shape[1] >= _FEWEST else None


def _share_of_places(sample: np.ndarray[Any, np.dtype[np.floating]]) -> float:
    """Share of points all of whose coordinates a LiDAR can measure."""
    size = np.abs(sample)
    likely = (size == 0) | ((size >= _LEAST_M) & (size < _MOST_M))
    return float(likely.all(axis=0).mean())
