"""Text masks."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing.text import text_alpha


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
