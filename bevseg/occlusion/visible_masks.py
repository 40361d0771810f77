"""Which part of each object was seen: visible masks and fractions.

The rays of one azimuth reach an object between two slopes; foreign things in front of it, other objects as well as the
obstacles (walls, hedges) that the horizon knows, block the lower of them. The visible fraction is the share that is
left. A cell of the amodal mask is visible if at least half is left on the cell's azimuth:

* The object's own near side hides nothing of it. A sensor sees one or two faces of a car, but its visible mask is to
  tell what others hide, so that the two masks of a free-standing car are equal.
* Foreign things count up to where the ray enters the object's own box, less a margin for boxes that sit a little too
  far back; what stands beside or behind hides nothing.
* Half, because "something of it" would call a car visible of which a strip of roof shows above the car in front.
* A cell that holds a return of the object is visible, whatever the geometry says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Integer

from bevseg.occlusion.depth_order import graph_from_screens
from bevseg.occlusion.sight_lines import Fans, cast_fans, find_screens
from bevseg.occlusion.visibility import Horizon
from bevseg.results.classes import NUM_CLASSES, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph

SOLID_SHARE = np.ones(NUM_CLASSES)
"""Share of its box's outline that an object of each class fills as an occluder: cars taper upwards and have windows,
bicycles are mostly air. Fitted on simulated scans so that what a class is estimated to hide is, over all, what counting
rays says it hides. On 50 other simulated scans (2,066 objects) it took the mean error of the visible fraction from 0.15
to 0.10 and its bias from -0.11 to +0.01, walls left out; on real scans it could not be measured."""
for _name, _share in {
    "BARRIER": 0.55,
    "BICYCLE": 0.5,
    "BUS": 0.8,
    "CAR": 0.8,
    "CONSTRUCTION_VEHICLE": 0.55,
    "MOTORCYCLE": 0.65,
    "PEDESTRIAN": 0.55,
    "TRAFFIC_CONE": 0.5,
    "TRAILER": 0.8,
    "TRUCK": 0.9,
}.items():
    SOLID_SHARE[SemanticClass[_name]] = _share

OWN_MARGIN_M = 0.5
"""Returns this far in front of a box are taken to be the object's own."""


@dataclass(frozen=True, eq=False)
class OccludedInstances:
    """Objects with their visible masks and fractions, and who hides whom among them."""

    instances: Instances
    occlusion: OcclusionGraph


def with_occlusion(
    instances: Instances,
    sensor_origin_m: Float[np.ndarray, "3"],
    *,
    horizon: Horizon | None = None,
    own_cells: BevMasks | None = None,
) -> OccludedInstances:
    """Fills in what the sensor saw of each object.

    Args:
        instances: Objects with boxes and amodal masks.
        sensor_origin_m: Where the rays start, in the frame of the boxes.
        horizon: Obstacles seen from the same origin, see `VisibilityMapper.observe`; without it only objects hide.
        own_cells: Cells that hold returns of each object, see `hit_cells`.

    Raises:
        ValueError: The horizon was seen from somewhere else, or `own_cells` has another number of masks.
    """
    if own_cells is not None and len(own_cells) != len(instances):
        raise ValueError(f"own_cells must have one mask for each of {len(instances)} objects, got {len(own_cells)}")
    fans = cast_fans(instances.boxes, sensor_origin_m)
    screens = find_screens(instances.boxes, fans, solid_share=SOLID_SHARE[instances.label])
    obstacles = _obstacle_slope(fans, horizon)
    graph = graph_from_screens(fans, screens, obstacle_slope=obstacles)
    seen = _cells_in_sight(instances, fans, np.maximum(screens.highest(len(instances)), obstacles))
    if own_cells is not None:
        seen |= _holds(own_cells, instances.amodal)
    filled = replace(
        instances,
        visible=instances.amodal.where(seen),
        visible_fraction=graph.visible_fraction,
        visible_fraction_source="estimated",
    )
    return OccludedInstances(filled, graph)


def unobstructed_fraction(
    boxes: Float[np.ndarray, "k 7"], sensor_origin_m: Float[np.ndarray, "3"], horizon: Horizon
) -> Float[np.ndarray, "k"]:
    """Share of each box that can be seen over all that returned something in front of it, whatever that was.

    Quicker than `with_occlusion`, as no object needs to be held against another, and a little lower: what stands in
    front is taken to be solid.
    """
    fans = cast_fans(boxes, sensor_origin_m)
    extent = fans.high - fans.low
    hidden = np.clip(_obstacle_slope(fans, horizon) - fans.low, 0, extent).sum(axis=1)
    return 1 - hidden / np.maximum(extent.sum(axis=1), 1e-9)


def hit_cells(
    instances: Instances, xyz_m: Float[np.ndarray, "n 3"], point_instance: Integer[np.ndarray, "n"]
) -> BevMasks:
    """The cells that hold returns of each object; `point_instance` is the `Instances.id` of each point, 0 for none."""
    if not len(instances):
        return BevMasks.empty(instances.grid)
    order = np.argsort(instances.id)
    labelled = np.flatnonzero(point_instance > 0)
    ids = point_instance[labelled]
    place = np.minimum(np.searchsorted(instances.id[order], ids), len(order) - 1)
    known = instances.id[order[place]] == ids
    labelled, owner = labelled[known], order[place[known]]
    cells = instances.grid.flat_cells_of(xyz_m[labelled, :2])
    inside = cells >= 0
    return BevMasks.from_owners(instances.grid, owner[inside], cells[inside], num_masks=len(instances))


def _obstacle_slope(fans: Fans, horizon: Horizon | None) -> Float[np.ndarray, "k ray"]:
    if horizon is None:
        return np.full(fans.azimuth_rad.shape, -np.inf)
    seen_from = (horizon.polar.origin_x_m, horizon.polar.origin_y_m)
    if not np.allclose(seen_from, fans.sensor_m[:2], atol=1e-3):
        raise ValueError(f"the horizon was seen from {seen_from}, the objects from {fans.sensor_m[:2].tolist()}")
    slope = horizon.slope_before(fans.azimuth_rad, fans.entry_m - OWN_MARGIN_M)
    return np.where(fans.holds_sensor[:, None], -np.inf, slope)


def _cells_in_sight(
    instances: Instances, fans: Fans, blocked_slope: Float[np.ndarray, "k ray"]
) -> Bool[np.ndarray, "m"]:
    """Whether at least half of the object can be seen on the azimuth of each amodal cell."""
    owner = instances.amodal.owner
    offset_m = instances.grid.centers_of(instances.amodal.cells) - fans.sensor_m[:2]
    ray = fans.ray_of(owner, np.arctan2(offset_m[:, 1], offset_m[:, 0]))
    half_is_seen = blocked_slope <= (fans.low + fans.high) / 2
    return half_is_seen[owner, ray]


def _holds(masks: BevMasks, of: BevMasks) -> Bool[np.ndarray, "m"]:
    """For each cell of `of`, whether the mask of the same object in `masks` has it too."""
    if not len(masks.cells):
        return np.zeros(len(of.cells), bool)
    size = of.grid.num_cells
    held, asked = masks.owner * size + masks.cells, of.owner * size + of.cells
    return held[np.minimum(np.searchsorted(held, asked), len(held) - 1)] == asked
