"""The whole picture: what each option adds, and that nothing of the input is changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.drawing import palette
from bevseg.drawing.bev import DrawStyle, TruthMatches, default_view, draw_scene, draw_truth_comparison
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import CellState, PointLabels, Scene

STYLE = DrawStyle(width=640, height=360)


def _pixel(image: np.ndarray, view: BevView, x_m: float, y_m: float) -> np.ndarray:
    """Colour of a place in a picture without panel."""
    canvas = Canvas(image, view, image.shape[0] / 720)
    column, row = np.round(canvas.to_pixels(np.array([x_m, y_m]))).astype(int)
    return image[row, column].astype(int)


def _none() -> np.ndarray:
    return np.zeros(0, np.int64)


def _truth(cloud: PointCloud, boxes: np.ndarray, *, ignored: np.ndarray | None = None) -> Annotations:
    return Annotations.from_boxes(cloud, boxes, np.full(len(boxes), 4, np.uint8), ignored=ignored)


def test_picture_has_the_size_asked_for_and_is_the_same_each_time(cloud: PointCloud, scene: Scene) -> None:
    image = draw_scene(cloud, scene, style=STYLE, title="frame 1")
    assert image.shape == (360, 640, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, draw_scene(cloud, scene, style=STYLE, title="frame 1"))


def test_title_is_written_in_the_panel_alone(cloud: PointCloud, scene: Scene) -> None:
    plain, titled = (draw_scene(cloud, scene, style=STYLE, title=title) for title in ("a", "bbbb"))
    changed = (plain != titled).any(axis=2).any(axis=0)
    assert changed.any()
    assert not changed[: 640 - 158].any()


def test_objects_have_their_colour_where_they_are(cloud: PointCloud, scene: Scene) -> None:
    view = BevView(4.0, 40.0, -4.0)
    style = replace(STYLE, panel=False, view=view, labels=False, boxes=False, arrows_from=2.0)
    image = draw_scene(cloud, scene, style=style)
    near, free = _pixel(image, view, 14.0, 0.0), _pixel(image, view, 14.0, 5.0)
    color = np.array(palette.object_color(7))
    assert np.abs(near - (0.62 * color + 0.38 * free)).max() < 4
    assert np.abs(free - palette.ground_color(CellState.FREE)).max() < 2


def test_left_is_left_and_ahead_is_up(cloud: PointCloud, scene: Scene) -> None:
    view = BevView(4.0, 40.0, -4.0)
    style = replace(STYLE, panel=False, view=view)
    pedestrian = scene.instances.boxes[2]
    with_it = draw_scene(cloud, scene, style=style)
    moved = replace(scene, instances=replace(scene.instances, label=np.array([4, 4, 1], np.uint8)))
    rows, columns = np.nonzero((with_it != draw_scene(cloud, moved, style=style)).any(axis=2))
    assert pedestrian[1] < view.y_center_m  # to the right
    assert columns.mean() > 320
    assert rows.mean() > 180


def test_empty_scene_is_drawn(empty_scene: Scene) -> None:
    image = draw_scene(PointCloud.empty(), empty_scene, style=STYLE)
    assert image.shape == (360, 640, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 10  # legend and rings are there


@pytest.mark.parametrize("coloring", ["height", "class", "object"])
def test_point_colours_follow_the_style(cloud: PointCloud, scene: Scene, coloring: str) -> None:
    view = BevView(4.0, 40.0, -4.0)
    style = replace(STYLE, panel=False, view=view, point_colors=coloring)  # type: ignore[arg-type]
    ground_point = _pixel(draw_scene(cloud, scene, style=style), view, 8.0, 3.0)
    expected = palette.class_color(11) if coloring == "class" else palette.height_colors(np.array([-1.8]))[0]
    free = np.array(palette.ground_color(CellState.FREE))
    towards = (np.array(expected) - free).astype(float)
    share = float((ground_point - free) @ towards / (towards @ towards))
    assert 0.2 < share < 1.05


def test_point_labels_must_fit_the_cloud(cloud: PointCloud, scene: Scene) -> None:
    short = replace(scene, points=PointLabels(np.zeros(2, np.uint8), np.zeros(2, np.int32)))
    with pytest.raises(ValueError, match="5 points"):
        draw_scene(cloud, short, style=STYLE)


def test_truth_is_dashed_white(cloud: PointCloud, scene: Scene) -> None:
    style = replace(STYLE, panel=False)
    truth = _truth(cloud, np.array([[30.0, -10.0, -1.0, 4.0, 2.0, 1.5, 0.0]], np.float32))
    plain, drawn = draw_scene(cloud, scene, style=style), draw_scene(cloud, scene, style=style, truth=truth)
    changed = drawn[(plain != drawn).any(axis=2)]
    assert len(changed) > 10
    assert changed.max() > 200


def test_comparison_colours_found_invented_and_missed(cloud: PointCloud, scene: Scene) -> None:
    view = BevView(4.0, 40.0, -4.0)
    style = replace(STYLE, panel=False, view=view, labels=False, boxes=False, arrows_from=2.0)
    far = np.array([[34.0, -12.0, -1.0, 4.0, 2.0, 1.5, 0.0]], np.float32)
    truth = _truth(cloud, np.concatenate([scene.instances.boxes[:1], far]))
    matches = TruthMatches(np.array([0]), np.array([0]), ignored_prediction=np.array([False, False, True]))
    image = draw_truth_comparison(cloud, scene, truth, matches, style=style)
    found, invented = _pixel(image, view, 14.0, 0.0), _pixel(image, view, 21.0, 1.0)
    assert found[1] > found[0] + 40  # bluish green
    assert invented[0] > invented[1] + 40  # vermillion
    missed = image[30:90, 380:420].reshape(-1, 3).astype(int)
    assert ((missed[:, 0] > missed[:, 1] + 50) & (missed[:, 2] > missed[:, 1] + 40)).sum() > 5  # reddish purple


def test_comparison_leaves_truth_unchanged_and_takes_no_matches(cloud: PointCloud, scene: Scene) -> None:
    truth = _truth(cloud, scene.instances.boxes, ignored=np.array([True, False, False]))
    draw_truth_comparison(cloud, scene, truth, TruthMatches(_none(), _none()), style=STYLE)
    np.testing.assert_array_equal(truth.ignored, [True, False, False])


@pytest.mark.parametrize(
    ("matches", "message"),
    [
        (TruthMatches(np.array([3]), np.array([0])), "matched prediction"),
        (TruthMatches(np.array([0]), np.array([-1])), "matched truth"),
        (TruthMatches(_none(), _none(), ignored_prediction=np.zeros(2, bool)), "ignored_prediction"),
    ],
)
def test_comparison_refuses_matches_that_do_not_fit(
    cloud: PointCloud, scene: Scene, matches: TruthMatches, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw_truth_comparison(cloud, scene, _truth(cloud, scene.instances.boxes), matches, style=STYLE)


@pytest.mark.usefixtures("shapes_unchecked")
def test_comparison_refuses_half_pairs(cloud: PointCloud, scene: Scene) -> None:
    matches = TruthMatches(np.array([0]), _none())
    with pytest.raises(ValueError, match="a pair has"):
        draw_truth_comparison(cloud, scene, _truth(cloud, scene.instances.boxes), matches, style=STYLE)


def test_input_is_not_changed(cloud: PointCloud, scene: Scene) -> None:
    before = (cloud.xyz.copy(), scene.visibility.state.copy(), scene.instances.boxes.copy())
    draw_scene(cloud, scene, style=STYLE)
    for old, new in zip(before, (cloud.xyz, scene.visibility.state, scene.instances.boxes), strict=True):
        np.testing.assert_array_equal(old, new)


def test_default_view_shows_what_there_is_of_the_near_field() -> None:
    assert default_view(BevGrid.square(half_extent_m=51.2, cell_m=0.2)) == BevView(-26.0, 46.0, 0.0)
    ahead = default_view(BevGrid(x_min_m=4.0, y_min_m=-16.0, cell_m=0.4, width=100, height=60))
    assert ahead == BevView(4.0, 44.0, 0.0)
    far = default_view(BevGrid(x_min_m=60.0, y_min_m=10.0, cell_m=1.0, width=20, height=10))
    assert far == BevView(60.0, 80.0, 15.0)


def test_tiny_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="320 x 180"):
        DrawStyle(width=100, height=100)
