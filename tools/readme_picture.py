"""Makes a picture small enough for a README: a still as JPEG, or a video of `bevseg replay` as an animated WebP.

    python tools/readme_picture.py frame.png frame.jpg
    python tools/readme_picture.py drive.mp4 drive.webp --quality 50

`tools/readme_pictures.sh` makes all pictures that the READMEs show.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
from PIL import Image

MOST_BYTES = {".jpg": 300_000, ".webp": 2_000_000}
"""What a page may load for a still and for a film."""


def shrink(source: Path, target: Path, *, width: int, quality: int) -> int:
    """Writes the picture, at most so many pixels wide, and says how many bytes it takes.

    An animated one repeats for ever, at the speed of the video.

    Raises:
        ValueError: The kind of the target is neither, the source cannot be read, or the picture came out too large.
    """
    if target.suffix not in MOST_BYTES:
        raise ValueError(f"{target}: expected a picture that ends in {' or '.join(MOST_BYTES)}")
    if target.suffix == ".jpg":
        with Image.open(source) as still:
            _resized(still.convert("RGB"), width).save(target, quality=quality, optimize=True)
    else:
        video = cv2.VideoCapture(str(source))
        frames = [_resized(frame, width) for frame in _frames_of(video)]
        if not frames:
            raise ValueError(f"{source}: expected a video that OpenCV reads, found no frame in it")
        duration_ms = round(1000 / video.get(cv2.CAP_PROP_FPS))
        frames[0].save(
            target, save_all=True, append_images=frames[1:], duration=duration_ms, loop=0, quality=quality, method=6
        )
    size = target.stat().st_size
    if size > MOST_BYTES[target.suffix]:
        target.unlink()
        raise ValueError(
            f"{target} took {size:,} bytes, more than {MOST_BYTES[target.suffix]:,}: lower --width or --quality"
        )
    return size


def _frames_of(video: cv2.VideoCapture) -> Iterator[Image.Image]:
    """From the first to the last."""
    while True:
        more, frame = video.read()
        if not more:
            return
        yield Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def _resized(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a still, or a video such as drive.mp4")
    parser.add_argument("picture", type=Path, help="ends in .jpg or .webp")
    parser.add_argument("--width", type=int, default=1280, help="pixels at most (default: %(default)s)")
    parser.add_argument("--quality", type=int, default=85, help="0 to 100 (default: %(default)s)")
    args = parser.parse_args()
    size = shrink(args.source, args.picture, width=args.width, quality=args.quality)
    print(f"{args.picture}: {size:,} bytes")


if __name__ == "__main__":
    main()
