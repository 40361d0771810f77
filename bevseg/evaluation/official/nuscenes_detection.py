"""nuScenes' own evaluator of detections: mean AP, the errors of what was found, and the nuScenes detection score.

Source: Caesar et al., "nuScenes", CVPR 2020; configuration `detection_cvpr_2019` of nuscenes-devkit. The means run over
all ten classes: one that the split lacks counts as an AP of 0 and as errors of 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class NuScenesDetectionScores:
    """What the official evaluator says of a submission.

    Attributes:
        mean_ap: Mean over classes and over the distances 0.5, 1, 2 and 4 m of the average precision, 0..1.
        nd_score: nuScenes detection score: (5 mean AP + sum of (1 - error, at least 0)) / 10.
        tp_errors: Mean errors of what was found, smaller is better: `trans_err` in metres, `scale_err` as 1 - IoU,
            `orient_err` in radians, `vel_err` in m/s, `attr_err` as a share.
        class_ap: Average precision of each class, mean over the distances.
        class_errors: The errors of each class; NaN where they are not defined (the heading of a cone).
    """

    mean_ap: float
    nd_score: float
    tp_errors: Mapping[str, float]
    class_ap: Mapping[str, float]
    class_errors: Mapping[str, Mapping[str, float]]


def score_nuscenes_detections(dataset: Path, submission: Path, *, version: str, split: str) -> NuScenesDetectionScores:
    """Scores a submission on one split of a dataset in the nuScenes schema.

    Args:
        dataset: The devkit's `dataroot`.
        submission: The JSON, which names every sample of the split.
        version: Folder of the tables in `dataset`, "v1.0-trainval" say.
        split: "val", "mini_val" or another that the devkit or the dataset's `splits.json` knows.

    Raises:
        ModuleNotFoundError: The extra `datasets` is not installed.
        AssertionError: The devkit's: no such dataset or submission, or samples that do not fit the split.
    """
    from nuscenes import NuScenes
    from nuscenes.eval.common.config import config_factory
    from nuscenes.eval.detection.evaluate import DetectionEval

    nusc = NuScenes(version, str(dataset), verbose=False)
    config = config_factory("detection_cvpr_2019")
    # Its progress bar goes to stderr, whatever one asks for.
    with TemporaryDirectory() as scratch, redirect_stderr(StringIO()):
        evaluator = DetectionEval(nusc, config, str(submission), split, scratch, verbose=False)
        scores = evaluator.evaluate()[0].serialize()
    return NuScenesDetectionScores(
        mean_ap=float(scores["mean_ap"]),
        nd_score=float(scores["nd_score"]),
        tp_errors=_floats(scores["tp_errors"]),
        class_ap=_floats(scores["mean_dist_aps"]),
        class_errors={name: _floats(errors) for name, errors in scores["label_tp_errors"].items()},
    )


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
