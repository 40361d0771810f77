"""Pictures as an MP4 file: H.264 through PyAV (the `view` extra), or MPEG-4 through OpenCV, which is always there."""

from __future__ import annotations

import importlib.util
import logging
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import cv2
import numpy as np
from jaxtyping import UInt8

from bevseg.whole_files import remove_abandoned

if TYPE_CHECKING:
    from av.video.stream import VideoStream

VideoCodec = Literal["h264", "mpeg4"]

logger = logging.getLogger(__name__)

_UNFINISHED = ".tmp.mp4"
"""OpenCV tells the container by the ending."""
_CRF = "23"
"""x264's constant quality: thin lines and small letters stay sharp, as its fastest preset spends more on them."""
_PRESET = "ultrafast"
"""A quarter of the time of `veryfast` for files a third larger and as good (34.4 dB against 34.2 dB at 20)."""

_CHROMA = np.array([[-37.797, -74.203, 112.0, 128 * 255], [112.0, -93.786, -18.214, 128 * 255]]) / 255
"""Blue and red difference of (red, green, blue, 1), by ITU-R BT.601 in its limited range."""


def best_codec() -> VideoCodec:
    """H.264, which browsers play, where PyAV is installed; else MPEG-4."""
    return "mpeg4" if importlib.util.find_spec("av") is None else "h264"


class VideoWriter:
    """Writes RGB pictures of one size; the file appears whole when the `with` block ends, or not at all.

    Attributes:
        path: The MP4 file.
        codec: How it is encoded.
        num_frames: Pictures written so far.
    """

    def __init__(self, path: str | Path, *, frames_per_s: float, codec: VideoCodec | None = None) -> None:
        """Opens nothing yet: the size is that of the first picture.

        Args:
            path: Ends in .mp4; its folder exists. A file there is replaced at the end.
            frames_per_s: Speed at which the video plays.
            codec: None takes `best_codec`.

        Raises:
            ValueError: The path or the speed cannot be used.
            FileNotFoundError: The folder does not exist.
            ModuleNotFoundError: H.264 was asked for and PyAV is not installed.
        """
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise ValueError(f"a video is written as .mp4, got '{self.path}'")
        if not 0 < frames_per_s <= 1000:
            raise ValueError(f"frames_per_s must lie above 0 and be 1000 or less, got {frames_per_s}")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder '{self.path.parent}' does not exist: create it first")
        self.codec: VideoCodec = codec or best_codec()
        if self.codec == "h264" and best_codec() != "h264":
            raise ModuleNotFoundError("H.264 needs PyAV: pip install 'bevseg[view]', or choose 'mpeg4'", name="av")
        self.num_frames = 0
        self._frames_per_s = frames_per_s
        self._unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}{_UNFINISHED}")
        self._encoder: _Encoder | None = None
        self._shape = (0, 0)

    def __enter__(self) -> VideoWriter:
        return self

    def write(self, image: UInt8[np.ndarray, "h w 3"]) -> None:
        """Adds one RGB picture; an odd last row or column is cut off, since the codecs need even sizes.

        Raises:
            ValueError: The picture differs in size from the first, or is smaller than 2 x 2.
        """
        if self._encoder is None:
            self._encoder = self._open(image)
        if image.shape[:2] != self._shape:
            raise ValueError(f"all pictures of a video have one size, expected {self._shape}, got {image.shape[:2]}")
        height, width = _even(image.shape[0]), _even(image.shape[1])
        self._encoder.write(np.ascontiguousarray(image[:height, :width]))
        self.num_frames += 1

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._encoder is not None:
                self._encoder.close()
            elif exc_type is None:
                raise ValueError(f"'{self.path}' was not written: a video needs at least one picture")
            if exc_type is None:
                os.replace(self._unfinished, self.path)
        finally:
            self._unfinished.unlink(missing_ok=True)

    def _open(self, image: UInt8[np.ndarray, "h w 3"]) -> _Encoder:
        height, width = _even(image.shape[0]), _even(image.shape[1])
        if height < 2 or width < 2:
            raise ValueError(
                f"a video needs pictures of at least 2 x 2 pixels, got {image.shape[1]} x {image.shape[0]}"
            )
        self._shape = (image.shape[0], image.shape[1])
        remove_abandoned(self.path, ending=_UNFINISHED)
        logger.debug("writing %s: %d x %d, %s", self.path, width, height, self.codec)
        encoder = _H264Encoder if self.codec == "h264" else _Mpeg4Encoder
        return encoder(self._unfinished, width=width, height=height, frames_per_s=self._frames_per_s)


class _Encoder(Protocol):
    def write(self, image: UInt8[np.ndarray, "h w 3"]) -> None: ...

    def close(self) -> None: ...


class _H264Encoder:
    def __init__(self, path: Path, *, width: int, height: int, frames_per_s: float) -> None:
        import av

        self._container = av.open(str(path), "w", options={"movflags": "faststart"})
        rate = Fraction(frames_per_s).limit_denominator(1000)
        stream: VideoStream = self._container.add_stream("libx264", rate=rate, options={"crf": _CRF, "preset": _PRESET})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        self._stream = stream
        # One frame for all pictures, as x264 copies what it is given: frames that PyAV makes for each leave gaps in the
        # heap that nothing fits into, 0.7 MB a picture (2026-11-22).
        self._frame = av.VideoFrame(width, height, "yuv420p")
        self._planes = [_pixels(plane) for plane in self._frame.planes]

    def write(self, image: UInt8[np.ndarray, "h w 3"]) -> None:
        for plane, values in zip(self._planes, _planes(image), strict=True):
            plane[...] = values
        self._frame.pts = None  # the encoder counts
        self._container.mux(self._stream.encode(self._frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


def _pixels(plane: Any) -> UInt8[np.ndarray, "rows columns"]:
    """What lies in a plane of a PyAV frame, to be written to; its rows are longer than they need be."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _planes(image: UInt8[np.ndarray, "h w 3"]) -> list[UInt8[np.ndarray, "_ _"]]:
    """Brightness, and the two colour differences at half the size.

    OpenCV alone takes the colour of one pixel in four, which frays thin lines; PyAV's own way takes three times as
    long.
    """
    height, width = image.shape[:2]
    brightness = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)[:height]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return [np.asarray(plane, np.uint8) for plane in (brightness, *cv2.split(cv2.transform(half, _CHROMA)))]


class _Mpeg4Encoder:
    def __init__(self, path: Path, *, width: int, height: int, frames_per_s: float) -> None:
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(path), fourcc, frames_per_s, (width, height))
        if not self._writer.isOpened():
            raise OSError(f"OpenCV could not open '{path}' for a {width} x {height} MPEG-4 video")

    def write(self, image: UInt8[np.ndarray, "h w 3"]) -> None:
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        self._writer.release()


def _even(length: int) -> int:
    return length - length % 2
