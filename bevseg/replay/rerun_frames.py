"""A frame as entities of Rerun (https://rerun.io): each layer is a path that the viewer switches on and off.

world/ego                     the vehicle's place, seen from where it was in the first frame
world/ego/<result>/...        points, ground, masks, boxes, velocity, order, trails, truth and marks of a result
world/ego/from_.../<result>   words in the picture of a camera: marks, hidden shares, and labels, which are off at first
plots/<result>/...            latency, counts, scores and failures
notes                         frames that cannot be read, or have no result

Of the time lines `frame` counts from 0 and `time` is that since the first frame. What a frame lacks is cleared, or the
viewer would go on showing what was there before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from bevseg.drawing import palette
from bevseg.drawing.layers import PointColoring
from bevseg.geometry.frames import Transform
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.mask_geometry import Flat, ground_picture
from bevseg.replay.pictures import Look, shown_of
from bevseg.replay.rerun_cameras import EGO, Camera, cameras
from bevseg.replay.rerun_plots import PlotLogger
from bevseg.replay.scene_geometry import Arrows, Boxes, SceneGeometry, Strips, dimmed

if TYPE_CHECKING:
    import rerun as rr

_GROUND_COARSER = 2
"""Of the cells of the visibility map one of two each way is shown, which keeps long recordings small."""
_RINGS_M = (10.0, 20.0, 30.0, 40.0, 50.0)
_VEHICLE_M = (4.4, 1.85, 1.5)


def slots(results: int) -> tuple[str, ...]:
    """The path of each result: of one alone, or of two that are compared."""
    return ("result",) if results == 1 else ("a", "b")


def colorings(look: Look) -> tuple[PointColoring, ...]:
    """What the colour of a point can tell: each is a layer of its own, the one that was asked for first."""
    return (look.coloring, *(c for c in ("object", "class", "height") if c != look.coloring))


@dataclass
class FrameLogger:
    """Logs one frame after the other.

    Attributes:
        stream: What they are logged to.
        look: Layers, and what the colour of a point tells.
    """

    stream: rr.RecordingStream
    look: Look
    _T_first_from_fixed: Transform | None = field(default=None, init=False)
    _cameras: tuple[Camera, ...] = field(default=(), init=False)
    _plots: dict[str, PlotLogger] = field(default_factory=dict, init=False)

    def log(self, frame: Frame | BrokenFrame) -> None:
        """Logs a frame; one that cannot be read clears what was there, and says why."""
        import rerun as rr

        self.stream.set_time("frame", sequence=frame.index)
        if isinstance(frame, BrokenFrame):
            self.stream.disable_timeline("time")
            self.stream.log(EGO, rr.Clear(recursive=True))
            self.stream.log("notes", rr.TextLog(f"frame {frame.index} cannot be shown: {frame.reason}", level="ERROR"))
            return
        self.stream.set_time("time", duration=frame.time_s)
        self._log_place(frame)
        for slot, prediction in zip(slots(len(frame.predictions)), frame.predictions, strict=True):
            geometry = SceneGeometry.of(shown_of(frame, prediction, self.look))
            self._log_scan(f"{EGO}/{slot}", geometry)
            self._log_objects(slot, geometry)
            self._log_boxes(f"{EGO}/{slot}/truth", geometry.truth, width_px=1.0)
            plots = self._plots.setdefault(slot, PlotLogger(self.stream, f"plots/{slot}"))
            plots.log(prediction, num_points=len(frame.cloud))
            if prediction.note:
                self.stream.log("notes", rr.TextLog(prediction.note, level="WARN"))

    def _log_place(self, frame: Frame) -> None:
        """Where the vehicle is; what never moves against it is logged once."""
        import rerun as rr

        if self._T_first_from_fixed is None:  # global coordinates would be too large for the viewer's float32
            self._T_first_from_fixed = frame.T_fixed_from_cloud.inverse()
            self._log_still(SceneGeometry.of(shown_of(frame, frame.predictions[0], self.look)).ground_z_m)
        fixed = frame.T_fixed_from_cloud
        moved = self._T_first_from_fixed.matrix @ fixed.matrix
        self.stream.log(EGO, rr.Transform3D(mat3x3=moved[:3, :3], translation=moved[:3, 3]))

    def _log_still(self, ground_z_m: float) -> None:
        import rerun as rr

        self.stream.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        self._cameras = cameras(ground_z_m)
        for camera in self._cameras:
            camera.log(self.stream)
        vehicle = np.array([[0.0, 0.0, ground_z_m + _VEHICLE_M[2] / 2, *_VEHICLE_M, 0.0]])
        self._log_boxes(f"{EGO}/vehicle", Boxes(vehicle, _one(palette.EGO), ("",)), width_px=1.5, static=True)
        if "rings" in self.look.layers:
            turn = np.linspace(0, 2 * np.pi, 181)
            circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
            rings = [np.pad(circle * m, ((0, 0), (0, 1)), constant_values=ground_z_m) for m in _RINGS_M]
            lines = rr.LineStrips3D(rings, colors=dimmed(_one(palette.RING), 0.6), radii=_px(0.7))
            self.stream.log(f"{EGO}/rings", lines, static=True)

    def _log_scan(self, path: str, geometry: SceneGeometry) -> None:
        """Points, once for each way of colouring them, and the ground."""
        import rerun as rr

        if "points" in self.look.layers:
            for coloring in colorings(self.look):
                colors = replace(geometry.shown, coloring=coloring).point_colors
                self.stream.log(
                    f"{path}/points/{coloring}", rr.Points3D(geometry.points_xyz, colors=colors, radii=_px(1.1))
                )
        if "ground" in self.look.layers:
            ground = ground_picture(geometry.shown.scene.visibility, coarser=_GROUND_COARSER)
            mesh = rr.Mesh3D(
                vertex_positions=ground.corners(geometry.ground_z_m - 0.05),
                triangle_indices=[[0, 1, 2], [0, 2, 3]],
                vertex_texcoords=[[0, 0], [1, 0], [1, 1], [0, 1]],
                albedo_texture=ground.tones,
            )
            self.stream.log(f"{path}/ground", mesh)

    def _log_objects(self, slot: str, geometry: SceneGeometry) -> None:
        """What was found, and what is wrong with it."""
        import rerun as rr

        path = f"{EGO}/{slot}"
        self._log_flat(f"{path}/masks/visible", geometry.visible)
        self._log_flat(f"{path}/masks/hidden", geometry.hidden)
        segments, colors = geometry.hatching
        self._log_or_clear(
            f"{path}/masks/hatching", rr.LineStrips3D(segments, colors=colors, radii=_px(0.7)), len(segments)
        )
        self._log_strips(f"{path}/masks/outlines", geometry.outlines, width_px=0.8)
        self._log_boxes(f"{path}/boxes", geometry.boxes, width_px=1.1)
        self._log_inspected(f"{path}/boxes", geometry)
        self._log_arrows(f"{path}/velocity", geometry.velocities)
        self._log_arrows(f"{path}/order", geometry.order)
        self._log_strips(f"{path}/trails", geometry.trails, width_px=1.4)
        marks = geometry.marks
        words = rr.Points3D(marks.xyz, colors=marks.colors, radii=_px(3.0), labels=list(marks.words), show_labels=True)
        self._log_or_clear(f"{path}/marks", words, len(marks))
        for camera in self._cameras:
            self._log_words(camera, slot, geometry)

    def _log_words(self, camera: Camera, slot: str, geometry: SceneGeometry) -> None:
        """What stands in the picture of a camera."""
        boxes, order, marks = geometry.boxes, geometry.order, geometry.marks
        top = boxes.boxes[:, :3] + np.array([0.0, 0.0, 0.5]) * boxes.boxes[:, 5:6]
        middle = order.origins + order.vectors / 2
        camera.log_words(self.stream, f"{slot}/marks", marks.xyz, marks.colors, marks.words)
        camera.log_words(self.stream, f"{slot}/labels", top, boxes.colors, boxes.labels)
        shares = tuple(words.removesuffix(" hidden") for words in order.labels)
        camera.log_words(self.stream, f"{slot}/order", middle, order.colors, shares)

    def _log_inspected(self, path: str, geometry: SceneGeometry) -> None:
        """What the viewer tells of a box that is clicked on."""
        import rerun as rr

        scene = geometry.shown.scene
        if not len(geometry.boxes):
            return
        graph = scene.occlusion
        occluders = [graph.occluders_of(k) for k in range(len(scene.instances))]
        hidden_by = [int(scene.instances.id[near[0]]) if len(near) else 0 for near in occluders]
        values = rr.AnyValues(
            object_id=scene.instances.id.astype(np.int32),
            score=scene.instances.score.astype(np.float32),
            visible_fraction=scene.instances.visible_fraction.astype(np.float32),
            near_to_far_rank=graph.rank.astype(np.int32),
            hidden_most_by=np.array(hidden_by, np.int32),
        )
        self.stream.log(path, values)

    def _log_boxes(self, path: str, boxes: Boxes, *, width_px: float, static: bool = False) -> None:
        import rerun as rr

        half_yaw = boxes.boxes[:, 6] / 2
        zero = np.zeros_like(half_yaw)
        archetype = rr.Boxes3D(
            centers=boxes.boxes[:, :3],
            half_sizes=boxes.boxes[:, 3:6] / 2,
            quaternions=np.stack([zero, zero, np.sin(half_yaw), np.cos(half_yaw)], axis=1),
            colors=boxes.colors,
            radii=_px(width_px),
            labels=list(boxes.labels) if any(boxes.labels) else None,
            show_labels=False,
        )
        self._log_or_clear(path, archetype, len(boxes), static=static)

    def _log_arrows(self, path: str, arrows: Arrows) -> None:
        import rerun as rr

        archetype = rr.Arrows3D(
            origins=arrows.origins,
            vectors=arrows.vectors,
            colors=arrows.colors,
            radii=_px(1.2),
            labels=list(arrows.labels),
            show_labels=False,
        )
        self._log_or_clear(path, archetype, len(arrows))

    def _log_strips(self, path: str, strips: Strips, *, width_px: float) -> None:
        import rerun as rr

        lines = rr.LineStrips3D(list(strips.paths), colors=strips.colors, radii=_px(width_px))
        self._log_or_clear(path, lines, len(strips))

    def _log_flat(self, path: str, flat: Flat) -> None:
        import rerun as rr

        mesh = rr.Mesh3D(vertex_positions=flat.vertices, triangle_indices=flat.triangles, vertex_colors=flat.colors)
        self._log_or_clear(path, mesh, len(flat.triangles))

    def _log_or_clear(self, path: str, archetype: rr.AsComponents, count: int, *, static: bool = False) -> None:
        import rerun as rr

        self.stream.log(path, archetype if count else rr.Clear(recursive=False), static=static)


def _px(radius: float) -> float:
    """A radius in pixels of the screen, whatever the distance: Rerun's negative radii."""
    return -radius


def _one(color: palette.Color) -> UInt8[np.ndarray, "1 3"]:
    return np.array([color], np.uint8)
