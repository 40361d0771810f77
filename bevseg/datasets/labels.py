"""Turning a set's own class names and files into ours, and the errors that say which file does not fit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Integer, UInt8

from bevseg.datasets.sample import LabelledView
from bevseg.results.classes import SemanticClass

NO_BOXES = LabelledView(half_angle_rad=0.0, max_range_m=0.0)
"""The view of a set that labels points alone: there is nowhere that its boxes are complete."""


class DatasetError(ValueError):
    """A dataset's folder or file is missing, or does not hold what its format promises."""


def class_array(names: Sequence[str], table: Mapping[str, SemanticClass], *, where: Path) -> UInt8[np.ndarray, "k"]:
    """The class of each name.

    Raises:
        DatasetError: A name is not in the table.
    """
    unknown = sorted({name for name in names if name not in table})
    if unknown:
        raise DatasetError(f"{where}: class names {unknown} are not in the set's table of {sorted(table)}")
    return np.array([table[name] for name in names], dtype=np.uint8)


def lookup_table(classes: Mapping[int, SemanticClass], *, size: int) -> UInt8[np.ndarray, "size"]:
    """An array from a set's index to `SemanticClass`; indices that the mapping leaves out become noise."""
    table = np.zeros(size, np.uint8)
    for index, semantic in classes.items():
        table[index] = semantic
    return table


def map_points(
    indices: Integer[np.ndarray, "n"], table: UInt8[np.ndarray, "size"], *, num_points: int, where: Path
) -> UInt8[np.ndarray, "n"]:
    """The class of each point.

    Raises:
        DatasetError: There is not one label a point, or an index lies outside the table.
    """
    if len(indices) != num_points:
        raise DatasetError(f"{where}: expected one label for each of {num_points} points, got {len(indices)}")
    if len(indices) and int(indices.max()) >= len(table):
        raise DatasetError(f"{where}: label {int(indices.max())} is outside the set's {len(table)} indices")
    return table[indices]


def is_not_a_thing(label: UInt8[np.ndarray, "k"]) -> Bool[np.ndarray, "k"]:
    """Which boxes are neither right nor wrong to find, because their class is none of the ten things."""
    return (label < SemanticClass.BARRIER) | (label > SemanticClass.TRUCK)


def track_number(token: str) -> int:
    """A number of 60 bits that stands for an identity in every frame and every run, whatever the token looks like."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big") >> 4


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, by name; of its files, which may be many, nothing is asked."""
    with os.scandir(folder) as entries:
        return [folder / name for name in sorted(entry.name for entry in entries if entry.is_dir())]


def _name(path: Path) -> str:
    return path.name  # paths themselves compare ten times as slowly


def sorted_files(folder: Path, pattern: str) -> tuple[Path, ...]:
    """The files that match, by name.

    Raises:
        DatasetError: There is none.
    """
    files = tuple(sorted(folder.glob(pattern), key=_name))
    if not files:
        raise DatasetError(f"{folder}: expected files '{pattern}', found none")
    return files
