from __future__ import annotations

import pytest

from bevseg.evaluation.report.html_tables import Column, Row, figure, html_table, share

COLUMNS = (Column("source"), Column("F1", "harmonic <mean>", bar=True), Column("n"))


def test_figures_carry_their_values_for_sorting() -> None:
    table = html_table(COLUMNS, [Row(("KITTI", 0.91449, 1663), "KITTI"), Row(("<b>", 2.0, 7))], caption="Two & more")
    assert '<tr data-source="KITTI"><td>KITTI</td>' in table
    assert '<td class="n bar" data-value="0.91449" style="--bar:0.914">0.914</td>' in table
    assert '<td class="n" data-value="1663">1\u202f663</td>' in table
    assert "<td>&lt;b&gt;</td>" in table
    assert "--bar:1.000" in table  # no bar is longer than its cell
    assert '<th scope="col" class="n" aria-sort="none"><button type="button" title="harmonic &lt;mean&gt;">F1' in table
    assert "<caption>Two &amp; more</caption>" in table


def test_a_figure_of_nothing_is_a_dash() -> None:
    table = html_table(COLUMNS, [Row(("KITTI", float("nan"), 0))])
    assert '<td class="n quiet" data-value="" title="nothing to measure">\u2013</td>' in table
    assert "nan" not in table
    assert figure(float("nan")) == share(0, 0) == "\u2013"
    assert (figure(0.1239), figure(12.5, digits=1), figure(12_345), share(1, 3)) == (
        "0.124",
        "12.5",
        "12\u202f345",
        "33\u00a0%",
    )


def test_no_rows_no_table() -> None:
    assert html_table(COLUMNS, []) == ""


def test_rows_must_fit() -> None:
    with pytest.raises(ValueError, match="a row of 3 cells expected, got 1"):
        html_table(COLUMNS, [Row(("KITTI",))])
