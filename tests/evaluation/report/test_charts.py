from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from bevseg.evaluation.report.chart_frame import Axis, Frame, legend
from bevseg.evaluation.report.charts import (
    Bar,
    Cluster,
    Line,
    column_chart,
    histogram,
    line_chart,
    share_bars,
    stacked_columns,
)
from bevseg.evaluation.report.heatmap import heatmap


@pytest.mark.parametrize(
    ("largest", "high", "ticks"),
    [(0.9, 1.0, 5), (7.0, 8.0, 5), (340.0, 400.0, 5), (0.0, 1.0, 5), (12_000.0, 15_000.0, 4)],
)
def test_axes_end_at_round_numbers(largest: float, high: float, ticks: int) -> None:
    axis = Axis.up_to("ms", largest)
    assert axis.high == pytest.approx(high)
    assert len(axis.ticks) == ticks
    assert axis.ticks[-1] == pytest.approx(axis.high)


def test_things_are_counted_in_whole_numbers() -> None:
    assert Axis.counting("scans", 1.0).ticks == (0.0, 1.0)
    assert Axis.counting("scans", 0.0).ticks == (0.0, 1.0)
    assert Axis.counting("scans", 3.0).ticks == (0.0, 1.0, 2.0, 3.0)
    assert Axis("scans").text(0.2 + 0.1) == "0.3"
    assert Axis("scans").text(15_000.0) == "15k"


def test_values_have_their_places_on_an_axis_that_is_not_centred() -> None:
    frame = Frame(Axis("x", 10.0, 30.0, 5.0), Axis("y", -1.0, 3.0, 1.0))
    assert frame.at_x(10.0) == frame.left_edge
    assert frame.at_x(30.0) == frame.right_edge
    assert frame.at_x(20.0) == (frame.left_edge + frame.right_edge) / 2
    assert frame.at_y(-1.0) == frame.at_y(-5.0) == frame.bottom_edge
    assert frame.at_y(0.0) > frame.at_y(3.0) > 0


def test_a_line_is_broken_where_nothing_is_known() -> None:
    y = np.array([0.1, np.nan, 0.5, 0.6])
    chart = line_chart(
        [Line("<found>", "1", np.array([0.1, 0.2, 0.3, 0.4]), y, list("abcd"))], Axis("x"), Axis("y"), label="z"
    )
    root = ElementTree.fromstring(chart)
    (path,) = (e for e in root.iter("path") if "line" in (e.get("class") or ""))
    assert re.sub(r"[^ML]", "", path.get("d") or "") == "MML"
    assert [e.findtext("title") for e in root.iter("circle")] == ["a", "c", "d"]
    assert "&lt;found&gt;" in chart


def test_names_at_the_ends_do_not_cover_each_other() -> None:
    lines = [
        Line(str(k), "1", np.array([0.0, 1.0]), np.array([0.5, value])) for k, value in enumerate((0.0, 0.01, 0.02))
    ]
    root = ElementTree.fromstring(line_chart(lines, Axis("x"), Axis("y"), label="z"))
    rows = sorted(float(e.get("y") or 0) for e in root.iter("text") if "label" in (e.get("class") or ""))
    assert len(rows) == 3
    assert min(np.diff(rows)) >= 14
    assert rows[-1] <= Frame(Axis("x"), Axis("y")).bottom_edge


def test_a_bar_of_nothing_leaves_its_place_empty() -> None:
    bars = [Bar(0.5, "vehicle", "car & bus", pale=0.8), Bar(float("nan"), "static", "none")]
    chart = column_chart([Cluster("0-15", "n = 4", bars), Cluster("15-30", "n = 0", [])], "m", Axis("AP"), label="z")
    rects = list(ElementTree.fromstring(chart).iter("rect"))
    assert [e.get("class") for e in rects] == ["t-vehicle pale bar", "t-vehicle bar"]
    assert float(rects[0].get("height") or 0) > float(rects[1].get("height") or 0)
    assert "car &amp; bus" in chart


def test_stacked_bars_stand_on_each_other() -> None:
    chart = stacked_columns(
        [[Bar(2.0, "1", "a"), Bar(1.0, "2", "b")], []], Axis("score"), Axis("n", 0.0, 3.0, 1.0), label="z"
    )
    low, high = ElementTree.fromstring(chart).iter("rect")
    assert float(high.get("y") or 0) + float(high.get("height") or 0) == pytest.approx(float(low.get("y") or 0))


def test_a_histogram_keeps_what_is_far_out_in_its_last_bin() -> None:
    chart = histogram(np.array([*np.linspace(10.0, 99.0, 200), 5000.0]), "ms", label="z")
    counts = [int((e.findtext("title") or "").split(": ")[1]) for e in ElementTree.fromstring(chart).iter("rect")]
    assert sum(counts) == 201
    assert ElementTree.fromstring(histogram(np.array([0.0]), "ms", label="z")) is not None


def test_shares_of_rows() -> None:
    chart = share_bars(
        [("halo", []), ("misplaced", [Bar(3.0, "vehicle", "vehicle: 3"), Bar(1.0, "static", "x")])], label="z"
    )
    root = ElementTree.fromstring(chart)
    assert [e.text for e in root.iter("text")] == ["halo", "0", "misplaced", "4"]
    assert len(list(root.iter("rect"))) == 2
    assert ElementTree.fromstring(share_bars([], label="z")) is not None
    assert "t-vehicle" in legend({"vehicle": "cars"})


def test_a_confusion_matrix_leaves_out_what_never_occurs() -> None:
    counts = np.array([[0, 2, 0, 0], [3, 996, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    matrix = heatmap(counts, ["nothing", "car", "<bus>", "cone"], percent=False)
    root = ElementTree.fromstring(matrix)
    assert [e.text for e in root.iter("span")] == ["nothing", "car", "<bus>"]
    assert [e.text for e in root.iter("td")] == ["·", "2", "·", "3", "996", "1"]
    assert [e.get("class") for e in root.iter("td")] == ["none", "wrong", "none", "wrong", "right", "wrong"]
    percent = ElementTree.fromstring(heatmap(counts, ["nothing", "car", "<bus>", "cone"], percent=True))
    assert [e.text for e in percent.iter("td")] == ["·", "100", "·", "<1", "100", "<1"]
    assert heatmap(np.zeros((2, 2), np.int64), ["a", "b"], percent=True) == ""
