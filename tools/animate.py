"""Turns a video of `bevseg replay` into an animated picture that plays in a README.

    bevseg replay drive --checkpoint bevseg-s --output drive.mp4
    python tools/animate.py drive.mp4 drive.webp --width 960 --quality 60
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
from PIL import Image

MOST_BYTES = 2_000_000


def frames_of(video: cv2.VideoCapture, width: int) -> Iterator[Image.Image]:
    """The frames from the first to the last, made smaller."""
    while True:
        more, frame = video.read()
        if not more:
            return
        height = round(frame.shape[0] * width / frame.shape[1])
        small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), (width, height), interpolation=cv2.INTER_AREA)
        yield Image.fromarray(small)


def animate(source: Path, target: Path, *, width: int, quality: int) -> int:
    """Writes an animated WebP that repeats for ever, at the speed of the video, and says how many bytes it takes.

    Raises:
        ValueError: The video cannot be read, or the picture is larger than a page should load.
    """
    video = cv2.VideoCapture(str(source))
    frames = list(frames_of(video, width))
    if not frames:
        raise ValueError(f"{source}: expected a video that OpenCV reads, found no frame in it")
    duration_ms = round(1000 / video.get(cv2.CAP_PROP_FPS))
    frames[0].save(
        target, save_all=True, append_images=frames[1:], duration=duration_ms, loop=0, quality=quality, method=6
    )
    size = target.stat().st_size
    if size > MOST_BYTES:
        target.unlink()
        raise ValueError(f"{target} takes {size:,} bytes, more than {MOST_BYTES:,}: lower --width or --quality")
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, help="such as drive.mp4")
    parser.add_argument("picture", type=Path, help="such as drive.webp")
    parser.add_argument("--width", type=int, default=960, help="pixels (default: %(default)s)")
    parser.add_argument("--quality", type=int, default=60, help="of WebP, 0 to 100 (default: %(default)s)")
    args = parser.parse_args()
    size = animate(args.video, args.picture, width=args.width, quality=args.quality)
    print(f"{args.picture}: {size:,} bytes")


if __name__ == "__main__":
    main()
