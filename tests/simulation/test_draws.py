"""Single draws are NumPy's own: the same numbers from the same state, and the same state afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.simulation.draws import cumulated, one_of, uniform, weighted

SHARES = (0.76, 0.1, 0.06, 0.045, 0.025, 0.01)


@pytest.mark.parametrize("seed", range(3))
def test_draws_are_those_of_numpy(seed: int) -> None:
    ours, numpys = np.random.default_rng(seed), np.random.default_rng(seed)
    cumulative = cumulated(SHARES)
    for low, high in np.random.default_rng(99).normal(0, 20, (500, 2)).tolist():
        assert uniform(ours, min(low, high), max(low, high)) == numpys.uniform(min(low, high), max(low, high))
        assert one_of(ours, (3.0, 1.0, 2.5)) == numpys.choice((3.0, 1.0, 2.5))
        assert weighted(ours, cumulative) == numpys.choice(len(SHARES), p=SHARES)
    assert ours.bit_generator.state == numpys.bit_generator.state
