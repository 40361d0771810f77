"""Axes of a chart: what maps values to places, and the lines, numbers and titles that say so."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bevseg.drawing.markup import Html, join, tag

_WIDTH, _HEIGHT = 420.0, 270.0
_LEFT, _TOP, _BOTTOM = 52.0, 14.0, 46.0
_FEWEST_TICKS = 4
_TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """The values that a side of a chart spans.

    Attributes:
        title: What they are, with their unit.
        low: At the lower end.
        high: At the upper end.
        step: Between two numbers along it; 0 for none.
    """

    title: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.2

    @classmethod
    def up_to(cls, title: str, largest: float) -> Axis:
        """From 0 to a round number that is no less than `largest`, with round numbers between; to 1 if that is 0."""
        raw = (largest if largest > 0 else 1.0) / _FEWEST_TICKS
        power = 10.0 ** math.floor(math.log10(raw))
        step = power * next(s for s in _TICK_STEPS if s * power >= raw * (1 - 1e-9))
        return cls(title, 0.0, step * math.ceil(raw * _FEWEST_TICKS / step - 1e-9), step)

    @classmethod
    def counting(cls, title: str, largest: float) -> Axis:
        """As `up_to` for numbers of things, which have no fractions."""
        if largest <= _FEWEST_TICKS:
            return cls(title, 0.0, max(float(math.ceil(largest)), 1.0), 1.0)
        return cls.up_to(title, largest)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Values that carry a number."""
        if not self.step:
            return ()
        return tuple(self.low + k * self.step for k in range(round((self.high - self.low) / self.step) + 1))

    def text(self, value: float) -> str:
        """A number along the axis, without needless digits."""
        return f"{round(value / 1000, 6):g}k" if value >= 10_000 else f"{round(value, 6):g}"


@dataclass(frozen=True)
class Frame:
    """The place of a chart's plot within its picture, in the picture's own units."""

    x: Axis
    y: Axis
    right: float = 14.0
    height: float = _HEIGHT

    @property
    def left_edge(self) -> float:
        return _LEFT

    @property
    def right_edge(self) -> float:
        return _WIDTH - self.right

    @property
    def bottom_edge(self) -> float:
        return self.height - _BOTTOM

    def at_x(self, value: float) -> float:
        """Column of a value."""
        part = (value - self.x.low) / (self.x.high - self.x.low)
        return round(_LEFT + part * (self.right_edge - _LEFT), 1)

    def at_y(self, value: float) -> float:
        """Row of a value; values beyond the ends stay at the ends."""
        part = (value - self.y.low) / (self.y.high - self.y.low)
        return round(self.bottom_edge - min(max(part, 0.0), 1.0) * (self.bottom_edge - _TOP), 1)

    def draw(self, *marks: Html, label: str) -> Html:
        """The picture with its axes, and `marks` on them.

        Args:
            marks: What is plotted.
            label: What a screen reader says of it.
        """
        axes = (self._rows(), self._columns(), self._titles())
        return tag("svg", *axes, *marks, viewBox=f"0 0 {_WIDTH:g} {self.height:g}", role="img", aria_label=label)

    def _rows(self) -> Html:
        return join(
            join(
                (
                    tag("line", x1=_LEFT, x2=self.right_edge, y1=y, y2=y, class_="grid-line"),
                    tag("text", self.y.text(value), x=_LEFT - 6, y=y + 4, class_="tick", text_anchor="end"),
                )
            )
            for value, y in ((value, self.at_y(value)) for value in self.y.ticks)
        )

    def _columns(self) -> Html:
        bottom = self.bottom_edge
        return join(
            tag("text", self.x.text(value), x=self.at_x(value), y=bottom + 16, class_="tick", text_anchor="middle")
            for value in self.x.ticks
        )

    def _titles(self) -> Html:
        middle, bottom = (_LEFT + self.right_edge) / 2, self.bottom_edge
        across = tag("text", self.x.title, x=middle, y=self.height - 8, class_="axis", text_anchor="middle")
        row = (_TOP + bottom) / 2
        up = tag(
            "text", self.y.title, class_="axis", text_anchor="middle", transform=f"translate(12 {row}) rotate(-90)"
        )
        base = tag("line", x1=_LEFT, x2=self.right_edge, y1=bottom, y2=bottom, class_="base-line")
        return join((base, across, up))


def legend(names: dict[str, str]) -> Html:
    """Swatches with their names.

    Args:
        names: Name of each tone (a class of the style sheet) that a chart uses.
    """
    items = [tag("span", tag("i", class_=f"swatch t-{tone}"), name) for tone, name in names.items()]
    return tag("p", *items, class_="legend")
