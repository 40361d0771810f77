"""nuScenes' tables by token, from an index that is made once: a large set opens in a moment and takes no memory.

The tables of all of nuScenes are gigabytes of JSON, which the devkit reads in up to a minute each time. Here they are
read once, one after the other, and what a lidar needs of them is kept in an SQLite file below `$XDG_CACHE_HOME/bevseg`
(`~/.cache/bevseg`), which is made anew when a table has changed. Small sets are indexed in memory each time.

Source: docs/schema_nuscenes.md of nuscenes-devkit 1.2.0; the reverse indices and velocities are those of its class
`NuScenes`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from bevseg.datasets.nuscenes_rows import Row
from bevseg.whole_files import unfinished_path

TABLES = ("sample", "sample_data", "sample_annotation", "ego_pose", "calibrated_sensor", "category", "scene")
"""What every set has that is in the schema."""

logger = logging.getLogger(__name__)

_FORMAT = 1
"""Of the index; a file of another one is made anew."""
_SMALL_BYTES = 8_000_000
_LISTED = ("category", "scene", "lidarseg", "panoptic")
_FIELDS: dict[str, tuple[str, ...]] = {
    "sample_data": (
        "token", "sample_token", "ego_pose_token", "calibrated_sensor_token", "timestamp", "filename", "prev",
    ),
    "ego_pose": ("token", "translation", "rotation"),
    "sample_annotation": (
        "token", "sample_token", "instance_token", "visibility_token", "category_name", "translation", "size",
        "rotation", "prev", "next", "num_lidar_pts",
    ),
}  # fmt: skip
_MAX_TIME_DIFF_S = 1.5


class NuScenesIndex:
    """The rows of a set's tables by token, read from disk as they are asked for.

    Attributes:
        dataroot: The root of the set.
        version: The folder of tables in it.
    """

    def __init__(self, root: Path, version: str) -> None:
        """Opens the index, and makes it first where there is none of these tables.

        Raises:
            KeyError: A row lacks something, or names a token that is not there.
            OSError: A table is not there.
            ValueError: A table is no JSON.
        """
        self.dataroot, self.version = str(root), version
        self._rows = _opened(root / version)
        self._lists: dict[str, list[Row]] = {
            table: json.loads(rows) for table, rows in self._rows.execute("SELECT name, rows FROM lists")
        }

    def get(self, table: str, token: str) -> Row:
        """A row: of a sample with its scans by channel (`data`) and its annotations (`anns`).

        Raises:
            KeyError: There is none.
        """
        found = self._rows.execute(f'SELECT row FROM "{table}" WHERE token = ?', (token,)).fetchone()
        if found is None:
            raise KeyError(f"{table} {token}")
        row: Row = json.loads(found[0])
        return row

    def rows(self, table: str) -> list[Row]:
        """All rows of a table that is kept as a list; none where the set has no such table.

        Those of `scene` name its samples in the order of time for each lidar (`samples`).
        """
        return self._lists.get(table, [])

    @property
    def has_annotations(self) -> bool:
        """Whether any sample has one: those of the test set are not given away."""
        return self._rows.execute("SELECT 1 FROM sample_annotation LIMIT 1").fetchone() is not None

    def box_velocity(self, row: Row) -> Float64[np.ndarray, "3"]:
        """Velocity of an annotation, m/s, from where it was before and after; NaN where that is not known."""
        first, last = (self.get("sample_annotation", row[k]) if row[k] else row for k in ("prev", "next"))
        if first is last:
            return np.full(3, np.nan)
        end_us, start_us = (self.get("sample", r["sample_token"])["timestamp"] for r in (last, first))
        elapsed_s, spans = (end_us - start_us) * 1e-6, bool(row["prev"]) + bool(row["next"])
        if not 0 < elapsed_s <= spans * _MAX_TIME_DIFF_S:
            return np.full(3, np.nan)
        return (np.array(last["translation"], np.float64) - np.array(first["translation"], np.float64)) / elapsed_s


def index_file(folder: Path) -> Path:
    """Where the index of a folder of tables is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bevseg"
    return cache / f"nuscenes-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}.sqlite"


def _opened(folder: Path) -> sqlite3.Connection:
    state = _state(folder)
    if sum(size for _, size, _ in state) < _SMALL_BYTES:
        return _made(":memory:", folder, state)
    path = index_file(folder)
    if not _is_of(path, state):
        logger.warning("indexing the tables in %s, once", folder)
        try:
            with unfinished_path(path) as unfinished:
                _made(str(unfinished), folder, state).close()
        except (PermissionError, NotADirectoryError, FileExistsError, sqlite3.OperationalError) as error:
            logger.warning("the index is not kept, as %s cannot be written (%s)", path, error)
            return _made(":memory:", folder, state)
    return _read_only(path)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def _state(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of every table: what tells that one has changed."""
    stats = ((path.name, path.stat()) for path in sorted(folder.glob("*.json")))
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def _is_of(path: Path, state: list[tuple[str, int, int]]) -> bool:
    if not path.is_file():
        return False
    rows = _read_only(path)
    try:
        return bool(rows.execute("SELECT rows FROM lists WHERE name = 'made of'").fetchone() == (_made_of(state),))
    except sqlite3.DatabaseError:  # cut off, or no index at all
        return False
    finally:
        rows.close()


def _made_of(state: list[tuple[str, int, int]]) -> str:
    return json.dumps([_FORMAT, state])


def _made(file: str, folder: Path, state: list[tuple[str, int, int]]) -> sqlite3.Connection:
    index = sqlite3.connect(file, check_same_thread=False)
    try:
        index.execute("PRAGMA journal_mode = OFF")  # a half made file never gets its name
        index.execute("CREATE TABLE lists (name TEXT PRIMARY KEY, rows TEXT) WITHOUT ROWID")
        for table, rows in _indexed(folder):
            if table in _LISTED:
                index.execute("INSERT INTO lists VALUES (?, ?)", (table, json.dumps(rows)))
                continue
            index.execute(f'CREATE TABLE "{table}" (token TEXT PRIMARY KEY, row TEXT) WITHOUT ROWID')
            fields = _FIELDS.get(table)
            kept = sorted(
                (row["token"], json.dumps({name: row[name] for name in fields} if fields else row)) for row in rows
            )
            index.executemany(f'INSERT INTO "{table}" VALUES (?, ?)', kept)
        index.execute("INSERT INTO lists VALUES ('made of', ?)", (_made_of(state),))
        index.commit()
    except BaseException:
        index.close()
        raise
    return index


def _indexed(folder: Path) -> Iterator[tuple[str, list[Row]]]:
    """The tables, one after the other, with what the devkit adds to them; cameras and radars are left out."""
    modality = {row["token"]: row for row in _table(folder, "sensor")}
    sensors = _table(folder, "calibrated_sensor")
    channels = {
        row["token"]: modality[row["sensor_token"]]["channel"]
        for row in sensors
        if modality[row["sensor_token"]]["modality"] == "lidar"
    }
    yield "calibrated_sensor", sensors
    scans = [row for row in _table(folder, "sample_data") if row["calibrated_sensor_token"] in channels]
    poses = {row["ego_pose_token"] for row in scans}
    data: dict[str, dict[str, str]] = {}
    for row in scans:
        if row["is_key_frame"]:
            data.setdefault(row["sample_token"], {})[channels[row["calibrated_sensor_token"]]] = row["token"]
    yield "sample_data", scans
    del scans
    yield "ego_pose", [row for row in _table(folder, "ego_pose") if row["token"] in poses]
    anns: dict[str, list[str]] = {}
    categories = _table(folder, "category")
    names = {row["token"]: row["name"] for row in categories}
    of_instance = {row["token"]: names[row["category_token"]] for row in _table(folder, "instance")}
    annotations = _table(folder, "sample_annotation")
    for row in annotations:
        anns.setdefault(row["sample_token"], []).append(row["token"])
    yield "sample_annotation", [{**row, "category_name": of_instance[row["instance_token"]]} for row in annotations]
    del annotations
    samples = {
        row["token"]: {**row, "data": data.get(row["token"], {}), "anns": anns.get(row["token"], [])}
        for row in _table(folder, "sample")
    }
    yield "sample", list(samples.values())
    yield "category", categories
    yield "visibility", _table(folder, "visibility")
    yield "scene", [{**scene, "samples": _samples_of(scene, samples)} for scene in _table(folder, "scene")]
    for labels in ("lidarseg", "panoptic"):
        if (folder / f"{labels}.json").is_file():
            yield labels, _table(folder, labels)


def _samples_of(scene: Row, samples: Mapping[str, Row]) -> dict[str, list[str]]:
    """The samples that each lidar has a scan of, in the order of time."""
    found: dict[str, list[str]] = {}
    token = scene["first_sample_token"]
    while token:
        for channel in samples[token]["data"]:
            found.setdefault(channel, []).append(token)
        token = samples[token]["next"]
    return found


def _table(folder: Path, name: str) -> list[Row]:
    rows: list[Row] = json.loads((folder / f"{name}.json").read_bytes())
    return rows
