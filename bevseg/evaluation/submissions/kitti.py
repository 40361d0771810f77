"""KITTI's object results: for each frame a text file with one line an object.

    <folder>/<frame>.txt    type truncated occluded alpha left top right bottom h w l x y z rotation_y score

Places are in the rectified camera 0 (x right, y down, z forward), of the middle of the box's bottom; `truncated` and
`occluded` are -1, as results do not tell them. KITTI scores only what its picture shows, so what lies outside is left
out. Without a calibration the axes are turned and nothing else: no picture is known, so the 2-D box is -1 and the angle
of view -10, KITTI's words for "not given", and all objects are kept.

Source: Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, and the development kit's readme.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from bevseg.datasets.kitti import KITTI_NAMES
from bevseg.datasets.kitti_calibration import read_calibration, read_projection
from bevseg.evaluation.submissions.checks import check_objects
from bevseg.geometry.boxes import wrap_angle
from bevseg.geometry.camera import Camera, image_boxes
from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.whole_files import write_whole

PICTURE_WH_PX = (1242, 375)
"""Of most of KITTI's drives; some differ by a few pixels."""

_T_CAMERA_FROM_LIDAR = Transform.from_rotation_translation(
    np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]), np.zeros(3), dst="camera", src="lidar"
)
_NO_ANGLE = -10.0


def read_kitti_camera(calibration: Path, *, size_wh_px: tuple[int, int] = PICTURE_WH_PX) -> Camera:
    """The left colour camera of a frame.

    Raises:
        DatasetError: The file is missing or lacks a matrix.
    """
    return Camera(read_calibration(calibration).inverse(), read_projection(calibration), size_wh_px)


def write_kitti_results(folder: Path, instances: Instances, *, frame: str, camera: Camera | None) -> Path:
    """Writes the objects of one frame; the file is empty where there are none.

    Args:
        folder: Of the submission.
        instances: Boxes in the lidar's frame.
        frame: Six digits, "000000" say.
        camera: Of the frame; None where it is not known.

    Returns:
        The file.

    Raises:
        SubmissionError: An object is unfit.
    """
    path = folder / f"{frame}.txt"
    write_whole(path, "".join(f"{row}\n" for row in result_rows(instances, frame=frame, camera=camera)).encode())
    return path


def result_rows(instances: Instances, *, frame: str, camera: Camera | None) -> list[str]:
    """One line for each object that the picture shows; lengths to the micrometre.

    Raises:
        SubmissionError: An object is unfit.
    """
    check_objects(instances, frame=frame)
    boxes = instances.boxes.astype(np.float64)
    place = _in_camera(boxes, camera.T_camera_from_lidar if camera else _T_CAMERA_FROM_LIDAR)
    if camera is None:
        shown = np.ones(len(boxes), bool)
        ltrb_px, alpha = np.full((len(boxes), 4), -1.0), np.full(len(boxes), _NO_ANGLE)
    else:
        picture = image_boxes(boxes, camera)
        shown, ltrb_px = picture.truncation < 1, picture.ltrb_px
        alpha = wrap_angle(place[:, 3] - np.arctan2(place[:, 0], place[:, 2]))
    size_hwl = boxes[:, [5, 4, 3]]
    return [
        f"{_name(int(instances.label[k]))} -1 -1 {alpha[k]:.6f} {_spaced(ltrb_px[k], 2)} {_spaced(size_hwl[k], 6)} "
        f"{_spaced(place[k], 6)} {instances.score[k]:.6f}"
        for k in np.flatnonzero(shown)
    ]


def _in_camera(boxes: Float[np.ndarray, "k 7"], T_camera_from_lidar: Transform) -> Float[np.ndarray, "k 4"]:
    """Middle of the bottom and heading about the camera's y axis; the other way round than `boxes_in_lidar`."""
    place = T_camera_from_lidar.apply(boxes[:, :3])
    place[:, 1] += boxes[:, 5] / 2
    heading = np.stack([np.cos(boxes[:, 6]), np.sin(boxes[:, 6]), np.zeros(len(boxes))], axis=1)
    heading = heading @ T_camera_from_lidar.matrix[:3, :3].T
    return np.column_stack([place, np.arctan2(-heading[:, 2], heading[:, 0])])


def _name(label: int) -> str:
    return KITTI_NAMES.get(SemanticClass(label), "Misc")


def _spaced(values: Float[np.ndarray, "n"], decimals: int) -> str:
    return " ".join(f"{value:.{decimals}f}" for value in values)
