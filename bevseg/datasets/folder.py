"""A folder of point files without labels, in the order of their names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.points.formats import EXTENSIONS, extension_of, read_points
from bevseg.points.input_frame import InputFrame


class FolderSource:
    """Every point file directly in a folder; names sort as text, so number them with leading zeros."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str | None = None,
        columns: str | tuple[str, ...] | None = None,
        input_frame: InputFrame | None = None,
    ) -> None:
        self.name = name or folder.name
        self._columns = columns
        self._input_frame = input_frame
        self._files = point_files(folder)

    def __len__(self) -> int:
        return len(self._files)

    def name_of(self, index: int) -> str:
        file = self._files[index].name
        return file[: -len(extension_of(file))]

    def __getitem__(self, index: int) -> Sample:
        path = self._files[index]
        point_file = read_points(path, columns=self._columns, input_frame=self._input_frame)
        cloud = point_file.cloud
        return Sample(
            name=self.name_of(index),
            cloud=cloud,
            annotations=Annotations.from_boxes(
                cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8), view=NO_BOXES
            ),
            T_ego_from_lidar=Transform(np.eye(4), "ego", cloud.frame),
            T_global_from_ego=Transform(np.eye(4), "global", "ego"),
        )


def point_files(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that `read_points` knows, by name.

    Raises:
        DatasetError: The folder is missing or holds none.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    files = tuple(folder / name for name in sorted(os.listdir(folder)) if name.lower().endswith(EXTENSIONS))
    if not files:
        raise DatasetError(f"{folder}: holds no point files; known are {', '.join(EXTENSIONS)}")
    return files
