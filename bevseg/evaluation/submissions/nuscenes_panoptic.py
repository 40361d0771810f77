"""Panoptic nuScenes' results: a compressed file for each scan, with one number a point.

    <folder>/panoptic/<split>/<token>_panoptic.npz    `data`, uint16: 1000 x class + instance
    <folder>/<split>/submission.json                  the task, and what the results were made from

The class is that of the challenge, 1..16, which is ours. Things have instances 1..999; for tracking an object has the
same number in all scans of a scene. What is labelled noise is written as 0.

Source: nuscenes-devkit 1.2.0, `nuscenes/eval/panoptic/README.md`.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from jaxtyping import UInt16

from bevseg.evaluation.submissions.checks import check_labels, thing_numbers
from bevseg.evaluation.submissions.nuscenes_detection import modalities
from bevseg.results.scene import PointLabels
from bevseg.whole_files import write_whole

_INSTANCES_A_CLASS = 1000


def write_nuscenes_panoptic(folder: Path, labels: PointLabels, *, split: str, token: str, num_points: int) -> Path:
    """Writes the labels of one scan.

    Args:
        folder: Of the submission; the evaluator's `results_folder`.
        labels: Class and object of each point, in the order of the scan's file.
        split: "val", "test", "mini_val", ...
        token: nuScenes' token of the scan (`sample_data`, not `sample`).
        num_points: Of the scan.

    Returns:
        The file.

    Raises:
        SubmissionError: There are more or fewer labels than points, or an instance number is beyond 999.
    """
    archive = io.BytesIO()
    np.savez_compressed(archive, data=panoptic_codes(labels, num_points=num_points, frame=token))
    path = folder / "panoptic" / split / f"{token}_panoptic.npz"
    write_whole(path, archive.getvalue())
    return path


def write_panoptic_task(folder: Path, *, split: str, uses_external_data: bool = True) -> Path:
    """Writes what a submission says of itself: labels of single scans, whose objects have no identity over time.

    Returns:
        The file.
    """
    path = folder / split / "submission.json"
    meta = {"task": "segmentation", **modalities(uses_external_data)}
    write_whole(path, json.dumps({"meta": meta}).encode())
    return path


def panoptic_codes(labels: PointLabels, *, num_points: int, frame: str) -> UInt16[np.ndarray, "n"]:
    """1000 x class + instance of each point; only things have an instance.

    Raises:
        SubmissionError: As `write_nuscenes_panoptic`.
    """
    check_labels(labels, num_points=num_points, most_instances=_INSTANCES_A_CLASS - 1, frame=frame)
    codes = labels.semantic.astype(np.uint16) * np.uint16(_INSTANCES_A_CLASS)
    return codes + thing_numbers(labels).astype(np.uint16)
