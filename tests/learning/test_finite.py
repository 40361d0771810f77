"""Tests of `bevseg.learning.finite`."""

from __future__ import annotations

import pytest

from bevseg.learning.finite import NonFiniteLossError, check_finite


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30])
def test_a_number_passes(value: float) -> None:
    check_finite("loss", value, {}, step=0, frames=[])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_anything_else_names_step_terms_and_frames(value: float) -> None:
    with pytest.raises(
        NonFiniteLossError, match=r"gradient of step 7 is .* \(terms: heat 0\.5, box nan\) on frames a, b\."
    ):
        check_finite("gradient", value, {"heat": 0.5, "box": float("nan")}, step=7, frames=["a", "b"])
