"""What is the same in every nuScenes dataset: categories, attributes, visibility levels, and how rows are named.

Source: docs/schema_nuscenes.md and nuscenes/utils/color_map.py of nuscenes-devkit 1.2.0; Fong et al., "Panoptic
nuScenes", RA-L 2022 (labels of points).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bevseg.results.classes import NUM_CLASSES
from bevseg.results.classes import SemanticClass as C

Row = dict[str, Any]
"""One row of a table, as JSON has it."""

CHANNEL = "LIDAR_TOP"

CATEGORIES = (
    "noise", "animal", "human.pedestrian.adult", "human.pedestrian.child", "human.pedestrian.construction_worker",
    "human.pedestrian.personal_mobility", "human.pedestrian.police_officer", "human.pedestrian.stroller",
    "human.pedestrian.wheelchair", "movable_object.barrier", "movable_object.debris",
    "movable_object.pushable_pullable", "movable_object.trafficcone", "static_object.bicycle_rack", "vehicle.bicycle",
    "vehicle.bus.bendy", "vehicle.bus.rigid", "vehicle.car", "vehicle.construction", "vehicle.emergency.ambulance",
    "vehicle.emergency.police", "vehicle.motorcycle", "vehicle.trailer", "vehicle.truck", "flat.driveable_surface",
    "flat.other", "flat.sidewalk", "flat.terrain", "static.manmade", "static.other", "static.vegetation",
    "vehicle.ego",
)  # fmt: skip
"""All 32, each at the index that it has in labels of points."""

CATEGORY_OF_CLASS = {
    C.NOISE: "noise",
    C.BARRIER: "movable_object.barrier",
    C.BICYCLE: "vehicle.bicycle",
    C.BUS: "vehicle.bus.rigid",
    C.CAR: "vehicle.car",
    C.CONSTRUCTION_VEHICLE: "vehicle.construction",
    C.MOTORCYCLE: "vehicle.motorcycle",
    C.PEDESTRIAN: "human.pedestrian.adult",
    C.TRAFFIC_CONE: "movable_object.trafficcone",
    C.TRAILER: "vehicle.trailer",
    C.TRUCK: "vehicle.truck",
    C.DRIVEABLE_SURFACE: "flat.driveable_surface",
    C.OTHER_FLAT: "flat.other",
    C.SIDEWALK: "flat.sidewalk",
    C.TERRAIN: "flat.terrain",
    C.MANMADE: "static.manmade",
    C.VEGETATION: "static.vegetation",
}
"""The category that a class is written as; nuScenes tells more kinds of people and buses apart than a sample does."""

CATEGORY_INDEX = np.array([CATEGORIES.index(CATEGORY_OF_CLASS[C(c)]) for c in range(NUM_CLASSES)], dtype=np.uint8)
"""(NUM_CLASSES,): from `SemanticClass` to the index in labels of points."""

ATTRIBUTES = (
    ("vehicle.moving", "Vehicle is moving."),
    ("vehicle.stopped", "Vehicle stands now and moves at another time of the scene."),
    ("vehicle.parked", "Vehicle stands all through the scene."),
    ("cycle.with_rider", "Bicycle or motorcycle that moves at some time of the scene."),
    ("cycle.without_rider", "Bicycle or motorcycle that stands all through the scene."),
    ("pedestrian.sitting_lying_down", "Not told apart from standing in simulated scenes."),
    ("pedestrian.standing", "Person stands or sits."),
    ("pedestrian.moving", "Person is walking."),
)

VISIBILITY_LEVELS = ("v0-40", "v40-60", "v60-80", "v80-100")
_VISIBILITY_EDGES = (0.4, 0.6, 0.8)


@dataclass(frozen=True)
class SharedRows:
    """Rows of the tables that do not depend on the scenes; each field is the table of its name."""

    attribute: list[Row]
    category: list[Row]
    sensor: list[Row]
    visibility: list[Row]


def token(*names: str | int) -> str:
    """The primary key of a row: 32 hexadecimal digits that depend on nothing but the names, table first."""
    joined = "/".join(str(name) for name in names)
    return hashlib.blake2b(joined.encode(), digest_size=16).hexdigest()


def links(tokens: Sequence[str], place: int) -> Row:
    """The fields `prev` and `next` of the row at `place` in a chain of tokens; "" where the chain ends."""
    return {
        "prev": tokens[place - 1] if place > 0 else "",
        "next": tokens[place + 1] if place + 1 < len(tokens) else "",
    }


def visibility_token(visible_fraction: float) -> str:
    """The bin of a visible fraction 0..1.

    Returns:
        "1" (less than 40 %) to "4" (80 % and more); "1" also for NaN, an object that no beam could have reached.
    """
    return str(1 + sum(visible_fraction >= edge for edge in _VISIBILITY_EDGES))


def shared_rows() -> SharedRows:
    """The tables attribute, category, sensor and visibility."""
    levels = enumerate(VISIBILITY_LEVELS, 1)
    return SharedRows(
        attribute=[
            {"token": token("attribute", name), "name": name, "description": description}
            for name, description in ATTRIBUTES
        ],
        category=[
            {"token": token("category", name), "name": name, "description": f"nuScenes' {name}.", "index": index}
            for index, name in enumerate(CATEGORIES)
        ],
        sensor=[{"token": token("sensor", CHANNEL), "channel": CHANNEL, "modality": "lidar"}],
        visibility=[
            {
                "token": str(number),
                "level": level,
                "description": f"{level[1:]} % of the points are seen that would be with all that hides it removed.",
            }
            for number, level in levels
        ],
    )
