"""Text as alpha masks, drawn once with Pillow's own scalable font (Aileron) and kept."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

_FINER = 4
"""Letters are set this much larger and averaged: at their own size they would snap to pixels and lose their spacing."""


@lru_cache(maxsize=512)
def text_alpha(text: str, size_px: float) -> UInt8[np.ndarray, "h w"]:
    """Coverage of each pixel by `text`, 0..255; rows run from the ascender to the descender of the font.

    The array is shared between calls and cannot be written to.
    """
    font = _font(size_px * _FINER)
    ascent, descent = (_whole_pixels(float(v)) for v in font.getmetrics())
    width = _whole_pixels(font.getlength(text)) + _FINER
    image = Image.new("L", (width, ascent + descent))
    ImageDraw.Draw(image).text((0, ascent), text, fill=255, font=font, anchor="ls")
    size = (width // _FINER, (ascent + descent) // _FINER)
    alpha = cv2.resize(np.array(image, dtype=np.uint8), size, interpolation=cv2.INTER_AREA)
    alpha.flags.writeable = False
    return np.asarray(alpha, np.uint8)


@lru_cache(maxsize=4096)
def text_width(text: str, size_px: float) -> float:
    """Pixels that `text` takes from left to right."""
    return float(_font(size_px * _FINER).getlength(text)) / _FINER


def shortened(text: str, size_px: float, width_px: float) -> str:
    """`text`, or its two ends around an ellipsis where it is wider than `width_px`: names of files differ at both."""
    if text_width(text, size_px) <= width_px:
        return text
    for kept in range(len(text) - 1, 1, -1):
        candidate = text[: kept // 2] + "…" + text[len(text) - (kept - kept // 2) :]
        if text_width(candidate, size_px) <= width_px:
            return candidate
    return "…"


@lru_cache(maxsize=64)
def _font(size_px: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if isinstance(font, ImageFont.FreeTypeFont):
        return font
    raise ImportError(
        "text needs a Pillow with FreeType: install it from its wheels, pip install --force-reinstall pillow"
    )


def _whole_pixels(fine: float) -> int:
    """The next length in fine steps that is a whole number of pixels."""
    return int(np.ceil(fine / _FINER)) * _FINER
