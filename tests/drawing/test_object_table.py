"""Which objects the table lists, in which order, and what it says of the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.difference import Difference, Outcome
from bevseg.drawing.heads_up import Heading, draw_heads_up, draw_tally
from bevseg.drawing.object_table import table_heading, table_rows
from bevseg.drawing.shown import LAYERS, Shown
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene


@pytest.fixture
def shown(cloud: PointCloud, scene: Scene) -> Shown:
    """Ids 7, 3 and 12 at 14, 21 and 15 m were found, false and ignored; one of the truth at 9 m, half seen, missed."""
    boxes = np.array([[14, 0, -0.9, 4.6, 1.9, 1.6, 0], [9, 0.5, -0.9, 4, 2, 1.6, 0.5]], np.float32)
    truth = Annotations.from_boxes(cloud, boxes, np.array([4, 5], np.uint8))
    truth = replace(truth, visible_fraction=np.array([1.0, 0.5], np.float32))
    difference = Difference(
        prediction=np.array([Outcome.FOUND, Outcome.FALSE_ALARM, Outcome.IGNORED]),
        truth=np.array([Outcome.FOUND, Outcome.MISSED]),
        mark=np.array([Outcome.FALSE_ALARM, Outcome.MISSED]),
        mark_xy_m=np.array([[21.0, 0.4], [9.0, 0.5]]),
        mark_truth=np.array([-1, 1]),
        mark_prediction=np.array([1, -1]),
        mark_text=("false", "missed"),
        mark_involved=((), ()),
        mark_measure=("score 0.50", "13 points"),
        severity=np.array([0.5, 0.4]),
    )
    return Shown(cloud, scene, truth=truth, difference=difference)


def test_failures_come_first_and_missed_objects_are_among_them(shown: Shown) -> None:
    rows, total = table_rows(shown, 10)
    assert [(row.id, row.outcome) for row in rows] == [
        ("", Outcome.MISSED),
        ("3", Outcome.FALSE_ALARM),
        ("7", Outcome.FOUND),
        ("12", Outcome.IGNORED),
    ]
    assert total == 4
    missed = rows[0]
    assert (round(missed.range_m), missed.visible_fraction, missed.color) == (9, 0.5, Outcome.MISSED.color)
    assert np.isnan(missed.score)
    assert rows[1].by == "car 7"


def test_without_truth_the_nearest_come_first(shown: Shown) -> None:
    plain = replace(shown, layers=LAYERS - {"difference"})
    rows, total = table_rows(plain, 2)
    assert [row.id for row in rows] == ["7", "12"]
    assert total == 3
    assert rows[0].outcome is None


def test_the_heading_says_that_there_are_more(shown: Shown) -> None:
    plain = replace(shown, layers=LAYERS - {"difference"})
    assert table_heading(*table_rows(plain, 2)) == "2 NEAREST OF 3"
    assert table_heading(*table_rows(plain, 3)) == "NEAREST OBJECTS"
    assert table_heading(*table_rows(shown, 3)) == "3 OF 4, FAILURES FIRST"
    assert table_heading(*table_rows(shown, 4)) == "FAILURES, THEN NEAREST"


def test_a_table_of_nothing(empty_scene: Scene) -> None:
    rows, total = table_rows(Shown(PointCloud.empty(), empty_scene), 5)
    assert (rows, total) == ([], 0)
    assert table_heading(rows, total) == "NEAREST OBJECTS"


@pytest.mark.parametrize(("width", "kinds"), [(680, 7), (400, 2)])
def test_a_tally_without_room_leaves_out_what_there_is_none_of(shown: Shown, width: int, kinds: int) -> None:
    canvas = Canvas(np.zeros((40, width, 3), np.uint8), BevView(0.0, 1.0), 1.0)
    assert shown.difference is not None
    draw_tally(canvas, replace(shown.difference, prediction=np.zeros(3, np.int64)), left=10.0, baseline=20.0)
    tones = [
        0.62 * np.array(tone)  # a filled swatch on black
        for outcome in Outcome
        if outcome.is_failure
        for tone in (outcome.color, palette.mix(palette.PANEL, outcome.color, 0.45))
    ]
    assert sum(bool((abs(canvas.image - tone) < 2).all(axis=2).any()) for tone in tones) == kinds
    assert not canvas.image[:, -10:].any()


def test_colours_are_explained_where_they_are_no_verdicts_alone(shown: Shown) -> None:
    def table(of: Shown, colors: str) -> np.ndarray:
        canvas = Canvas(np.zeros((300, 680, 3), np.uint8), BevView(0.0, 1.0), 1.0)
        draw_heads_up(canvas, of, Heading("drive", "frame 1 of 0 to 5", colors=colors))
        return canvas.image

    plain = replace(shown, layers=LAYERS - {"difference"})
    assert (table(plain, "colours are tracks") != table(plain, "")).any()
    np.testing.assert_array_equal(table(shown, "colours are tracks"), table(shown, ""))
