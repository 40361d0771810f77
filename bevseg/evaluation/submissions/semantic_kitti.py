"""SemanticKITTI's results: for each scan a `.label` with one number a point.

    <folder>/sequences/<sequence>/predictions/<frame>.label    uint32: class in the low 16 bits, instance in the high 16

Classes are written as `CLASS_NUMBERS` has them, which cannot tell all of ours apart: barriers and cones become other
objects, trailers and construction vehicles other vehicles.

Source: Behley et al., "SemanticKITTI", ICCV 2019, and the readme of its `semantic-kitti-api`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt32

from bevseg.datasets.semantic_kitti import CLASS_NUMBERS
from bevseg.evaluation.submissions.checks import check_labels, thing_numbers
from bevseg.results.classes import NUM_CLASSES, SemanticClass
from bevseg.results.scene import PointLabels
from bevseg.whole_files import write_whole

_MOST_INSTANCES = 0xFFFF
_NUMBERS = np.array([CLASS_NUMBERS[SemanticClass(c)] for c in range(NUM_CLASSES)], np.uint32)


def write_semantic_kitti_labels(
    folder: Path, labels: PointLabels, *, sequence: str, frame: str, num_points: int
) -> Path:
    """Writes the labels of one scan.

    Args:
        folder: Of the submission.
        labels: Class and object of each point, in the order of the scan's file.
        sequence: Two digits, "08" say.
        frame: Six digits, "000000" say.
        num_points: Of the scan.

    Returns:
        The file.

    Raises:
        SubmissionError: There are more or fewer labels than points, or an instance number is beyond 65535.
    """
    packed = packed_labels(labels, num_points=num_points, frame=f"{sequence}/{frame}")
    path = folder / "sequences" / sequence / "predictions" / f"{frame}.label"
    write_whole(path, packed.astype("<u4").tobytes())
    return path


def packed_labels(labels: PointLabels, *, num_points: int, frame: str) -> UInt32[np.ndarray, "n"]:
    """Class and instance of each point in one number; only things have an instance.

    Raises:
        SubmissionError: As `write_semantic_kitti_labels`.
    """
    check_labels(labels, num_points=num_points, most_instances=_MOST_INSTANCES, frame=frame)
    packed: np.ndarray = thing_numbers(labels).astype(np.uint32) << np.uint32(16) | _NUMBERS[labels.semantic]
    return packed
