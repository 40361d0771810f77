"""One labelled scan as one file: a compressed .npz that gives back every bit of the sample."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

from bevseg.datasets.ground_cells import GroundCells
from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import VisibilityMap
from bevseg.whole_files import write_whole

FORMAT_VERSION = 1

_CLOUD_ARRAYS = (
    "xyz", "sensor_origins_m", "intensity", "time_s", "ring", "sweep", "ray_origins_m", "sweep_of_origin",
)  # fmt: skip
_TRUTH_ARRAYS = (
    "boxes", "label", "track_id", "velocity_mps", "visible_fraction", "num_points", "ignored",
    "point_semantic", "point_instance", "truncation", "visibility_level",
)  # fmt: skip
_GRAPH_ARRAYS = ("occluder", "occluded", "hidden_fraction", "rank", "visible_fraction")
_TRANSFORMS = ("T_ego_from_lidar", "T_global_from_ego")


class SampleFileError(ValueError):
    """The file is no sample that this version can read."""


def write_sample(path: Path, sample: Sample) -> None:
    """Writes the sample in full precision; the file appears under its name only when it is complete."""
    write_whole(path, sample_as_bytes(sample))


def sample_as_bytes(sample: Sample) -> bytes:
    """The content of the file; the same sample always gives the same bytes."""
    arrays = {f"cloud.{name}": getattr(sample.cloud, name) for name in _CLOUD_ARRAYS}
    arrays |= {f"truth.{name}": getattr(sample.annotations, name) for name in _TRUTH_ARRAYS}
    graph = sample.annotations.occlusion
    if graph is not None:
        arrays |= {f"occlusion.{name}": getattr(graph, name) for name in _GRAPH_ARRAYS}
    ground = sample.annotations.ground
    if ground is not None:
        arrays |= {"ground.state": ground.visibility.state, "ground.obstacle": ground.obstacle}
    arrays |= {name: getattr(sample, name).matrix for name in _TRANSFORMS}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    arrays["header"] = np.frombuffer(json.dumps(_header(sample)).encode(), dtype=np.uint8)
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)
    return archive.getvalue()


def read_sample(path: Path) -> Sample:
    """The sample as it was written.

    Raises:
        SampleFileError: The file is damaged, lacks a part, or is of another format version.
    """
    with _opened(path) as stored:
        header = _read_header(path, stored)
        return _sample(header, {name: stored[name] for name in stored.files})


def sample_name(path: Path) -> str:
    """The name of the sample that a file holds, of which nothing else is read.

    Raises:
        SampleFileError: The file is damaged, or of another format version.
    """
    with _opened(path) as stored:
        return str(_read_header(path, stored)["name"])


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    """The arrays of a file, read when they are asked for; what is wrong with them becomes an error with its name."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            yield stored
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        if isinstance(error, SampleFileError):
            raise
        what = f"{type(error).__name__}: {error}"
        raise SampleFileError(f"{path} is cut off, damaged or no sample file ({what}); make it anew") from error


def _read_header(path: Path, stored: NpzFile) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(stored["header"].tobytes())
    if header["format_version"] != FORMAT_VERSION:
        raise SampleFileError(
            f"{path} has sample format {header['format_version']}, this version reads {FORMAT_VERSION}"
        )
    return header


def _header(sample: Sample) -> dict[str, Any]:
    graph = sample.annotations.occlusion
    view, ground = sample.annotations.view, sample.annotations.ground
    header = {
        "format_version": FORMAT_VERSION,
        "name": sample.name,
        "frame": sample.cloud.frame,
        "stamp_ns": sample.cloud.stamp_ns,
        "dropped_non_finite": sample.cloud.dropped_non_finite,
        "view": [view.half_angle_rad, view.max_range_m],
        "cycles": None if graph is None else [list(cycle) for cycle in graph.cycles],
        "frames": {name: [getattr(sample, name).dst, getattr(sample, name).src] for name in _TRANSFORMS},
    }
    # An entry of its own, so that files without it have the bytes that they always had.
    return header if ground is None else {**header, "ground_grid": asdict(ground.visibility.grid)}


def _sample(header: dict[str, Any], arrays: dict[str, Any]) -> Sample:
    cloud = PointCloud(
        frame=header["frame"],
        stamp_ns=header["stamp_ns"],
        dropped_non_finite=header["dropped_non_finite"],
        **_named(arrays, "cloud", _CLOUD_ARRAYS),
    )
    graph = None
    if header["cycles"] is not None:
        cycles = tuple(tuple(cycle) for cycle in header["cycles"])
        graph = OcclusionGraph(**{name: arrays[f"occlusion.{name}"] for name in _GRAPH_ARRAYS}, cycles=cycles)
    half_angle, max_range = header["view"]
    truth = Annotations(
        **_named(arrays, "truth", _TRUTH_ARRAYS),
        occlusion=graph,
        view=LabelledView(half_angle_rad=half_angle, max_range_m=max_range),
        ground=_ground(header, arrays),
    )
    transforms: dict[str, Any] = {name: Transform(arrays[name], *header["frames"][name]) for name in _TRANSFORMS}
    return Sample(header["name"], cloud, truth, **transforms)


def _ground(header: dict[str, Any], arrays: dict[str, Any]) -> GroundCells | None:
    if "ground_grid" not in header:
        return None
    visibility = VisibilityMap(BevGrid(**header["ground_grid"]), arrays["ground.state"])
    return GroundCells(visibility, arrays["ground.obstacle"])


def _named(arrays: dict[str, Any], prefix: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The arrays of one part; None for those that the sample did not have."""
    return {name: arrays.get(f"{prefix}.{name}") for name in names}
