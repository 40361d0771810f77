"""A simulated drive in SemanticKITTI's layout, as sequence 00.

    sequences/00/velodyne/000000.bin    x, y, z in metres and intensity 0..1, float32, in the lidar's frame
    sequences/00/labels/000000.label    uint32 a point: class in the low 16 bits, instance in the high 16
    sequences/00/calib.txt              P0 to P3 and Tr, from the lidar to the camera of `kitti`
    sequences/00/poses.txt              the camera of each scan, seen from that of the first: a 3 x 4 matrix a line
    sequences/00/times.txt              seconds since the first scan

An instance is the drive's track id, so it names the same object in every scan; 0 is none. What moves faster than
0.1 m/s has its class's moving number, which may change along the drive while the instance does not.

SemanticKITTI has no name for barriers and traffic cones (99, other object), and none of its own for trailers and
construction vehicles (20 and 259, other vehicle): their instances are kept, their classes are lost. A bicycle or
motorcycle that moves is a rider (253, 255), one that stands is the vehicle (11, 15), with or without somebody on it.
All that is built is a building (50) and all plants are vegetation (70), as the simulator does not tell fences, poles,
signs and trunks apart. Reflections and returns of the own vehicle are unlabelled (0).

Source: Behley et al., "SemanticKITTI", ICCV 2019; class numbers from its `semantic-kitti.yaml`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt32

from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.semantic_kitti import CLASS_NUMBERS
from bevseg.geometry.frames import Transform
from bevseg.results.classes import NUM_CLASSES
from bevseg.results.classes import SemanticClass as C
from bevseg.simulation.dataset_folder import Progress, ScanFiles, claimed, drive_manifest, write_frames
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.kitti import PROJECTION, T_CAMERA_FROM_LIDAR, encode_points, matrix_row
from bevseg.whole_files import write_whole

MOVING_NUMBERS = {
    C.CAR: 252, C.BICYCLE: 253, C.PEDESTRIAN: 254, C.MOTORCYCLE: 255, C.BUS: 257, C.TRUCK: 258, C.TRAILER: 259,
    C.CONSTRUCTION_VEHICLE: 259,
}  # fmt: skip
"""What takes the place of `CLASS_NUMBERS` where the object moves."""

_LAYOUT = "semantic-kitti-1"
_SEQUENCE = "sequences/00"
_MOVING_MPS = 0.1
_MOST_INSTANCES = 0xFFFF

_STANDING = np.array([CLASS_NUMBERS[C(c)] for c in range(NUM_CLASSES)], np.uint32)
_MOVING = np.array([MOVING_NUMBERS.get(C(c), CLASS_NUMBERS[C(c)]) for c in range(NUM_CLASSES)], np.uint32)


def write_semantic_kitti(
    drive: DriveSource, folder: Path, workers: int = 1, *, progress: Progress | None = None
) -> None:
    """Writes every scan of the drive; frames that are there already are kept.

    Args:
        drive: The drive.
        folder: Made where it is missing. Gets `sequences/00`, `simulation.json`, which says what it holds, and
            `.frames`, with each scan's stamp and pose; nobody but a resumed run needs the latter two.
        workers: Processes that share the scans; the bytes do not depend on how many.
        progress: Called with the number of frames done and of all frames.

    Raises:
        GenerationError: The folder holds something else, or was begun with another configuration, layout or version of
            the simulator.
        DiskFullError: There is no room on the disk.
        ValueError: A track id does not fit 16 bits.
    """
    with claimed(folder, drive_manifest(drive.config, _LAYOUT)):
        write_frames(drive, folder, ScanFiles(_names, _encode), workers, progress=progress)
        places = [_read_place(folder / _names(index)[-1]) for index in range(len(drive))]
        write_whole(folder / _SEQUENCE / "calib.txt", _calibration().encode())
        write_whole(folder / _SEQUENCE / "poses.txt", _poses([pose for _, pose in places]).encode())
        times = [f"{(stamp_ns - places[0][0]) * 1e-9:.9e}\n" for stamp_ns, _ in places]
        write_whole(folder / _SEQUENCE / "times.txt", "".join(times).encode())


def pack_labels(truth: Annotations) -> UInt32[np.ndarray, "n"]:
    """Class in the low 16 bits and track id in the high 16 of each point.

    Raises:
        ValueError: The truth has no labels for points, or a track id lies outside 1..65535.
    """
    semantic, instance = truth.point_semantic, truth.point_instance
    if semantic is None or instance is None:
        raise ValueError("SemanticKITTI labels points, but the truth has no class and instance for each")
    if len(truth) and not (truth.track_id.min() >= 1 and truth.track_id.max() <= _MOST_INSTANCES):
        raise ValueError(f"track ids must lie in 1..{_MOST_INSTANCES} to fit 16 bits, got {truth.track_id.max()}")
    # Entry 0 is "no object", as in `point_instance`; an unknown speed (NaN) is not above the limit.
    moves = np.concatenate([[False], np.hypot(*truth.velocity_mps.T) > _MOVING_MPS])
    tracks = np.concatenate([[0], truth.track_id]).astype(np.uint32)
    numbers = np.where(moves[instance], _MOVING[semantic], _STANDING[semantic])
    return np.asarray(tracks[instance] << np.uint32(16) | numbers, np.uint32)


def _names(index: int) -> tuple[str, ...]:
    """The files of a frame; the last keeps its stamp and pose until those of the whole drive are joined."""
    stem = f"{index:06d}"
    return f"{_SEQUENCE}/velodyne/{stem}.bin", f"{_SEQUENCE}/labels/{stem}.label", f".frames/{stem}.txt"


def _encode(sample: Sample) -> tuple[bytes, ...]:
    pose = (sample.T_global_from_ego @ sample.T_ego_from_lidar).matrix[:3].ravel().tolist()
    place = f"{sample.cloud.stamp_ns} {' '.join(map(repr, pose))}\n"
    return encode_points(sample.cloud), pack_labels(sample.annotations).astype("<u4").tobytes(), place.encode()


def _read_place(path: Path) -> tuple[int, Transform]:
    """Stamp in nanoseconds and T_global_from_lidar."""
    stamp, *values = path.read_text().split()
    matrix = np.vstack([np.array(values, np.float64).reshape(3, 4), [0, 0, 0, 1]])
    return int(stamp), Transform(matrix, "global", "lidar")


def _calibration() -> str:
    rows = [matrix_row(f"P{k}", PROJECTION) for k in range(4)]
    return "".join([*rows, matrix_row("Tr", T_CAMERA_FROM_LIDAR.matrix[:3])])


def _poses(T_global_from_lidar: list[Transform]) -> str:
    """The camera of each scan in the frame of the first scan's camera, as KITTI's odometry has it."""
    T_global_from_camera = [pose @ T_CAMERA_FROM_LIDAR.inverse() for pose in T_global_from_lidar]
    rows = [(T_global_from_camera[0].inverse().matrix @ pose.matrix)[:3].ravel() for pose in T_global_from_camera]
    return "".join(" ".join(f"{value:.12e}" for value in row) + "\n" for row in rows)
