"""Our counts are those of nuScenes' own evaluator, to the integer; its tracking scores know who is who."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.evaluation.official.panoptic import (
    count_panoptic_officially,
    official_scan,
    score_panoptic_tracking,
)
from bevseg.evaluation.panoptic import count_panoptic
from bevseg.evaluation.scores import MatchCounts
from bevseg.results.classes import NUM_CLASSES, SemanticClass
from bevseg.results.scene import PointLabels
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource

pytest.importorskip("nuscenes.eval.panoptic", reason="needs the extra `datasets`")

CAR, ROAD, NOISE = int(SemanticClass.CAR), int(SemanticClass.DRIVEABLE_SURFACE), int(SemanticClass.NOISE)
TRUCK = int(SemanticClass.TRUCK)

Scan = tuple[PointLabels, PointLabels]


def labels(semantic: np.ndarray, instance: np.ndarray) -> PointLabels:
    return PointLabels(semantic.astype(np.uint8), instance)


def runs(*parts: tuple[int, int, int]) -> PointLabels:
    """Points as runs of (class, instance, number of points)."""
    semantic, instance, points = np.array(parts, np.int64).reshape(-1, 3).T
    return labels(np.repeat(semantic, points), np.repeat(instance, points))


def generated(seed: int) -> Scan:
    """A cheap scan: truth in runs, a prediction that moves borders, changes classes, merges and renumbers objects."""
    rng = np.random.default_rng(seed)
    parts = int(rng.integers(1, 40))
    semantic = np.repeat(rng.integers(0, NUM_CLASSES, parts), sizes := rng.integers(1, 60, parts))
    largest = int(rng.choice([3, 40, 5000, 70_000, 2_000_000_000]))
    instance = np.repeat(rng.integers(0, largest, parts), sizes)  # of stuff and of noise, too; shared between classes
    wrong = rng.random(len(semantic)) < rng.choice([0.0, 0.1, 0.6])
    other = np.where(wrong, rng.integers(0, NUM_CLASSES, len(semantic)), semantic)
    number = np.roll(instance, int(rng.integers(0, 9))) // int(rng.choice([1, 2]))
    kind = np.dtype(str(rng.choice(["int32", "int64", "uint32"])))
    return labels(other, number.astype(kind)), labels(semantic, instance.astype(kind))


def assert_equal(scans: list[Scan], *, min_points: int = 15) -> MatchCounts:
    ours = sum((count_panoptic(*scan, min_points=min_points) for scan in scans), start=MatchCounts.zero(NUM_CLASSES))
    official = count_panoptic_officially((official_scan(*scan) for scan in scans), min_points=min_points)
    assert ours.true_positives.tolist() == official.true_positives.tolist()
    assert ours.false_positives.tolist() == official.false_positives.tolist()
    assert ours.false_negatives.tolist() == official.false_negatives.tolist()
    np.testing.assert_allclose(ours.iou_sum, official.iou_sum, rtol=0, atol=1e-9)
    return ours


@pytest.mark.parametrize("block", range(5))
def test_five_hundred_generated_scans_one_by_one(block: int) -> None:
    counted = [assert_equal([generated(1000 * block + k)]) for k in range(100)]
    total = sum(counted, start=MatchCounts.zero(NUM_CLASSES))
    assert min(total.true_positives[1:].min(), total.false_positives[1:].min(), total.false_negatives[1:].min()) > 0


@pytest.mark.parametrize(
    ("predicted", "truth"),
    [
        (runs(), runs()),
        (runs((CAR, 1, 1)), runs((CAR, 1, 1))),
        (runs((CAR, 1, 1)), runs((NOISE, 0, 1))),
        (runs((CAR, 1, 40), (ROAD, 0, 40)), runs((NOISE, 0, 80))),
        (runs((NOISE, 0, 80)), runs((CAR, 1, 40), (ROAD, 0, 40))),
        (runs((NOISE, 7, 40), (CAR, 7, 40)), runs((CAR, 3, 80))),
        (runs((CAR, 2**31 - 2, 20), (CAR, 5, 20)), runs((CAR, 4, 20), (CAR, 2**31 - 2, 20))),
        (runs((CAR, 1, 14), (CAR, 2, 15), (ROAD, 0, 14)), runs((TRUCK, 1, 14), (TRUCK, 2, 15), (NOISE, 1, 14))),
        (runs((CAR, 1, 30), (TRUCK, 1, 30)), runs((CAR, 1, 25), (TRUCK, 1, 35))),
        (runs((ROAD, 3, 20), (ROAD, 4, 20)), runs((ROAD, 5, 40))),
        (runs((CAR, 0, 40)), runs((CAR, 1, 30), (CAR, 0, 10))),
        (runs((CAR, 1, 20), (CAR, 2, 20)), runs((CAR, 1, 40))),
    ],
    ids=[
        "empty",
        "one point",
        "one point, ignored",
        "all ignored",
        "all predicted as noise",
        "one number in noise and in a class",
        "huge numbers",
        "under the minimum of points",
        "one number in two classes",
        "stuff with numbers",
        "things without a number",
        "exactly half",
    ],
)
def test_edge_cases(predicted: PointLabels, truth: PointLabels) -> None:
    assert_equal([(predicted, truth)])
    assert_equal([(predicted, truth)], min_points=30)


def test_more_segments_than_a_table_holds() -> None:
    semantic = np.full(6000, CAR)
    scan = labels(semantic, np.arange(6000)), labels(semantic, np.arange(6000)[::-1] // 2)
    counts = assert_equal([scan], min_points=1)
    assert counts.false_positives[CAR] == 6000


def test_numbers_that_have_no_number_after_them_are_refused() -> None:
    scan = labels(np.array([CAR]), np.array([np.iinfo(np.int32).max], np.int32))
    with pytest.raises(ValueError, match="must be below 2147483647"):
        official_scan(scan, scan)


@pytest.fixture(scope="module")
def drive() -> list[PointLabels]:
    """Truth of a short drive; an object has its track id in every scan."""
    scene = SimulationConfig(seed=11, frames=4, sensors=("vlp-16",), density=(0.5, 0.5), occlusion=False, range_m=30.0)
    source, scans = DriveSource(DriveConfig(scene, rate_hz=5.0)), []
    for index in range(len(source)):
        truth = source[index].annotations
        assert truth.point_semantic is not None
        assert truth.point_instance is not None
        scans.append(PointLabels(truth.point_semantic, np.concatenate([[0], truth.track_id])[truth.point_instance]))
    return scans


def test_simulated_scans(drive: list[PointLabels]) -> None:
    rng = np.random.default_rng(3)
    scans = []
    for truth in drive:
        wrong = rng.random(len(truth.semantic)) < 0.2
        semantic = np.where(wrong, rng.integers(0, NUM_CLASSES, len(wrong), dtype=np.uint8), truth.semantic)
        scans.append((PointLabels(semantic, truth.instance // 2), truth))
    counts = assert_equal(scans)
    assert counts.true_positives[CAR] > 0
    assert counts.false_negatives.sum() > 10


def test_tracking_finds_the_truth_perfect(drive: list[PointLabels]) -> None:
    scores = score_panoptic_tracking([[(scan, scan) for scan in drive]])
    occur = set(np.unique(np.concatenate([scan.semantic for scan in drive]))) - {NOISE}
    assert scores.tq == pytest.approx(1.0)
    assert scores.association == pytest.approx(1.0)
    assert scores.mean_iou == pytest.approx(len(occur) / (NUM_CLASSES - 1))
    assert scores.pq == pytest.approx(len(occur) / (NUM_CLASSES - 1))
    assert scores.pat == pytest.approx(2 * scores.pq / (scores.pq + 1))
    assert scores.lstq == pytest.approx(np.sqrt(scores.mean_iou))


def test_tracking_sees_swapped_identities(drive: list[PointLabels]) -> None:
    """In every other scan the numbers are dealt out anew: segments stay perfect, tracks do not."""
    largest = max(int(scan.instance.max()) for scan in drive)
    dealt = [
        replace(
            scan, instance=np.where((scan.instance > 0) & bool(number % 2), largest + 1 - scan.instance, scan.instance)
        )
        for number, scan in enumerate(drive)
    ]
    kept = score_panoptic_tracking([[(scan, scan) for scan in drive]])
    swapped = score_panoptic_tracking([list(zip(dealt, drive, strict=True))])
    assert swapped.pq == pytest.approx(kept.pq)
    assert swapped.mean_iou == pytest.approx(kept.mean_iou)
    assert swapped.tq < 0.8
    assert swapped.pat < kept.pat - 0.05
    assert swapped.association < 0.8
    assert swapped.lstq < kept.lstq - 0.05


def test_two_drives_may_use_the_same_numbers(drive: list[PointLabels]) -> None:
    scans = [(scan, scan) for scan in drive]
    both = score_panoptic_tracking([scans[:2], scans[2:]])
    assert both.tq == pytest.approx(1.0)


def test_tracking_needs_an_object_and_numbers_that_fit(drive: list[PointLabels]) -> None:
    road = runs((ROAD, 0, 50))
    with pytest.raises(ValueError, match="needs a true object of more than 15 points"):
        score_panoptic_tracking([[(road, road)]])
    with pytest.raises(ValueError, match="true object"):
        score_panoptic_tracking([])
    huge = runs((CAR, 1 << 20, 50))
    with pytest.raises(ValueError, match=r"within 0\.\.1048575, got 1048576"):
        score_panoptic_tracking([[(huge, huge)]])
