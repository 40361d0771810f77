"""The one stored form of a `Scene`: `<stem>.json` for what is said of the objects, `<stem>.npz` for the large arrays.

The JSON holds (metres, radians, seconds; x forward, y left, z up; ids are `Instances.id`):

* `schema_version`: 2. `frame`, `stamp_ns` (64-bit integer), `num_points`, `timings_ms` (name to milliseconds).
* `grid`: `x_min_m`, `y_min_m`, `cell_m`, `width`, `height`.
* `T_output_from_input`: `dst`, `src`, `matrix` (4 rows of 4): from the file's or message's own frame into `frame`.
* `visible_fraction_source`: that of all objects ("counted", "estimated" or "unknown").
* `objects`: a list of `id`, `class` (nuScenes' name), `score`, `box` (`center_m` [x, y, z], `size_lwh_m` [l, w, h],
  `yaw_rad`, `velocity_mps` [vx, vy] or null where unknown), `mask_amodal` and `mask_visible` (COCO run lengths, see
  `rle`), `visible_fraction` (null where unknown), `occluded_by` (ids, the one that hides most first), `rank` (near to
  far, from 0).
* `occlusion`: `edges`, a list of `occluder` (id), `occluded` (id), `hidden_fraction`; `cycles`, lists of ids.

The npz holds `point_semantic` and `point_instance` (one entry a point), `visibility` (`CellState`, height x width) and
`stamp_ns`, by which the two files are known to belong together. Numbers keep every bit of their float32: each is
written with as few digits as give that float32 back, which is what makes a frame of 60 objects fit into 60 KB.

Version 1, which is still read, wrote up to 17 digits, spaces, and `visible_fraction_source` in each object.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.rle import RleError, decode_masks, encode_masks
from bevseg.results.scene import PointLabels, Scene, VisibilityMap

SCHEMA_VERSION = 2
"""What is written."""
READABLE_VERSIONS = (1, 2)

_UNREADABLE = (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile, zlib.error)
"""What `np.load` raises for a file that is cut, overwritten, or of another kind."""


class SceneFileError(ValueError):
    """A stored scene cannot be read, or a scene cannot be stored; the message says what to do."""


def scene_to_json(scene: Scene) -> dict[str, Any]:
    """The JSON document of a scene, as the module describes it; ready for `json.dump(..., allow_nan=False)`."""
    ids = scene.instances.id.tolist()
    graph = scene.occlusion
    edges = zip(graph.occluder.tolist(), graph.occluded.tolist(), _short(graph.hidden_fraction), strict=True)
    transform = scene.T_output_from_input
    return {
        "schema_version": SCHEMA_VERSION,
        "frame": scene.frame,
        "stamp_ns": int(scene.stamp_ns),
        "num_points": len(scene.points.semantic),
        "timings_ms": {name: float(value) for name, value in scene.timings_ms.items()},
        "grid": asdict(scene.grid),
        "T_output_from_input": {"dst": transform.dst, "src": transform.src, "matrix": transform.matrix.tolist()},
        "visible_fraction_source": scene.instances.visible_fraction_source,
        "objects": _objects(scene),
        "occlusion": {
            "edges": [{"occluder": ids[a], "occluded": ids[b], "hidden_fraction": share} for a, b, share in edges],
            "cycles": [[ids[k] for k in cycle] for cycle in graph.cycles],
        },
    }


def write_scene(path_stem: str | Path, scene: Scene) -> None:
    """Writes `<path_stem>.json` and `<path_stem>.npz`, each whole or not at all, and makes the folder if it is missing.

    Raises:
        SceneFileError: A number is not finite, or the graph and the instances tell different visible fractions.
    """
    _require_one_visible_fraction(scene)
    try:
        text = json.dumps(scene_to_json(scene), allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise SceneFileError(
            f"scene {scene.stamp_ns} holds a number that is not finite in a box, a score or a timing: {error}. "
            "Drop that object before the scene is stored"
        ) from error
    json_path, npz_path = _paths(path_stem)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(npz_path, lambda temporary: _save_arrays(temporary, scene))
    _write_whole(json_path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_scene(path_stem: str | Path) -> Scene:
    """Reads what `write_scene` wrote.

    Raises:
        SceneFileError: A file is missing or damaged, was written by another version, or the two do not belong together.
    """
    json_path, npz_path = _paths(path_stem)
    document = _read_document(json_path)
    arrays = _read_arrays(npz_path)
    if int(arrays["stamp_ns"]) != document.get("stamp_ns"):
        raise SceneFileError(
            f"{json_path} and {npz_path} are of different scans (stamp {document.get('stamp_ns')} and "
            f"{int(arrays['stamp_ns'])}): writing was interrupted. Segment the scan again"
        )
    try:
        return _scene(document, arrays)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SceneFileError(
            f"{json_path} is not a scene of schema version {document['schema_version']}: "
            f"{type(error).__name__}: {error}. "
            "Restore the file, or segment the scan again"
        ) from error


def _objects(scene: Scene) -> list[dict[str, Any]]:
    instances, graph = scene.instances, scene.occlusion
    amodal, visible = encode_masks(instances.amodal), encode_masks(instances.visible)
    scores, fractions = _short(instances.score), _short(instances.visible_fraction)
    return [
        {
            "id": int(instances.id[k]),
            "class": SemanticClass(instances.label[k]).label,
            "score": scores[k],
            "box": _box(instances, k),
            "mask_amodal": amodal[k],
            "mask_visible": visible[k],
            "visible_fraction": None if np.isnan(fractions[k]) else fractions[k],
            "occluded_by": instances.id[graph.occluders_of(k)].tolist(),
            "rank": int(graph.rank[k]),
        }
        for k in range(len(instances))
    ]


def _box(instances: Instances, k: int) -> dict[str, Any]:
    x, y, z, length, width, height, yaw = _short(instances.boxes[k])
    velocity = instances.velocity_mps[k]
    return {
        "center_m": [x, y, z],
        "size_lwh_m": [length, width, height],
        "yaw_rad": yaw,
        "velocity_mps": None if np.isnan(velocity).any() else _short(velocity),
    }


def _short(values: Float[np.ndarray, "n"]) -> list[float]:
    """Numbers that print with the fewest digits from which their float32 can be read back."""
    return [float(str(value)) for value in values.astype(np.float32)]


def _require_one_visible_fraction(scene: Scene) -> None:
    """The file has one visible fraction for each object: the graph's is the same, or 1 where none is known."""
    told = np.nan_to_num(scene.instances.visible_fraction, nan=1.0)
    if not np.array_equal(told, scene.occlusion.visible_fraction):
        raise SceneFileError(
            f"the instances say visible fractions {told}, the occlusion graph {scene.occlusion.visible_fraction}. "
            "Store the instances and the graph that one call of with_occlusion returned"
        )


def _save_arrays(path: Path, scene: Scene) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            point_semantic=scene.points.semantic,
            point_instance=scene.points.instance,
            visibility=scene.visibility.state,
            stamp_ns=np.int64(scene.stamp_ns),
        )


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes beside the target, then renames, so that a reader never meets half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _paths(path_stem: str | Path) -> tuple[Path, Path]:
    return Path(f"{path_stem}.json"), Path(f"{path_stem}.npz")


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SceneFileError(f"cannot read {path}: {error}. A scene is a pair of files, .json and .npz") from error
    except ValueError as error:
        raise SceneFileError(f"{path} is damaged: {error}. Restore it, or segment the scan again") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in READABLE_VERSIONS or isinstance(version, bool):
        raise SceneFileError(
            f"{path} has schema version {version}, this bevseg reads {' and '.join(map(str, READABLE_VERSIONS))}. "
            "Read it with the bevseg that wrote it, or segment the scan again"
        )
    return document


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    names = ("point_semantic", "point_instance", "visibility", "stamp_ns")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except FileNotFoundError as error:
        raise SceneFileError(
            f"{path} is missing: a scene is a pair of files, copy the .npz beside the .json"
        ) from error
    except _UNREADABLE as error:
        raise SceneFileError(f"{path} is damaged: {error}. Restore it, or segment the scan again") from error


def _scene(document: dict[str, Any], arrays: dict[str, np.ndarray]) -> Scene:
    if len(arrays["point_semantic"]) != document["num_points"]:
        raise ValueError(f"{document['num_points']} points expected, the .npz has {len(arrays['point_semantic'])}")
    grid = BevGrid(**document["grid"])
    instances = _instances(document["objects"], grid, document.get("visible_fraction_source", "unknown"))
    transform = document["T_output_from_input"]
    return Scene(
        stamp_ns=document["stamp_ns"],
        frame=document["frame"],
        instances=instances,
        occlusion=_graph(document, instances),
        visibility=VisibilityMap(grid, arrays["visibility"]),
        points=PointLabels(arrays["point_semantic"], arrays["point_instance"]),
        timings_ms=document["timings_ms"],
        T_output_from_input=Transform(np.array(transform["matrix"]), transform["dst"], transform["src"]),
    )


def _instances(objects: list[dict[str, Any]], grid: BevGrid, source: str) -> Instances:
    sources = {o.get("visible_fraction_source", source) for o in objects} or {source}
    if len(sources) > 1 or not sources <= {"counted", "estimated", "unknown"}:
        raise ValueError(f"visible_fraction_source must be one of counted, estimated, unknown, got {sorted(sources)}")
    boxes = [(*o["box"]["center_m"], *o["box"]["size_lwh_m"], o["box"]["yaw_rad"]) for o in objects]
    velocities = [o["box"]["velocity_mps"] or (np.nan, np.nan) for o in objects]
    fractions = [np.nan if o["visible_fraction"] is None else o["visible_fraction"] for o in objects]
    return Instances(
        id=_ids(objects),
        label=np.array([_class_of(o) for o in objects], np.uint8),
        score=np.array([o["score"] for o in objects], np.float32),
        boxes=np.array(boxes, np.float32).reshape(-1, 7),
        velocity_mps=np.array(velocities, np.float32).reshape(-1, 2),
        amodal=_masks(objects, "mask_amodal", grid),
        visible=_masks(objects, "mask_visible", grid),
        visible_fraction=np.array(fractions, np.float32),
        visible_fraction_source=sources.pop(),
    )


def _ids(objects: list[dict[str, Any]]) -> np.ndarray:
    ids = np.array([o["id"] for o in objects], np.int32)
    known, times = np.unique(ids, return_counts=True)
    if (times > 1).any():
        raise ValueError(f"expected one object for each id, got several with {known[times > 1][:5].tolist()}")
    return ids


def _class_of(stored: dict[str, Any]) -> SemanticClass:
    try:
        return SemanticClass[stored["class"].upper()]
    except KeyError:
        known = ", ".join(c.label for c in SemanticClass if c.is_thing)
        raise ValueError(
            f"object {stored['id']}: expected one of the classes {known}, got {stored['class']!r}"
        ) from None


def _masks(objects: list[dict[str, Any]], name: str, grid: BevGrid) -> BevMasks:
    try:
        return decode_masks([o[name] for o in objects], grid)
    except RleError as error:
        raise ValueError(f"object {objects[error.index]['id']}, {name}: {error}") from error


def _graph(document: dict[str, Any], instances: Instances) -> OcclusionGraph:
    place = {identity: k for k, identity in enumerate(instances.id.tolist())}
    edges = document["occlusion"]["edges"]
    return OcclusionGraph(
        occluder=np.array([place[e["occluder"]] for e in edges], np.int32),
        occluded=np.array([place[e["occluded"]] for e in edges], np.int32),
        hidden_fraction=np.array([e["hidden_fraction"] for e in edges], np.float32),
        rank=np.array([o["rank"] for o in document["objects"]], np.int32),
        visible_fraction=np.nan_to_num(instances.visible_fraction, nan=1.0),
        cycles=tuple(tuple(place[identity] for identity in cycle) for cycle in document["occlusion"]["cycles"]),
    )
