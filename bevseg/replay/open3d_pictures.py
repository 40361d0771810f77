"""Recordings as pictures of Open3D's offscreen renderer: a folder of PNG files, without a display."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.frame_picture import draw_card
from bevseg.drawing.image_file import write_png
from bevseg.drawing.labels import Placer, Rect
from bevseg.evaluation.frame_scores import Scoring
from bevseg.replay.difference import with_differences
from bevseg.replay.display import refusal_of_open3d, stdout_to_stderr
from bevseg.replay.export import unfinished_folder
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.open3d_scene import background, look_from, pixels_of, show
from bevseg.replay.pictures import Look, heading_of, shown_of
from bevseg.replay.scene_cameras import eye_of
from bevseg.replay.scene_geometry import SceneGeometry

if TYPE_CHECKING:
    import open3d as o3d

NEEDED = "apt-get install libvulkan1 mesa-vulkan-drivers libusb-1.0-0 libgl1 libegl1 libgomp1"
_PROBE = "import open3d; open3d.visualization.rendering.OffscreenRenderer(8, 8)"


class RendererError(OSError):
    """Open3D cannot draw on this machine."""


def require_renderer() -> None:
    """Tries the offscreen renderer in a process of its own.

    Raises:
        ModuleNotFoundError: Open3D is not installed.
        RendererError: It is, and cannot draw here.
    """
    if said := refusal_of_open3d(_PROBE):
        raise RendererError(f"Open3D cannot draw here ({said}); it needs Vulkan: {NEEDED}")


@contextmanager
def write_open3d(
    folder: Path, frames: Iterable[Frame | BrokenFrame], look: Look, scoring: Scoring | None
) -> Iterator[Iterator[int]]:
    """A folder of PNG files, 000000.png and so on, which appears when the `with` block ends well, or not at all.

    Args:
        folder: Is not there yet.
        frames: In order.
        look: Layers, colours and size; of two results the first is shown.
        scoring: Which objects count; None where results are not compared with the truth.

    Yields:
        An iterator to be run to its end, which writes one picture a step and counts them.

    Raises:
        FileExistsError: There is such a folder already.
        RendererError: Open3D cannot draw here.
    """
    require_renderer()
    with stdout_to_stderr():
        import open3d as o3d

        renderer = o3d.visualization.rendering.OffscreenRenderer(look.size.width, look.size.height)
    renderer.scene.set_background(background())
    renderer.scene.view.set_post_processing(False)  # or its tone mapping would change the colours
    with unfinished_folder(folder) as unfinished:

        def write() -> Iterator[int]:
            for count, frame in enumerate(frames, 1):
                judged = frame if isinstance(frame, BrokenFrame) else with_differences(frame, scoring)
                write_png(unfinished / f"{frame.index:06d}.png", _picture(renderer, judged, look))
                yield count

        yield write()


def _picture(
    renderer: o3d.visualization.rendering.OffscreenRenderer, frame: Frame | BrokenFrame, look: Look
) -> UInt8[np.ndarray, "h w 3"]:
    if isinstance(frame, BrokenFrame):
        return draw_card(frame.reason, size=look.size, title=f"Frame {frame.index} cannot be shown")
    geometry = SceneGeometry.of(shown_of(frame, frame.predictions[0], look))
    show(renderer.scene, geometry)
    width, height = look.size.width, look.size.height
    look_from(renderer.scene, eye_of("behind", geometry.ground_z_m), width / height)
    picture: np.ndarray = np.asarray(renderer.render_to_image())[..., :3]
    canvas = Canvas(np.ascontiguousarray(picture), BevView(0.0, 1.0), height / 720)
    _write_words(canvas, renderer.scene, geometry)
    heading = heading_of(frame, frame.predictions[0], replace(look, title=look.title or frame.predictions[0].name))
    for line, text in enumerate(filter(None, (heading.title, heading.place, heading.note))):
        canvas.text(text, left=16 * canvas.ui, baseline=(28 + 20 * line) * canvas.ui, size=14.0, color=palette.TEXT)
    return canvas.image


def _write_words(canvas: Canvas, scene: o3d.visualization.rendering.Open3DScene, geometry: SceneGeometry) -> None:
    """Failures first, then hidden shares, then the objects' labels, where there is room for them."""
    order, boxes, marks = geometry.order, geometry.boxes, geometry.marks
    top = boxes.boxes[:, :3] + np.array([0.0, 0.0, 0.5]) * boxes.boxes[:, 5:6]
    places = np.concatenate([marks.xyz, order.origins + order.vectors / 2, top])
    colors = np.concatenate([marks.colors, order.colors, boxes.colors])
    words = [*marks.words, *order.labels, *boxes.labels]
    placer = Placer()
    for pixel, color, word in zip(pixels_of(scene, places, canvas.width, canvas.height), colors, words, strict=True):
        if word and not np.isnan(pixel[0]):
            red, green, blue = color.tolist()
            x, y = pixel.tolist()
            placer.write(canvas, [(word, (red, green, blue))], around=Rect(x, y, x, y), size=10.5)
