"""Frames drawn anew with replacement, whole drives at a time where there are enough of them, and what that tells.

The bootstrap of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 8 and 13: a draw takes as
many units as there are, each with the same chance, and the spread of a figure over draws stands for its spread over
sets of such units. The frames of one drive show the same street and the same cars, so that a frame is no unit where
frames follow each other: then the drive is (Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
section 3.8). With few drives blocks of consecutive frames are the next best (Carlstein, Annals of Statistics 1986).

The interval is the percentile interval with the percentages of Hesterberg, "What Teachers Should Know About the
Bootstrap" (The American Statistician 2015; "expanded percentile interval"). The plain one is too narrow for few units:
it takes the spread within the sample for that of the population, which is larger by the factor sqrt(n / (n - 1)), and
knows no Student's t. BCa, which mends skewness instead, has the same fault.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm, t

LEAST_DRIVES = 8
"""From so many drives on, drives are drawn."""
CONFIDENCE = 0.95

LEAST_UNITS = 6
"""With fewer there are no intervals: that all of five units speak for one run happens by chance in 1 case of 16, more
often than the 1 in 20 that an interval allows (sign test)."""

_BLOCK_FRAMES = 10
_WANTED_BLOCKS = 10
_FEW_UNITS = 20


@dataclass(frozen=True, eq=False)
class Units:
    """What is drawn.

    Attributes:
        of_frame: Unit of each frame, 0 and up without a gap.
        name: Of one unit and of several.
        meaning: What was drawn and what the intervals hence speak of, for people.
    """

    of_frame: Int[np.ndarray, "frame"]
    name: tuple[str, str]
    meaning: str

    def __len__(self) -> int:
        return int(self.of_frame.max(initial=-1)) + 1


def choose_units(drives: Sequence[str] | None, place: Int[np.ndarray, "frame"]) -> Units:
    """What to draw.

    Args:
        drives: Drive that each frame belongs to, or None where that is not known.
        place: Of each frame in its source, where drives lie side by side in the order of time.
    """
    units = _choose(drives, place)
    if len(units) >= LEAST_UNITS:
        return units if len(units) >= _FEW_UNITS else replace(units, meaning=f"{units.meaning} {_rough(units)}")
    what = f"{len(units)} {units.name[len(units) > 1]}"
    meaning = f"There are no intervals: nothing can be concluded from {what}, at least {LEAST_UNITS} are needed."
    return replace(units, meaning=meaning)


def _rough(units: Units) -> str:
    return f"{len(units)} {units.name[1]} are few: take the intervals for rough."


def _choose(drives: Sequence[str] | None, place: Int[np.ndarray, "frame"]) -> Units:
    count = len(place)
    if drives is None:
        return _frames(
            count,
            "Drawn: single frames, as the runs do not tell which frames belong to one drive. Where frames follow each "
            "other in time, the intervals are too narrow.",
        )
    names, of_frame = np.unique(np.array(drives, dtype=np.str_), return_inverse=True)
    if len(names) == count:
        return _frames(
            count,
            "Drawn: single frames, each of a drive or world of its own. The intervals speak of other such frames.",
        )
    if len(names) >= LEAST_DRIVES:
        meaning = (
            f"Drawn: whole drives, {len(names)} with {count} frames, as the frames of one drive resemble each other. "
            "The intervals speak of other drives of this kind."
        )
        return Units(of_frame.astype(np.int64), ("drive", "drives"), meaning)
    return _blocks(of_frame.astype(np.int64), place, len(names))


def _frames(count: int, meaning: str) -> Units:
    return Units(np.arange(count), ("frame", "frames"), meaning)


def _blocks(drive: Int[np.ndarray, "frame"], place: Int[np.ndarray, "frame"], num_drives: int) -> Units:
    """Consecutive frames of one drive, as even in number as they come."""
    size = int(np.clip(len(drive) // _WANTED_BLOCKS, 1, _BLOCK_FRAMES))
    of_frame = np.zeros(len(drive), np.int64)
    first = 0
    for number in range(num_drives):
        own = np.flatnonzero(drive == number)
        own = own[np.argsort(place[own], kind="stable")]
        blocks = max(1, len(own) // size)
        of_frame[own] = first + np.arange(len(own)) * blocks // len(own)
        first += blocks
    what = f"{first} blocks of about {size} frames in a row" if size > 1 else f"{first} single frames"
    few = "one drive is" if num_drives == 1 else f"{num_drives} drives are"
    meaning = (
        f"Drawn: {what}, as {few} too few to draw ({LEAST_DRIVES} are needed). The intervals speak of other stretches "
        "of the same streets and not of other drives, for which they are too narrow."
    )
    name = ("block", "blocks") if size > 1 else ("frame", "frames")
    return Units(of_frame, name, meaning)


def draw_weights(units: Units, resamples: int, *, seed: int, source: str) -> Float[np.ndarray, "draw frame"]:
    """How many times each draw has each frame; always the same ones for one seed and source.

    Raises:
        ValueError: Fewer than one draw is asked for.
    """
    if resamples < 1:
        raise ValueError(f"at least one resample is needed, got {resamples}")
    rng = np.random.default_rng((seed, zlib.crc32(source.encode())))
    count = len(units)
    drawn = rng.integers(count, size=(resamples, count)) + np.arange(resamples)[:, None] * count
    times = np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count)
    return times[:, units.of_frame].astype(np.float64)


@dataclass(frozen=True)
class Interval:
    """Ends of a confidence interval; NaN where there is none."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether both ends are on one side of 0."""
        return self.low > 0 or self.high < 0


def interval_of(values: Float[np.ndarray, "draw"], num_units: int) -> Interval:
    """The interval that `CONFIDENCE` of such intervals would hold the true value in.

    Args:
        values: Of each draw; those that are NaN are left out.
        num_units: Units that were drawn from; fewer than `LEAST_UNITS` give no interval.
    """
    known = values[~np.isnan(values)]
    if num_units < LEAST_UNITS or not len(known):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(known, percentages(num_units))
    return Interval(float(low), float(high))


def percentages(num_units: int) -> tuple[float, float]:
    """Shares of the draws below the two ends: 2.5 and 97.5 % for very many units, further out for few."""
    reach = t.ppf((1 + CONFIDENCE) / 2, num_units - 1) * np.sqrt(num_units / (num_units - 1))
    return float(norm.cdf(-reach)), float(norm.cdf(reach))
