"""The objects of KITTI's label and result files with all that its evaluation asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from bevseg.datasets.labels import DatasetError
from bevseg.geometry.boxes import wrap_angle

_LABEL_FIELDS, _RESULT_FIELDS = 15, 16


@dataclass(frozen=True, eq=False)
class KittiObjects:
    """Objects of one frame; entry k of every array is the same object.

    Attributes:
        names: KITTI's words: `Car`, `Van`, `DontCare`, ...
        boxes: `(x, y, z, l, w, h, yaw)`, metres and radians, in one upright frame for truth and results.
        score: Of results; NaN for truth.
        image_height_px: Height of the box in the picture; infinite where there is no picture.
        truncation: Share that the picture cuts off, 0..1; 0 where unknown.
        occlusion: Level 0 (visible) to 3 (unknown); 0 where there is none.
    """

    names: tuple[str, ...]
    boxes: Float[np.ndarray, "k 7"]
    score: Float[np.ndarray, "k"]
    image_height_px: Float[np.ndarray, "k"]
    truncation: Float[np.ndarray, "k"]
    occlusion: Float[np.ndarray, "k"]

    def __post_init__(self) -> None:
        k = len(self.names)
        for name in ("boxes", "score", "image_height_px", "truncation", "occlusion"):
            if len(getattr(self, name)) != k:
                raise ValueError(f"{name} must have {k} entries as names has, got {len(getattr(self, name))}")

    @classmethod
    def without_picture(
        cls, names: Sequence[str], boxes: Float[np.ndarray, "k 7"], score: Float[np.ndarray, "k"] | None = None
    ) -> KittiObjects:
        """Objects of which nothing is known but name, box and, for results, score: none is too small or hidden."""
        k = len(names)
        return cls(
            names=tuple(names),
            boxes=boxes.astype(np.float64),
            score=np.full(k, np.nan) if score is None else score.astype(np.float64),
            image_height_px=np.full(k, np.inf),
            truncation=np.zeros(k),
            occlusion=np.zeros(k),
        )

    @classmethod
    def joined(cls, frames: Sequence[KittiObjects]) -> KittiObjects:
        """The objects of several frames, frame by frame."""
        fields = ("boxes", "score", "image_height_px", "truncation", "occlusion")
        empty = cls.without_picture((), np.zeros((0, 7)))
        joined = {name: np.concatenate([getattr(objects, name) for objects in (empty, *frames)]) for name in fields}
        return cls(names=tuple(name for objects in frames for name in objects.names), **joined)

    def __len__(self) -> int:
        return len(self.names)

    def is_named(self, lower_name: str) -> Bool[np.ndarray, "k"]:
        """Which objects have a name, given in lower case; KITTI does not tell capitals apart."""
        return np.array([name.lower() == lower_name for name in self.names], dtype=bool)


def read_kitti_labels(path: Path) -> KittiObjects:
    """Reads a file of `label_2`, don't-care regions included.

    Raises:
        DatasetError: There is no such file, or a line has too few fields.
    """
    return _read(path, _LABEL_FIELDS)


def read_kitti_results(path: Path) -> KittiObjects:
    """Reads a file of results: a label and a score a line.

    Raises:
        DatasetError: There is no such file, a line has too few fields, or a score is not a number.
    """
    found = _read(path, _RESULT_FIELDS)
    if np.isnan(found.score).any():
        raise DatasetError(f"{path}: expected a score in the 16th field of each line, got nan")
    return found


def _read(path: Path, fields: int) -> KittiObjects:
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; a frame without objects has an empty one")
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    short = [row for row in rows if len(row) < fields]
    if short:
        raise DatasetError(f"{path}: expected {fields} fields a line, got {len(short[0])}: '{' '.join(short[0])}'")
    values = np.array([row[1:fields] for row in rows], dtype=np.float64).reshape(-1, fields - 1)
    return KittiObjects(
        names=tuple(row[0] for row in rows),
        boxes=_upright_boxes(values[:, 7:14]),
        score=values[:, 14] if fields == _RESULT_FIELDS else np.full(len(rows), np.nan),
        image_height_px=np.abs(values[:, 6] - values[:, 4]),
        truncation=values[:, 0],
        occlusion=values[:, 1],
    )


def _upright_boxes(rows: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k 7"]:
    """Rows of `h w l x y z rotation_y` with the axes turned from x right, y down, z forward to z up, y left, x forward.

    KITTI compares boxes that stand upright in the camera's frame, so the lidar's own frame does not come in.
    """
    h, w, length, x, y, z, rotation_y = rows.T
    return np.column_stack([z, -x, h / 2 - y, length, w, h, wrap_angle(-rotation_y - np.pi / 2)])
