"""A folder of frames in bevseg's own format, as `bevseg simulate` writes them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import read_sample, sample_name


class StoredSource:
    """Every frame of a folder, or of its numbered folders, in the order of their paths.

    Raises:
        DatasetError: The folder holds none.
    """

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self.name = name or folder.name
        self._files = stored_frames(folder)
        if not self._files:
            raise DatasetError(f"{folder}: expected frames of bevseg (.npz), found none")

    def __len__(self) -> int:
        return len(self._files)

    def name_of(self, index: int) -> str:
        return sample_name(self._files[index])

    def __getitem__(self, index: int) -> Sample:
        return read_sample(self._files[index])


def stored_frames(folder: Path) -> tuple[Path, ...]:
    """The frames in a folder and in those below it; none where the first .npz is something else."""
    files = tuple(sorted((*folder.glob("*.npz"), *folder.glob("[0-9]*/*.npz"))))
    return files if files and _is_frame(files[0]) else ()


def _is_frame(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {"header.npy", "cloud.xyz.npy"} <= set(archive.namelist())
