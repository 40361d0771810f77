"""The frozen test set "sim-test-v1": 200 frames that nothing is ever trained on, known by their hashes.

The frames themselves are too large for the repository. What is kept is, for each frame, the SHA-256 of all its bytes
and a summary. `write_frozen_set` makes the frames with the version of the simulator that the set was frozen with;
when the simulator has changed since, the stored frames remain the set, and `FrozenSource` checks that they are.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np

from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import read_sample, sample_name
from bevseg.simulation.config import RESERVED_SEEDS, SIMULATOR_VERSION, SimulationConfig
from bevseg.simulation.dataset_folder import Progress
from bevseg.simulation.generate import frame_path, write_scenes

NAME = "sim-test-v1"
CONFIG = SimulationConfig(
    seed=RESERVED_SEEDS.start + 1, frames=200, sensors=("hdl-32e", "hdl-64e", "pandar64"), density=(0.0, 0.4)
)
_RECORDS_FILE = "sim_test_v1.json"
_SUMMARY_TOLERANCE = 2e-3

Agreement = Literal["identical", "equivalent", "different"]


class FrozenSetError(ValueError):
    """The frames are not those of the frozen set, or cannot be made by this version."""


@dataclass(frozen=True)
class FrameRecord:
    """What is known of one frame.

    Attributes:
        sha256: Of every array of the sample, see `sample_hash`.
        num_points: Points of the scan.
        num_objects: Annotated objects.
        mean_range_m: Mean distance of the points from the sensor.
        seen_objects: Objects with at least one point.
    """

    sha256: str
    num_points: int
    num_objects: int
    mean_range_m: float
    seen_objects: int


@dataclass(frozen=True)
class FrozenRecords:
    """The set as it was frozen: the simulator's version and one record a frame."""

    simulator_version: int
    frames: tuple[FrameRecord, ...]


@dataclass(frozen=True)
class FrozenSource:
    """A `Source` over the stored frames of the set; each is checked against its hash when it is read.

    Raises:
        FrozenSetError: On reading a frame that is missing or not the one that was frozen.
    """

    folder: Path

    @property
    def name(self) -> str:
        return NAME

    def __len__(self) -> int:
        return CONFIG.frames

    def name_of(self, index: int) -> str:
        return sample_name(self._path(index))

    def __getitem__(self, index: int) -> Sample:
        path = self._path(index)
        sample = read_sample(path)
        if agreement(sample, self._records.frames[index]) == "different":
            raise FrozenSetError(f"{path} is not frame {index} of {NAME}: neither its hash nor its summary agrees")
        return sample

    def _path(self, index: int) -> Path:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a set of {len(self)} frames")
        path = frame_path(self.folder, index)
        if not path.exists():
            raise FrozenSetError(f"{path} is missing; write the set with write_frozen_set")
        return path

    @cached_property
    def _records(self) -> FrozenRecords:
        return load_records()


def write_frozen_set(folder: Path, workers: int = 1, *, progress: Progress | None = None) -> None:
    """Makes the frames of the set that are not in the folder yet.

    Raises:
        FrozenSetError: This version of the simulator gives other frames than the frozen ones.
    """
    frozen_with = load_records().simulator_version
    if frozen_with != SIMULATOR_VERSION:
        raise FrozenSetError(
            f"{NAME} was frozen with version {frozen_with} of the simulator, this is version {SIMULATOR_VERSION}; "
            "use the stored frames"
        )
    write_scenes(CONFIG, folder, CONFIG.frames, workers, progress=progress)


def freeze(folder: Path) -> FrozenRecords:
    """Records of the frames in a folder that `write_scenes` has filled with `CONFIG`; for making a new frozen set."""
    records = tuple(record_of(read_sample(frame_path(folder, index))) for index in range(CONFIG.frames))
    return FrozenRecords(SIMULATOR_VERSION, records)


def load_records() -> FrozenRecords:
    """The records kept with the package."""
    stored = json.loads(resources.files("bevseg.simulation").joinpath(_RECORDS_FILE).read_text())
    return FrozenRecords(stored["simulator_version"], tuple(FrameRecord(**row) for row in stored["frames"]))


def records_as_json(records: FrozenRecords) -> str:
    """The records in the form that is kept with the package, one line a frame."""
    rows = ",\n".join(json.dumps(asdict(row)) for row in records.frames)
    return f'{{"name": "{NAME}", "simulator_version": {records.simulator_version}, "frames": [\n{rows}\n]}}\n'


def record_of(sample: Sample) -> FrameRecord:
    """What is kept of a frame."""
    return FrameRecord(
        sha256=sample_hash(sample),
        num_points=len(sample.cloud),
        num_objects=len(sample.annotations),
        mean_range_m=round(_mean_range_m(sample), 4),
        seen_objects=int(np.count_nonzero(sample.annotations.num_points)),
    )


def agreement(sample: Sample, record: FrameRecord) -> Agreement:
    """Whether a frame is the recorded one.

    Sines and ray casting differ in the last bits between processors, so the same frame made elsewhere may be
    "equivalent": other bytes, the same summary within 0.2 %.
    """
    found = record_of(sample)
    if found.sha256 == record.sha256:
        return "identical"
    pairs = [
        (found.num_points, record.num_points),
        (found.num_objects, record.num_objects),
        (found.mean_range_m, record.mean_range_m),
    ]
    same = all(abs(a - b) <= _SUMMARY_TOLERANCE * abs(b) for a, b in pairs)
    return "equivalent" if same else "different"


def sample_hash(sample: Sample) -> str:
    """SHA-256 over points, labels, boxes, occlusion and poses of a sample, names and types included."""
    digest = hashlib.sha256()
    truth, graph = sample.annotations, sample.annotations.occlusion
    parts = {
        "xyz": sample.cloud.xyz,
        "intensity": sample.cloud.intensity,
        "time_s": sample.cloud.time_s,
        "ring": sample.cloud.ring,
        "boxes": truth.boxes,
        "label": truth.label,
        "velocity_mps": truth.velocity_mps,
        "visible_fraction": truth.visible_fraction,
        "num_points": truth.num_points,
        "point_semantic": truth.point_semantic,
        "point_instance": truth.point_instance,
        "occluder": None if graph is None else graph.occluder,
        "occluded": None if graph is None else graph.occluded,
        "hidden_fraction": None if graph is None else graph.hidden_fraction,
        "rank": None if graph is None else graph.rank,
        "T_ego_from_lidar": sample.T_ego_from_lidar.matrix,
        "T_global_from_ego": sample.T_global_from_ego.matrix,
    }
    for name, array in parts.items():
        if array is not None:
            digest.update(f"{name} {array.dtype} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _mean_range_m(sample: Sample) -> float:
    if not len(sample.cloud):
        return 0.0
    return float(np.linalg.norm(sample.cloud.xyz.astype(np.float64), axis=1).mean())
