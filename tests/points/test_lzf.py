from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.points.lzf import LzfError, lzf_decompress


def lzf_compress(data: bytes) -> bytes:
    """A slow, greedy encoder of the same format, to have something to decode."""
    out, literals, place = bytearray(), bytearray(), 0

    def flush() -> None:
        for start in range(0, len(literals), 32):
            run = literals[start : start + 32]
            out.append(len(run) - 1)
            out.extend(run)
        literals.clear()

    while place < len(data):
        length = min(264, len(data) - place)
        start = -1
        while length >= 3 and start < 0:
            start = data.rfind(data[place : place + length], max(0, place - 8192), place + length - 1)
            length -= start < 0
        if start < 0:
            literals.append(data[place])
            place += 1
            continue
        flush()
        distance, coded = place - start - 1, length - 2
        out.extend([(min(coded, 7) << 5) | (distance >> 8), *([coded - 7] if coded >= 7 else []), distance & 255])
        place += length
    flush()
    return bytes(out)


@given(st.lists(st.sampled_from([b"a", b"bc", b"hello world", b"\0" * 40, b"0123456789" * 30]), max_size=12))
def test_undoes_compression(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert lzf_decompress(lzf_compress(data), len(data)) == data


def test_a_copy_may_overlap_its_own_result() -> None:
    assert lzf_decompress(bytes([1, *b"ab", 3 << 5, 1]), 7) == b"abababa"


def test_a_long_copy_has_an_extra_length_byte() -> None:
    assert lzf_decompress(bytes([0, *b"x", 7 << 5, 11, 0]), 21) == b"x" * 21


def test_nothing_from_nothing() -> None:
    assert lzf_decompress(b"", 0) == b""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bytes([1, *b"ab", 3 << 5]), "cut off"),
        (bytes([7 << 5]), "cut off"),
        (bytes([0, *b"a", 1 << 5, 5]), "before the data"),
        (bytes([0, *b"a"]), "expected 7 bytes"),
    ],
)
def test_rejects_what_does_not_decompress(data: bytes, message: str) -> None:
    with pytest.raises(LzfError, match=message):
        lzf_decompress(data, 7)
