"""A frame as geometry of Open3D: a named part for each layer, with the material that it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.drawing import palette
from bevseg.replay.mask_geometry import Flat, ground_picture, ground_quads
from bevseg.replay.scene_cameras import Eye
from bevseg.replay.scene_geometry import Arrows, SceneGeometry, Strips

if TYPE_CHECKING:
    import open3d as o3d

_GROUND_COARSER = 2
_GROUND_BELOW_M = 0.05
_HEAD_M, _HEAD_SHARE = 0.9, 0.35
_NEAR_M, _FAR_M = 0.5, 400.0
VIEW_DEG = 48.0


@dataclass(frozen=True, eq=False)
class Lines:
    """Segments with a colour each."""

    segments: Float[np.ndarray, "s 2 3"]
    colors: UInt8[np.ndarray, "s 3"]
    width_px: float


def show(scene: o3d.visualization.rendering.Open3DScene, geometry: SceneGeometry) -> None:
    """Replaces what a scene shows by a frame; layers that are empty are left out."""
    scene.clear_geometry()
    for name, flat in flats(geometry).items():
        if len(flat.triangles):
            scene.add_geometry(name, _mesh(flat), _material("defaultUnlit"))
    for name, lines in line_layers(geometry).items():
        add_lines(scene, name, lines)
    if len(geometry.points_xyz):
        scene.add_geometry("points", _cloud(geometry), _material("defaultUnlit", point_size=2.0))


def add_lines(scene: o3d.visualization.rendering.Open3DScene, name: str, lines: Lines) -> None:
    """Replaces the lines of that name; none are left out."""
    scene.remove_geometry(name)
    if len(lines.segments):
        scene.add_geometry(name, _line_set(lines), _material("unlitLine", line_width=lines.width_px))


def look_from(scene: o3d.visualization.rendering.Open3DScene, eye: Eye, aspect: float) -> None:
    """Puts the camera there; `aspect` is the picture's width over its height."""
    import open3d as o3d

    kind = o3d.visualization.rendering.Camera.FovType.Vertical
    scene.camera.set_projection(VIEW_DEG, aspect, _NEAR_M, _FAR_M, kind)
    scene.camera.look_at(eye.target, eye.place, eye.up)


def pixels_of(
    scene: o3d.visualization.rendering.Open3DScene, xyz: Float[np.ndarray, "n 3"], width: int, height: int
) -> Float[np.ndarray, "n 2"]:
    """Where places are in a picture of that size; NaN where they lie behind the camera."""
    camera = scene.camera
    matrix = np.asarray(camera.get_projection_matrix(), np.float64) @ np.asarray(camera.get_view_matrix(), np.float64)
    clip = np.concatenate([xyz, np.ones((len(xyz), 1))], axis=1) @ matrix.T
    depth = np.where(clip[:, 3] > _NEAR_M, clip[:, 3], np.nan)
    return (clip[:, :2] / depth[:, None] * np.array([0.5, -0.5]) + 0.5) * np.array([width, height])


def flats(geometry: SceneGeometry) -> dict[str, Flat]:
    """What is filled."""
    parts = {"visible": geometry.visible, "hidden": geometry.hidden}
    if "ground" in geometry.shown.layers:
        ground = ground_picture(geometry.shown.scene.visibility, coarser=_GROUND_COARSER)
        parts["ground"] = ground_quads(ground, geometry.ground_z_m - _GROUND_BELOW_M)
    return parts


def line_layers(geometry: SceneGeometry) -> dict[str, Lines]:
    """What is drawn in lines."""
    segments, colors = geometry.hatching
    boxes, truth = geometry.boxes, geometry.truth
    return {
        "hatching": Lines(segments, colors, 1.0),
        "outlines": _strip_lines(geometry.outlines, 1.2),
        "boxes": Lines(boxes.segments, np.repeat(boxes.colors, 12, axis=0), 1.6),
        "truth": Lines(truth.segments, np.repeat(truth.colors, 12, axis=0), 1.2),
        "velocity": _arrow_lines(geometry.velocities, 2.0),
        "order": _arrow_lines(geometry.order, 2.0),
        "trails": _strip_lines(geometry.trails, 2.0),
    }


def _strip_lines(strips: Strips, width_px: float) -> Lines:
    if not len(strips):
        return Lines(np.zeros((0, 2, 3), np.float32), np.zeros((0, 3), np.uint8), width_px)
    segments = np.concatenate([np.stack([path[:-1], path[1:]], axis=1) for path in strips.paths])
    return Lines(segments, np.repeat(strips.colors, [len(path) - 1 for path in strips.paths], axis=0), width_px)


def _arrow_lines(arrows: Arrows, width_px: float) -> Lines:
    """A shaft and the two strokes of a flat head."""
    tip = arrows.origins + arrows.vectors
    length = np.linalg.norm(arrows.vectors, axis=1, keepdims=True)
    along = arrows.vectors / np.maximum(length, 1e-6)
    across = np.stack([-along[:, 1], along[:, 0], np.zeros(len(along))], axis=1)
    head_m = np.minimum(_HEAD_M, _HEAD_SHARE * length)
    strokes = [np.stack([tip, tip - along * head_m + side * across * head_m / 2], axis=1) for side in (1, -1)]
    segments = np.concatenate([np.stack([arrows.origins, tip], axis=1), *strokes])
    return Lines(segments, np.tile(arrows.colors, (3, 1)), width_px)


def _cloud(geometry: SceneGeometry) -> o3d.geometry.PointCloud:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(_vectors(geometry.points_xyz))
    cloud.colors = _vectors(geometry.point_colors / 255)
    return cloud


def _mesh(flat: Flat) -> o3d.geometry.TriangleMesh:
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh(_vectors(flat.vertices), o3d.utility.Vector3iVector(flat.triangles))
    mesh.vertex_colors = _vectors(flat.colors / 255)
    # The material reads a texture, be it but a white pixel. Without places in it Open3D hands on what lies in memory,
    # and Mesa's software renderer, which filters the more the farther such places are apart, takes up to minutes.
    # Corners with one place in both would be taken for one, with one colour: each triangle has a place of its own.
    count = len(flat.triangles)
    place = np.repeat(np.arange(count) / max(count, 1), 3)
    mesh.triangle_uvs = o3d.utility.Vector2dVector(np.stack([place, place], axis=1))
    return mesh


def _line_set(lines: Lines) -> o3d.geometry.LineSet:
    import open3d as o3d

    ends = np.arange(2 * len(lines.segments), dtype=np.int32).reshape(-1, 2)
    line_set = o3d.geometry.LineSet(_vectors(lines.segments.reshape(-1, 3)), o3d.utility.Vector2iVector(ends))
    line_set.colors = _vectors(lines.colors / 255)
    return line_set


def _vectors(values: Float[np.ndarray, "n 3"]) -> o3d.utility.Vector3dVector:
    import open3d as o3d

    return o3d.utility.Vector3dVector(values.astype(np.float64))


def _material(shader: str, **properties: float) -> o3d.visualization.rendering.MaterialRecord:
    import open3d as o3d

    material = o3d.visualization.rendering.MaterialRecord()
    material.shader = shader
    for name, value in properties.items():
        setattr(material, name, value)
    return material


def background() -> list[float]:
    """Red, green, blue and opacity behind everything, 0..1."""
    return [*(channel / 255 for channel in palette.BACKGROUND), 1.0]
