"""A set in nuScenes' schema of thousands of keyframes, made of one scan: of `bevseg bench --opening`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.scans import without_points, write_scan
from bevseg.simulation.writers.nuscenes.scenes import SceneSpec, scene_specs
from bevseg.simulation.writers.nuscenes.schema import shared_rows
from bevseg.simulation.writers.nuscenes.table_files import write_tables
from bevseg.simulation.writers.nuscenes.tables import SceneRows, scene_rows

_MOST_KEYFRAMES = 40
"""Of a scene, as in nuScenes: 20 s."""
_TOKEN = re.compile(r'"([0-9a-f]{32})"')


def write_long_nuscenes(drive: DriveSource, root: Path, frames: int) -> None:
    """Writes one scene of a vehicle that stands, and its rows again for every further scene.

    Every scene has the same number of keyframes, 40 at most, with nine sweeps between two of them.

    Args:
        drive: Its first scan is taken.
        root: Of the set, which is made.
        frames: Keyframes of the whole set.

    Raises:
        OSError: There is no room on the disk, or a file there has but one name.
    """
    keyframes = max(count for count in range(1, _MOST_KEYFRAMES + 1) if frames % count == 0)
    config = NuScenesWriterConfig(drive.config.scene, scenes=1, keyframes=keyframes)
    (scene,) = scene_specs(config)
    _write_files(drive, scene, root)
    record = without_points(drive[0], keep_objects=True)
    rows = scene_rows(scene, [record] * config.scans)
    write_tables(root / config.version, shared_rows(), _repeated(rows, frames // keyframes), {})


def _write_files(drive: DriveSource, scene: SceneSpec, root: Path) -> None:
    """The first scan, whose files are those of every other scan, too."""
    first, *others = scene.scans()
    write_scan(root, first, drive[0])
    for scan in others:
        pairs = [(first.points_file, scan.points_file)]
        if scan.is_keyframe:
            pairs += [(first.lidarseg_file, scan.lidarseg_file), (first.panoptic_file, scan.panoptic_file)]
        for file, name in pairs:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(root / file, root / name)


def _repeated(rows: SceneRows, scenes: int) -> Iterator[SceneRows]:
    """The rows of a scene for each of so many, which have tokens and names of their own and the same files."""
    text = json.dumps(vars(rows))
    shared = set(_TOKEN.findall(json.dumps(vars(shared_rows()))))
    for place in range(scenes):

        def own(found: re.Match[str], ending: str = f"{place:04x}") -> str:
            return found[0] if found[1] in shared else f'"{found[1][: -len(ending)]}{ending}"'

        again = SceneRows(**json.loads(_TOKEN.sub(own, text)))
        again.scene[0]["name"] = f"scene-{place:05d}"
        yield again
