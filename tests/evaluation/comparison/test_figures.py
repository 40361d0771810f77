from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.evaluation.comparison.draws import choose_units, draw_weights
from bevseg.evaluation.comparison.figures import measure, weighted_quantile
from bevseg.evaluation.comparison.frame_counts import stack_frames
from bevseg.evaluation.comparison.resampled_ap import resample_ap
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.frame_scores import SIMULATED, Scores
from bevseg.evaluation.mask_tables import MEAN
from bevseg.evaluation.panoptic import pq_dagger
from bevseg.evaluation.scores import MatchCounts, mean_of_present
from bevseg.evaluation.summary import SourceScores
from bevseg.results.classes import GROUP_OF_CLASS, THING_CLASSES, ClassGroup, SemanticClass

MakeScores = Callable[..., Scores]


def _frames(make_scores: MakeScores, count: int, *, method: int = 1) -> list[Scores]:
    return [make_scores(f"s/{k:03d}", k, method) for k in range(count)]


def _slowly(frames: list[Scores], times: np.ndarray) -> dict[tuple[str, str, str], float]:
    """The figures of one draw, from whole `Scores` added up as often as each frame was drawn."""
    drawn = [frame for frame, n in zip(frames, times.astype(int), strict=True) for _ in range(n)]
    total = sum(drawn, start=Scores.zero())
    source = SourceScores("s", SIMULATED, total)
    out: dict[tuple[str, str, str], float] = {}
    in_groups, in_classes = total.masks.groups.amodal.measured, total.masks.classes.amodal.measured
    for g in ClassGroup:
        for name, value in _rates(total.objects[0.5]).items():
            out["groups", g.label, name] = value[g]
        out["groups", g.label, "F1@0.3"] = total.objects[0.3].f1[g]
        out["groups", g.label, "AP"], out["groups", g.label, "AP50"] = in_groups.ap[g, 0], in_groups.ap50[g, 0]
        out["groups", g.label, "ECE"] = total.reliability.error[g]
    things = [c for g in ClassGroup for c in THING_CLASSES if GROUP_OF_CLASS[c] == g]
    for c in things:
        for name, value in _rates(total.objects_by_class).items():
            out["classes", c.label, name] = value[c] if total.objects_by_class.num_truth[c] else np.nan
        out["classes", c.label, "AP"], out["classes", c.label, "AP50"] = in_classes.ap[c, 0], in_classes.ap50[c, 0]
    out["classes", MEAN, "AP"] = mean_of_present(in_classes.ap[things, 0])
    out["classes", MEAN, "AP50"] = mean_of_present(in_classes.ap50[things, 0])
    iou = source.point_iou()
    out["points", MEAN, "IoU"] = iou["mean"]
    out["points", MEAN, "PQ"] = mean_of_present(total.point_segments.pq)
    out["points", MEAN, "PQ†"] = mean_of_present(pq_dagger(total.point_segments, total.semantic))
    for c in (c for c in SemanticClass if c):
        out["points", c.label, "IoU"], out["points", c.label, "PQ"] = iou[c.label], total.point_segments.pq[c]
    order = total.diagnosis.order
    out["order", "depth order", "F1"] = order.order["scene"].depth.f1
    out["order", "depth order", "WHDR"] = order.order["scene"].whdr
    out["order", "who hides whom", "F1"] = order.order["scene"].occlusion.f1
    out["order", "visible fraction", "error"] = order.visible_fraction["scene"].overall
    out["ground", "ground cells", "IoU"] = mean_of_present(total.ground.iou)
    for kind in FailureKind:
        out["failures", kind.label, "number"] = total.diagnosis.failures.total[kind] * len(frames) / len(drawn)
    out["failures", "all kinds", "number"] = total.diagnosis.failures.total.sum() * len(frames) / len(drawn)
    for name, share in (("p50 ms", 0.5), ("p90 ms", 0.9)):
        out["time", "whole scan", name] = float(np.quantile(total.timings_ms["total"], share))
    return {key: float(value) for key, value in out.items()}


def _rates(counts: MatchCounts) -> dict[str, np.ndarray]:
    return {"P": counts.precision, "R": counts.recall, "F1": counts.f1, "PQ": counts.pq}


@pytest.mark.parametrize("drives", [None, [f"drive {k // 3}" for k in range(24)]])
def test_every_figure_of_every_draw_equals_whole_scores_added_up(
    make_scores: MakeScores, drives: list[str] | None
) -> None:
    frames = _frames(make_scores, 24)
    counts = stack_frames(frames)
    weights = draw_weights(choose_units(drives, np.arange(24)), 6, seed=3, source="s")
    weights = np.concatenate([np.ones((1, 24)), weights])
    measured = measure(counts, weights, tuple(ClassGroup))
    for draw, times in enumerate(weights):
        slow = _slowly(frames, times)
        fast = {(m.figure.part, m.figure.category, m.figure.measure): float(m.values[draw]) for m in measured}
        assert fast.keys() == slow.keys()
        assert fast == pytest.approx(slow, rel=1e-12, abs=1e-13, nan_ok=True)
    exact = [m for m in measured if m.figure.measure in ("AP50", "R", "number")]
    assert len({tuple(m.values) for m in exact}) > 20  # figures that tell draws apart, not all of them NaN


def test_precision_and_recall_of_a_draw_are_equal_to_the_last_bit(make_scores: MakeScores) -> None:
    """One frame, drawn again and again: all scores of one copy equal those of the next."""
    frames = _frames(make_scores, 3)
    weights = np.array([[7.0, 0.0, 0.0], [0.0, 2.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 3.0]])
    fast = resample_ap(stack_frames(frames).class_detections, weights)
    for draw, times in enumerate(weights.astype(int)):
        drawn = [frame for frame, n in zip(frames, times, strict=True) for _ in range(n)]
        slow = sum(drawn, start=Scores.zero()).masks.classes.amodal.measured
        np.testing.assert_array_equal(fast.ap50[draw], slow.precision[:, 0, 0].mean(axis=1))


def test_a_method_that_found_nothing(make_scores: MakeScores) -> None:
    frame = make_scores("s/000", 5, 1)
    detections = frame.masks.classes.amodal.frames[0]
    none = detections.category < 0
    empty = replace(
        detections,
        category=detections.category[none],
        score=detections.score[none],
        right=detections.right[none],
        wrong=detections.wrong[none],
    )
    ap = resample_ap((empty, empty), np.ones((2, 2))).ap
    truth = detections.num_truth[:, 0] > 0
    assert truth.any()
    assert (ap[:, truth] == 0).all()
    assert np.isnan(ap[:, ~truth]).all()


def test_quantiles_of_values_that_are_there_many_times() -> None:
    values = np.array([5.0, np.nan, 1.0, 3.0])
    weights = np.array([[2.0, 4.0, 1.0, 3.0], [0.0, 1.0, 0.0, 1.0], [0.0, 9.0, 0.0, 0.0]])
    q90 = weighted_quantile(values, weights, 0.9)
    assert q90[:2] == pytest.approx([np.quantile([1, 3, 3, 3, 5, 5], 0.9), 3.0])
    assert np.isnan(q90[2])
    assert np.isnan(weighted_quantile(np.array([np.nan]), np.ones((1, 1)), 0.5)).all()
