"""KITTI's average precision: cases worked by hand, and its development kit's loops written down once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bevseg.evaluation.kitti_ap import (
    DIFFICULTIES,
    MIN_OVERLAPS,
    ApByDifficulty,
    KittiClass,
    KittiFrame,
    kitti_average_precision,
    kitti_average_precisions,
    measure_overlaps,
    precision_at_recalls,
    score_thresholds,
)
from bevseg.evaluation.kitti_matching import CountedAt
from bevseg.evaluation.kitti_objects import KittiObjects
from bevseg.geometry.box_overlaps import footprint_areas, footprint_iou, paired_areas

SIZE = [4.0, 2.0, 1.5]


def objects(*rows: tuple[str, float, float], z: float = 0.0) -> KittiObjects:
    """Objects of one size in a row along x: name, x, score (NaN for truth)."""
    boxes = np.array([[x, 0.0, z, *SIZE, 0.0] for _, x, _ in rows]).reshape(-1, 7)
    return KittiObjects.without_picture([name for name, _, _ in rows], boxes, np.array([score for _, _, score in rows]))


def truth(*rows: tuple[str, float]) -> KittiObjects:
    return objects(*((name, x, np.nan) for name, x in rows))


def ap(frames: Sequence[KittiFrame], name: KittiClass = "Car", min_overlap: float = 0.7) -> list[float]:
    return bev(frames, name, min_overlap).ap.tolist()


def bev(frames: Sequence[KittiFrame], name: KittiClass = "Car", min_overlap: float = 0.7) -> ApByDifficulty:
    return kitti_average_precision(measure_overlaps(frames, "bev"), name, min_overlap=min_overlap)


def test_right_wrong_right() -> None:
    """Precision 1 and 2/3 at the two recalls that two objects have; KITTI leaves the first of 41 places out."""
    frame = KittiFrame(truth(("Car", 0.0), ("Car", 10.0)), objects(("Car", 0, 0.9), ("Car", 50, 0.8), ("Car", 10, 0.7)))
    assert ap([frame]) == pytest.approx([2 / 3 / 40] * 3, abs=1e-12)


def test_all_found_of_eighty() -> None:
    xs = [10.0 * k for k in range(80)]
    found = objects(*(("Car", x, 1 - x / 1e4) for x in xs))
    frames = [KittiFrame(truth(*(("Car", x) for x in xs)), found)]
    assert ap(frames) == [1.0, 1.0, 1.0]
    half = [KittiFrame(frames[0].truth, objects(*(("Car", x, 1 - x / 1e4) for x in xs[:40])))]
    # The second of the two thresholds beside recall 0, then every other one: 1/40 .. 20/40 are reached.
    assert ap(half) == pytest.approx([20 / 40] * 3)
    wrong = objects(*(("Car", x, 1 - x / 1e4) for x in xs), *(("Car", x + 5, 1 - x / 1e4) for x in xs))
    assert ap([KittiFrame(frames[0].truth, wrong)])[0] == pytest.approx(0.5, abs=0.02)


def test_the_overlap_has_to_be_exceeded() -> None:
    # Shifted by a quarter of its length a box shares 3 of 5 parts: IoU 0.6.
    frames = [
        KittiFrame(
            truth(*(("Car", 10.0 * k) for k in range(80))), objects(*(("Car", 10.0 * k + 1, 0.5) for k in range(80)))
        )
    ]
    assert ap(frames, min_overlap=0.7) == [0.0, 0.0, 0.0]
    assert ap(frames, min_overlap=0.5) == [1.0, 1.0, 1.0]


def test_from_above_and_in_3d() -> None:
    xs = [10.0 * k for k in range(80)]
    frame = KittiFrame(truth(*(("Car", x) for x in xs)), objects(*(("Car", x, 0.5) for x in xs), z=0.5))
    assert ap([frame]) == [1.0, 1.0, 1.0]
    volume = kitti_average_precision(measure_overlaps([frame], "3d"), "Car", min_overlap=0.7)  # IoU 1 / 2
    assert volume.ap.tolist() == [0.0, 0.0, 0.0]
    assert volume.num_truth.tolist() == [80, 80, 80]


def _with_one_more(name: str, x: float, score: float) -> KittiFrame:
    """Eighty cars, all found, and one detection more, whose score is above all."""
    xs = [10.0 * k for k in range(80)]
    return KittiFrame(
        truth(*(("Car", at) for at in xs), (name, 2000.0)),
        objects(("Car", x, score), *(("Car", at, 0.9 - at / 1e4) for at in xs)),
    )


@pytest.mark.parametrize(
    ("name", "x", "harmless"),
    [("Van", 2000.0, True), ("DontCare", 2000.5, True), ("Truck", 2000.0, False), ("DontCare", 2003.0, False)],
)
def test_neighbours_and_dont_care_regions_excuse(name: str, x: float, harmless: bool) -> None:
    assert (ap([_with_one_more(name, x, 0.95)])[0] == 1.0) is harmless


def test_difficulties_leave_out_what_is_small_hidden_or_cut_off() -> None:
    xs = [10.0 * k for k in range(80)]
    seen = truth(*(("Car", x) for x in xs))
    seen = replace(
        seen,
        image_height_px=np.where(np.arange(80) < 10, 30.0, 60.0),
        occlusion=np.where(np.arange(80) < 20, 2.0, 0.0),
        truncation=np.where(np.arange(80) < 30, 0.2, 0.0),
    )
    frames = [KittiFrame(seen, objects(*(("Car", x, 0.5) for x in xs)))]
    result = bev(frames)
    assert result.num_truth.tolist() == [50, 60, 80]
    assert (result.ap > 0.97).all()
    none = bev([KittiFrame(seen, objects())])
    assert none.ap.tolist() == [0.0, 0.0, 0.0]


def test_detections_that_are_too_small_are_neither_right_nor_wrong() -> None:
    frame = _with_one_more("Truck", 3000.0, 0.95)
    heights = np.full(81, 60.0)
    heights[0] = 30.0
    found = replace(frame.found, image_height_px=heights)
    easy, moderate, _ = ap([KittiFrame(frame.truth, found)])
    assert easy == 1.0
    assert moderate < 1.0


def test_nothing_to_find_is_no_figure() -> None:
    frames = [KittiFrame(truth(("Truck", 0.0)), objects(("Car", 0.0, 0.5)))]
    result = kitti_average_precision(measure_overlaps(frames, "3d"), "Car", min_overlap=0.7)
    assert np.isnan(result.ap).all()
    assert result.num_truth.tolist() == [0, 0, 0]
    assert np.isnan(bev([]).ap).all()


def test_all_figures() -> None:
    figures = kitti_average_precisions([_with_one_more("Pedestrian", 2000.0, 0.95)])
    assert [(figure.name, figure.metric, figure.min_overlap) for figure in figures] == [
        (name, metric, overlap) for name, both in MIN_OVERLAPS.items() for metric in ("bev", "3d") for overlap in both
    ]


def test_thresholds_and_precision() -> None:
    assert score_thresholds(np.array([0.2, 0.9]), 2).tolist() == [0.9, 0.2]
    assert len(score_thresholds(np.linspace(0, 1, 500), 500)) == 41
    assert len(score_thresholds(np.linspace(0, 1, 250), 500)) == 21
    curve = CountedAt(np.array([1, 1, 3]), np.array([0, 1, 1]))
    precision = precision_at_recalls(curve)
    assert precision[:4].tolist() == [1.0, 0.75, 0.75, 0.0]
    assert precision_at_recalls(CountedAt(np.array([0]), np.array([0]))).sum() == 0


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_loops_of_the_development_kit(seed: int) -> None:
    frames = [_random_frame(np.random.default_rng(100 * seed + k)) for k in range(12)]
    for name in ("Car", "Pedestrian"):
        ours = bev(frames, name, 0.5)
        by_loops = [_by_loops(frames, name, 0.5, level) for level in range(3)]
        np.testing.assert_allclose(ours.ap, by_loops, rtol=0, atol=1e-12)


def _random_frame(rng: np.random.Generator) -> KittiFrame:
    """A crowd: several detections for one object, objects that overlap, all kinds of roles, equal scores."""
    kinds = ["Car", "Van", "Pedestrian", "Person_sitting", "Truck", "DontCare"]

    def crowd(k: int) -> KittiObjects:
        boxes = np.column_stack([rng.uniform(0, 8, (k, 2)), np.zeros(k), np.tile(SIZE, (k, 1)), rng.uniform(0, 3, k)])
        some = KittiObjects.without_picture(rng.choice(kinds, k, p=[0.4, 0.1, 0.25, 0.1, 0.05, 0.1]).tolist(), boxes)
        return replace(
            some,
            image_height_px=rng.uniform(15, 90, k).round(),
            occlusion=rng.integers(0, 4, k).astype(np.float64),
            truncation=rng.uniform(0, 0.6, k),
        )

    seen = crowd(int(rng.integers(0, 12)))
    found = crowd(int(rng.integers(0, 5)))
    near = seen.boxes + rng.normal(0, 0.2, seen.boxes.shape) * [1, 1, 0, 0, 0, 0, 0.5]
    boxes = np.concatenate([found.boxes, near])
    names = [*found.names, *(str(rng.choice(["Car", "Pedestrian"])) if rng.random() < 0.3 else n for n in seen.names)]
    score = rng.uniform(0, 1, len(boxes)).round(1)
    heights = np.concatenate([found.image_height_px, seen.image_height_px])
    return KittiFrame(seen, replace(KittiObjects.without_picture(names, boxes, score), image_height_px=heights))


def _by_loops(frames: list[KittiFrame], name: str, min_overlap: float, level: int) -> float:
    """`eval_class` for the view from above, step by step."""
    difficulty, neighbour = DIFFICULTIES[level], {"Car": "Van", "Pedestrian": "Person_sitting"}[name]
    scores: list[float] = []
    roles, num_truth = [], 0
    for frame in frames:
        ignored_gt = []
        for k, kind in enumerate(frame.truth.names):
            ignore = (
                frame.truth.occlusion[k] > difficulty.max_occlusion
                or frame.truth.truncation[k] > difficulty.max_truncation
                or frame.truth.image_height_px[k] <= difficulty.min_height_px
            )
            ignored_gt.append(0 if kind == name and not ignore else 1 if kind in (name, neighbour) else -1)
        small = frame.found.image_height_px < difficulty.min_height_px
        ignored_det = [1 if small[j] else 0 if kind == name else -1 for j, kind in enumerate(frame.found.names)]
        num_truth += ignored_gt.count(0)
        roles.append((ignored_gt, ignored_det))
        scores += _statistics(frame, ignored_gt, ignored_det, min_overlap, None)[0]
    if not num_truth:
        return float("nan")
    thresholds = score_thresholds(np.array(scores), num_truth)
    precision = np.zeros(41)
    for place, threshold in enumerate(thresholds.tolist()):
        counts = [_statistics(f, *r, min_overlap, threshold)[1:] for f, r in zip(frames, roles, strict=True)]
        right, wrong = np.sum(counts, axis=0)
        precision[place] = right / (right + wrong) if right + wrong else 0.0
    for place in range(41):
        precision[place] = precision[place:].max()
    return float(precision[1:].sum() / 40)


def _statistics(
    frame: KittiFrame, ignored_gt: list[int], ignored_det: list[int], min_overlap: float, threshold: float | None
) -> tuple[list[float], int, int]:
    """`computeStatistics`: the scores of what was found (without a threshold), right and wrong detections (with)."""
    overlap = footprint_iou(frame.truth.boxes, frame.found.boxes)
    score = frame.found.score
    assigned = [False] * len(score)
    below = [threshold is not None and s < threshold for s in score]
    scores: list[float] = []
    for i, ignored in enumerate(ignored_gt):
        if ignored == -1:
            continue
        chosen, best, is_small = -1, 0.0, False
        for j, role in enumerate(ignored_det):
            if role == -1 or assigned[j] or below[j] or not overlap[i, j] > min_overlap:
                continue
            if threshold is None:
                if chosen < 0 or score[j] > score[chosen]:
                    chosen = j
            elif role == 0 and (overlap[i, j] > best or is_small):
                chosen, best, is_small = j, float(overlap[i, j]), False
            elif role == 1 and chosen < 0:
                chosen, is_small = j, True
        if chosen >= 0:
            assigned[chosen] = True
            if ignored == 0 and ignored_det[chosen] == 0:
                scores.append(float(score[chosen]))
    regions = frame.truth.boxes[[name == "DontCare" for name in frame.truth.names]]
    a, b = np.repeat(regions, len(score), axis=0), np.tile(frame.found.boxes, (len(regions), 1))
    inside = (paired_areas(a, b) / footprint_areas(b)).reshape(len(regions), len(score))
    excused = (inside > min_overlap).any(axis=0)
    wrong = [j for j, role in enumerate(ignored_det) if role == 0 and not (assigned[j] or below[j] or excused[j])]
    return scores, len(scores), len(wrong)
