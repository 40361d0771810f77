"""Both encoders: what is written is read back with the right number of frames, size and colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bevseg.drawing.video import VideoCodec, VideoWriter, best_codec

CODECS: list[VideoCodec] = ["h264", "mpeg4"]


def _pictures(count: int, *, width: int = 160, height: int = 90) -> list[np.ndarray]:
    """Red pictures with a white bar that moves."""
    pictures = np.zeros((count, height, width, 3), np.uint8)
    pictures[..., 0] = 200
    for k in range(count):
        pictures[k, :, 8 * k : 8 * k + 8] = 255
    return list(pictures)


def _write(path: Path, pictures: list[np.ndarray], *, codec: VideoCodec) -> None:
    with VideoWriter(path, frames_per_s=10.0, codec=codec) as video:
        for picture in pictures:
            video.write(picture)


def _read(path: Path) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    frames: list[np.ndarray] = []
    while True:
        there, frame = video.read()
        if not there:
            return frames
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


@pytest.mark.parametrize("codec", CODECS)
def test_video_reads_back(tmp_path: Path, codec: VideoCodec) -> None:
    if codec == "h264":
        pytest.importorskip("av", reason="needs the extra `view`")
    path = tmp_path / "drive.mp4"
    _write(path, _pictures(7), codec=codec)
    frames = _read(path)
    assert len(frames) == 7
    assert frames[0].shape == (90, 160, 3)
    red = frames[6][40, 150].astype(int)
    assert red[0] > 150
    assert red[1:].max() < 60
    assert frames[6][40, 52].min() > 180  # the bar has moved here
    assert [p.name for p in tmp_path.iterdir()] == ["drive.mp4"]


def test_thin_lines_keep_their_color(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="needs the extra `view`")
    picture = np.full((64, 96, 3), 20, np.uint8)
    picture[31] = (240, 200, 40)  # an odd row: one pixel in four of even rows and columns would miss it
    _write(tmp_path / "line.mp4", [picture] * 3, codec="h264")
    red, _, blue = _read(tmp_path / "line.mp4")[1][31, 48].astype(int)
    assert red - blue > 70


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(160, 90), (100, 62), (102, 64), (66, 450), (34, 34)])
def test_every_row_has_its_own_color_in_every_picture(tmp_path: Path, codec: VideoCodec, size: tuple[int, int]) -> None:
    """Four bands of colours, which go round from picture to picture; of any size, whatever rows encoders like."""
    if codec == "h264":
        pytest.importorskip("av", reason="needs the extra `view`")
    width, height = size
    colors = np.array([[220, 40, 40], [40, 180, 60], [60, 80, 220], [220, 200, 60]])
    band = np.arange(height) * 4 // height
    pictures = [np.repeat(np.roll(colors, k, axis=0)[band][:, None], width, axis=1).astype(np.uint8) for k in range(6)]
    _write(tmp_path / "bands.mp4", pictures, codec=codec)
    frames = _read(tmp_path / "bands.mp4")
    assert len(frames) == len(pictures)
    inner = (np.diff(band, prepend=0) == 0) & (np.diff(band, append=3) == 0)
    for picture, frame in zip(pictures, frames, strict=True):
        assert np.abs(frame[inner].astype(int) - picture[inner]).max() < 40


@pytest.mark.parametrize("codec", CODECS)
def test_the_smallest_picture_is_written(tmp_path: Path, codec: VideoCodec) -> None:
    if codec == "h264":
        pytest.importorskip("av", reason="needs the extra `view`")
    _write(tmp_path / "a.mp4", [np.full((2, 2, 3), 200, np.uint8)], codec=codec)
    assert np.abs(_read(tmp_path / "a.mp4")[0].astype(int) - 200).max() < 20


@pytest.mark.parametrize("codec", CODECS)
def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path, codec: VideoCodec) -> None:
    if codec == "h264":
        pytest.importorskip("av", reason="needs the extra `view`")
    path = tmp_path / "odd.mp4"
    with VideoWriter(path, frames_per_s=12.5, codec=codec) as video:
        video.write(_pictures(1, width=101, height=63)[0])
    assert _read(path)[0].shape == (62, 100, 3)


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_of_another_size_leaves_the_file_before_and_nothing_else(tmp_path: Path, codec: VideoCodec) -> None:
    if codec == "h264":
        pytest.importorskip("av", reason="needs the extra `view`")
    path = tmp_path / "drive.mp4"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="one size"):
        _write(path, _pictures(1) + _pictures(1, width=80), codec=codec)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["drive.mp4"]


def test_a_video_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one picture"), VideoWriter(tmp_path / "a.mp4", frames_per_s=10.0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_one_pixel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 x 2"), VideoWriter(tmp_path / "a.mp4", frames_per_s=10.0) as video:
        video.write(np.zeros((1, 1, 3), np.uint8))


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.mp4"):
        VideoWriter(tmp_path / "a.avi", frames_per_s=10.0)
    with pytest.raises(ValueError, match="frames_per_s"):
        VideoWriter(tmp_path / "a.mp4", frames_per_s=0.0)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        VideoWriter(tmp_path / "none" / "a.mp4", frames_per_s=10.0)


def test_without_pyav_mpeg4_is_taken_and_h264_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert best_codec() == "mpeg4"
    assert VideoWriter(tmp_path / "a.mp4", frames_per_s=10.0).codec == "mpeg4"
    with pytest.raises(ModuleNotFoundError, match=r"bevseg\[view\]"):
        VideoWriter(tmp_path / "a.mp4", frames_per_s=10.0, codec="h264")
