from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.kitti import KittiObjectSource
from bevseg.datasets.labels import DatasetError
from bevseg.evaluation.kitti_objects import read_kitti_results
from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.kitti import read_kitti_camera, result_rows, write_kitti_results
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances

CAR, BICYCLE, CONE = int(SemanticClass.CAR), int(SemanticClass.BICYCLE), int(SemanticClass.TRAFFIC_CONE)
BOXES = [
    [20.0, 3.0, -0.8, 4.2, 1.8, 1.5, 0.4],
    [12.0, -2.0, -0.7, 1.7, 0.6, 1.8, -2.0],
    [15.0, 0.0, -1.2, 0.3, 0.4, 0.8, 0],
]
BEHIND = [-20.0, 3.0, -0.8, 4.2, 1.8, 1.5, 0.4]

CALIBRATION = (
    "P2: 7.215377e+02 0 6.095593e+02 4.485728e+01 0 7.215377e+02 1.728540e+02 2.163791e-01 0 0 1 2.745884e-03\n"
    "R0_rect: 9.999239e-01 9.837760e-03 -7.445048e-03 -9.869795e-03 9.999421e-01 -4.278459e-03 "
    "7.402527e-03 4.351614e-03 9.999631e-01\n"
    "Tr_velo_to_cam: 7.533745e-03 -9.999714e-01 -6.166020e-04 -4.069766e-03 1.480249e-02 7.280733e-04 "
    "-9.998902e-01 -7.631618e-02 9.998621e-01 7.523790e-03 1.480755e-02 -2.717806e-01\n"
)
"""Of KITTI's drives of 26 September 2011: the camera leans by less than a degree."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of KITTI's that lacks nothing but labels."""
    for name in ("velodyne", "calib", "label_2"):
        (tmp_path / name).mkdir()
    (tmp_path / "calib" / "000007.txt").write_text(CALIBRATION)
    np.array([[20.0, 3.0, -0.8, 0.5]], np.float32).tofile(tmp_path / "velodyne" / "000007.bin")
    return tmp_path


def test_our_reader_reads_what_was_written(folder: Path, make_objects: Callable[..., Instances]) -> None:
    found = make_objects([CAR, BICYCLE, CONE], BOXES, score=0.25)
    camera = read_kitti_camera(folder / "calib" / "000007.txt")
    path = write_kitti_results(folder / "label_2", found, frame="000007", camera=camera)
    truth = KittiObjectSource(folder)[0].annotations
    assert truth.label.tolist() == [CAR, BICYCLE, SemanticClass.NOISE]
    np.testing.assert_allclose(truth.boxes, found.boxes, atol=5e-4)
    assert truth.num_points.tolist() == [1, 0, 0]
    scored = read_kitti_results(path)
    assert scored.names == ("Car", "Cyclist", "Misc")
    assert scored.score.tolist() == [0.25] * 3
    # 1.5 m at 20 m, in a picture of 721.5 pixels focal length; the near edge is nearer.
    assert 1.5 * 721.5 / 20 < scored.image_height_px[0] < 1.5 * 721.5 / 17


def test_a_line(folder: Path, make_objects: Callable[..., Instances]) -> None:
    camera = read_kitti_camera(folder / "calib" / "000007.txt")
    found = make_objects([CAR], [[20.0, 0.0, -0.5, 4.0, 2.0, 1.5, 0.0]])
    (row,) = result_rows(found, frame="000007", camera=camera)
    name, truncated, occluded, alpha, left, top, right, bottom, *rest = row.split()
    assert (name, truncated, occluded) == ("Car", "-1", "-1")
    assert float(alpha) == pytest.approx(-np.pi / 2, abs=0.05)
    assert 0 < float(left) < 609 < float(right) < 1242
    assert 0 < float(top) < float(bottom) < 375
    h, w, length, x, y, z, rotation_y, score = (float(value) for value in rest)
    assert (h, w, length) == (1.5, 2.0, 4.0)
    assert x == pytest.approx(0.0, abs=0.5)
    assert y == pytest.approx(1.25, abs=0.5)
    assert z == pytest.approx(19.73, abs=0.1)
    assert rotation_y == pytest.approx(-np.pi / 2, abs=0.02)
    assert score == 0.5


def test_what_the_picture_does_not_show_is_left_out(folder: Path, make_objects: Callable[..., Instances]) -> None:
    found = make_objects([CAR, CAR], [BEHIND, BOXES[0]])
    camera = read_kitti_camera(folder / "calib" / "000007.txt")
    assert len(result_rows(found, frame="000007", camera=camera)) == 1
    assert result_rows(found[np.zeros(2, bool)], frame="000007", camera=camera) == []
    none = write_kitti_results(folder / "results", found[np.array([0])], frame="000008", camera=camera)
    assert none.read_bytes() == b""


def test_without_a_calibration_the_axes_are_turned(tmp_path: Path, make_objects: Callable[..., Instances]) -> None:
    found = make_objects([CAR, CAR], [BEHIND, BOXES[0]])
    read = read_kitti_results(write_kitti_results(tmp_path, found, frame="000001", camera=None))
    np.testing.assert_allclose(read.boxes, found.boxes, atol=1e-5)
    (row, _) = result_rows(found, frame="000001", camera=None)
    assert row.split()[3:8] == ["-10.000000", "-1.00", "-1.00", "-1.00", "-1.00"]


def test_what_is_unfit_is_refused(folder: Path, make_objects: Callable[..., Instances]) -> None:
    found = replace(make_objects([CAR], BOXES[:1]), score=np.array([np.nan], np.float32))
    with pytest.raises(SubmissionError, match=r"frame 000007, object 1: expected score .*, got nan"):
        write_kitti_results(folder / "results", found, frame="000007", camera=None)
    assert not (folder / "results").exists()
    (folder / "calib" / "000007.txt").write_text(CALIBRATION.replace("P2", "P9"))
    with pytest.raises(DatasetError, match="3 x 4 matrix P2"):
        read_kitti_camera(folder / "calib" / "000007.txt")
