"""What a laser beam meets: how much comes back, how much passes through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Material(IntEnum):
    """Index into `MATERIALS`; kept per triangle."""

    PAINT = 0
    GLASS = 1
    RUBBER = 2
    METAL = 3
    CLOTH = 4
    SKIN = 5
    PLASTIC = 6
    RETRO = 7
    CONCRETE = 8
    BRICK = 9
    WOOD = 10
    FOLIAGE = 11
    HEDGE = 12
    WIRE_MESH = 13
    SPOKES = 14
    INTERIOR = 15
    EARTH = 16
    DARK = 17
    WINDOW = 18


@dataclass(frozen=True)
class MaterialProperties:
    """How one material answers at 905 nm.

    Attributes:
        reflectance: Share of the light that returns at normal incidence, 0..1; multiplied by the object's own tint.
        pass_probability: Share of the beams that go through as if nothing were there (glass, wire).
        free_path_m: Mean way that a beam goes into the medium before it returns; 0 for a surface.
        specular: How fast the return falls with incidence: 0 is Lambertian, 1 mirrors away what comes in flat.
    """

    reflectance: float
    pass_probability: float = 0.0
    free_path_m: float = 0.0
    specular: float = 0.0

    @property
    def light_left(self) -> float:
        """Share of a beam's light that is left for a second echo: all that a surface lets through; past a leaf, half.

        A leaf in a beam of some centimetres covers a part of it: half, in the mean.
        """
        return 0.5 if self.free_path_m else self.pass_probability


_PROPERTIES = {
    Material.PAINT: MaterialProperties(1.0, specular=0.6),
    Material.GLASS: MaterialProperties(0.1, pass_probability=0.6, specular=0.8),
    Material.RUBBER: MaterialProperties(0.06),
    Material.METAL: MaterialProperties(0.4, specular=0.5),
    Material.CLOTH: MaterialProperties(1.0),
    Material.SKIN: MaterialProperties(0.4),
    Material.PLASTIC: MaterialProperties(0.35, specular=0.2),
    Material.RETRO: MaterialProperties(3.0),
    Material.CONCRETE: MaterialProperties(0.3),
    Material.BRICK: MaterialProperties(0.35),
    Material.WOOD: MaterialProperties(0.4),
    Material.FOLIAGE: MaterialProperties(0.4, free_path_m=1.1),
    Material.HEDGE: MaterialProperties(0.4, free_path_m=0.25),
    Material.WIRE_MESH: MaterialProperties(0.3, pass_probability=0.75),
    Material.SPOKES: MaterialProperties(0.3, pass_probability=0.8),
    Material.INTERIOR: MaterialProperties(0.06),
    Material.EARTH: MaterialProperties(0.3),
    Material.DARK: MaterialProperties(0.05),
    Material.WINDOW: MaterialProperties(0.06, pass_probability=0.4, specular=1.0),
}


def _column(name: str) -> np.ndarray:
    return np.array([getattr(_PROPERTIES[m], name) for m in Material], dtype=np.float32)


REFLECTANCE = _column("reflectance")
PASS_PROBABILITY = _column("pass_probability")
FREE_PATH_M = _column("free_path_m")
SPECULAR = _column("specular")
LIGHT_LEFT = _column("light_left")
