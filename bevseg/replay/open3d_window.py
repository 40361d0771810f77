"""A window of Open3D's own toolkit (`open3d.visualization.gui`) as the screen of a session.

Open3D has two kinds of window. The older, `VisualizerWithKeyCallback`, has keys, but neither words nor clicks. This one
has both, and draws with the same renderer as the offscreen pictures, on a graphics card or by Mesa in software, and so
under Xvfb as well.

Its callbacks come out of C++, where an error would end the program without a word: they but note what happened, and the
session acts on it between two turns of the toolkit's loop.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from bevseg.drawing.frame_picture import PictureSize
from bevseg.drawing.palette import Color
from bevseg.replay.display import has_display, refusal_of_open3d
from bevseg.replay.open3d_panels import Panels, gui_color
from bevseg.replay.open3d_pictures import NEEDED, RendererError
from bevseg.replay.open3d_scene import VIEW_DEG, Lines, add_lines, background, pixels_of, show
from bevseg.replay.scene_cameras import Eye
from bevseg.replay.scene_geometry import SceneGeometry
from bevseg.replay.scene_picking import ray_through
from bevseg.replay.scene_session import Clicked, Event, Pressed
from bevseg.replay.scene_window import KEYS
from bevseg.replay.scene_words import Label, Row, with_room

if TYPE_CHECKING:
    import open3d as o3d

NEEDED_FOR_WINDOW = f"{NEEDED} libx11-6"
_PROBE = """
from open3d.visualization import gui
application = gui.Application.instance
application.initialize()
window = application.create_window("bevseg", 64, 64)
window.show(False)
window.close()
while application.run_one_tick():
    pass
"""
_STILL_PX = 4
"""A button that moves less between down and up was a click."""
_CHOSEN: Color = (255, 255, 255)
_REACH_M = 60.0
"""Half the size of the scene, by which the mouse's wheel and the camera's limits go."""
_NAMES = {"0": "ZERO", "1": "ONE", "2": "TWO", "3": "THREE", "4": "FOUR"} | {
    "5": "FIVE", "6": "SIX", "7": "SEVEN", "8": "EIGHT", "9": "NINE"
}  # fmt: skip


def require_window() -> None:
    """Tries a window in a process of its own.

    Raises:
        ModuleNotFoundError: Open3D is not installed.
        RendererError: It is, and cannot open a window here.
    """
    instead = "--output FOLDER writes pictures without a window, and xvfb-run (apt-get install xvfb) lends a display"
    if not has_display():
        raise RendererError(
            f"there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set) for --view open3d: {instead}"
        )
    _use_x11()
    if said := refusal_of_open3d(_PROBE):
        raise RendererError(f"Open3D cannot open a window here ({said}); it needs {NEEDED_FOR_WINDOW}; {instead}")


def _use_x11() -> None:
    """On Wayland, Open3D is reported to open no window, and to open one on the X11 that comes with it."""
    if os.environ.get("DISPLAY"):
        os.environ["XDG_SESSION_TYPE"] = "x11"


@contextmanager
def open_window(title: str, size: PictureSize) -> Iterator[Open3DScreen]:
    """A window until the `with` block ends.

    Raises:
        ModuleNotFoundError: Open3D is not installed.
        RendererError: It cannot open a window here.
    """
    require_window()
    screen = Open3DScreen(title, size)
    try:
        yield screen
    finally:
        screen.close()


class Open3DScreen:
    """One window; Open3D can have but one application in a process, and it ends with its window."""

    def __init__(self, title: str, size: PictureSize) -> None:
        """Opens it."""
        import open3d as o3d

        gui = o3d.visualization.gui
        self._application = gui.Application.instance
        self._application.initialize()
        self._window = self._application.create_window(title, size.width, size.height)
        self._widget = gui.SceneWidget()
        self._widget.scene = o3d.visualization.rendering.Open3DScene(self._window.renderer)
        self._widget.scene.set_background(background())
        self._widget.scene.view.set_post_processing(False)  # or its tone mapping would change the colours
        self._window.add_child(self._widget)
        self._panels = Panels(self._window)
        self._key_names = {int(getattr(gui.KeyName, _NAMES.get(key, key.upper()))): key for key in KEYS}
        self._noted: list[Event] = []
        self._pressed_at: tuple[int, int] | None = None
        self._labels: Sequence[Label] = ()
        self._written: list[o3d.visualization.gui.Label3D] = []
        self._seen_from: tuple[object, ...] = ()
        self._is_open = True
        self._window.set_on_layout(self._on_layout)
        self._window.set_on_key(self._on_key)
        self._window.set_on_close(self._on_close)
        self._widget.set_on_mouse(self._on_mouse)

    def poll(self) -> list[Event] | None:
        """Lets the window answer for some milliseconds."""
        self._write_labels()
        if not self._application.run_one_tick() or not self._is_open:
            return None
        noted, self._noted = self._noted, []
        return noted

    def draw(self, geometry: SceneGeometry | None, labels: Sequence[Label]) -> None:
        """Replaces the scene."""
        scene = self._widget.scene
        if geometry is None:
            scene.clear_geometry()
        else:
            show(scene, geometry)
        self._labels, self._seen_from = labels, ()
        self._window.post_redraw()

    def mark(self, segments: Float32[np.ndarray, "s 2 3"]) -> None:
        """Lines around the object that was clicked."""
        colors = np.tile(np.array(_CHOSEN, np.uint8), (len(segments), 1))
        add_lines(self._widget.scene, "chosen", Lines(segments, colors, 3.0))
        self._window.post_redraw()

    def look_from(self, eye: Eye) -> None:
        """Puts the camera there; the mouse turns it about what it looks at."""
        import open3d as o3d

        reach = np.array([[-_REACH_M] * 3, [_REACH_M] * 3]) + eye.target
        bounds = o3d.geometry.AxisAlignedBoundingBox(reach[0], reach[1])
        self._widget.setup_camera(VIEW_DEG, bounds, eye.target)
        self._widget.look_at(eye.target, eye.place, eye.up)
        self._window.post_redraw()

    def write(self, head: tuple[Row, ...], chosen: tuple[Row, ...], keys: tuple[Row, ...]) -> None:
        """Replaces the words that lie over the scene."""
        self._panels.write(head, chosen, keys)
        self._window.post_redraw()

    def close(self) -> None:
        """Closes the window, if its user has not, and ends the toolkit's loop."""
        if self._is_open:
            self._window.close()
        while self._application.run_one_tick():
            continue

    def _write_labels(self) -> None:
        """Those that have room, as the camera stands now."""
        frame, camera = self._widget.frame, self._widget.scene.camera
        size = (frame.width, frame.height)
        seen_from = (*size, *np.asarray(camera.get_view_matrix()).ravel().tolist())
        if seen_from == self._seen_from or not self._is_open:
            return
        self._seen_from = seen_from
        for label in self._written:
            self._widget.remove_3d_label(label)
        places = np.array([label.xyz_m for label in self._labels]).reshape(-1, 3)
        em = self._window.theme.font_size
        widths = np.array([0.55 * em * len(label.words.text) for label in self._labels])
        kept = with_room(pixels_of(self._widget.scene, places, *size), widths, 1.1 * em, size)
        self._written = [self._add_label(self._labels[k]) for k in kept]
        self._window.post_redraw()

    def _add_label(self, label: Label) -> o3d.visualization.gui.Label3D:
        written = self._widget.add_3d_label(label.xyz_m, label.words.text)
        written.color = gui_color(label.words.color)
        return written

    def _on_layout(self, context: o3d.visualization.gui.LayoutContext) -> None:
        self._widget.frame = self._window.content_rect
        self._panels.lay_out(context, self._window.content_rect)

    def _on_key(self, event: o3d.visualization.gui.KeyEvent) -> bool:
        key = self._key_names.get(int(event.key))
        if key is not None and "DOWN" in str(event.type):
            self._noted.append(Pressed(key))
        return key is not None

    def _on_mouse(self, event: o3d.visualization.gui.MouseEvent) -> int:
        """Notes a click, and leaves all else to the camera."""
        kind, at = str(event.type), (event.x, event.y)
        if "BUTTON_DOWN" in kind:
            self._pressed_at = at
        elif "BUTTON_UP" in kind and self._pressed_at is not None:
            if max(abs(at[0] - self._pressed_at[0]), abs(at[1] - self._pressed_at[1])) < _STILL_PX:
                self._noted.append(self._clicked(*at))
            self._pressed_at = None
        return int(self._widget.EventCallbackResult.IGNORED)

    def _clicked(self, x: int, y: int) -> Clicked:
        frame, camera = self._widget.frame, self._widget.scene.camera
        view, projection = (
            np.asarray(m, np.float64) for m in (camera.get_view_matrix(), camera.get_projection_matrix())
        )
        column, row = x - frame.x + 0.5, y - frame.y + 0.5
        return Clicked(ray_through(column, row, size=(frame.width, frame.height), view=view, projection=projection))

    def _on_close(self) -> bool:
        self._is_open = False
        return True
