"""Simulated drives as a dataset in the nuScenes schema: scans while they are made, tables at the end.

The official devkit opens it with `NuScenes(version, dataroot=folder)`. Its evaluators for boxes run on the splits
"bevseg_train" and "bevseg_val"; `NuScenesWriterConfig` says what those for points need.

Beside nuScenes' own folders there are `simulation.json`, which says what was asked for, and `scan_records/`, from which
an interrupted run goes on; readers need neither.

Source: docs/schema_nuscenes.md of nuscenes-devkit 1.2.0.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bevseg.datasets.sample_file import read_sample
from bevseg.simulation.config import SIMULATOR_VERSION
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.generate import Progress
from bevseg.simulation.writers.folder import claim
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.map_mask import map_mask, mask_as_png, walkable_points
from bevseg.simulation.writers.nuscenes.scans import is_written, write_scan
from bevseg.simulation.writers.nuscenes.scenes import SceneSpec, scene_specs
from bevseg.simulation.writers.nuscenes.schema import shared_rows
from bevseg.simulation.writers.nuscenes.table_files import has_tables, splits_of, write_tables
from bevseg.simulation.writers.nuscenes.tables import SceneRows, scene_rows
from bevseg.whole_files import remove_unfinished, write_whole

FORMAT_VERSION = 1
"""Raised whenever the same scans give other files than before."""


class DiskFullError(OSError):
    """There is no room for the rest of the dataset; what is written stays, and the same call goes on from there."""


def write_nuscenes(
    config: NuScenesWriterConfig, folder: Path, workers: int = 1, *, progress: Progress | None = None
) -> None:
    """Makes the dataset, or what is missing of it: the same bytes for any number of workers and interruptions.

    Every file appears under its name only when it is complete, and the tables only when all else is.

    Args:
        config: What to make.
        folder: New, empty, or begun with the same configuration; the devkit's `dataroot`.
        workers: Processes; each makes whole scenes.
        progress: Called with the number of scans done and of all; with several workers once a scene.

    Raises:
        GenerationError: The folder holds something else, or was begun with another configuration or version of the
            simulator.
        TooManyInstancesError: A scene has more objects than panoptic labels can count.
        DiskFullError: There is no room on the disk.
        OSError: A file cannot be written for another reason.
    """
    scenes = scene_specs(config)
    with _full_disk_explained(folder):
        claim(folder, _manifest(config))
        _make_scenes(scenes, folder, workers, progress or _no_progress)
        remove_unfinished(folder)
        if not has_tables(folder / config.version):
            rows = (_read_rows(scene, folder) for scene in scenes)
            write_tables(folder / config.version, shared_rows(), rows, splits_of(scenes))


def _make_scenes(scenes: Sequence[SceneSpec], folder: Path, workers: int, progress: Progress) -> None:
    unfinished = [job for scene in scenes if not (job := _SceneJob(scene, folder)).is_done()]
    total = sum(scene.config.scans for scene in scenes)
    done = total - sum(len(job.missing()) for job in unfinished)
    progress(done, total)
    if workers <= 1:
        for job in unfinished:
            for _ in job.scans_made():
                done += 1
                progress(done, total)
    elif unfinished:
        with multiprocessing.get_context("spawn").Pool(min(workers, len(unfinished))) as pool:
            for made in pool.imap_unordered(_run, unfinished):
                done += made
                progress(done, total)


@dataclass(frozen=True)
class _SceneJob:
    """All that is to be made of one scene before the tables."""

    scene: SceneSpec
    folder: Path

    def is_done(self) -> bool:
        return (self.folder / self.scene.map_file).exists() and not self.missing()

    def missing(self) -> list[int]:
        """The scans of which a file is not there."""
        return [scan.index for scan in self.scene.scans() if not is_written(self.folder, scan)]

    def scans_made(self) -> Iterator[int]:
        """Makes the missing scans, giving the number of each, then the map if it is missing."""
        drive = DriveSource(self.scene.drive)
        for index in self.missing():
            write_scan(self.folder, self.scene.scan(index), drive[index])
            yield index
        map_file = self.folder / self.scene.map_file
        if not map_file.exists():
            write_whole(map_file, self._map())

    def _map(self) -> bytes:
        keyframes = [scan for scan in self.scene.scans() if scan.is_keyframe]
        records = [read_sample(self.folder / scan.record_file) for scan in keyframes]
        way_m = np.stack([self.scene.sensor_pose(record).translation_m[:2] for record in records])
        pairs = zip(keyframes, records, strict=True)
        return mask_as_png(
            map_mask(self.scene, way_m, (walkable_points(self.folder, scan, record) for scan, record in pairs))
        )


def _run(job: _SceneJob) -> int:
    """Does a job in a worker; gives the number of scans made."""
    return sum(1 for _ in job.scans_made())


def _read_rows(scene: SceneSpec, folder: Path) -> SceneRows:
    return scene_rows(scene, [read_sample(folder / scan.record_file) for scan in scene.scans()])


def _manifest(config: NuScenesWriterConfig) -> dict[str, Any]:
    """All that the bytes of the dataset depend on, flat, so that an error can name what differs."""
    # The length follows from the keyframes.
    simulation = asdict(replace(config.simulation, frames=0))
    dataset = {name: value for name, value in asdict(config).items() if name != "simulation"}
    manifest = {
        "format": "nuscenes",
        "format_version": FORMAT_VERSION,
        "simulator_version": SIMULATOR_VERSION,
        **dataset,
        **simulation,
    }
    # Through JSON, because what is compared with it comes from there: tuples are lists.
    return dict(json.loads(json.dumps(manifest)))


@contextmanager
def _full_disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFullError(
            f"no room left on the disk of {folder}; make room and run the same again: it goes on where it stopped"
        ) from error


def _no_progress(done: int, total: int) -> None:
    """Tells nobody."""
