"""Range images, distributions, and the sheet that holds both."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.curves import Curve, PlotPlace, draw_cumulated
from bevseg.drawing.range_image import draw_range_image
from bevseg.drawing.side_by_side import REAL, SIMULATED, Distribution, draw_side_by_side
from bevseg.points.cloud import PointCloud


def cloud(*xyz: tuple[float, float, float]) -> PointCloud:
    return PointCloud.from_xyz(np.array(xyz, np.float32).reshape(-1, 3), frame="lidar", stamp_ns=0)


def test_left_is_left_and_up_is_up_and_near_is_bright() -> None:
    image = draw_range_image(
        cloud((10.0, 10.0, 3.0), (40.0, -40.0, -10.0)), width=360, height=90, elevation_deg=(-30.0, 30.0)
    ).astype(int)
    lit = (image != palette.BACKGROUND).any(axis=2)
    rows, columns = np.nonzero(lit)
    left, right = columns < 180, columns >= 180
    assert set(columns[left]) == {135}
    assert rows[left].max() < 45 < rows[right].min()
    assert (
        image[lit & (np.arange(360) < 180)].sum(axis=1).mean() > image[lit & (np.arange(360) >= 180)].sum(axis=1).mean()
    )


def test_the_nearest_point_in_a_direction_is_seen() -> None:
    alone = draw_range_image(cloud((8.0, 0.5, 0.0)), width=90, height=30)
    both = draw_range_image(cloud((8.0, 0.5, 0.0), (32.0, 2.0, 0.0)), width=90, height=30)
    np.testing.assert_array_equal(alone, both)


def test_an_empty_scan_is_dark() -> None:
    assert (draw_range_image(cloud(), width=90, height=30) == palette.BACKGROUND).all()


def plot(*values: list[float], unit: str = "m") -> np.ndarray:
    canvas = Canvas(np.zeros((200, 300, 3), np.uint8), BevView(0.0, 1.0), 1.0)
    curves = [Curve(np.array(v), color) for v, color in zip(values, (REAL, SIMULATED), strict=False)]
    draw_cumulated(canvas, PlotPlace(20.0, 30.0, 260.0, 120.0), curves, title="range", note="KS 1.00", unit=unit)
    return canvas.image


@pytest.mark.parametrize("unit", ["m", "points"])
def test_larger_values_lie_to_the_right(unit: str) -> None:
    image = plot([1.0, 2.0, 3.0], [70.0, 80.0, 90.0], unit=unit)
    inside = image[35:145]
    real, simulated = ((inside == color).all(axis=2).nonzero()[1] for color in (REAL, SIMULATED))
    assert real.mean() < simulated.mean()


def test_a_plot_without_values_says_so() -> None:
    assert (plot([], []) != plot([1.0], [2.0])).any()


def test_a_single_value_is_an_axis_too() -> None:
    assert (plot([5.0]) == np.array(REAL)).all(axis=2).any()


def test_the_sheet_grows_with_what_it_shows() -> None:
    scan = cloud((10.0, 4.0, 0.0), (20.0, -8.0, 1.0))
    shown = [Distribution("range", "m", "KS 0.10", np.arange(9.0), np.arange(5.0))] * 5
    sheet = draw_side_by_side(scan, scan, shown, titles=("real", "simulated"))
    bare = draw_side_by_side(scan, scan, [], titles=("real", "simulated"))
    assert sheet.shape[1] == bare.shape[1]
    assert sheet.shape[0] > bare.shape[0]
    np.testing.assert_array_equal(sheet[44:604, 24:770], sheet[44:604, 812:1558])
