from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.folder import FolderSource, point_files
from bevseg.datasets.labels import DatasetError
from bevseg.points.cloud import PointCloud
from bevseg.points.formats import write_points


def test_files_of_all_kinds_in_order_of_name(tmp_path: Path) -> None:
    for name, num in (("b.pcd", 2), ("a.pcd.bin", 1), ("c.npy", 0)):
        write_points(tmp_path / name, PointCloud.from_xyz(np.ones((num, 3))))
    (tmp_path / "notes.txt").write_text("not points")
    source = FolderSource(tmp_path)
    assert [source[k].name for k in range(len(source))] == ["a", "b", "c"]
    assert [len(source[k].cloud) for k in range(len(source))] == [1, 2, 0]
    assert source.name == tmp_path.name
    assert len(source[0].annotations) == 0


def test_columns_and_axes_are_passed_on(tmp_path: Path) -> None:
    np.array([[9.0, 1.0, 5.0, 2.0]], "<f4").tofile(tmp_path / "a.bin")
    cloud = FolderSource(tmp_path, columns="_,x,y,z", input_frame="y-forward")[0].cloud
    np.testing.assert_array_equal(cloud.xyz, [[5, -1, 2]])


def test_rejects_folders_without_points(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no point files"):
        FolderSource(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        point_files(tmp_path / "missing")
