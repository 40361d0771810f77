"""The tool that makes pictures small enough for the README."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bevseg.drawing.image_file import write_png
from bevseg.drawing.video import VideoWriter

TOOL: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "readme_picture.py"))


def test_a_video_becomes_an_animation_of_its_speed_and_order(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "drive.mp4", frames_per_s=5.0, codec="mpeg4") as video:
        for light in (40, 120, 220):
            video.write(np.full((64, 128, 3), light, np.uint8))
    size = TOOL["shrink"](tmp_path / "drive.mp4", tmp_path / "drive.webp", width=96, quality=50)
    assert (tmp_path / "drive.webp").stat().st_size == size
    with Image.open(tmp_path / "drive.webp") as shown:
        assert (shown.size, shown.n_frames) == ((96, 48), 3)  # type: ignore[attr-defined]
        light_of = []
        for k in range(3):
            shown.seek(k)
            light_of.append(int(np.asarray(shown.convert("L")).mean()))
            assert shown.info["duration"] == 200
    assert np.abs(np.subtract(light_of, (40, 120, 220))).max() < 12


def test_a_still_is_never_made_larger(tmp_path: Path) -> None:
    write_png(tmp_path / "frame.png", np.full((30, 50, 3), 90, np.uint8))
    TOOL["shrink"](tmp_path / "frame.png", tmp_path / "frame.jpg", width=1280, quality=85)
    with Image.open(tmp_path / "frame.jpg") as shown:
        assert shown.size == (50, 30)


def test_what_is_too_large_or_no_picture_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    write_png(tmp_path / "noise.png", noise)
    with pytest.raises(ValueError, match="lower --width or --quality"):
        TOOL["shrink"](tmp_path / "noise.png", tmp_path / "noise.jpg", width=900, quality=95)
    assert not (tmp_path / "noise.jpg").exists()
    with pytest.raises(ValueError, match=r"ends in \.jpg or \.webp"):
        TOOL["shrink"](tmp_path / "noise.png", tmp_path / "noise.gif", width=900, quality=95)
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match="found no frame in it"):
        TOOL["shrink"](tmp_path / "no.mp4", tmp_path / "no.webp", width=900, quality=50)
