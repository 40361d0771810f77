"""Scores of frames that nobody has ever seen, with all that makes a comparison hard: equal scores, absent classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.evaluation.calibration import NUM_BINS, Reliability
from bevseg.evaluation.confusion import ObjectConfusion
from bevseg.evaluation.diagnosis import Diagnosis
from bevseg.evaluation.failure_kinds import FailureKind, Failures, FrameFailures
from bevseg.evaluation.failure_tally import FailureTally, tally_frame
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS, SIMULATED, Scores
from bevseg.evaluation.ground_cells import GroundCellCounts
from bevseg.evaluation.hidden_objects import AmodalCurve, VisibleFractionError
from bevseg.evaluation.mask_ap import MaskApCounts
from bevseg.evaluation.mask_bands import BANDS
from bevseg.evaluation.mask_detections import FrameDetections
from bevseg.evaluation.mask_quality import MaskQuality
from bevseg.evaluation.mask_scores import CategoryMasks, MaskScores
from bevseg.evaluation.matching import Category, num_categories
from bevseg.evaluation.order_scores import METHODS, OrderScores
from bevseg.evaluation.ordering import OrderCounts
from bevseg.evaluation.panoptic import SemanticCounts
from bevseg.evaluation.run import EvaluatedSource, Evaluation, RunFolder, scores_path
from bevseg.evaluation.score_files import write_scores
from bevseg.evaluation.scores import MatchCounts
from bevseg.results.classes import NUM_CLASSES, ClassGroup

MakeScores = Callable[..., Scores]


@pytest.fixture(scope="session")
def make_scores() -> MakeScores:
    """Makes the scores of one frame: `make_scores(name, truth_seed, method_seed)`."""
    return _scores


def _scores(name: str, truth_seed: int, method_seed: int) -> Scores:
    """Frames of one truth seed hold the same objects, whatever the method made of them."""
    truth, rng = np.random.default_rng(truth_seed), np.random.default_rng((truth_seed, method_seed))
    groups, classes = len(ClassGroup), NUM_CLASSES
    in_group, in_class = truth.integers(0, 6, groups), truth.integers(0, 3, classes)
    in_class[[0, 3]] = 0
    segments = truth.integers(0, 3, classes) * (np.arange(classes) > 0)
    confusion = rng.integers(0, 50, (classes, classes)) * (truth.random((classes, 1)) < 0.7)
    confusion[0] = 0
    by_group, by_class = (_masks(by, n, rng, name) for by, n in (("group", in_group), ("class", in_class)))  # type: ignore[arg-type]
    return Scores(
        num_frames=1,
        without_result=(),
        objects={iou: _matches(in_group, rng) for iou in IOU_THRESHOLDS},
        objects_by_class=_matches(in_class, rng),
        confusion=ObjectConfusion.zero(),
        semantic=SemanticCounts(confusion),
        point_segments=_matches(segments, rng),
        reliability=_reliability(rng),
        diagnosis=Diagnosis(_failures(rng, name), _order(rng)),
        ground=GroundCellCounts(rng.integers(0, 9, (4, 4))),
        masks=MaskScores(by_group, by_class, frozenset(("counted",))),
        timings_ms={"total": rng.uniform(20, 200, 1)},
    )


def _matches(num_truth: np.ndarray, rng: np.random.Generator) -> MatchCounts:
    found = rng.binomial(num_truth, 0.6)
    wrong = rng.integers(0, 2, len(num_truth)) * (num_truth > 0)
    return MatchCounts(found, wrong, num_truth - found, found * rng.uniform(0.5, 1, len(num_truth)))


def _masks(by: Category, num_truth: np.ndarray, rng: np.random.Generator, name: str) -> CategoryMasks:
    """Judged predictions, half of them with one of three scores; truth in the first band alone."""
    detections = _detections(num_truth, rng, name)
    size = num_categories(by)
    return CategoryMasks(MaskApCounts(by, (detections,)), MaskApCounts(by), MaskQuality.zero(size))


def _detections(num_truth: np.ndarray, rng: np.random.Generator, name: str) -> FrameDetections:
    in_band = np.zeros((len(num_truth), len(BANDS)), np.int64)
    in_band[:, 0] = num_truth
    category = np.repeat(np.arange(len(num_truth)), rng.binomial(num_truth, 0.8) + rng.integers(0, 3, len(num_truth)))
    score = rng.random(len(category))
    score = np.where(rng.random(len(category)) < 0.5, rng.choice([0.3, 0.9, 1.0], len(category)), score)
    order = np.argsort(-score, kind="stable")
    category, score = category[order], score[order].astype(np.float32)
    reached = np.where(
        rng.random(len(category)) < 0.6, rng.integers(0, 11, len(category)), 0
    )  # thresholds it is right at
    for c in range(len(num_truth)):
        reached[np.flatnonzero(category == c)[num_truth[c] :]] = 0  # no more right ones than there is truth
    right = ((1 << reached) - 1).astype(np.uint16)
    ignored = rng.random(len(category)) < 0.1
    wrong = np.where(ignored, 0, 0x3FF & ~right).astype(np.uint16)
    columns = (np.arange(len(BANDS)) == 0).astype(np.uint16)
    return FrameDetections(
        name, category.astype(np.int8), score, right[:, None] * columns, wrong[:, None] * columns, in_band
    )


def _reliability(rng: np.random.Generator) -> Reliability:
    count = rng.integers(0, 4, (len(ClassGroup), NUM_BINS))
    return Reliability(count, rng.binomial(count, 0.5), count * rng.random(count.shape))


def _failures(rng: np.random.Generator, name: str) -> FailureTally:
    n = int(rng.integers(0, 8))
    none = np.full(n, -1)
    failures = Failures(
        kind=rng.integers(0, len(FailureKind), n),
        truth=none,
        prediction=np.arange(n),
        label=rng.choice([4, 7], n),
        xy_m=rng.uniform(-30, 30, (n, 2)),
        range_m=rng.uniform(0, 30, n),
        severity=rng.random(n),
    )
    return tally_frame(FrameFailures(failures, np.zeros(0, np.int64), np.arange(n)), name)


def _order(rng: np.random.Generator) -> OrderScores:
    pairs, edges = int(rng.integers(0, 9)), int(rng.integers(0, 9))
    stated, right = int(rng.integers(0, pairs + 1)), int(rng.integers(0, edges + 1))
    order = OrderCounts(
        pairs, pairs, stated, stated // 2, float(pairs), float(stated), edges, edges, edges, edges, right
    )
    count = rng.integers(0, 4, 4)
    error = VisibleFractionError(count, count * rng.integers(0, 8, 4) / 8, np.zeros(4))
    zero = OrderScores.zero()
    return replace(
        zero,
        num_frames=1,
        order={**zero.order, METHODS[0]: order},
        visible_fraction={**zero.visible_fraction, METHODS[0]: error},
        amodal=AmodalCurve.zero(),
    )


@pytest.fixture(scope="session")
def write_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes the folder of a run: `write_run(name, {source: numbers of its frames}, method=..., truth=..., about=...)`.

    Frame k of a source is called `<source>/<k, three digits>`; its objects depend on k and `truth` alone.
    """

    def write(
        name: str,
        sources: Mapping[str, Sequence[int]],
        *,
        method: int = 1,
        truth: int = 0,
        about: Mapping[str, object] | None = None,
    ) -> Path:
        folder = tmp_path_factory.mktemp("runs") / name
        evaluation = Evaluation(
            tuple(EvaluatedSource(source, _never, SIMULATED) for source in sources),
            _never,
            {"head": name, **(about or {})},
        )
        RunFolder(folder).begin(evaluation, [len(frames) for frames in sources.values()])
        for source, frames in sources.items():
            for place, k in enumerate(frames):
                write_scores(scores_path(folder, source, place), _scores(f"{source}/{k:03d}", k + truth, method))
        return folder

    return write


def _never() -> Any:
    raise AssertionError("a comparison opens nothing")
