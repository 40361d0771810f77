"""Scans as nuScenes' files: points, a category and an instance for each point, and a record for the tables."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16

from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.sample_file import write_sample
from bevseg.points.cloud import PointCloud
from bevseg.points.input_frame import to_input_frame
from bevseg.points.raw_bin import NUSCENES_COLUMNS, write_raw_bin
from bevseg.points.raw_points import RawPoints
from bevseg.simulation.writers.nuscenes.scenes import ScanSpec
from bevseg.simulation.writers.nuscenes.schema import CATEGORY_INDEX
from bevseg.whole_files import write_whole

_INSTANCES_A_CATEGORY = 1000


class TooManyInstancesError(ValueError):
    """A scene has more objects than nuScenes' labels of points can tell apart."""


def is_written(folder: Path, scan: ScanSpec) -> bool:
    """Whether all files of the scan are there."""
    return all((folder / file).exists() for file in scan.files)


def write_scan(folder: Path, scan: ScanSpec, sample: Sample) -> None:
    """Writes the files of one scan, each whole or not at all, the record last.

    Args:
        folder: Of the dataset.
        scan: Which one it is.
        sample: The simulated scan, with a class and an object for each point.

    Raises:
        TooManyInstancesError: See `panoptic_labels`.
        OSError: A file cannot be written.
    """
    write_whole(folder / scan.points_file, points_as_bytes(sample.cloud))
    if scan.is_keyframe:
        write_whole(folder / scan.lidarseg_file, lidarseg_labels(sample.annotations).tobytes())
        archive = io.BytesIO()
        np.savez_compressed(archive, data=panoptic_labels(sample.annotations))
        write_whole(folder / scan.panoptic_file, archive.getvalue())
    record = folder / scan.record_file
    record.parent.mkdir(parents=True, exist_ok=True)
    write_sample(record, without_points(sample, keep_objects=scan.is_keyframe))


def points_as_bytes(cloud: PointCloud) -> bytes:
    """A `.pcd.bin`: rows of float32 x (right), y (forward), z (up) in metres, whole intensity 0..255, ring."""
    intensity = None if cloud.intensity is None else np.rint(cloud.intensity * np.float32(255))
    xyz = to_input_frame(cloud.xyz, "y-forward")
    return write_raw_bin(RawPoints(xyz, intensity=intensity, ring=cloud.ring), NUSCENES_COLUMNS)


def lidarseg_labels(truth: Annotations) -> UInt8[np.ndarray, "n"]:
    """The index of each point's category, 0..31.

    Raises:
        ValueError: The truth has no class for each point.
    """
    if truth.point_semantic is None:
        raise ValueError("labels of points need a class for each point, the truth has none")
    return CATEGORY_INDEX[truth.point_semantic]


def panoptic_labels(truth: Annotations) -> UInt16[np.ndarray, "n"]:
    """1000 times the index of each point's category, plus the track id of the object it lies on (0 for none).

    The same object has the same number all through a scene, as panoptic tracking wants it.

    Raises:
        ValueError: The truth has no class or no object for each point.
        TooManyInstancesError: A point lies on an object whose track id is beyond 999.
    """
    if truth.point_instance is None:
        raise ValueError("panoptic labels need an object for each point, the truth has none")
    number_of_object = np.concatenate([[0], truth.track_id])
    number = number_of_object[truth.point_instance]
    if len(number) and int(number.max()) >= _INSTANCES_A_CATEGORY:
        raise TooManyInstancesError(
            f"object {int(number.max())} was hit, but nuScenes' labels of points count instances of a scene up to "
            f"{_INSTANCES_A_CATEGORY - 1}: simulate fewer keyframes, a shorter range or a lower density"
        )
    labels = lidarseg_labels(truth).astype(np.int64) * _INSTANCES_A_CATEGORY + number
    return labels.astype(np.uint16)


def without_points(sample: Sample, *, keep_objects: bool) -> Sample:
    """What the tables need of a scan: poses, stamp, and for keyframes the objects."""
    truth = sample.annotations
    empty = PointCloud.empty(sample.cloud.frame, sample.cloud.stamp_ns)
    if keep_objects:
        kept = replace(truth, point_semantic=None, point_instance=None, occlusion=None)
    else:
        kept = Annotations.from_boxes(empty, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8), view=truth.view)
    return replace(sample, cloud=empty, annotations=kept)
