from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import DatasetError
from bevseg.evaluation.kitti_objects import KittiObjects, read_kitti_labels, read_kitti_results

CAR = "Car 0.25 1 -1.5 100.0 120.0 180.0 170.5 1.5 1.6 4.0 2.0 1.7 20.0 -1.2"
DONT_CARE = "DontCare -1 -1 -10 500.0 170.0 590.0 190.0 -1 -1 -1 -1000 -1000 -1000 -10"


def test_labels(tmp_path: Path) -> None:
    (tmp_path / "label.txt").write_text(f"{CAR}\n{DONT_CARE}\n\n")
    read = read_kitti_labels(tmp_path / "label.txt")
    assert read.names == ("Car", "DontCare")
    # 20 m ahead, 2 m to the right; the place is the middle of the bottom, 1.7 m below the camera.
    np.testing.assert_allclose(read.boxes[0], [20, -2, -0.95, 4, 1.6, 1.5, 1.2 - np.pi / 2], atol=1e-9)
    assert read.image_height_px.tolist() == [50.5, 20.0]
    assert (read.truncation[0], read.occlusion[0]) == (0.25, 1)
    assert np.isnan(read.score).all()


def test_results(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text(f"{CAR} 0.75\n")
    (tmp_path / "none.txt").write_text("")
    assert read_kitti_results(tmp_path / "some.txt").score.tolist() == [0.75]
    assert len(read_kitti_results(tmp_path / "none.txt")) == 0


@pytest.mark.parametrize(
    ("text", "message"), [(CAR, "expected 16 fields a line, got 15"), (f"{CAR} nan", "expected a score")]
)
def test_other_lines_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "0.txt").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_kitti_results(tmp_path / "0.txt")


def test_missing_file_and_misfit(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="a frame without objects has an empty one"):
        read_kitti_labels(tmp_path / "0.txt")
    cars = KittiObjects.without_picture(["Car", "Car"], np.zeros((2, 7)))
    with pytest.raises(ValueError, match="boxes must have 1 entries"):
        replace(cars, names=("Car",))
