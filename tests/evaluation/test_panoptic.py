from __future__ import annotations

import numpy as np
import pytest

from bevseg.evaluation.panoptic import SemanticCounts, count_panoptic, count_semantic, pq_dagger
from bevseg.evaluation.scores import MatchCounts
from bevseg.results.classes import NUM_CLASSES, SemanticClass
from bevseg.results.scene import PointLabels

CAR, ROAD, NOISE = int(SemanticClass.CAR), int(SemanticClass.DRIVEABLE_SURFACE), int(SemanticClass.NOISE)
TRUCK = int(SemanticClass.TRUCK)


def labels(*runs: tuple[int, int, int]) -> PointLabels:
    """Points as runs of (class, instance, number of points)."""
    semantic = np.concatenate([np.full(n, c, np.uint8) for c, _, n in runs] or [np.zeros(0, np.uint8)])
    instance = np.concatenate([np.full(n, i, np.int32) for _, i, n in runs] or [np.zeros(0, np.int32)])
    return PointLabels(semantic, instance)


def _random(rng: np.random.Generator, points: int) -> tuple[PointLabels, PointLabels]:
    """Truth in runs, and a prediction that agrees with most of it but for borders, classes and numbers."""
    runs = [(int(rng.integers(0, NUM_CLASSES)), int(rng.integers(0, 9)), int(rng.integers(2, 60))) for _ in range(90)]
    truth = labels(*runs)
    truth = PointLabels(truth.semantic[:points], truth.instance[:points])
    shifted = np.roll(truth.instance, 3) * 7
    semantic = np.where(
        rng.random(len(truth.semantic)) < 0.15, rng.integers(0, NUM_CLASSES, len(shifted)), truth.semantic
    )
    return PointLabels(semantic.astype(np.uint8), shifted), truth


def test_perfect() -> None:
    truth = labels((ROAD, 0, 100), (CAR, 1, 30), (CAR, 2, 20))
    counts = count_panoptic(truth, truth)
    assert counts.true_positives[[ROAD, CAR]].tolist() == [1, 2]
    assert counts.pq[[ROAD, CAR]].tolist() == [1.0, 1.0]
    assert count_semantic(truth, truth).mean_iou == 1.0


def test_worked_by_hand() -> None:
    truth = labels((CAR, 1, 40), (CAR, 2, 20), (ROAD, 0, 40), (NOISE, 0, 10))
    predicted = labels((CAR, 5, 30), (ROAD, 0, 10), (CAR, 5, 20), (ROAD, 0, 40), (CAR, 6, 10))
    # Car 1: 30 shared of 40 + 50 - 30 = 60, IoU 0.5: not above. Road: 40 of 50. The noise points take no part.
    counts = count_panoptic(predicted, truth)
    assert (counts.true_positives[CAR], counts.false_positives[CAR], counts.false_negatives[CAR]) == (0, 1, 2)
    assert counts.pq[ROAD] == pytest.approx(0.8)
    semantic = count_semantic(predicted, truth)
    assert semantic.iou[CAR] == pytest.approx(50 / 60)
    assert semantic.iou[ROAD] == pytest.approx(40 / 50)
    assert np.isnan(semantic.iou[NOISE])
    assert semantic.mean_iou == pytest.approx((50 / 60 + 0.8) / 2)


def test_stuff_that_is_half_right_counts_by_half() -> None:
    truth = labels((CAR, 1, 40), (ROAD, 0, 40))
    predicted = labels((CAR, 1, 40), (ROAD, 0, 20), (TRUCK, 1, 20))
    counts, semantic = count_panoptic(predicted, truth), count_semantic(predicted, truth)
    dagger = pq_dagger(counts, semantic)
    assert dagger[[CAR, ROAD, TRUCK]].tolist() == [1.0, 0.5, 0.0]
    assert counts.pq[ROAD] == 0.0
    assert np.isnan(dagger[[NOISE, SemanticClass.BUS, SemanticClass.TERRAIN]]).all()


def test_small_segments_are_not_missed_but_may_be_found() -> None:
    truth = labels((CAR, 1, 14), (CAR, 2, 15), (ROAD, 0, 20))
    missed = count_panoptic(labels((ROAD, 0, 49)), truth)
    assert missed.false_negatives[CAR] == 1
    assert count_panoptic(truth, truth).true_positives[CAR] == 2
    assert count_panoptic(labels((ROAD, 0, 49)), truth, min_points=14).false_negatives[CAR] == 2


def test_instance_numbers_of_stuff_do_not_matter() -> None:
    truth = labels((ROAD, 0, 40))
    assert count_panoptic(labels((ROAD, 3, 20), (ROAD, 4, 20)), truth).true_positives[ROAD] == 1


def test_an_instance_of_two_classes_is_two_segments() -> None:
    truth = labels((CAR, 1, 40))
    counts = count_panoptic(labels((CAR, 1, 25), (TRUCK, 1, 15)), truth)
    assert counts.true_positives[CAR] == 1
    assert counts.iou_sum[CAR] == pytest.approx(25 / 40)
    assert counts.false_positives[TRUCK] == 1


def test_predicting_noise_is_a_miss_only() -> None:
    counts = count_panoptic(labels((NOISE, 1, 40)), labels((CAR, 1, 40)))
    assert counts.false_negatives[CAR] == 1
    assert counts.false_positives.sum() == 0


def test_numbers_may_be_large_and_sparse() -> None:
    truth = labels((CAR, 2_000_000_000, 20), (CAR, 7, 20))
    assert count_panoptic(truth, truth).true_positives[CAR] == 2


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_evaluator_of_nuscenes(seed: int) -> None:
    official = pytest.importorskip("nuscenes.eval.panoptic.panoptic_seg_evaluator", reason="needs the extra `datasets`")
    rng = np.random.default_rng(seed)
    theirs = official.PanopticEval(NUM_CLASSES, ignore=[0], min_points=15)
    panoptic, semantic = MatchCounts.zero(NUM_CLASSES), SemanticCounts.zero()
    for points in (200, 2500):
        predicted, truth = _random(rng, points)
        stuff = np.arange(NUM_CLASSES) > SemanticClass.TRUCK
        theirs.addBatch(
            predicted.semantic.astype(np.int64),
            np.where(stuff[predicted.semantic], 0, predicted.instance).astype(np.int64),
            truth.semantic.astype(np.int64),
            np.where(stuff[truth.semantic], 0, truth.instance).astype(np.int64),
        )
        panoptic += count_panoptic(predicted, truth)
        semantic += count_semantic(predicted, truth)
    assert panoptic.true_positives.sum() > 10
    assert panoptic.true_positives.tolist() == theirs.pan_tp.tolist()
    assert panoptic.false_positives.tolist() == theirs.pan_fp.tolist()
    assert panoptic.false_negatives.tolist() == theirs.pan_fn.tolist()
    assert panoptic.iou_sum == pytest.approx(theirs.pan_iou)
    assert semantic.iou[1:] == pytest.approx(theirs.getSemIoU()[1][1:])
    # As nuScenes' `NuScenesPanopticEval` puts PQ_dagger together.
    dagger = [*theirs.getPQ()[3][1 : SemanticClass.TRUCK + 1], *theirs.getSemIoU()[1][SemanticClass.TRUCK + 1 :]]
    assert pq_dagger(panoptic, semantic)[1:] == pytest.approx(np.array(dagger))


def test_merge_equals_one_pass() -> None:
    rng = np.random.default_rng(11)
    pairs = [_random(rng, 800) for _ in range(4)]
    counts = [count_panoptic(*pair) for pair in pairs]
    one_pass = sum(counts, start=MatchCounts.zero(NUM_CLASSES))
    merged = (counts[3] + counts[1]) + (counts[0] + counts[2])
    assert one_pass.true_positives.tolist() == merged.true_positives.tolist()
    assert one_pass.iou_sum == pytest.approx(merged.iou_sum)
    whole = count_semantic(
        PointLabels(*(np.concatenate([getattr(p, a) for p, _ in pairs]) for a in ("semantic", "instance"))),
        PointLabels(*(np.concatenate([getattr(t, a) for _, t in pairs]) for a in ("semantic", "instance"))),
    )
    parts = sum((count_semantic(*pair) for pair in pairs), start=SemanticCounts.zero())
    assert np.array_equal(whole.confusion, parts.confusion)


def test_no_points_and_only_noise() -> None:
    for truth in (labels(), labels((NOISE, 0, 5))):
        assert count_panoptic(truth, truth).num_truth.sum() == 0
        assert np.isnan(count_semantic(truth, truth).mean_iou)


def test_labels_of_other_points_and_negative_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="5 points expected"):
        count_panoptic(labels((CAR, 1, 4)), labels((CAR, 1, 5)))
    with pytest.raises(ValueError, match="5 points expected"):
        count_semantic(labels((CAR, 1, 4)), labels((CAR, 1, 5)))
    with pytest.raises(ValueError, match="0 or above"):
        count_panoptic(labels((CAR, -1, 5)), labels((CAR, 1, 5)))
