"""Pictures as PNG files."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8


def write_png(path: str | Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Writes an RGB picture; the file appears whole or not at all.

    Raises:
        ValueError: `path` does not end in .png.
        FileNotFoundError: Its folder does not exist.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"a picture is written as .png, got '{path}'")
    encoded, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise RuntimeError(f"OpenCV could not encode a picture of shape {image.shape} as PNG")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    unfinished.write_bytes(data.tobytes())
    os.replace(unfinished, path)
