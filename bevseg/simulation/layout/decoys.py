"""Decoys beside the roads: what no two streets have alike, and what detectors take for objects."""

from __future__ import annotations

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.plan import Plan
from bevseg.simulation.layout.roads import WorldPlan
from bevseg.simulation.layout.surroundings import place_kerbside, place_off_road
from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.decoys import corner, front, pile, standing_thing, thin_row

_MAKERS = (pile, front, corner, standing_thing, thin_row)
_SHARE = (0.24, 0.2, 0.2, 0.26, 0.1)
_MOST = 110.0


def add_decoys(plan: Plan, world: WorldPlan, *, range_m: float, amount: float) -> None:
    """Up to a hundred and more, most of them near the kerb; each is made for this street alone.

    Args:
        plan: Where they find their places.
        world: The roads.
        range_m: How far out.
        amount: 0 for none to 1.
    """
    rng = plan.rng
    for k in rng.choice(len(_MAKERS), size=int(rng.poisson(_MOST * amount)), p=_SHARE):
        mesh = _MAKERS[int(k)](rng)
        green = np.bincount(mesh.material).argmax() == Material.HEDGE
        semantic = SemanticClass.VEGETATION if green else SemanticClass.MANMADE
        place = place_kerbside if rng.random() < 0.7 else place_off_road
        place(plan, world, mesh, semantic, range_m=range_m)
