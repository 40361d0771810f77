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
difficulty. Occlusion is taken from the exact visible fraction: 0 from 0.8 up, 1 from 0.4 up, 2 below, and 3 (unknown)
where it was not counted or no beam could meet the object.

KITTI has no name for trailers, construction vehicles, motorcycles, barriers and traffic cones: they are `Misc`. Buses
are `Tram`, its one large vehicle for passengers; a bicycle is a `Cyclist`, ridden or not.

Source: Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, and the development kits' readme files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import footprint_corners, wrap_angle
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.raw_bin import KITTI_COLUMNS, write_raw_bin
from bevseg.points.raw_points import RawPoints
from bevseg.results.classes import SemanticClass
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.generate import Progress
from bevseg.simulation.writers.folder import claim, manifest_of, write_frames
from bevseg.whole_files import write_whole

KITTI_NAMES = {
    SemanticClass.CAR: "Car",
    SemanticClass.TRUCK: "Truck",
    SemanticClass.BUS: "Tram",
    SemanticClass.PEDESTRIAN: "Pedestrian",
    SemanticClass.BICYCLE: "Cyclist",
}
"""The other classes are `Misc`, which a reader of KITTI has to take as neither right nor wrong to find."""

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

_LAYOUT = "kitti-1"
_NEAR_M = 0.1
"""What is nearer to the plane of the camera is cut off before it is projected."""

_TRUNCATION_LEVELS = (0.15, 0.5)
"""The tracking set has levels 0, 1, 2 of truncation: split where KITTI's easy and hard difficulties end."""

_CORNER_PAIRS = np.array([[k, (k + 1) % 4] for k in range(4)])
_EDGES = np.concatenate([_CORNER_PAIRS, _CORNER_PAIRS + 4, [[k, k + 4] for k in range(4)]])
"""The twelve edges of a box with corners 0..3 at its bottom and 4..7 above them."""


def write_kitti(drive: DriveSource, folder: Path, *, progress: Progress | None = None) -> None:
    """Writes every scan of the drive; frames that are there already are kept.

    Args:
        drive: The drive.
        folder: Made where it is missing. Gets `training`, `simulation.json`, which says what it holds, and `.frames`,
            with each scan's share of the tracking labels; nobody but a resumed run needs the latter two.
        progress: Called with the number of frames done and of all frames.

    Raises:
        GenerationError: The folder was begun with another configuration, layout or version of the simulator.
    """
    claim(folder, manifest_of(drive, _LAYOUT))
    write_frames(drive, folder, _names, _encode, progress=progress)
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
    image = _image_boxes(boxes)
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


@dataclass(frozen=True, eq=False)
class _ImageBoxes:
    """Boxes in the picture.

    Attributes:
        ltrb_px: Left, top, right, bottom within the picture, pixels; 0 outside.
        truncation: Share of the box's area in the plane of the picture that the picture does not show.
    """

    ltrb_px: Float[np.ndarray, "k 4"]
    truncation: Float[np.ndarray, "k"]


def _image_boxes(boxes: Float[np.ndarray, "k 7"]) -> _ImageBoxes:
    """Projects boxes in the lidar's frame; what lies behind the camera is cut off."""
    pixels, ahead = _projected_edges(_corners_in_camera(boxes))
    low = np.where(ahead[..., None], pixels, np.inf).min(axis=(1, 2), initial=np.inf)
    high = np.where(ahead[..., None], pixels, -np.inf).max(axis=(1, 2), initial=-np.inf)
    last_px = np.array(IMAGE_WH_PX) - 1.0
    shown_low, shown_high = np.clip(low, 0, last_px), np.clip(high, 0, last_px)
    shown = np.prod(shown_high - shown_low, axis=1)
    inside = ahead.any(axis=(1, 2)) & (shown > 0)
    whole = np.where(inside, np.prod(np.where(inside[:, None], high - low, 1.0), axis=1), 1.0)
    ltrb = np.where(inside[:, None], np.concatenate([shown_low, shown_high], axis=1), 0.0)
    return _ImageBoxes(ltrb, np.where(inside, np.maximum(1 - shown / whole, 0.0), 1.0))


def _corners_in_camera(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k 8 3"]:
    footprint = np.tile(footprint_corners(boxes), (1, 2, 1))
    z = boxes[:, 2:3] + boxes[:, 5:6] / 2 * np.repeat([-1.0, 1.0], 4)
    corners = np.concatenate([footprint, z[..., None]], axis=2)
    return T_CAMERA_FROM_LIDAR.apply(corners.reshape(-1, 3)).reshape(-1, 8, 3)


def _projected_edges(
    corners: Float[np.ndarray, "k 8 3"],
) -> tuple[Float[np.ndarray, "k 12 2 2"], Bool[np.ndarray, "k 12 2"]]:
    """Pixels of both ends of each edge, cut off where it comes too near to the camera; false for edges behind it."""
    ends = corners[:, _EDGES]
    depth = ends[..., 2]
    others = ends[:, :, ::-1]
    rise = others[..., 2] - depth
    share = np.where(depth < _NEAR_M, (_NEAR_M - depth) / np.where(rise == 0, 1.0, rise), 0.0)
    cut = ends + share[..., None] * (others - ends)
    ahead = np.repeat((depth >= _NEAR_M).any(axis=2, keepdims=True), 2, axis=2)
    at = np.where(ahead[..., None], cut, 1.0) @ PROJECTION[:, :3].T
    return at[..., :2] / at[..., 2:], ahead


def _spaced(values: Float[np.ndarray, "n"], decimals: int) -> str:
    return " ".join(f"{value:.{decimals}f}" for value in values)
