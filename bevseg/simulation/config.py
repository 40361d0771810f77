"""What a simulated source is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from bevseg.geometry.grid import BevGrid
from bevseg.simulation.sensors import find_sensor

SIMULATOR_VERSION = 5
"""Raised whenever the same configuration gives other bytes than before."""

RESERVED_SEEDS = range(900_000_000, 900_001_000)
"""Seeds of frozen test sets; nothing that is trained on may use them."""

Shutter = Literal["instant", "deskewed", "distorted"]


@dataclass(frozen=True)
class SimulationConfig:
    """One endless family of scenes; frame i of it depends on nothing but this and i.

    Attributes:
        seed: Scenes with different seeds are independent.
        frames: Length of the source.
        sensors: Taken in turn, frame by frame: names of sensors that ship, or YAML files of your own.
        density: Lowest and highest crowdedness, 0 (nearly empty) to 1 (crowded); drawn evenly.
        range_m: Objects and surroundings are placed up to this distance, and boxes are complete within it.
        occlusion: Count visible fractions and who hides whom; costs about a tenth more time.
        height_jitter_m: Half width of the deviation from the sensor's usual mounting height.
        tilt_deg: Standard deviation of pitch and of roll, cut at 2 degrees.
        ghost_share: Highest share of points that appear below the ground by reflection.
        any_heading: Share of frames in which the vehicle stands at any angle to the street.
        ego_vehicle: Share of frames in which the vehicle itself hides the ground around the sensor.
        decoys: How many things beside the road look like objects and are none: 0 for none, 1 for about a hundred.
        bystanders: How many people, and things of their size, stand close to walls, poles, vehicles and each other: 0
            for none, 1 for a hundred of each.
        articulated_buses: Share of large buses that have a joint.
        truncation: Say of each object which share of it lies outside of what the sensor can ever cover.
        ground_cells: Say of each cell of this grid, in the sensor's frame, whether its ground is free, occupied, hidden
            or unobserved; nothing where there is no grid. Takes one to three times as long as the frame.
        shutter: What moves while the sensor turns. "instant": nothing, a scan shows one moment. The other two are for
            drives, where the vehicle goes on during the turn and so do the objects, each of which is smeared by its
            own motion. "distorted": each point is seen from where the sensor was when it was measured, as a driver
            gives it. "deskewed": all points are seen from where the sensor is at the stamp, the end of the turn; the
            vehicle's own motion is taken out. Boxes and velocities are those at the stamp.
    """

    seed: int = 0
    frames: int = 1000
    sensors: tuple[str, ...] = ("hdl-32e", "hdl-64e", "pandar64")
    density: tuple[float, float] = (0.1, 1.0)
    range_m: float = 70.0
    occlusion: bool = True
    height_jitter_m: float = 0.3
    tilt_deg: float = 0.6
    ghost_share: float = 0.006
    any_heading: float = 0.2
    ego_vehicle: float = 0.6
    decoys: float = 0.0
    bystanders: float = 0.0
    articulated_buses: float = 0.0
    truncation: bool = False
    ground_cells: BevGrid | None = None
    shutter: Shutter = "instant"

    def __post_init__(self) -> None:
        if self.seed < 0 or self.frames < 0:
            raise ValueError(f"seed and frames must not be negative, got seed={self.seed}, frames={self.frames}")
        if not self.sensors:
            raise ValueError("sensors must name at least one sensor")
        for name in self.sensors:
            find_sensor(name)  # one that does not exist is known now, not frames later
        low, high = self.density
        if not 0 <= low <= high <= 1:
            raise ValueError(f"density must be a range within 0..1, got {self.density}")
        for name in ("decoys", "bystanders", "articulated_buses"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie within 0..1, got {getattr(self, name)}")
        if not 10 <= self.range_m <= 150:
            raise ValueError(f"range_m must lie within 10..150 m, got {self.range_m}")
        if self.shutter not in get_args(Shutter):
            raise ValueError(f"shutter must be one of {', '.join(get_args(Shutter))}, got '{self.shutter}'")


def require_instant(config: SimulationConfig) -> None:
    """Keeps rolling shutters to drives: in a single scene the vehicle stands, and nobody knows where it came from.

    Raises:
        ValueError: The configuration wants a rolling shutter.
    """
    if config.shutter != "instant":
        raise ValueError(
            f"shutter '{config.shutter}' needs a vehicle that moves: simulate a drive, or take shutter 'instant' "
            "for single scenes"
        )


def with_later_options(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a folder holds, as its manifest says, with the options that were added since it was written.

    They are off unless asked for, and frames made without them are the same as before.
    """
    usual = json.loads(json.dumps(asdict(SimulationConfig())))
    return {**{name: usual[name] for name in _LATER_OPTIONS}, **manifest}


_LATER_OPTIONS = ("bystanders", "articulated_buses", "truncation", "ground_cells", "shutter")


def refuse_reserved_seed(config: SimulationConfig) -> None:
    """Keeps frozen test sets unseen.

    Raises:
        ValueError: The seed of the configuration belongs to a frozen test set.
    """
    if config.seed in RESERVED_SEEDS:
        raise ValueError(
            f"seed {config.seed} is reserved for frozen test sets, which must stay unseen; "
            f"choose a seed below {RESERVED_SEEDS.start}"
        )
