from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.coco import (
    FrameRows,
    TrueMasks,
    coco_image_ids,
    found_rows,
    true_rows,
    write_coco_results,
    write_coco_truth,
)
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances

CAR, TRUCK = int(SemanticClass.CAR), int(SemanticClass.TRUCK)
BOXES = [
    [10.0, 2.0, 0.5, 4.0, 2.0, 1.5, 0.3],
    [30.0, -5.0, 0.5, 8.0, 2.5, 3.0, 1.2],
    [41.0, 9.0, 0.5, 4.0, 2.0, 1.5, 0],
]


@pytest.fixture
def found(make_objects: Callable[..., Instances]) -> Instances:
    return make_objects([CAR, TRUCK, CAR], BOXES, score=0.75)


def true_masks(frame: str, objects: Instances, ignored: list[bool]) -> TrueMasks:
    return TrueMasks(frame, objects.amodal, objects.label, np.array(ignored, dtype=bool))


def written_truth(path: Path, frames: list[TrueMasks], grid: BevGrid) -> dict[str, int]:
    image_ids = coco_image_ids(frame.frame for frame in frames)
    rows = (FrameRows(frame.frame, true_rows(frame, grid)) for frame in frames)
    write_coco_truth(path, rows, grid, image_ids=image_ids)
    return image_ids


def written_results(path: Path, frames: dict[str, Instances], grid: BevGrid, image_ids: dict[str, int]) -> None:
    rows = (FrameRows(name, found_rows(name, objects, grid)) for name, objects in frames.items())
    write_coco_results(path, rows, image_ids=image_ids)


def test_pycocotools_reads_what_was_written(found: Instances, grid: BevGrid, tmp_path: Path) -> None:
    frames = [
        true_masks("a", found, [False, False, True]),
        true_masks("b", found[np.zeros(3, bool)], []),
        true_masks("c", found[np.array([1])], [False]),
    ]
    image_ids = written_truth(tmp_path / "truth.json", frames, grid)
    assert image_ids == {"a": 1, "b": 2, "c": 3}
    truth = COCO(str(tmp_path / "truth.json"))
    assert truth.imgs[3] == {"id": 3, "file_name": "c", "width": 100, "height": 60}
    assert [truth.cats[c]["name"] for c in (CAR, TRUCK)] == ["car", "truck"]
    for k, row in enumerate(truth.loadAnns(truth.getAnnIds(imgIds=[1]))):
        np.testing.assert_array_equal(truth.annToMask(row), found.amodal.dense(k))
        assert (row["category_id"], row["iscrowd"]) == (found.label[k], int(k == 2))
        assert row["area"] == found.amodal.area_cells[k] == found.amodal.dense(k).sum()
    results = {"a": found, "b": found[np.zeros(3, bool)], "c": found[np.array([1])]}
    written_results(tmp_path / "found.json", results, grid, image_ids)
    read = truth.loadRes(str(tmp_path / "found.json"))
    assert len(read.anns) == 4
    for k, row in enumerate(read.loadAnns(read.getAnnIds(imgIds=[1]))):
        np.testing.assert_array_equal(read.annToMask(row), found.amodal.dense(k))
        assert (row["category_id"], row["score"]) == (found.label[k], 0.75)
    assert read.loadAnns(read.getAnnIds(imgIds=[2])) == []


def test_the_truth_is_perfect_and_half_of_it_is_not(
    found: Instances, grid: BevGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image_ids = written_truth(tmp_path / "truth.json", [true_masks("a", found, [False] * 3)], grid)
    truth = COCO(str(tmp_path / "truth.json"))

    def mask_ap(objects: Instances) -> float:
        written_results(tmp_path / "found.json", {"a": objects}, grid, image_ids)
        evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "found.json")), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return float(evaluation.stats[0])

    assert mask_ap(found) == pytest.approx(1.0)
    # Of two cars one is found: precision 1 up to recall 1/2, at 51 of 101 recalls. The truck is found.
    assert mask_ap(found[np.array([0, 1])]) == pytest.approx((1 + 51 / 101) / 2)
    assert "Average Precision" in capsys.readouterr().out


def test_what_is_unfit_is_refused(found: Instances, grid: BevGrid, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    other = replace(grid, width=50)
    unfit = replace(found, score=np.array([0.5, np.nan, 0.5], np.float32))
    for objects, on, image_ids, message in (
        (unfit, grid, {"a": 1}, "frame a, object 2: expected score .*, got nan"),
        (found, other, {"a": 1}, "frame a: expected masks on .*width=50"),
        (found, grid, {"b": 1}, "frame a: expected one of the 1 frames of the truth"),
    ):
        with pytest.raises(SubmissionError, match=message):
            written_results(path, {"a": objects}, on, image_ids)
    with pytest.raises(SubmissionError, match="frame a: expected masks on"):
        written_truth(path, [true_masks("a", found, [False] * 3)], other)
    with pytest.raises(SubmissionError, match="frame a: expected a class and a note on each of 3 masks, got 1 and 1"):
        TrueMasks("a", found.amodal, found.label[:1], np.zeros(1, bool))
    with pytest.raises(SubmissionError, match="frame a: expected one entry"):
        coco_image_ids(["a", "a"])
    assert not list(tmp_path.iterdir())


def test_noise_excuses_every_class_and_stuff_none(found: Instances, grid: BevGrid) -> None:
    label = np.array([SemanticClass.NOISE, SemanticClass.MANMADE, CAR], np.uint8)
    rows = true_rows(TrueMasks("a", found.amodal, label, np.array([True, True, False])), grid)
    assert [(row["category_id"], row["iscrowd"]) for row in rows] == [*((c, 1) for c in range(1, 11)), (CAR, 0)]


def test_what_lies_outside_is_neither_right_nor_wrong(
    found: Instances, grid: BevGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first car is found, the second prediction is wrong unless it lies where nothing is labelled."""
    truth_rows = true_rows(true_masks("a", found[np.array([0])], [False]), grid)
    write_coco_truth(tmp_path / "truth.json", [FrameRows("a", truth_rows)], grid, image_ids={"a": 1})
    truth = COCO(str(tmp_path / "truth.json"))
    cars = replace(found[np.array([0, 2])], score=np.array([0.5, 0.9], np.float32))
    for outside, expected in (([False, False], 0.5), ([False, True], 1.0), ([True, True], 1.0)):
        rows = found_rows("a", cars, grid, outside=np.array(outside))
        write_coco_results(tmp_path / "found.json", [FrameRows("a", rows)], image_ids={"a": 1})
        evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "found.json")), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        assert evaluation.stats[0] == pytest.approx(expected)
    assert "Average Precision" in capsys.readouterr().out
