"""Held against pycocotools: the same frames, written as COCO truth and results, must give the same curves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bevseg.datasets.sample import Annotations, LabelledView
from bevseg.evaluation.mask_ap import MaskAp, MaskApCounts
from bevseg.evaluation.mask_bands import BANDS, FrameBands, Traits
from bevseg.evaluation.mask_detections import FrameDetections, detect_frame
from bevseg.evaluation.matching import (
    ANYTHING,
    EVALUATION_GRID,
    Category,
    FrameMasks,
    FrameOverlaps,
    MatchRule,
    categories_of,
    measure_overlaps,
    num_categories,
)
from bevseg.evaluation.regrid import masks_on_grid
from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.truth import observed_truth
from bevseg.occlusion.visibility import VisibilityMapper
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.rle import encode_masks
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import simulate_frame

GRID = BevGrid(-3.0, -6.0, 0.2, 90, 60)
RULE = MatchRule(min_points=5, max_range_m=13.0, grid=GRID)
CAR, NOISE, WALL = SemanticClass.CAR, SemanticClass.NOISE, SemanticClass.MANMADE
LABELS = (CAR, CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN, SemanticClass.BICYCLE)
FAR, NOWHERE = 1e9, 1e12
"""End of COCO's largest area range, and an area beyond it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, ready to be judged by either side."""

    name: str
    overlaps: FrameOverlaps
    masks: FrameMasks
    predictions: Traits
    truth: Traits

    @classmethod
    def of(cls, name: str, instances: Instances, annotations: Annotations, *, rule: MatchRule = RULE) -> Frame:
        masks = FrameMasks.amodal(instances, annotations, rule.grid)
        return cls(
            name,
            measure_overlaps(instances, annotations, rule=rule, masks=masks),
            masks,
            Traits.of(instances.boxes, masks.predicted, instances.visible_fraction),
            Traits.of(annotations.boxes, masks.true, annotations.visible_fraction),
        )

    def judged(self, by: Category, *, max_detections: int = 100) -> FrameDetections:
        bands = FrameBands.of(self.predictions, self.truth)
        return detect_frame(self.overlaps, bands, frame=self.name, by=by, max_detections=max_detections)


def counts_of(frames: Sequence[Frame], by: Category, *, max_detections: int = 100) -> MaskApCounts:
    return MaskApCounts(by, tuple(frame.judged(by, max_detections=max_detections) for frame in frames))


def boxes_of(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes side by side or on top of each other, some reaching over the edge of the grid."""
    boxes = np.zeros((count, 7), np.float32)
    boxes[:, 0] = rng.integers(-3, 15, count)
    boxes[:, 1] = rng.integers(-6, 6, count)
    boxes[:, 3:5] = rng.choice([[4.0, 2.0], [0.6, 0.6], [1.8, 0.6], [9.0, 2.6], [1.0, 1.0]], count)
    boxes[:, 5] = 1.6
    boxes[:, 6] = rng.choice([0.0, np.pi / 2, 0.3], count)
    return boxes


def truth_of(rng: np.random.Generator, count: int) -> Annotations:
    """Counted truth, truth of few points, don't-care, noise, walls; fractions known or not."""
    label = np.where(rng.random(count) < 0.15, rng.choice([NOISE, WALL], count), rng.choice(LABELS, count))
    view = LabelledView(half_angle_rad=2.5)
    made = Annotations.from_boxes(
        PointCloud.empty(), boxes_of(rng, count), label, ignored=(label == WALL) | (rng.random(count) < 0.1), view=view
    )
    fraction = np.where(rng.random(count) < 0.2, np.nan, rng.choice([0.1, 0.4, 0.6, 0.8, 1.0], count))
    return replace(made, num_points=rng.integers(3, 30, count), visible_fraction=fraction.astype(np.float32))


def found_in(rng: np.random.Generator, truth: Annotations, count: int) -> Instances:
    """Predictions near the truth, some of them twice, with ragged masks, few different scores, and wrong classes."""
    boxes, label = boxes_of(rng, count), rng.choice(LABELS, count).astype(np.int64)
    if len(truth):
        near = np.flatnonzero(rng.random(count) < 0.8)
        object_ = rng.integers(0, len(truth), len(near))
        boxes[near] = truth.boxes[object_]
        known = (rng.random(len(near)) < 0.8) & np.isin(truth.label[object_], LABELS)
        label[near[known]] = truth.label[object_[known]]
        boxes[:, :2] += rng.choice([0.0, 0.0, 0.2, 0.5], (count, 2)).astype(np.float32)
    masks = footprint_masks(boxes, GRID)
    found = Instances.from_detections(
        label=label,
        score=rng.choice([0.2, 0.5, 0.5, 0.9, 0.93], count),
        boxes=boxes,
        velocity_mps=np.full((count, 2), np.nan),
        amodal=masks.where(rng.random(len(masks.cells)) > rng.choice([0.0, 0.1, 0.3])),
    )
    fraction = np.where(rng.random(count) < 0.2, np.nan, rng.random(count)).astype(np.float32)
    return replace(found, visible_fraction=fraction)


def scene(seed: int) -> list[Frame]:
    """Eight frames, three of them without predictions, without truth, and without either."""
    rng = np.random.default_rng(seed)
    frames = []
    for index in range(8):
        truth = truth_of(rng, 0 if index in (3, 5) else int(rng.integers(1, 20)))
        found = found_in(rng, truth, 0 if index in (4, 5) else int(rng.integers(1, 30)))
        frames.append(Frame.of(f"{index:02d}", found, truth))
    return frames


def _in_memory(images: list[Any], annotations: list[Any], categories: list[int]) -> COCO:
    coco = COCO()
    coco.dataset = {"images": images, "annotations": annotations, "categories": [{"id": c} for c in categories]}
    coco.createIndex()
    return coco


def _coco_truth(frame: Frame, image: int, by: Category, area: np.ndarray) -> list[dict[str, Any]]:
    category = categories_of(frame.overlaps.truth_label, by)
    rles = encode_masks(frame.masks.true)
    return [
        {"image_id": image, "category_id": c, "segmentation": rles[k], "area": area[k], "iscrowd": int(not counted)}
        for k, counted in enumerate(frame.overlaps.truth_counted.tolist())
        for c in (range(num_categories(by)) if category[k] == ANYTHING else [int(category[k])])
        if c >= 0
    ]


def _coco_results(frame: Frame, image: int, by: Category, area: np.ndarray) -> list[dict[str, Any]]:
    category = categories_of(frame.overlaps.prediction_label, by)
    area = np.where(frame.overlaps.prediction_outside, NOWHERE, area)
    return [
        {"image_id": image, "category_id": int(c), "segmentation": rle, "area": a, "iscrowd": 0, "score": float(s)}
        for c, rle, a, s in zip(
            category, encode_masks(frame.masks.predicted), area, frame.overlaps.prediction_score, strict=True
        )
    ]


@dataclass(frozen=True)
class Reference:
    """Curves of pycocotools for the bands of one trait, in the axes of `MaskAp`, -1 where there is no truth."""

    precision: np.ndarray
    recall: np.ndarray


def pycocotools_says(
    frames: Sequence[Frame], by: Category, trait: str, *, unknown: bool = False, max_detections: int = 100
) -> Reference:
    """Writes the trait as the annotations' "area", by which COCO sorts them into ranges."""
    truth, results = [], []
    for image, frame in enumerate(frames):
        areas = [traits.value(trait).astype(np.float64) for traits in (frame.truth, frame.predictions)]  # type: ignore[arg-type]
        if trait == "visibility":
            areas[0] = np.where(np.isnan(areas[0]), NOWHERE, areas[0])
        if unknown:
            areas = [np.where(areas[0] == NOWHERE, 0.0, NOWHERE), np.zeros(len(areas[1]))]
        truth += _coco_truth(frame, image, by, areas[0])
        results += _coco_results(frame, image, by, areas[1])
    for number, annotation in enumerate([*truth, *results], start=1):
        annotation["id"] = number
    height, width = frames[0].masks.true.grid.shape
    images = [{"id": image, "height": height, "width": width} for image in range(len(frames))]
    categories = list(range(num_categories(by)))
    with redirect_stdout(io.StringIO()):
        judge = COCOeval(_in_memory(images, truth, categories), _in_memory(images, results, categories), "segm")
        judge.params.maxDets = [max_detections]
        chosen = [band for band in BANDS if band.by == trait and not np.isnan(band.low)]
        judge.params.areaRng = [[0.0, 0.0]] if unknown else [[b.low, min(b.high, FAR)] for b in chosen]
        judge.params.areaRngLbl = [str(r) for r in judge.params.areaRng]
        judge.evaluate()
        judge.accumulate()
    return Reference(
        np.moveaxis(judge.eval["precision"][..., 0], (2, 3, 0, 1), (0, 1, 2, 3)),
        np.moveaxis(judge.eval["recall"][..., 0], (1, 2, 0), (0, 1, 2)),
    )


def assert_equal(measured: MaskAp, frames: Sequence[Frame], by: Category, *, max_detections: int = 100) -> None:
    for trait, unknown in [
        ("all", False),
        ("size", False),
        ("range", False),
        ("visibility", False),
        ("visibility", True),
    ]:
        own = [k for k, band in enumerate(BANDS) if band.by == trait and np.isnan(band.low) == unknown]
        theirs = pycocotools_says(frames, by, trait, unknown=unknown, max_detections=max_detections)
        np.testing.assert_allclose(
            np.nan_to_num(measured.precision[:, own], nan=-1), theirs.precision, rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(np.nan_to_num(measured.recall[:, own], nan=-1), theirs.recall, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("seed", "by"), [*product(range(2), ("group", "class"))])
def test_equals_pycocotools_on_random_scenes(seed: int, by: Category) -> None:
    frames = scene(seed)
    measured = counts_of(frames, by).measured
    assert (measured.num_truth[:, 0] > 0).sum() >= 3
    assert np.nanmax(measured.ap50) > 0.1
    assert_equal(measured, frames, by)


def test_only_the_best_detections_of_a_frame_count() -> None:
    frames = scene(7)
    measured = counts_of(frames, "group", max_detections=3).measured
    assert not np.array_equal(measured.recall, counts_of(frames, "group").measured.recall, equal_nan=True)
    assert_equal(measured, frames, "group", max_detections=3)


def test_no_matter_how_frames_are_split() -> None:
    frames = scene(11)
    whole = counts_of(frames, "class").measured
    order = [6, 1, 7, 0, 5, 2, 4, 3]  # equal scores abound, so that the order of frames tells
    parts = [counts_of([frames[k] for k in order[start : start + 3]], "class") for start in (0, 3, 6)]
    merged = sum(parts, start=MaskApCounts("class")).measured
    for name in ("precision", "recall", "num_truth"):
        assert np.array_equal(getattr(whole, name), getattr(merged, name), equal_nan=True)
    with pytest.raises(ValueError, match="by class and by group"):
        MaskApCounts("class") + MaskApCounts("group")


def test_no_frames_and_no_predictions() -> None:
    nothing = MaskApCounts("group").measured
    assert np.isnan(nothing.ap).all()
    assert nothing.num_truth.sum() == 0
    missed = counts_of([_cars([(5.0, 0.0)], [])], "group").measured
    assert (missed.ap[0, 0], missed.ar[0, 0]) == (0.0, 0.0)
    assert np.isnan(missed.ap[1:]).all()
    invented = counts_of([_cars([], [(5.0, 0.0)])], "group").measured
    assert np.isnan(invented.ap).all()


def _cars(truth: list[tuple[float, float]], found: list[tuple[float, float]], *, points: int = 20) -> Frame:
    """Cars of 4 x 2 m at the places of their centres; found ones by falling score."""
    boxes = [
        np.array([[x, y, 0, 4, 2, 1.6, 0] for x, y in places], np.float32).reshape(-1, 7) for places in (truth, found)
    ]
    annotations = Annotations.from_boxes(PointCloud.empty(), boxes[0], np.full(len(truth), CAR))
    instances = Instances.from_detections(
        label=np.full(len(found), CAR),
        score=np.linspace(0.9, 0.5, len(found)),
        boxes=boxes[1],
        velocity_mps=np.full((len(found), 2), np.nan),
        amodal=footprint_masks(boxes[1], GRID),
    )
    return Frame.of("one", instances, replace(annotations, num_points=np.full(len(truth), points)))


def test_worked_by_hand() -> None:
    # Found 0.4 m off (IoU 18 / 22 = .818: right at 7 thresholds of 10), then one invented, then one to the cell.
    frame = _cars([(2.0, 0.0), (8.0, 0.0)], [(2.4, 0.0), (2.0, -4.0), (8.0, 0.0)])
    measured = counts_of([frame], "group").measured
    vehicle = ClassGroup.VEHICLE
    assert measured.num_truth[vehicle, 0] == 2
    at_half = (51 * 1.0 + 50 * 2 / 3) / 101  # recall 0 to .5 at precision 1, beyond at 2 of 3
    assert measured.ap50[vehicle, 0] == measured.ap75[vehicle, 0] == pytest.approx(at_half)
    strict = 51 / 3 / 101  # only the third is right
    assert measured.ap[vehicle, 0] == pytest.approx((7 * at_half + 3 * strict) / 10)
    assert measured.ar[vehicle, 0] == pytest.approx((7 * 1.0 + 3 * 0.5) / 10)
    near, far = (k for k, band in enumerate(BANDS) if band.name in ("0 to 15 m", "15 to 30 m"))
    assert measured.ap[vehicle, near] == measured.ap[vehicle, 0]
    assert np.isnan(measured.ap[vehicle, far])


def test_truth_that_is_not_counted_excuses_any_number_of_predictions() -> None:
    hardly_hit = _cars([(2.0, 0.0)], [(2.0, 0.0), (2.2, 0.0)], points=4)
    counted = replace(_cars([(8.0, 3.0)], [(8.0, 3.0)]), name="two")
    assert counts_of([hardly_hit, counted], "group").measured.ap[0, 0] == pytest.approx(1.0)
    twice = _cars([(2.0, 0.0)], [(2.0, 0.0), (2.2, 0.0)])
    assert twice.judged("group").wrong[:, 0].tolist() == [0, (1 << 10) - 1]


def test_equals_pycocotools_on_what_the_pipeline_says_of_simulated_scans() -> None:
    segmenter, mapper = BevSegmenter.from_checkpoint(), VisibilityMapper(EVALUATION_GRID)
    rule = replace(RULE, max_range_m=50.0, grid=EVALUATION_GRID)
    whole, visible = [], []
    for index in range(2):
        sample = simulate_frame(SimulationConfig(seed=5, frames=2, sensors=("hdl-32e",)), index)
        found, seen = segmenter.segment(sample.cloud).instances, observed_truth(sample, mapper)
        whole.append(Frame.of(sample.name, found, sample.annotations, rule=rule))
        parts = FrameMasks(masks_on_grid(found.visible, rule.grid), seen.visible)
        overlaps = measure_overlaps(found, sample.annotations, rule=rule, masks=parts)
        visible.append(replace(whole[-1], overlaps=overlaps, masks=parts))
    for frames in (whole, visible):
        measured = counts_of(frames, "group").measured
        assert measured.ap50[ClassGroup.VEHICLE, 0] > 0.3
        assert_equal(measured, frames, "group")
