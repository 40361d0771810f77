"""Stops a training before a number that is none spoils the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


class NonFiniteLossError(ValueError):
    """A loss or gradient is NaN or infinite: at which step, which terms, on which frames."""


def check_finite(what: str, value: float, terms: Mapping[str, float], *, step: int, frames: Sequence[str]) -> None:
    """Raises `NonFiniteLossError` if the value is NaN or infinite.

    Args:
        what: Name of the value, for the message.
        value: Checked.
        terms: Parts of the loss, for the message.
        step: Steps done before.
        frames: Names of the frames of this step.
    """
    if math.isfinite(value):
        return
    parts = ", ".join(f"{name} {term:.4g}" for name, term in terms.items())
    raise NonFiniteLossError(
        f"the {what} of step {step} is {value} (terms: {parts}) on frames {', '.join(frames)}. "
        "Look at these frames, or start anew with a lower lr; the state saved last is sound and can be resumed."
    )
