"""People right beside other things: at walls, hedges and poles, at parked vehicles, next to each other, in crowds.

Someone alone on open ground is easy to find. On real scans those go unnoticed who stand so near to a wall that their
points join its points, and those in a crowd (seen on PandaSet and on Argoverse).
"""

from __future__ import annotations

import math

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import cumulated, one_of, uniform, weighted
from bevseg.simulation.layout.people import add_group, beside_road
from bevseg.simulation.layout.plan import Plan, Rectangle
from bevseg.simulation.layout.roads import WorldPlan

_MOST = 70.0
_KINDS = ("standing_person", "standing_person", "walker", "laden_person", "sitting_person", "child")


def add_bystanders(plan: Plan, world: WorldPlan, *, range_m: float, amount: float) -> None:
    """Up to about a hundred people at what stands already, and now and then a crowd.

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
        _add_beside(plan, beside[weighted(rng, shares)])
    if rng.random() < 0.6 * amount:
        pose = beside_road(plan, world, 0.4 * range_m)
        size, spacing_m = int(rng.integers(8, 40)), uniform(rng, 0.55, 1.1)
        add_group(plan, pose, size, spacing_m=spacing_m, walking=rng.random() < 0.5)


def _add_beside(plan: Plan, place: Rectangle) -> None:
    """One to three people side by side along a side of the place: in front of it as seen from the origin, or behind it.

    Behind a car the lower half of a person is hidden; behind a wall nobody sees that somebody is there.
    """
    rng = plan.rng
    x, y, length, width, yaw = place
    ahead, left = -(x * math.cos(yaw) + y * math.sin(yaw)), x * math.sin(yaw) - y * math.cos(yaw)  # to the origin
    if rng.random() < length / (length + width):  # a long side more often than a short one
        outwards, reach, run = yaw + math.copysign(math.pi / 2, left), width / 2, length
    else:
        outwards, reach, run = yaw + (0.0 if ahead > 0 else math.pi), length / 2, width
    if rng.random() < 0.4:
        outwards += math.pi
    along = uniform(rng, -0.5, 0.5) * run
    for _ in range(one_of(rng, (1, 1, 1, 2, 3))):
        draft = plan.draw_object(SemanticClass.PEDESTRIAN, kind=one_of(rng, _KINDS))
        gap = reach + draft.length_m / 2 + uniform(rng, 0.02, 0.6)
        facing = outwards + float(rng.normal(0, 0.4)) + (math.pi if rng.random() < 0.25 else 0.0)
        px = x + gap * math.cos(outwards) - along * math.sin(outwards)
        py = y + gap * math.sin(outwards) + along * math.cos(outwards)
        plan.place(draft, px, py, facing if rng.random() < 0.7 else uniform(rng, -np.pi, np.pi), margin_m=0.0)
        along += uniform(rng, 0.5, 0.9)
