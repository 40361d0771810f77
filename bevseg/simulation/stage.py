"""What there is to see in one scan."""

from __future__ import annotations

from dataclasses import dataclass

from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import StaticPieces
from bevseg.simulation.raycast import RayScene


@dataclass(frozen=True, eq=False)
class Stage:
    """Ground and surroundings with their ray scene, and the objects as they are at the stamp."""

    static: StaticPieces
    static_scene: RayScene
    surface: Surface
    objects: Objects
