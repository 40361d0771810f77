from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.real_frames import open_real_frames


def test_opens_the_folders_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "semantickitti_panoptic").mkdir()
    np.zeros((1, 4), "<f4").tofile(tmp_path / "semantickitti_panoptic" / "0.bin")
    (tmp_path / "something_else").mkdir()
    assert [source.name for source in open_real_frames(tmp_path)] == ["semantic_kitti"]


def test_rejects_a_folder_with_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="at least one of the folders nuscenes_scene0103, kitti_raw_0048"):
        open_real_frames(tmp_path)
