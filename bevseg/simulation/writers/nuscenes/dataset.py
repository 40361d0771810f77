"""Simulated drives as a dataset in the nuScenes schema: scans while they are made, tables at the end.

The official devkit opens it with `NuScenes(version, dataroot=folder)`. Its evaluators for boxes run on the splits
"bevseg_train" and "bevseg_val"; `NuScenesWriterConfig` says what those for points need.

Beside nuScenes' own folders there are `simulation.json`, which says what was asked for, and `scan_records/`, from which
an interrupted run goes on; readers need neither.

Source: docs/schema_nuscenes.md of nuscenes-devkit 1.2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bevseg.datasets.sample_file import read_sample
from bevseg.processes import work_off
from bevseg.simulation.dataset_folder import Progress, as_manifest, claimed, counting
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.map_mask import map_mask, mask_as_png, walkable_points
from bevseg.simulation.writers.nuscenes.scans import is_written, write_scan
from bevseg.simulation.writers.nuscenes.scenes import ScanSpec, SceneSpec, scene_specs
from bevseg.simulation.writers.nuscenes.schema import shared_rows
from bevseg.simulation.writers.nuscenes.table_files import has_tables, splits_of, write_tables
from bevseg.simulation.writers.nuscenes.tables import SceneRows, scene_rows
from bevseg.whole_files import write_whole

FORMAT_VERSION = 1
"""Raised whenever the same scans give other files than before."""


def write_nuscenes(
    config: NuScenesWriterConfig, folder: Path, workers: int = 1, *, progress: Progress | None = None
) -> None:
    """Makes the dataset, or what is missing of it: the same bytes for any number of workers and interruptions.

    Every file appears under its name only when it is complete, and the tables only when all else is.

    Args:
        config: What to make.
        folder: New, empty, or begun with the same configuration; the devkit's `dataroot`.
        workers: Processes; each makes scenes of its own, and helps with those of others when it has none left.
        progress: Called with the number of scans done and of all.

    Raises:
        GenerationError: The folder holds something else, or was begun with another configuration or version of the
            simulator.
        TooManyInstancesError: A scene has more objects than panoptic labels can count.
        DiskFullError: There is no room on the disk.
        OSError: A file cannot be written for another reason.
    """
    scenes = scene_specs(config)
    with claimed(folder, _manifest(config)):
        _make_scans(scenes, folder, workers, progress)
        unmapped = [scene for scene in scenes if not (folder / scene.map_file).exists()]
        work_off(_MapJob(folder), [[scene] for scene in unmapped], workers)
        if not has_tables(folder / config.version):
            rows = (_read_rows(scene, folder) for scene in scenes)
            write_tables(folder / config.version, shared_rows(), rows, splits_of(scenes))


def _make_scans(scenes: Sequence[SceneSpec], folder: Path, workers: int, progress: Progress | None) -> None:
    missing = [[scan for scan in scene.scans() if not is_written(folder, scan)] for scene in scenes]
    total = sum(scene.config.scans for scene in scenes)
    report = counting(progress, total - sum(map(len, missing)), total)
    work_off(_ScanJob(folder), missing, workers, done=report)


@dataclass
class _ScanJob:
    """Makes one scan; keeps the drive that the scan before was of."""

    folder: Path
    drive: DriveSource | None = None

    def __call__(self, scan: ScanSpec) -> None:
        config = scan.scene.drive
        if self.drive is None or self.drive.config != config:
            self.drive = DriveSource(config)
        write_scan(self.folder, scan, self.drive[scan.index])


@dataclass(frozen=True)
class _MapJob:
    """Makes the map of a scene whose scans are there."""

    folder: Path

    def __call__(self, scene: SceneSpec) -> None:
        keyframes = [scan for scan in scene.scans() if scan.is_keyframe]
        records = [read_sample(self.folder / scan.record_file) for scan in keyframes]
        way_m = np.stack([scene.sensor_pose(record).translation_m[:2] for record in records])
        pairs = zip(keyframes, records, strict=True)
        mask = map_mask(scene, way_m, (walkable_points(self.folder, scan, record) for scan, record in pairs))
        write_whole(self.folder / scene.map_file, mask_as_png(mask))


def _read_rows(scene: SceneSpec, folder: Path) -> SceneRows:
    return scene_rows(scene, [read_sample(folder / scan.record_file) for scan in scene.scans()])


def _manifest(config: NuScenesWriterConfig) -> dict[str, Any]:
    """All that the bytes of the dataset depend on; the number of frames follows from the keyframes."""
    dataset = {name: value for name, value in asdict(config).items() if name != "simulation"}
    return as_manifest(
        replace(config.simulation, frames=0), {"format": "nuscenes", "format_version": FORMAT_VERSION, **dataset}
    )
