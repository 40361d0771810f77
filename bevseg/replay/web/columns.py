"""Arrays of whole numbers as one block of bytes that compresses well and that a page takes apart without copying.

A block is the length of its header (4 bytes, little endian), the header as JSON, and the columns one after the other.
The header lists them under `columns`: name and number of bytes, in their order. Numbers of 16 bits are two planes, all
low bytes before all high ones: the high ones are nearly all alike, so they compress to next to nothing.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8

_LEVEL = 6


@dataclass(frozen=True, eq=False)
class Block:
    """What a block holds.

    Attributes:
        header: Plain values.
        columns: The bytes of each column by its name.
    """

    header: Mapping[str, object]
    columns: Mapping[str, UInt8[np.ndarray, "_"]]


def bytes_of(numbers: Integer[np.ndarray, "n"], *, most: int = 255) -> UInt8[np.ndarray, "n"]:
    """Numbers of 0..`most`, one byte each.

    Raises:
        ValueError: One lies outside.
    """
    _check(numbers, most)
    return numbers.astype(np.uint8)


def planes_of(numbers: Integer[np.ndarray, "n"]) -> UInt8[np.ndarray, "two_n"]:
    """Numbers of 0..65535, the low bytes of all before the high bytes of all.

    Raises:
        ValueError: One lies outside.
    """
    _check(numbers, 65535)
    wide = numbers.astype(np.uint16)
    return np.concatenate([wide & 255, wide >> 8]).astype(np.uint8)


def numbers_of(planes: UInt8[np.ndarray, "two_n"]) -> Integer[np.ndarray, "n"]:
    """The reverse of `planes_of`."""
    low, high = planes.reshape(2, -1).astype(np.int64)
    return low + 256 * high


def runs_of(values: UInt8[np.ndarray, "n"]) -> tuple[UInt8[np.ndarray, "r"], Integer[np.ndarray, "r"]]:
    """Run lengths: the value of each run, and how long it is, 65535 at most (a longer one is told as several)."""
    if not len(values):
        return np.zeros(0, np.uint8), np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    lengths = np.diff(np.concatenate([starts, [len(values)]]))
    pieces = -(-lengths // 65535)
    last = np.cumsum(pieces) - 1
    split = np.full(int(pieces.sum()), 65535, np.int64)
    split[last] = lengths - (pieces - 1) * 65535
    return np.repeat(values[starts], pieces).astype(np.uint8), split


def write_block(block: Block) -> bytes:
    """The bytes of a block, compressed (zlib, RFC 1950)."""
    header = {**block.header, "columns": [[name, len(column)] for name, column in block.columns.items()]}
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    parts = [len(text).to_bytes(4, "little"), text, *(column.tobytes() for column in block.columns.values())]
    return zlib.compress(b"".join(parts), _LEVEL)


def read_block(data: bytes) -> Block:
    """The reverse of `write_block`."""
    plain = zlib.decompress(data)
    start = 4 + int.from_bytes(plain[:4], "little")
    header = json.loads(plain[4:start])
    columns: dict[str, UInt8[np.ndarray, "_"]] = {}
    for name, size in header.pop("columns"):
        columns[name] = np.frombuffer(plain, np.uint8, size, start)
        start += size
    return Block(header, columns)


def as_text(data: bytes) -> str:
    """As characters that may stand in a page."""
    return base64.b64encode(data).decode("ascii")


def _check(numbers: Integer[np.ndarray, "n"], most: int) -> None:
    if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) <= most:
        raise ValueError(f"expected numbers of 0..{most}, got {numbers.min()}..{numbers.max()}")
