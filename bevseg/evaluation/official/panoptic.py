"""nuScenes' own evaluators of panoptic labels, for single scans and for drives.

Both come from nuscenes-devkit (`nuscenes.eval.panoptic`) and are given what a submission would hold, see
`official_scan`. Their means run over all sixteen classes: one that a drive lacks counts as 0, so that even the truth
falls short of 1 in `pq`, `pat`, `mean_iou` and `lstq` unless every class occurs.

Source: Fong et al., "Panoptic nuScenes", RA-L 2022 (PAT); Aygün et al., "4D Panoptic LiDAR Segmentation", CVPR 2021
(LSTQ).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Integer

from bevseg.evaluation.panoptic import MIN_POINTS
from bevseg.evaluation.scores import MatchCounts
from bevseg.results.classes import NUM_CLASSES, STUFF_CLASSES
from bevseg.results.scene import PointLabels

_IS_STUFF = np.isin(np.arange(NUM_CLASSES), STUFF_CLASSES)
_STRIDE = 1 << 20
"""Between the ids of two classes of a drive; a submission has 1000, which makes no difference to the scores."""


class OfficialScan(NamedTuple):
    """The labels of one scan as `PanopticEval.addBatchPanoptic` takes them: class and instance number of each point."""

    predicted_semantic: Integer[np.ndarray, "n"]
    predicted_instance: Integer[np.ndarray, "n"]
    true_semantic: Integer[np.ndarray, "n"]
    true_instance: Integer[np.ndarray, "n"]


@dataclass(frozen=True)
class PanopticTrackingScores:
    """What nuScenes' `PanopticTrackingEval` says of one drive or more; each 0..1, more is better.

    Attributes:
        pat: Panoptic tracking, the harmonic mean of `pq` and `tq`.
        pq: Panoptic quality of the single scans, mean over all classes.
        tq: Tracking quality: how long and how steadily objects keep their id, mean over the true objects.
        lstq: Geometric mean of `association` and `mean_iou`.
        association: Share of the points of an object that keep its id over the drive, mean over the true objects.
        mean_iou: Of the classes of points.
    """

    pat: float
    pq: float
    tq: float
    lstq: float
    association: float
    mean_iou: float


def official_scan(predicted: PointLabels, truth: PointLabels) -> OfficialScan:
    """Labels as a submission has them: no stuff has an instance number. The types of the arrays stay.

    Raises:
        ValueError: An instance number is so large that its type has no number after it, which the evaluator needs.
    """
    return OfficialScan(predicted.semantic, _thing_instance(predicted), truth.semantic, _thing_instance(truth))


def count_panoptic_officially(scans: Iterable[OfficialScan], *, min_points: int = MIN_POINTS) -> MatchCounts:
    """What nuScenes' `PanopticEval` counts over scans.

    Raises:
        ModuleNotFoundError: The extra `datasets` is not installed.
    """
    from nuscenes.eval.panoptic.panoptic_seg_evaluator import PanopticEval

    evaluator = PanopticEval(NUM_CLASSES, ignore=[0], min_points=min_points)
    for scan in scans:
        evaluator.addBatchPanoptic(*scan)
    return MatchCounts(evaluator.pan_tp, evaluator.pan_fp, evaluator.pan_fn, evaluator.pan_iou)


def score_panoptic_tracking(
    drives: Iterable[Iterable[tuple[PointLabels, PointLabels]]], *, min_points: int = MIN_POINTS
) -> PanopticTrackingScores:
    """What nuScenes' `PanopticTrackingEval` says of drives, each given as its scans in the order of time.

    Args:
        drives: For each scan the predicted and the true labels; an instance number is the same object all through a
            drive, and below 2^20.
        min_points: Points below which an object of a scan is not looked for.

    Raises:
        ModuleNotFoundError: The extra `datasets` is not installed.
        ValueError: No true object has more than `min_points` points in any scan, or a number is too large.
    """
    from nuscenes.eval.panoptic.panoptic_track_evaluator import PanopticTrackingEval

    evaluator = PanopticTrackingEval(NUM_CLASSES, int(STUFF_CLASSES[0]), ignore=[0], min_points=min_points)
    for number, scans in enumerate(drives):
        # Semantic and instance, predicted and true, each with the scan before; the evaluator marks the earlier ones.
        rows: list[list[np.ndarray | None]] = [[None], [None], [None], [None]]
        for predicted, truth in scans:
            now = _drive_scan(official_scan(predicted, truth))
            rows = [[row[-1], labels] for row, labels in zip(rows, now, strict=True)]
            evaluator.add_batch(f"drive-{number}", *rows)
    if not any(gts for drive in evaluator.instance_gts.values() for gts in drive):
        raise ValueError(f"tracking needs a true object of more than {min_points} points in some scan, found none")
    return _scores_of(evaluator)


def _thing_instance(labels: PointLabels) -> Integer[np.ndarray, "n"]:
    instance = labels.instance
    if instance.max(initial=0) == np.iinfo(instance.dtype).max:
        raise ValueError(f"instance numbers of type {instance.dtype} must be below {instance.max()}, got just that")
    return np.where(_IS_STUFF[labels.semantic], 0, instance).astype(instance.dtype)


def _drive_scan(scan: OfficialScan) -> OfficialScan:
    """As in a submission for tracking, where an instance number tells its class, too."""
    p_semantic, p_instance, t_semantic, t_instance = (labels.astype(np.int64) for labels in scan)
    for instance in (p_instance, t_instance):
        if not 0 <= instance.min(initial=0) <= instance.max(initial=0) < _STRIDE:
            raise ValueError(f"instance numbers of a drive must lie within 0..{_STRIDE - 1}, got {instance.max()}")
    return OfficialScan(p_semantic, p_semantic * _STRIDE + p_instance, t_semantic, t_semantic * _STRIDE + t_instance)


def _scores_of(evaluator: Any) -> PanopticTrackingScores:
    pat, pq, tq = evaluator.get_pat()
    lstq, association = evaluator.get_lstq()
    mean_iou, _ = evaluator.getSemIoU()
    return PanopticTrackingScores(*(float(value) for value in (pat, pq, tq, lstq, association, mean_iou)))
