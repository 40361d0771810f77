"""The figures of official evaluators for an evaluated part of a dataset, from the files that were written for it.

* nuScenes detection: by the devkit, from `detections.json`, where whole splits were evaluated.
* nuScenes panoptic: by our own counts, which equal those of the devkit's `PanopticEval`; the means run over all sixteen
  classes as the devkit's do, so that one which does not occur counts as 0.
* KITTI AP R40: from the text files and KITTI's labels, by `bevseg.evaluation.kitti_ap`.

What is left out is said in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from bevseg.evaluation.frame_scores import Scores
from bevseg.evaluation.kitti_ap import DIFFICULTIES, KittiFrame, kitti_average_precisions
from bevseg.evaluation.kitti_objects import read_kitti_labels, read_kitti_results
from bevseg.evaluation.official.nuscenes_detection import NuScenesDetectionScores, score_nuscenes_detections
from bevseg.evaluation.official.panoptic import PanopticTrackingScores
from bevseg.evaluation.panoptic import pq_dagger
from bevseg.evaluation.submissions.writers import EvaluatedPart, SubmissionWriter
from bevseg.results.classes import SemanticClass

Figures = Mapping[str, float]

_TP_ERRORS = {
    "trans_err": "mATE", "scale_err": "mASE", "orient_err": "mAOE", "vel_err": "mAVE", "attr_err": "mAAE",
}  # fmt: skip


class _NoSplitError(ValueError):
    """The official evaluator scores whole splits alone."""


@dataclass(frozen=True)
class OfficialScores:
    """What official evaluators say.

    Attributes:
        figures: By the name of the evaluator, then by that of the figure; NaN where there is nothing to measure.
        left_out: A sentence for each evaluator that could not be asked.
    """

    figures: Mapping[str, Figures] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def official_scores(writer: SubmissionWriter, scores: Scores) -> OfficialScores:
    """Asks the evaluators of the dataset.

    Args:
        writer: Whose files of all frames are complete.
        scores: What was counted in these frames.

    Raises:
        ModuleNotFoundError: The extra `datasets` is not installed.
        DatasetError: A file of truth or of results cannot be read.
    """
    match writer.part.kind:
        case "nuscenes":
            return _nuscenes(writer, scores)
        case "kitti-object" | "kitti-object-folder":
            return OfficialScores({"KITTI AP R40": _kitti(writer, scores.num_frames)})
        case _:
            return OfficialScores()


def _nuscenes(writer: SubmissionWriter, scores: Scores) -> OfficialScores:
    figures: dict[str, Figures] = {}
    left_out = []
    try:
        figures["nuScenes detection"] = _detection(_score_whole_split(writer))
    except (_NoSplitError, AssertionError) as error:  # the devkit's, of what it refuses to score
        left_out.append(f"nuScenes detection is left out: {error}")
    if scores.point_segments.num_truth.any():
        figures["nuScenes panoptic"] = _panoptic(scores)
    return OfficialScores(figures, tuple(left_out))


def _score_whole_split(writer: SubmissionWriter) -> NuScenesDetectionScores:
    part = writer.part
    if part.split is None:
        raise _NoSplitError("the scenes that were evaluated are no split of the set, choose one with --split")
    return score_nuscenes_detections(part.path, writer.detections, version=part.version, split=part.split)


def _detection(found: NuScenesDetectionScores) -> Figures:
    return {
        "NDS": found.nd_score,
        "mAP": found.mean_ap,
        **{name: found.tp_errors[error] for error, name in _TP_ERRORS.items()},
        **{f"AP {name}": ap for name, ap in found.class_ap.items()},
    }


def _panoptic(scores: Scores) -> Figures:
    segments, semantic = scores.point_segments, scores.semantic
    return {
        "PQ": _official_mean(segments.pq),
        "SQ": _official_mean(segments.sq),
        "RQ": _official_mean(segments.f1),
        "PQ-dagger": _official_mean(pq_dagger(segments, semantic)),
        "mIoU": _official_mean(semantic.iou),
        **{f"PQ {c.label}": float(segments.pq[c]) for c in SemanticClass if c},
    }


def tracking_figures(found: PanopticTrackingScores) -> Figures:
    """By the names that nuScenes gives them."""
    return {
        "PAT": found.pat,
        "PQ": found.pq,
        "TQ": found.tq,
        "LSTQ": found.lstq,
        "S_assoc": found.association,
        "mIoU": found.mean_iou,
    }


def _official_mean(by_class: Float[np.ndarray, "category"]) -> float:
    """Over all classes but noise; what does not occur is 0."""
    return float(np.nan_to_num(by_class[1:]).mean())


def _kitti(writer: SubmissionWriter, num_frames: int) -> Figures:
    labels = _label_folder(writer.part)
    frames = [
        KittiFrame(read_kitti_labels(labels / name), read_kitti_results(writer.kitti_results / name))
        for name in (Path(file).name for head in writer.frames(num_frames) for file in head.files)
    ]
    return {
        f"{ap.name} {ap.metric} {ap.min_overlap:g} {level.name}": float(ap.ap[k])
        for ap in kitti_average_precisions(frames)
        for k, level in enumerate(DIFFICULTIES)
    }


def _label_folder(part: EvaluatedPart) -> Path:
    return part.path / "label_2" if part.kind == "kitti-object-folder" else part.path / "training" / "label_2"
