"""Two cameras that go with the vehicle in Rerun: one from behind, one so far above that what it sees is a map.

What stands in their pictures as words is placed here, since the viewer shows labels of things in space in its 3-D views
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, UInt8

from bevseg.drawing.perspective import ChaseCamera

if TYPE_CHECKING:
    import rerun as rr

EGO = "world/ego"
ABOVE, BEHIND = f"{EGO}/from_above", f"{EGO}/from_behind"

_ABOVE_M, _ABOVE_AHEAD_M, _PX_PER_M = 2000.0, 10.0, 14.0
_WIDTH_PX, _HEIGHT_PX = 1280, 1024
_NEAR_M = 1.0


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera.

    Attributes:
        path: Of its entity.
        axes: Columns: its right, down and ahead in the cloud's frame.
        place: In the cloud's frame, metres.
        focal_px: Focal length, pixels.
    """

    path: str
    axes: Float[np.ndarray, "3 3"]
    place: Float[np.ndarray, "3"]
    focal_px: float

    def log(self, stream: rr.RecordingStream) -> None:
        """Places it, once for the whole recording."""
        import rerun as rr

        stream.log(self.path, rr.Transform3D(mat3x3=self.axes, translation=self.place), static=True)
        camera = rr.Pinhole(focal_length=self.focal_px, width=_WIDTH_PX, height=_HEIGHT_PX, image_plane_distance=0.01)
        stream.log(self.path, camera, static=True)

    def pixels_of(self, xyz: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 2"]:
        """Where places are in its picture; NaN where it does not see them."""
        seen = (xyz - self.place) @ self.axes
        ahead: Bool[np.ndarray, "n"] = seen[:, 2] > _NEAR_M
        depth = np.where(ahead, seen[:, 2], np.nan)[:, None]
        pixels = seen[:, :2] / depth * self.focal_px + np.array([_WIDTH_PX, _HEIGHT_PX]) / 2
        outside = (pixels < 0) | (pixels > np.array([_WIDTH_PX, _HEIGHT_PX]))
        return np.where(outside.any(axis=1, keepdims=True), np.nan, pixels)

    def log_words(
        self,
        stream: rr.RecordingStream,
        name: str,
        xyz: Float[np.ndarray, "n 3"],
        colors: UInt8[np.ndarray, "n 3"],
        words: tuple[str, ...],
    ) -> None:
        """A word at each place that it sees."""
        import rerun as rr

        pixels = self.pixels_of(xyz)
        on = np.flatnonzero(~np.isnan(pixels[:, 0]))
        labels = [words[k] for k in on]
        shown = rr.Points2D(pixels[on], colors=colors[on], radii=-2.5, labels=labels, show_labels=True)
        stream.log(f"{self.path}/{name}", shown if len(on) else rr.Clear(recursive=False))


def cameras(ground_z_m: float) -> tuple[Camera, Camera]:
    """From above and from behind, over a ground of that height."""
    down = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    place = np.array([_ABOVE_AHEAD_M, 0.0, ground_z_m + _ABOVE_M])
    chase = ChaseCamera()
    c, s = np.cos(chase.down_rad), np.sin(chase.down_rad)
    behind = np.array([[0.0, -s, c], [-1.0, 0.0, 0.0], [0.0, -c, -s]])
    focal_px = _WIDTH_PX / 2 / np.tan(chase.view_rad / 2)
    return (
        Camera(ABOVE, down, place, _PX_PER_M * _ABOVE_M),
        Camera(BEHIND, behind, np.array([-chase.behind_m, 0.0, ground_z_m + chase.above_m]), float(focal_px)),
    )
