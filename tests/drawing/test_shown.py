"""What each layer of a frame adds, from above, in perspective and in the table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.difference import Difference, Outcome
from bevseg.drawing.difference_layers import draw_marks, outside_words
from bevseg.drawing.frame_picture import FramePlaces, PictureSize, draw_card, draw_frame, draw_pair, draw_tile
from bevseg.drawing.heads_up import Heading
from bevseg.drawing.layers import point_colors
from bevseg.drawing.perspective import ChaseCamera, draw_perspective, ground_height_m
from bevseg.drawing.range_image import PaintedPoints, draw_range_image, elevation_span_deg
from bevseg.drawing.shown import LAYERS, Layer, Shown, paint_above, paint_ground, parse_layers
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene

SIZE = PictureSize(640, 360)
VIEW = BevView(4.0, 30.0, -4.0)
HEADING = Heading("drive 000001", "frame 1 of 9", progress=0.5)


@pytest.fixture
def truth(cloud: PointCloud) -> Annotations:
    """The first car is there; one was not seen, and one lies behind the picture."""
    boxes = np.array(
        [[14, 0, -0.9, 4.6, 1.9, 1.6, 0], [22, -8, -0.9, 4, 2, 1.6, 0.5], [-50, 0, 0, 4, 2, 1, 0]], np.float32
    )
    return Annotations.from_boxes(cloud, boxes, np.full(3, 4, np.uint8))


@pytest.fixture
def difference(truth: Annotations) -> Difference:
    return Difference(
        prediction=np.array([Outcome.FOUND, Outcome.FALSE_ALARM, Outcome.IGNORED]),
        truth=np.array([Outcome.FOUND, Outcome.MISSED, Outcome.MISSED]),
        mark=np.array([Outcome.FALSE_ALARM, Outcome.MISSED, Outcome.MISSED]),
        mark_xy_m=np.array([[21.0, 0.4], [22.0, -8.0], [-50.0, 0.0]]),
        mark_truth=np.array([-1, 1, 2]),
        mark_prediction=np.array([1, -1, -1]),
        mark_text=("false", "missed", "missed"),
        severity=np.array([0.5, 0.4, 0.1]),
        mark_involved=((), (), ()),
        mark_measure=("score 0.50", "13 points", "2 points"),
    )


@pytest.fixture
def shown(cloud: PointCloud, scene: Scene, truth: Annotations, difference: Difference) -> Shown:
    moving = replace(scene.instances, velocity_mps=np.array([[5, 1], [0.1, 0], [np.nan, np.nan]], np.float32))
    trails = tuple(box[:2].astype(float) - np.linspace(3, 0, 5)[:, None] * [1, 0.2] for box in scene.instances.boxes)
    return Shown(cloud, replace(scene, instances=moving), trails, truth, difference)


def _above(shown: Shown) -> np.ndarray:
    canvas = Canvas(np.zeros((360, 400, 3), np.uint8), VIEW, 0.5)
    paint_ground(canvas, shown)
    paint_above(canvas, shown)
    return canvas.image


@pytest.mark.parametrize("layer", sorted(LAYERS - {"truth"}))
def test_each_layer_adds_something_from_above(shown: Shown, layer: Layer) -> None:
    assert (_above(shown) != _above(replace(shown, layers=LAYERS - {layer}))).any()


def test_the_truth_is_dashed_white_where_it_is_not_compared(shown: Shown) -> None:
    alone = frozenset[Layer](["truth"])
    image = _above(replace(shown, layers=alone))
    boxes = image[:, 100:]  # right of the own vehicle, which is as white
    assert (boxes.min(axis=2) > 180).any()
    without = _above(replace(shown, layers=frozenset[Layer](["rings"])))[:, 100:]
    assert (boxes.astype(int).sum() - without.astype(int).sum()) > 0


def test_nothing_of_the_frame_is_changed(shown: Shown) -> None:
    before = [shown.cloud.xyz.copy(), shown.scene.instances.boxes.copy(), shown.scene.visibility.state.copy()]
    draw_frame(shown, HEADING, size=SIZE)
    for array, now in zip(
        before, (shown.cloud.xyz, shown.scene.instances.boxes, shown.scene.visibility.state), strict=True
    ):
        np.testing.assert_array_equal(array, now)


def test_objects_have_the_colour_of_their_outcome(shown: Shown) -> None:
    assert shown.colors == [Outcome.FOUND.color, Outcome.FALSE_ALARM.color, Outcome.IGNORED.color]
    own = replace(shown, layers=LAYERS - {"difference"})
    assert own.colors == [palette.object_color(k) for k in (7, 3, 12)]


def test_points_have_the_colour_that_was_asked_for(shown: Shown) -> None:
    light = np.array(Outcome.FOUND.color, float) + (255 - np.array(Outcome.FOUND.color)) // 3
    np.testing.assert_allclose(shown.point_colors[0], light, atol=1)
    assert shown.on_object.tolist() == [0, 1, 2]
    by_class = replace(shown, coloring="class").point_colors
    np.testing.assert_array_equal(by_class[3], palette.class_color(11))


def test_points_by_intensity(cloud: PointCloud, scene: Scene) -> None:
    bright = replace(cloud, intensity=np.array([0, 0.2, 0.5, 1.0, 1.0], np.float32))
    colors = point_colors(bright, scene.points, "intensity").astype(int).sum(axis=1)
    assert (np.diff(colors[:4]) > 0).all()
    np.testing.assert_array_equal(
        point_colors(cloud, scene.points, "intensity"), point_colors(cloud, scene.points, "height")
    )


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("points, masks", {"points", "masks"}),
        ("-arrows", LAYERS - {"arrows"}),
        ("-arrows,-labels", LAYERS - {"arrows", "labels"}),
    ],
)
def test_layers_are_named(text: str, layers: set[str]) -> None:
    assert parse_layers(text) == layers


@pytest.mark.parametrize("text", ["", "dots", "points,-masks", "-dots"])
def test_layers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected layers such as"):
        parse_layers(text)


def test_a_frame_has_all_views(shown: Shown) -> None:
    image = draw_frame(shown, HEADING, size=SIZE)
    assert image.shape == (360, 640, 3)
    np.testing.assert_array_equal(image, draw_frame(shown, HEADING, size=SIZE))
    other = draw_frame(shown, replace(HEADING, title="other"), size=SIZE)
    changed = (image != other).any(axis=2)
    assert changed.any()
    assert not changed[:, :300].any()
    assert not changed[:210].any()


def test_a_note_stands_in_place_of_the_summary(shown: Shown) -> None:
    plain = draw_frame(shown, HEADING, size=SIZE)
    assert (plain != draw_frame(shown, replace(HEADING, note="no result"), size=SIZE)).any()


def test_an_empty_frame_can_be_drawn(empty_scene: Scene) -> None:
    nothing = Shown(PointCloud.empty(), empty_scene)
    assert draw_frame(nothing, HEADING, size=SIZE).shape == (360, 640, 3)
    assert draw_tile(nothing, HEADING, width=640, height=480).shape == (480, 640, 3)
    assert draw_pair((nothing, nothing), (HEADING, HEADING), size=SIZE).shape == (360, 640, 3)


def test_tiles_and_cards(shown: Shown) -> None:
    assert draw_tile(shown, HEADING, width=640, height=480).shape == (480, 640, 3)
    card = draw_card("the file is cut off " * 20, size=SIZE, title="Frame 3 cannot be shown")
    assert card.shape == (360, 640, 3)
    assert len(np.unique(card.reshape(-1, 3), axis=0)) > 5


@pytest.mark.parametrize(
    "size", [(640, 360), (641, 481), (1280, 720), (720, 1280), (640, 4000), (4000, 360), (900, 900)]
)
def test_every_size_has_room_for_the_whole_table(shown: Shown, size: tuple[int, int]) -> None:
    width, height = size
    picture = draw_frame(shown, HEADING, size=PictureSize(width, height))
    places = FramePlaces.of(PictureSize(width, height))
    assert (width - places.left) / places.ui >= 676
    assert (height - places.rows[2]) / places.ui >= 280
    edge = max(2, round(6 * places.ui))
    margin = picture[places.rows[2] + edge : -edge, -edge:]
    assert (margin == palette.PANEL).all(), "nothing reaches the edge"


def test_failures_outside_are_counted_and_pointed_at(shown: Shown, truth: Annotations, difference: Difference) -> None:
    canvas = Canvas(np.zeros((360, 400, 3), np.uint8), VIEW, 0.5)
    assert outside_words(canvas, difference) == "outside this view: missed 1"
    both = replace(difference, mark_xy_m=np.array([[50.0, 0.4], [22.0, -40.0], [-50.0, 0.0]]))
    assert outside_words(canvas, both) == "outside this view: false 1, missed 2"
    assert outside_words(canvas, replace(both, mark_xy_m=np.full((3, 2), 9.0) * [1, -0.5])) == ""

    def added(marks: Difference) -> np.ndarray:
        painted = Canvas(np.zeros((360, 400, 3), np.uint8), VIEW, 0.5)
        draw_marks(painted, shown.scene.instances.boxes, truth, marks)
        return painted.image

    image = added(both)
    column, row = canvas.to_pixels(np.array([[30.0, 0.4], [22.0, -19.0]])).astype(int).T
    top, right = image[:7, column[0] - 3 : column[0] + 4], image[row[1] - 3 : row[1] + 4, -7:]
    assert (top == Outcome.FALSE_ALARM.color).all(axis=2).any(), "it lies ahead"
    assert (right == Outcome.MISSED.color).all(axis=2).any(), "it lies at the right"
    tip, base = ((top == Outcome.FALSE_ALARM.color).all(axis=2)[rows].sum() for rows in (2, 5))
    assert tip < base, "it points outwards"


def test_views_stand_one_above_the_other_in_an_upright_picture_alone() -> None:
    assert FramePlaces.of(PictureSize(720, 1280)).above == (720, 602)
    assert FramePlaces.of(PictureSize(1000, 1000)).above == (470, 1000)
    assert PictureSize(641, 481).ui == pytest.approx(641 / 1280)


def test_a_wide_picture_in_perspective_shows_more_at_the_sides() -> None:
    camera, place = ChaseCamera(), np.array([20, 0, -1.8, 1.0])
    right, down, depth = camera.projection(2000, 300, -1.8) @ place
    assert right / depth == pytest.approx(1000)
    assert 0 < down / depth < 300
    assert camera.horizon_row(2000, 300) == camera.horizon_row(3000, 300)
    assert camera.horizon_row(4000, 3000) > camera.horizon_row(6000, 3000), "as wide as usual it fills the width"


def test_a_horizon_above_a_very_large_picture(shown: Shown) -> None:
    ground = Canvas(np.zeros((60, 100, 3), np.uint8), VIEW, 1.0)
    picture = np.zeros((2000, 4100, 3), np.uint8)
    draw_perspective(picture, ground, replace(shown, layers=frozenset()), ui=1.0)
    assert picture.any()


def test_a_picture_needs_room() -> None:
    with pytest.raises(ValueError, match="640 x 360"):
        PictureSize(320, 200)


def test_the_camera_sees_what_lies_ahead_upright() -> None:
    projection = ChaseCamera().projection(640, 360, -1.8)
    places = np.array([[20, 0, -1.8, 1], [20, 0, 1, 1], [20, 5, -1.8, 1], [60, 0, -1.8, 1], [-40, 0, 0, 1.0]])
    projected = places @ projection.T
    pixels = projected[:4, :2] / projected[:4, 2:]
    assert pixels[0, 0] == pytest.approx(320), "ahead is in the middle"
    assert pixels[1, 1] < pixels[0, 1], "up is up"
    assert pixels[2, 0] < pixels[0, 0], "left is left"
    assert ChaseCamera().horizon_row(640, 360) < pixels[3, 1] < pixels[0, 1], "far is high"
    assert projected[4, 2] < 0 < projected[0, 2], "what lies behind is behind"


def test_the_ground_is_that_around_the_vehicle() -> None:
    xyz = np.array([[5, k, -1.7] for k in range(-5, 5)] + [[30, 0, -9.0], [6, 0, 1.0]], np.float32)
    assert ground_height_m(PointCloud.from_xyz(xyz)) == pytest.approx(-1.7)
    assert ground_height_m(PointCloud.empty()) == -1.8


def test_painted_points_and_filled_gaps_of_the_range_image() -> None:
    cloud = PointCloud.from_xyz(np.array([[10, 0, 0.5], [20, 0, 1.0], [0, 10, -1]], np.float32))
    painted = PaintedPoints(np.array([0]), np.array([[9, 200, 9]], np.uint8))
    image = draw_range_image(cloud, width=80, height=60, painted=painted)
    is_green = (image == (9, 200, 9)).all(axis=2)
    assert is_green.any(), "of two in one direction the nearer is seen"
    assert 0 <= np.flatnonzero(is_green.any(axis=0))[0] - 40 <= 1, "ahead is in the middle"


def test_gaps_between_rings_are_filled_from_above_and_others_stay() -> None:
    cloud = PointCloud.from_xyz(np.array([[10, 0, 0.5], [10, 0, -1.5], [0, 10, 0.5], [0, 10, -5]], np.float32))
    painted = PaintedPoints(np.array([0, 2]), np.array([[9, 200, 9], [9, 200, 9]], np.uint8))
    picture = partial(draw_range_image, cloud, width=80, height=60, painted=painted)
    bare, filled = ((picture(fill_rows=rows) == (9, 200, 9)).all(axis=2) for rows in (0, 5))
    ahead = slice(38, 42)
    assert bare[:, ahead].sum() < filled[:, ahead].sum(), "a ring 11 degrees below ends the gap"
    np.testing.assert_array_equal(bare[:, 18:22], filled[:, 18:22], "one 30 degrees below does not")


def test_the_range_image_spans_what_the_sensor_covers() -> None:
    azimuth, elevation = np.meshgrid(np.linspace(-3, 3, 200), np.radians([-24.9, -10.0, 2.0]))
    around = np.stack([np.cos(azimuth), np.sin(azimuth), np.tan(elevation)], axis=2).reshape(-1, 3)
    assert elevation_span_deg(PointCloud.from_xyz((12 * around).astype(np.float32))) == (-28.0, 4.0)
    assert elevation_span_deg(PointCloud.empty()) == (-32.0, 20.0)
