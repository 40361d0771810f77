"""LZF decompression, which PCD's `binary_compressed` needs; no wheel of a library for it exists.

Source: the format comment in Marc Lehmann's liblzf 3.6, `lzf_d.c`.
"""

from __future__ import annotations


class LzfError(ValueError):
    """The compressed bytes are cut off, or refer to bytes before the beginning."""


def lzf_decompress(data: bytes, expected_size: int) -> bytes:
    """The original bytes.

    A control byte below 32 announces that many literal bytes and one more. Any other holds a length in its upper
    three bits (7 means: add the next byte) and, with the byte after, the distance back to copy from.

    Raises:
        LzfError: The data does not decompress to `expected_size` bytes.
    """
    out = bytearray()
    place, end = 0, len(data)
    try:
        while place < end:
            control = data[place]
            place += 1
            if control < 32:
                out += data[place : place + control + 1]
                place += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += data[place]
                place += 1
            distance = ((control & 31) << 8) + data[place] + 1
            place += 1
            _copy_back(out, distance, length + 2)
    except IndexError:
        raise LzfError(f"the compressed data is cut off at byte {end}") from None
    if len(out) != expected_size:
        raise LzfError(f"expected {expected_size} bytes after decompression, got {len(out)}")
    return bytes(out)


def _copy_back(out: bytearray, distance: int, length: int) -> None:
    """Appends `length` bytes from `distance` back; where they overlap their own result they repeat."""
    start = len(out) - distance
    if start < 0:
        raise LzfError(f"a copy from {distance} bytes back at byte {len(out)} begins before the data")
    chunk = out[start : start + length]
    if len(chunk) < length:
        chunk = (chunk * (length // len(chunk) + 1))[:length]
    out += chunk
