"""The stock of surroundings."""

from __future__ import annotations

import typing

import numpy as np
import pytest

from bevseg.simulation.materials import FREE_PATH_M
from bevseg.simulation.shapes.stock import StockName, border_of_length, stock

BORDERS = ("brick_wall", "concrete_wall", "chain_fence", "picket_fence", "guard_rail", "hedge", "shrub_row")


@pytest.mark.parametrize("name", [n for n in typing.get_args(StockName) if n not in BORDERS])
def test_pieces_stand_on_the_ground(name: StockName) -> None:
    for mesh in stock(name):
        assert len(mesh.triangles)
        assert np.isfinite(mesh.vertices).all()
        assert -0.8 <= mesh.low[2] <= 0.5
        assert mesh.high[2] > 0.2


@pytest.mark.parametrize("name", BORDERS)
@pytest.mark.parametrize("length_m", [2.6, 9.0, 21.0])
def test_borders_are_stretched_to_length(name: StockName, length_m: float) -> None:
    mesh, stretch = border_of_length(name, length_m, np.random.default_rng(0))
    assert stretch * (mesh.high[0] - mesh.low[0]) == pytest.approx(length_m, rel=0.35)
    assert 0.5 < stretch < 1.8


def test_leaves_are_a_medium() -> None:
    assert all((FREE_PATH_M[mesh.material] > 0).any() for mesh in stock("broadleaf_tree"))
    assert not any((FREE_PATH_M[mesh.material] > 0).any() for mesh in stock("building"))
