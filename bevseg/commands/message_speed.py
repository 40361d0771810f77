"""`bevseg bench --messages`: PointCloud2 to a cloud and back, beside the way that goes point by point, in one run."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    import argparse

    import numpy as np

    from bevseg.messages.fields import PointCloud2Fields
    from bevseg.points.cloud import PointCloud
    from bevseg.results.scene import Scene

_POINTS = (35_000, 170_000)
"""A scan of 32 beams, and one of 128."""

_POINT_BYTES = 32
_OBJECTS = 40
_SEED = 7
_NAIVE_REPEATS = 3
_REACH_M = 50.0


@dataclass(frozen=True)
class MessageSpeed:
    """Times of one direction at one size, milliseconds; `equal` says whether both ways gave the same points."""

    what: str
    points: int
    p50_ms: float
    p99_ms: float
    naive_ms: float
    ratio: float
    equal: bool


def measure_messages(args: argparse.Namespace) -> ExitCode:
    """Decodes and encodes random scans `--repeats` times, and a few times point by point."""
    speeds = [speed for points in _POINTS for speed in (_decoding(points, args), _encoding(points, args))]
    if args.json:
        print_json({"point_bytes": _POINT_BYTES, "rows": [asdict(speed) for speed in speeds]})
    for speed in [] if args.json else speeds:
        console(args).print(
            f"{speed.what} {speed.points:,} points: p50 {speed.p50_ms:.2f} ms, p99 {speed.p99_ms:.2f} ms; point by "
            f"point {speed.naive_ms:.0f} ms, {speed.ratio:.0f} times as long; "
            f"points are {'equal' if speed.equal else 'NOT equal'}",
            markup=False,
        )
    return ExitCode.OK if all(speed.equal for speed in speeds) else ExitCode.DEFECT


def _decoding(points: int, args: argparse.Namespace) -> MessageSpeed:
    import numpy as np

    from bevseg.messages.pointcloud2 import decode_pointcloud2

    message = _scan_message(points)
    equal = np.array_equal(decode_pointcloud2(message).xyz, _decode_point_by_point(message))
    fast, naive = partial(decode_pointcloud2, message), partial(_decode_point_by_point, message)
    return _timed("decode", points, fast, naive, equal=equal, args=args)


def _encoding(points: int, args: argparse.Namespace) -> MessageSpeed:
    from bevseg.messages.clouds import labelled_points
    from bevseg.messages.fields import HeaderFields
    from bevseg.messages.pointcloud2 import decode_pointcloud2

    cloud = decode_pointcloud2(_scan_message(points))
    scene, header = _labelled_scene(cloud), HeaderFields()
    fast, naive = partial(labelled_points, scene, cloud, header), partial(_encode_point_by_point, scene, cloud)
    labelled = fast().data.reshape(points, -1)
    return _timed("encode", points, fast, naive, equal=labelled[:, :21].tobytes() == naive(), args=args)


def _timed(
    what: str,
    points: int,
    fast: Callable[[], object],
    naive: Callable[[], object],
    *,
    equal: bool,
    args: argparse.Namespace,
) -> MessageSpeed:
    import numpy as np

    for _ in range(args.warmup):
        fast()
    times_ms = [_milliseconds(fast) for _ in range(args.repeats)]
    p50, p99 = (float(np.percentile(times_ms, q)) for q in (50, 99))
    naive_ms = min(_milliseconds(naive) for _ in range(_NAIVE_REPEATS))
    return MessageSpeed(what, points, p50, p99, naive_ms, naive_ms / p50, equal)


def _milliseconds(call: Callable[[], object]) -> float:
    from time import perf_counter

    started = perf_counter()
    call()
    return (perf_counter() - started) * 1e3


def _scan_message(points: int) -> PointCloud2Fields:
    """A scan as PCL lays it out: 32 bytes a point, with gaps after z and at the end."""
    import numpy as np

    from bevseg.messages.fields import HeaderFields, TimeFields
    from bevseg.messages.point_records import cloud_of_records

    layout = {"x": ("<f4", 0), "y": ("<f4", 4), "z": ("<f4", 8), "intensity": ("<f4", 16), "ring": ("<u2", 20)}
    layout["time"] = ("<f4", 24)
    kinds, offsets = [kind for kind, _ in layout.values()], [offset for _, offset in layout.values()]
    record = np.dtype({"names": list(layout), "formats": kinds, "offsets": offsets, "itemsize": _POINT_BYTES})
    rng = np.random.default_rng(_SEED)
    records = np.zeros(points, record)
    for axis in "xyz":
        records[axis] = rng.uniform(-_REACH_M, _REACH_M, points)
    records["intensity"] = rng.integers(0, 256, points)
    records["ring"] = rng.integers(0, 128, points)
    records["time"] = np.linspace(0, 0.1, points)
    return cloud_of_records(records, HeaderFields(TimeFields(1_700_000_000)), is_dense=True)


def _labelled_scene(cloud: PointCloud) -> Scene:
    """A scene of random boxes that hold the points above them; a third of the points are on objects."""
    import numpy as np

    from bevseg.geometry.grid import BevGrid
    from bevseg.results.instances import Instances
    from bevseg.results.masks import footprint_masks
    from bevseg.results.occlusion_graph import OcclusionGraph
    from bevseg.results.scene import PointLabels, Scene, VisibilityMap

    rng, grid = np.random.default_rng(_SEED), BevGrid.square(half_extent_m=51.2, cell_m=0.2)
    boxes = np.tile(np.array([0, 0, 0, 4.5, 1.9, 1.6, 0], np.float32), (_OBJECTS, 1))
    boxes[:, :2], boxes[:, 6] = rng.uniform(-_REACH_M, _REACH_M, (_OBJECTS, 2)), rng.uniform(-3, 3, _OBJECTS)
    instances = Instances.from_detections(
        label=rng.integers(1, 11, _OBJECTS, dtype=np.uint8),
        score=rng.random(_OBJECTS, dtype=np.float32),
        boxes=boxes,
        velocity_mps=np.zeros((_OBJECTS, 2), np.float32),
        amodal=footprint_masks(boxes, grid),
    )
    on_object = rng.integers(0, 3, len(cloud)) == 0
    ids = np.where(on_object, rng.integers(1, _OBJECTS + 1, len(cloud)), 0).astype(np.int32)
    labels = PointLabels(rng.integers(0, 17, len(cloud), dtype=np.uint8), ids)
    visibility = VisibilityMap(grid, rng.integers(0, 4, grid.shape, dtype=np.uint8))
    seen = OcclusionGraph.empty(_OBJECTS)
    return Scene(cloud.stamp_ns, cloud.frame, instances, seen, visibility, labels)


def _decode_point_by_point(message: PointCloud2Fields) -> np.ndarray:
    """As is often written: each point unpacked by itself."""
    import numpy as np

    unpack, data = struct.Struct("<fff4xfH2xf").unpack_from, message.data.tobytes()
    points = [unpack(data, start) for start in range(0, len(data), message.point_step)]
    return np.array(points, np.float32)[:, :3]


def _encode_point_by_point(scene: Scene, cloud: PointCloud) -> bytes:
    """Each point packed by itself; without what tells whether its ground is seen."""
    pack = struct.Struct("<ffffIB").pack
    intensity = cloud.time_s if cloud.intensity is None else cloud.intensity
    columns = (*cloud.xyz.T, intensity, scene.points.instance, scene.points.semantic)
    return b"".join(pack(*point) for point in zip(*columns, strict=True))
