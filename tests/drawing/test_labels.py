"""Labels: free places, the order in which they are tried, and the edge of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.labels import Placer, Rect, short_name

WORDS = [("car 1", (255, 255, 255)), ("62%", (255, 200, 0))]


def _canvas() -> Canvas:
    return Canvas(np.full((100, 300, 3), 40, np.uint8), BevView(0.0, 10.0), 1.0)


def test_rectangles_that_only_touch_do_not_meet() -> None:
    rect = Rect(10.0, 10.0, 20.0, 20.0)
    assert rect.meets(Rect(19.0, 19.0, 30.0, 30.0))
    assert not rect.meets(Rect(20.0, 10.0, 30.0, 20.0))
    assert not rect.meets(Rect(12.0, 20.5, 18.0, 30.0))


def test_the_first_label_stands_at_the_right_and_the_next_at_the_left() -> None:
    canvas, placer = _canvas(), Placer()
    around = Rect(140.0, 45.0, 160.0, 55.0)
    assert placer.write(canvas, WORDS, around=around, size=12.0)
    assert placer.write(canvas, WORDS, around=around, size=12.0)
    first, second = placer.taken
    assert first.left >= 160
    assert second.right <= 140
    assert canvas.image[:, 163:200].max() > 200


def test_other_objects_are_avoided_while_there_is_room() -> None:
    around, neighbour = Rect(140.0, 45.0, 160.0, 55.0), Rect(165.0, 40.0, 260.0, 60.0)
    placer = Placer(avoid=[around, neighbour])
    placer.write(_canvas(), WORDS, around=around, size=12.0)
    assert placer.taken[0].right <= 140
    crowded = Placer(avoid=[Rect(0.0, 0.0, 300.0, 100.0)])
    assert crowded.write(_canvas(), WORDS, around=around, size=12.0)
    assert crowded.taken[0].left >= 160


def test_a_label_without_room_is_left_out() -> None:
    canvas, placer = _canvas(), Placer(taken=[Rect(0.0, 0.0, 300.0, 100.0)])
    before = canvas.image.copy()
    assert not placer.write(canvas, WORDS, around=Rect(140.0, 45.0, 160.0, 55.0), size=12.0)
    np.testing.assert_array_equal(canvas.image, before)


def test_labels_stay_inside_the_picture() -> None:
    placer = Placer()
    assert placer.write(_canvas(), WORDS, around=Rect(280.0, 45.0, 298.0, 55.0), size=12.0)
    assert placer.taken[0].right <= 280


@pytest.mark.parametrize(("label", "name"), [(4, "car"), (8, "cone"), (11, "road"), (12, "other flat")])
def test_short_names(label: int, name: str) -> None:
    assert short_name(label) == name


def test_where_everything_is_covered_the_least_is() -> None:
    around = Rect(140.0, 45.0, 160.0, 55.0)
    placer = Placer(avoid=[Rect(150.0, 0.0, 300.0, 100.0), Rect(0.0, 48.0, 150.0, 100.0), Rect(0.0, 0.0, 150.0, 47.0)])
    assert placer.write(_canvas(), WORDS, around=around, size=12.0)
    assert placer.taken[0].right <= 140, "at the left some of the words lie between the two"
