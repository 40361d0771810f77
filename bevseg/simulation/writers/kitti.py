"""A simulated drive in KITTI's object layout, with the labels of KITTI's tracking set beside it.

    training/velodyne/000000.bin    x, y, z in metres and intensity 0..1, float32, in the lidar's frame
    training/label_2/000000.txt     the objects of a scan, in the camera's frame
    training/calib/000000.txt       P0 to P3, R0_rect, Tr_velo_to_cam, Tr_imu_to_velo
    training/label_02/0000.txt      the same objects with frame and track id, for the whole drive

There is a camera but no picture: `image_2` is missing, and 2-D boxes are what a pinhole camera would see. It looks
along the lidar's x axis, from where KITTI's looks (0.27 m ahead of the lidar and 0.08 m below it), with KITTI's focal
length and 1242 x 375 pixels; P0 to P3 are all this camera. The vehicle's frame takes the place of the IMU.

Other than KITTI's annotators, who labelled what the picture shows, this keeps the objects all around, hidden ones too:
one outside the picture has truncation 1 and the 2-D box `0 0 0 0`, which KITTI's evaluation leaves out of every
difficulty. Truncation is KITTI's: by the picture, and not `Annotations.truncation`, which is by the lidar's sector.
Occlusion is taken from the exact visible fraction: 0 from 0.8 up, 1 from 0.4 up, 2 below, and 3 (unknown)
where it was not counted or no beam could meet the object.

KITTI has no name for trailers, construction vehicles, motorcycles, barriers and traffic cones: they are `Misc`. Buses
are `Tram`, its one large vehicle for passengers; a bicycle is a `Cyclist`, ridden or not.

Source: Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, and the development kits' readme files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from bevseg.datasets.kitti import KITTI_NAMES
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import wrap_angle
from bevseg.geometry.camera import Camera, image_boxes
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.raw_bin import KITTI_COLUMNS, write_raw_bin
from bevseg.points.raw_points import RawPoints
from bevseg.results.classes import SemanticClass
from bevseg.simulation.dataset_folder import Progress, ScanFiles, claimed, drive_manifest, write_frames
from bevseg.simulation.drive import DriveSource
from bevseg.whole_files import write_whole

T_CAMERA_FROM_LIDAR = Transform.from_rotation_translation(
    np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]),
    np.array([0.0, -0.08, -0.27]),
    dst="camera",
    src="lidar",
)
"""The camera looks along the lidar's x axis: so a box that stands upright for the lidar does for the camera too."""

IMAGE_WH_PX = (1242, 375)
PROJECTION = np.array([[721.5377, 0.0, 609.5593, 0.0], [0, 721.5377, 172.854, 0], [0, 0, 1, 0]])
"""P2 of KITTI's drives of 26 September 2011, without the offset to its camera 0."""

CAMERA = Camera(T_CAMERA_FROM_LIDAR, PROJECTION, IMAGE_WH_PX)

_LAYOUT = "kitti-1"
_TRUNCATION_LEVELS = (0.15, 0.5)
"""The tracking set has levels 0, 1, 2 of truncation: split where KITTI's easy and hard difficulties end."""


def write_kitti(drive: DriveSource, folder: Path, workers: int = 1, *, progress: Progress | None = None) -> None:
    """Writes every scan of the drive; frames that are there already are kept.

    Args:
        drive: The drive.
        folder: Made where it is missing. Gets `training`, `simulation.json`, which says what it holds, and `.frames`,
            with each scan's share of the tracking labels; nobody but a resumed run needs the latter two.
        workers: Processes that share the scans; the bytes do not depend on how many.
        progress: Called with the number of frames done and of all frames.

    Raises:
        GenerationError: The folder holds something else, or was begun with another configuration, layout or version of
            the simulator.
        DiskFullError: There is no room on the disk.
    """
    with claimed(folder, drive_manifest(drive.config, _LAYOUT)):
        write_frames(drive, folder, ScanFiles(_names, _encode), workers, progress=progress)
        tracks = [(folder / _names(index)[-1]).read_bytes() for index in range(len(drive))]
        write_whole(folder / "training" / "label_02" / "0000.txt", b"".join(tracks))


def encode_points(cloud: PointCloud) -> bytes:
    """A `.bin` of KITTI's: x, y, z in metres in the lidar's frame and intensity 0..1, float32."""
    return write_raw_bin(RawPoints(cloud.xyz, cloud.intensity), KITTI_COLUMNS)


def matrix_row(name: str, matrix: Float[np.ndarray, "r c"]) -> str:
    """One line of a calibration file: the matrix row by row."""
    return f"{name}: " + " ".join(f"{value:.12e}" for value in matrix.ravel()) + "\n"


def _names(index: int) -> tuple[str, ...]:
    """The files of a frame; the last keeps its tracking labels until those of the whole drive are joined."""
    stem = f"{index:06d}"
    return (
        f"training/velodyne/{stem}.bin",
        f"training/label_2/{stem}.txt",
        f"training/calib/{stem}.txt",
        f".frames/{stem}.txt",
    )


def _encode(sample: Sample) -> tuple[bytes, ...]:
    rows = _label_rows(sample.annotations)
    frame = int(sample.name)
    tracks = sample.annotations.track_id.tolist()
    tracking = [f"{frame} {track} {row.in_tracking_set}\n" for track, row in zip(tracks, rows, strict=True)]
    return (
        encode_points(sample.cloud),
        "".join(f"{row.in_object_set}\n" for row in rows).encode(),
        _calibration(sample).encode(),
        "".join(tracking).encode(),
    )


def _calibration(sample: Sample) -> str:
    rows = [matrix_row(f"P{k}", PROJECTION) for k in range(4)]
    rows.append(matrix_row("R0_rect", np.eye(3)))
    rows.append(matrix_row("Tr_velo_to_cam", T_CAMERA_FROM_LIDAR.matrix[:3]))
    rows.append(matrix_row("Tr_imu_to_velo", sample.T_ego_from_lidar.inverse().matrix[:3]))
    return "".join(rows)


@dataclass(frozen=True)
class _LabelRow:
    """One object; the two sets differ in how they write truncation."""

    name: str
    truncation: float
    rest: str

    @property
    def in_object_set(self) -> str:
        return f"{self.name} {self.truncation:.2f} {self.rest}"

    @property
    def in_tracking_set(self) -> str:
        return f"{self.name} {np.digitize(self.truncation, _TRUNCATION_LEVELS, right=True)} {self.rest}"


def _label_rows(truth: Annotations) -> list[_LabelRow]:
    """`occluded alpha left top right bottom h w l x y z rotation_y` of each object, lengths to the micrometre."""
    boxes = truth.boxes.astype(np.float64)
    bottom = boxes[:, :3] - np.array([0, 0, 0.5]) * boxes[:, 5:6]
    place = T_CAMERA_FROM_LIDAR.apply(bottom)
    rotation_y = wrap_angle(-boxes[:, 6] - np.pi / 2)
    alpha = wrap_angle(rotation_y - np.arctan2(place[:, 0], place[:, 2]))
    image = image_boxes(boxes, CAMERA)
    geometry = np.column_stack([boxes[:, [5, 4, 3]], place, rotation_y])
    return [
        _LabelRow(
            KITTI_NAMES.get(SemanticClass(label), "Misc"),
            float(image.truncation[k]),
            f"{occluded} {alpha[k]:.6f} {_spaced(image.ltrb_px[k], 2)} {_spaced(geometry[k], 6)}",
        )
        for k, (label, occluded) in enumerate(
            zip(truth.label.tolist(), _occlusion_levels(truth.visible_fraction).tolist(), strict=True)
        )
    ]


def _occlusion_levels(visible_fraction: Float[np.ndarray, "k"]) -> Int[np.ndarray, "k"]:
    f = visible_fraction
    return np.select([np.isnan(f), f >= 0.8, f >= 0.4], [3, 0, 1], default=2)


def _spaced(values: Float[np.ndarray, "n"], decimals: int) -> str:
    return " ".join(f"{value:.{decimals}f}" for value in values)
