"""A scene as clouds: its points with their labels, and its objects as a table, one point an object.

For consumers that know nothing but standard messages. All lengths are metres and angles radians, in the frame of the
header (x forward, y left, z up).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from bevseg.messages.fields import HeaderFields, PointCloud2Fields
from bevseg.messages.object_fields import FRACTION_SOURCE
from bevseg.messages.point_records import cloud_of_records
from bevseg.messages.sensor_place import UNKNOWN_ORIGIN
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import CellState, Scene
from bevseg.results.track_labels import TrackLabels

LABELLED_POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "instance", "class", "visible", "ray_origin"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u4", "u1", "u1", "u1"],
        "offsets": [0, 4, 8, 12, 16, 20, 21, 22],
        "itemsize": 24,
    }
)
"""Intensity 0..1 (0 where the input has none), `Instances.id` (0 for none), `SemanticClass`, 1 where the ground
under the point is seen, and which of the newest scan's sensors the ray started from (see `sensor_place`)."""

TABLE_ROW = np.dtype(
    [
        *((name, "<f4") for name in ("x", "y", "z", "length", "width", "height", "yaw", "vx", "vy", "score")),
        ("visible_fraction", "<f4"),
        ("area", "<f4"),
        ("hidden_fraction", "<f4"),
        ("id", "<u4"),
        ("rank", "<u4"),
        ("occluder", "<u4"),
        ("occluders", "<u2"),
        ("class", "u1"),
        ("visible_fraction_source", "u1"),
        ("track", "<u4"),
        ("track_state", "<u4"),
    ]
)
"""One object, 76 bytes: centre and size of its box, yaw, velocity (NaN where unknown), visible fraction (NaN where
unknown), area of the amodal mask in square metres, share of it that `occluder` hides, near-to-far rank from 0, id of
the object that hides most of it (0 for none), number of objects that hide some of it, `SemanticClass`, one of
`FRACTION_SOURCE`, number of its track (0 for none) and `TrackState`."""

_CHUNK = 1 << 15
"""Points that are looked up at once: what that takes stays in the cache, and no new pages are asked for."""

_SEEN = np.array([state in (CellState.FREE, CellState.OCCUPIED) for state in CellState])


def labelled_points(scene: Scene, cloud: PointCloud, header: HeaderFields) -> PointCloud2Fields:
    """The cloud that the scene was made of with its labels, as `LABELLED_POINT` has them.

    Raises:
        ValueError: The scene has labels for another number of points.
    """
    if len(cloud) != len(scene.points.semantic):
        raise ValueError(f"the scene labels {len(scene.points.semantic)} points, the cloud has {len(cloud)}")
    records = np.zeros(len(cloud), LABELLED_POINT)
    for column, axis in enumerate("xyz"):
        records[axis] = cloud.xyz[:, column]
    if cloud.intensity is not None:
        records["intensity"] = cloud.intensity
    records["instance"] = scene.points.instance
    records["class"] = scene.points.semantic
    records["visible"] = _ground_is_seen(scene, cloud)
    if len(cloud.sensor_origins_m) > 1:
        is_known = cloud.sweep < len(cloud.newest_origins_m)
        records["ray_origin"] = np.where(is_known, np.minimum(cloud.sweep, UNKNOWN_ORIGIN), UNKNOWN_ORIGIN)
    return cloud_of_records(records, header, is_dense=True)


def objects_table(scene: Scene, header: HeaderFields, tracks: TrackLabels | None = None) -> PointCloud2Fields:
    """One point an object, with everything that a number can say of it, as `TABLE_ROW` has it."""
    instances, graph = scene.instances, scene.occlusion
    rows = np.zeros(len(instances), TABLE_ROW)
    for column, name in enumerate(("x", "y", "z", "length", "width", "height", "yaw")):
        rows[name] = instances.boxes[:, column]
    rows["vx"], rows["vy"] = instances.velocity_mps.T
    rows["score"] = instances.score
    rows["visible_fraction"] = instances.visible_fraction
    rows["visible_fraction_source"] = FRACTION_SOURCE[instances.visible_fraction_source]
    rows["area"] = instances.amodal.area_cells * scene.grid.cell_m**2
    rows["id"], rows["rank"], rows["class"] = instances.id, graph.rank, instances.label
    labels = (tracks or TrackLabels.none()).of(instances.id)
    rows["track"], rows["track_state"] = labels.track, labels.state
    rows["occluders"] = np.bincount(graph.occluded, minlength=len(instances))
    weakest_first = np.argsort(graph.hidden_fraction, kind="stable")
    occluded = graph.occluded[weakest_first]  # the last of several that write into one row stays
    rows["occluder"][occluded] = instances.id[graph.occluder[weakest_first]]
    rows["hidden_fraction"][occluded] = graph.hidden_fraction[weakest_first]
    return cloud_of_records(rows, header, is_dense=not np.isnan(instances.velocity_mps).any())


def _ground_is_seen(scene: Scene, cloud: PointCloud) -> Bool[np.ndarray, "n"]:
    """Whether the cell under each point is free or occupied, or in the visible mask of the point's own object.

    What remains was seen above an obstacle, with the ground under it hidden, or lies outside the grid.
    """
    grid, state = scene.grid, scene.visibility.state.ravel()
    seen = np.zeros(len(cloud), bool)
    for start in range(0, len(cloud), _CHUNK):
        part = slice(start, start + _CHUNK)
        cells = scene.visibility.grid.flat_cells_of(cloud.xyz[part, :2])
        seen[part] = _SEEN[state[np.maximum(cells, 0)]] & (cells >= 0)
    open_points = np.flatnonzero((scene.points.instance > 0) & ~seen)
    if len(open_points) and len(scene.instances.visible.cells):
        visible = scene.instances.visible
        cells_of_objects = scene.instances.id.astype(np.int64)[visible.owner] * grid.num_cells + visible.cells
        place = grid.flat_cells_of(cloud.xyz[open_points, :2])
        own = scene.points.instance[open_points].astype(np.int64) * grid.num_cells + place
        seen[open_points] = np.isin(own, cells_of_objects) & (place >= 0)
    return seen
