"""People right beside other things: at walls, hedges and poles, at parked vehicles, next to each other, in crowds.

Someone alone on open ground is easy to find. On real scans those go unnoticed who stand so near to a wall that their
points join its points, and those in a crowd (seen on PandaSet and on Argoverse). As many things of their size stand
there, too, or else every pilaster of a facade is taken for somebody (seen on PandaSet).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import cumulated, one_of, uniform, weighted
from bevseg.simulation.layout.people import add_group, beside_road
from bevseg.simulation.layout.plan import PlacedStuff, Plan, Rectangle
from bevseg.simulation.layout.roads import WorldPlan
from bevseg.simulation.shapes.decoys import pilaster, standing_thing

_MOST = 70.0
_KINDS = ("standing_person", "standing_person", "walker", "laden_person", "sitting_person", "child")


def add_bystanders(plan: Plan, world: WorldPlan, *, range_m: float, amount: float) -> None:
    """Up to about a hundred people at what stands already, as many things of their size, and now and then a crowd.

    Args:
        plan: Where they find their places; everything else is on it.
        world: The roads.
        range_m: How far out.
        amount: 0 for none to 1.
    """
    rng = plan.rng
    beside = [place for place in plan.standing if math.hypot(place[0], place[1]) < range_m]
    shares = cumulated([math.sqrt(length + width) for _, _, length, width, _ in beside] or [1.0])  # walls before poles
    for _ in range(int(rng.poisson(_MOST * amount)) if beside else 0):
        _add_people(plan, _Side.of(plan, beside[weighted(rng, shares)]))
    for _ in range(int(rng.poisson(_MOST * amount)) if beside else 0):
        _add_thing(plan, _Side.of(plan, beside[weighted(rng, shares)]))
    if rng.random() < 0.6 * amount:
        pose = beside_road(plan, world, 0.4 * range_m)
        size, spacing_m = int(rng.integers(8, 40)), uniform(rng, 0.55, 1.1)
        add_group(plan, pose, size, spacing_m=spacing_m, walking=rng.random() < 0.5)


@dataclass(frozen=True)
class _Side:
    """One side of a place that is taken.

    Attributes:
        x_m, y_m: Middle of the place.
        outwards_rad: From there to the side.
        reach_m: How far the side is from the middle.
        run_m: How long it is.
    """

    x_m: float
    y_m: float
    outwards_rad: float
    reach_m: float
    run_m: float

    @classmethod
    def of(cls, plan: Plan, place: Rectangle) -> _Side:
        """A side that looks at the origin, or the one opposite: behind a car the lower half of a person is hidden."""
        rng = plan.rng
        x, y, length, width, yaw = place
        ahead, left = -(x * math.cos(yaw) + y * math.sin(yaw)), x * math.sin(yaw) - y * math.cos(yaw)  # to the origin
        if rng.random() < length / (length + width):  # a long side more often than a short one
            outwards, reach, run = yaw + math.copysign(math.pi / 2, left), width / 2, length
        else:
            outwards, reach, run = yaw + (0.0 if ahead > 0 else math.pi), length / 2, width
        return cls(x, y, outwards + (math.pi if rng.random() < 0.4 else 0.0), reach, run)

    def at(self, along_m: float, away_m: float) -> tuple[float, float]:
        """The place so far along the side from its middle, and so far away from it."""
        c, s, out = math.cos(self.outwards_rad), math.sin(self.outwards_rad), self.reach_m + away_m
        return self.x_m + out * c - along_m * s, self.y_m + out * s + along_m * c


def _add_people(plan: Plan, side: _Side) -> None:
    """One to three people along the side, most of them with their backs to it."""
    rng = plan.rng
    along = uniform(rng, -0.5, 0.5) * side.run_m
    for _ in range(one_of(rng, (1, 1, 1, 2, 3))):
        draft = plan.draw_object(SemanticClass.PEDESTRIAN, kind=one_of(rng, _KINDS))
        x, y = side.at(along, draft.length_m / 2 + uniform(rng, 0.02, 0.6))
        facing = side.outwards_rad + float(rng.normal(0, 0.4)) + (math.pi if rng.random() < 0.25 else 0.0)
        plan.place(draft, x, y, facing if rng.random() < 0.7 else uniform(rng, -np.pi, np.pi), margin_m=0.0)
        along += uniform(rng, 0.5, 0.9)


def _add_thing(plan: Plan, side: _Side) -> None:
    """Pilasters in a row with even gaps, or a single thing of the size of a person."""
    rng = plan.rng
    row = rng.random() < 0.4
    mesh = pilaster(rng) if row or rng.random() < 0.3 else standing_thing(rng)
    length, width = mesh.extent_m
    gap, along = uniform(rng, 1.2, 5.0), uniform(rng, -0.5, 0.5) * side.run_m
    away = length / 2 + (0.0 if row else uniform(rng, 0.0, 0.5))
    for _ in range(int(rng.integers(2, 6)) if row else 1):
        x, y = side.at(along, away)
        if plan.is_free((x, y, length, width, side.outwards_rad), margin_m=-0.02):
            piece = PlacedStuff(
                mesh, (1.0, 1.0, 1.0), SemanticClass.MANMADE, x, y, side.outwards_rad, uniform(rng, 0.5, 1.4)
            )
            plan.add_stuff(piece, (length, width))
        along += gap
