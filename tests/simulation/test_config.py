"""Configurations that make no sense are refused."""

from __future__ import annotations

from typing import Any

import pytest

from bevseg.simulation.config import RESERVED_SEEDS, SimulationConfig, refuse_reserved_seed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "must not be negative"),
        ({"sensors": ()}, "at least one sensor"),
        ({"density": (0.5, 0.2)}, "range within 0..1"),
        ({"range_m": 3.0}, "10..150 m"),
    ],
)
def test_rejections(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimulationConfig(**change)


@pytest.mark.usefixtures("shapes_unchecked")
def test_a_shutter_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="shutter must be one of instant, deskewed, distorted, got 'rolling'"):
        SimulationConfig(shutter="rolling")  # type: ignore[arg-type]


def test_reserved_seeds_are_refused() -> None:
    refuse_reserved_seed(SimulationConfig(seed=RESERVED_SEEDS.start - 1))
    with pytest.raises(ValueError, match="reserved for frozen test sets"):
        refuse_reserved_seed(SimulationConfig(seed=RESERVED_SEEDS.start))
