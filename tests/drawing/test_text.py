"""Text masks."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing.text import shortened, text_alpha, text_width


def test_letters_are_smooth_and_dark_around() -> None:
    alpha = text_alpha("car 12 · 62%", 12.0)
    assert alpha.dtype == np.uint8
    assert alpha.max() > 200
    assert len(np.unique(alpha)) > 20
    assert not alpha[0].any()


def test_larger_text_is_larger_in_both_ways() -> None:
    small, large = text_alpha("hidden", 12.0), text_alpha("hidden", 24.0)
    assert large.shape[0] == pytest.approx(2 * small.shape[0], abs=2)
    assert large.shape[1] == pytest.approx(2 * small.shape[1], abs=2)


def test_all_texts_of_one_size_are_equally_high() -> None:
    assert text_alpha("aaa", 12.0).shape[0] == text_alpha("Åg|", 12.0).shape[0]


def test_no_text_is_an_empty_mask() -> None:
    assert not text_alpha("", 12.0).any()


def test_masks_are_shared_and_cannot_be_changed() -> None:
    assert text_alpha("a", 12.0) is text_alpha("a", 12.0)
    with pytest.raises(ValueError, match="read-only"):
        text_alpha("a", 12.0)[0, 0] = 1


@pytest.mark.parametrize("width_px", [10.0, 60.0, 180.0])
def test_a_long_name_keeps_both_ends(width_px: float) -> None:
    name = "n015-2018-07-18-11-07-57+0800__LIDAR_TOP__1531883530449377.pcd.bin"
    short = shortened(name, 19.0, width_px)
    assert text_width(short, 19.0) <= max(width_px, text_width("…", 19.0))
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert abs(len(head) - len(tail)) <= 1


def test_a_short_name_stays() -> None:
    assert shortened("frame 7", 19.0, 200.0) == "frame 7"
