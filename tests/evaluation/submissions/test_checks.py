"""Objects come checked already; these are the checks of what somebody may have done to them since."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bevseg.evaluation.submissions.checks import (
    SubmissionError,
    check_labels,
    check_masks,
    check_names,
    check_objects,
)
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.scene import PointLabels

CAR, ROAD = int(SemanticClass.CAR), int(SemanticClass.DRIVEABLE_SURFACE)
BOX = [10.0, 2.0, 0.5, 4.0, 2.0, 1.5, 0.3]


@pytest.fixture
def objects(make_objects: Callable[..., Instances]) -> Instances:
    return make_objects([CAR, CAR], [BOX, [20.0, *BOX[1:]]])


def test_sound_objects_pass(objects: Instances) -> None:
    check_objects(objects, frame="f")
    check_objects(Instances.empty(objects.grid), frame="f")
    check_masks(objects.amodal, objects.grid, frame="f")
    check_masks(BevMasks.empty(objects.grid), objects.grid, frame="f")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", np.array([3, 3]), r"frame f: expected one object for each id, got several with \[3\]"),
        ("score", np.array([0.5, np.nan], np.float32), "frame f, object 2: expected score within 0..1, got nan"),
        ("score", np.array([1.5, 0.5], np.float32), "frame f, object 1: expected score within 0..1, got 1.5"),
        ("score", np.array([0.5], np.float32), "frame f: expected score of 2 objects, got 1"),
        ("label", np.array([4, 11], np.uint8), "object 2: expected label a thing class, 1..10, got 11"),
        ("label", np.array([0, 4], np.uint8), "object 1: expected label a thing class, 1..10, got 0"),
        ("boxes", np.array([BOX, [np.inf, *BOX[1:]]], np.float32), "object 2: expected boxes finite numbers"),
        ("boxes", np.array([BOX, [*BOX[:3], 0.0, *BOX[4:]]], np.float32), "object 2: expected boxes sizes above 0"),
    ],
)
def test_unfit_objects_are_refused(objects: Instances, field: str, value: np.ndarray, message: str) -> None:
    object.__setattr__(objects, field, value)
    with pytest.raises(SubmissionError, match=message):
        check_objects(objects, frame="f")


def test_masks_of_another_grid_or_beyond_it_are_refused(objects: Instances, grid: BevGrid) -> None:
    other = BevGrid.square(half_extent_m=10.0, cell_m=0.5)
    with pytest.raises(SubmissionError, match=r"frame f: expected masks on .*width=40.*, got masks on .*width=100"):
        check_masks(objects.amodal, other, frame="f")
    outside = BevMasks.from_cells(grid, [np.array([5])])
    object.__setattr__(outside, "cells", np.array([grid.num_cells]))
    with pytest.raises(SubmissionError, match=r"frame f: expected cells within 0\.\.5999, got \[6000\]"):
        check_masks(outside, grid, frame="f")


def labels(*pairs: tuple[int, int]) -> PointLabels:
    semantic, instance = np.array(pairs, np.int64).reshape(-1, 2).T
    return PointLabels(semantic.astype(np.uint8), instance)


def test_labels_that_fit_pass() -> None:
    check_labels(labels((CAR, 999), (ROAD, 5000)), num_points=2, most_instances=999, frame="f")
    check_labels(labels(), num_points=0, most_instances=999, frame="f")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (labels((CAR, 1)), "frame f: expected a label for each of 2 points, got 1 classes and 1 instances"),
        (labels((CAR, 1), (17, 0)), r"frame f: expected classes within 0\.\.16, got 17"),
        (labels((CAR, 1), (CAR, 1000)), r"frame f: expected instance numbers within 0\.\.999, .*got 1\.\.1000"),
        (labels((CAR, -1), (CAR, 1)), r"within 0\.\.999, .*got -1\.\.1"),
    ],
)
def test_unfit_labels_are_refused(given: PointLabels, message: str) -> None:
    with pytest.raises(SubmissionError, match=message):
        check_labels(given, num_points=2, most_instances=999, frame="f")


def test_a_frame_comes_once() -> None:
    check_names([])
    check_names(["a", "b"])
    with pytest.raises(SubmissionError, match="frame a: expected one entry for each frame, got two"):
        check_names(["a", "b", "a"])
