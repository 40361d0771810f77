"""Words over the scene of Open3D's window: at its head, about the object that was clicked, and about the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bevseg.drawing import palette
from bevseg.drawing.palette import Color
from bevseg.replay.scene_words import Row

if TYPE_CHECKING:
    import open3d as o3d

_OPACITY = 0.82


class Panels:
    """The three panels; each is made anew when its words change, as Open3D cannot take words out of one."""

    def __init__(self, window: o3d.visualization.gui.Window) -> None:
        """Adds them to the window, empty."""
        import open3d as o3d

        self._window = window
        self._places = tuple(o3d.visualization.gui.WidgetProxy() for _ in range(3))
        self._written: list[tuple[Row, ...]] = [(), (), ()]
        for place in self._places:
            place.visible = False
            window.add_child(place)

    def write(self, head: tuple[Row, ...], chosen: tuple[Row, ...], keys: tuple[Row, ...]) -> None:
        """Replaces the words; a panel without any is not seen."""
        for k, rows in enumerate((head, chosen, keys)):
            if rows == self._written[k]:
                continue
            self._written[k] = rows
            self._places[k].visible = bool(rows)
            if rows:
                self._places[k].set_widget(self._columns(rows) if k == 2 else self._lines(rows))
        self._window.set_needs_layout()

    def lay_out(self, context: o3d.visualization.gui.LayoutContext, around: o3d.visualization.gui.Rect) -> None:
        """The head at the upper left, the object at the upper right, the keys at the lower left."""
        import open3d as o3d

        gui = o3d.visualization.gui
        gap = round(0.6 * context.theme.font_size)
        for k, place in enumerate(self._places):
            size = place.calc_preferred_size(context, gui.Widget.Constraints())
            left = around.get_right() - gap - size.width if k == 1 else around.x + gap
            top = around.get_bottom() - gap - size.height if k == 2 else around.y + gap
            place.frame = gui.Rect(left, top, size.width, size.height)

    def _lines(self, rows: tuple[Row, ...]) -> o3d.visualization.gui.Widget:
        """One row below the other."""
        import open3d as o3d

        gui = o3d.visualization.gui
        em = self._window.theme.font_size
        lines = gui.Vert(0.15 * em, gui.Margins(*[round(0.5 * em)] * 4))
        lines.background_color = gui_color(palette.PANEL, _OPACITY)
        for row in rows:
            line = gui.Horiz(0.9 * em)
            for words in row:
                line.add_child(_label(words.text, words.color))
            lines.add_child(line)
        return lines

    def _columns(self, rows: tuple[Row, ...]) -> o3d.visualization.gui.Widget:
        """The first words of all rows below each other, beside them the second ones."""
        import open3d as o3d

        gui = o3d.visualization.gui
        em = self._window.theme.font_size
        columns = gui.Horiz(0.9 * em, gui.Margins(*[round(0.5 * em)] * 4))
        columns.background_color = gui_color(palette.PANEL, _OPACITY)
        for k in range(len(rows[0])):
            column = gui.Vert(0.15 * em)
            for row in rows:
                column.add_child(_label(row[k].text, row[k].color))
            columns.add_child(column)
        return columns


def gui_color(color: Color, opacity: float = 1.0) -> o3d.visualization.gui.Color:
    """A colour of the palette as Open3D has it."""
    import open3d as o3d

    red, green, blue = (channel / 255 for channel in color)
    return o3d.visualization.gui.Color(red, green, blue, opacity)


def _label(text: str, color: Color) -> o3d.visualization.gui.Label:
    import open3d as o3d

    label = o3d.visualization.gui.Label(text)
    label.text_color = gui_color(color)
    return label
