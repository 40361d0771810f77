"""The categories of nuScenes, and of sets in its schema, as our classes.

Source: docs/instructions_nuscenes.md and docs/instructions_lidarseg.md of nuscenes-devkit; Fong et al., "Panoptic
nuScenes", RA-L 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from bevseg.datasets.labels import DatasetError
from bevseg.results.classes import SemanticClass
from bevseg.results.classes import SemanticClass as C

_NOT_SCORED = (
    "noise", "animal", "human.pedestrian.personal_mobility", "human.pedestrian.stroller",
    "human.pedestrian.wheelchair", "movable_object.debris", "movable_object.pushable_pullable",
    "static_object.bicycle_rack", "vehicle.emergency.ambulance", "vehicle.emergency.police", "static.other",
    "vehicle.ego",
)  # fmt: skip

CATEGORY_CLASSES: dict[str, SemanticClass] = {
    **{c.label: c for c in C},
    **dict.fromkeys(_NOT_SCORED, C.NOISE),
    "human.pedestrian.adult": C.PEDESTRIAN,
    "human.pedestrian.child": C.PEDESTRIAN,
    "human.pedestrian.construction_worker": C.PEDESTRIAN,
    "human.pedestrian.police_officer": C.PEDESTRIAN,
    "movable_object.barrier": C.BARRIER,
    "movable_object.trafficcone": C.TRAFFIC_CONE,
    "vehicle.bicycle": C.BICYCLE,
    "vehicle.bus.bendy": C.BUS,
    "vehicle.bus.rigid": C.BUS,
    "vehicle.car": C.CAR,
    "vehicle.construction": C.CONSTRUCTION_VEHICLE,
    "vehicle.motorcycle": C.MOTORCYCLE,
    "vehicle.trailer": C.TRAILER,
    "vehicle.truck": C.TRUCK,
    "flat.driveable_surface": C.DRIVEABLE_SURFACE,
    "flat.other": C.OTHER_FLAT,
    "flat.sidewalk": C.SIDEWALK,
    "flat.terrain": C.TERRAIN,
    "static.manmade": C.MANMADE,
    "static.vegetation": C.VEGETATION,
}
"""nuScenes' 32 categories as its challenges merge them, and the merged names themselves, which other sets use."""

VISIBILITY_LEVELS = {
    "v0-40": 1, "v40-60": 2, "v60-80": 3, "v80-100": 4, "none": 1, "partial": 2, "most": 3, "full": 4,
}  # fmt: skip
"""nuScenes' four levels by their names, and the words that other sets in its schema have for them."""


def classes_of_categories(
    names: Sequence[str], classes: Mapping[str, SemanticClass], *, where: Path
) -> dict[str, SemanticClass]:
    """The class of each category of a set.

    Raises:
        DatasetError: A category is not in the table, or none of them is an object that can be found.
    """
    unknown = sorted(set(names) - set(classes))
    if unknown:
        raise DatasetError(
            f"{where}: categories {unknown} are in no table of classes; give classes={{name: class, ...}}"
        )
    mapped = {name: classes[name] for name in names}
    if not any(c.is_thing for c in mapped.values()):
        raise DatasetError(
            f"{where}: the table of classes maps none of the categories {sorted(mapped)} to an object, so there would "
            "be nothing to find; expected some of barrier .. truck"
        )
    return mapped


def index_table(
    categories: Sequence[Mapping[str, object]], classes: Mapping[str, SemanticClass]
) -> UInt8[np.ndarray, "size"]:
    """From the index of a category in labels of points to its class; indices that no category has become noise."""
    index_of = {str(c["name"]): int(str(c["index"])) for c in categories if "index" in c}
    table = np.zeros(max(index_of.values(), default=-1) + 1, np.uint8)
    for name, index in index_of.items():
        table[index] = classes[name]
    return table
