"""PNG files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bevseg.drawing.image_file import write_png


def test_colours_are_those_of_the_picture(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 9, 3)).astype(np.uint8)
    write_png(tmp_path / "a.png", image)
    stored = cv2.imread(str(tmp_path / "a.png"))
    assert stored is not None
    np.testing.assert_array_equal(stored[:, :, ::-1], image)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_wrong_places_are_refused(tmp_path: Path) -> None:
    image = np.zeros((5, 9, 3), np.uint8)
    with pytest.raises(ValueError, match=r"\.png"):
        write_png(tmp_path / "a.jpg", image)
    with pytest.raises(FileNotFoundError):
        write_png(tmp_path / "none" / "a.png", image)
