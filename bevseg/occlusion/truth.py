"""What a labelled scan tells of occlusion: amodal and visible masks, fractions and the order, as `Instances`.

Simulation counts rays and so knows the order and the fractions exactly; these are taken over. Other sets have boxes,
and some an object for each point: there the same geometry that serves predictions is applied to the true boxes, and
the fractions are marked as estimated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import points_in_box
from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.visibility import Horizon, VisibilityMapper
from bevseg.occlusion.visible_masks import OccludedInstances, hit_cells, with_occlusion
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import estimate_ground
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks, footprint_masks


def amodal_masks(annotations: Annotations, grid: BevGrid) -> BevMasks:
    """The footprint of every box, by cell centres."""
    return footprint_masks(annotations.boxes, grid)


def true_instances(
    cloud: PointCloud, annotations: Annotations, grid: BevGrid, *, horizon: Horizon | None = None
) -> OccludedInstances:
    """The annotated objects in the form of a prediction: ids count from 1 as `point_instance` does, scores are 1.

    Args:
        cloud: The scan; its first sensor origin is where the rays start.
        annotations: Truth in the cloud's frame.
        grid: Grid of the masks.
        horizon: Obstacles that are no objects, see `VisibilityMapper.observe`; without it only objects hide.

    Returns:
        Instances and graph. Where the annotations know who hides whom, graph and fractions are theirs ("counted"; NaN
        for an object that no beam could meet, which the graph calls fully visible since nothing hides it); otherwise
        both are estimated from boxes.
    """
    instances = Instances.from_detections(
        label=annotations.label,
        score=np.ones(len(annotations), np.float32),
        boxes=annotations.boxes,
        velocity_mps=annotations.velocity_mps,
        amodal=amodal_masks(annotations, grid),
    )
    own_cells = hit_cells(instances, cloud.xyz, _point_instance(cloud, annotations))
    estimated = with_occlusion(instances, cloud.sensor_origins_m[0], horizon=horizon, own_cells=own_cells)
    if annotations.occlusion is None:
        return estimated
    counted = annotations.visible_fraction.astype(np.float32)
    return OccludedInstances(
        instances=replace(estimated.instances, visible_fraction=counted, visible_fraction_source="counted"),
        occlusion=replace(annotations.occlusion, visible_fraction=np.nan_to_num(counted, nan=1.0)),
    )


def observed_truth(sample: Sample, mapper: VisibilityMapper) -> Instances:
    """The annotated objects as the sensor saw them: other objects hide, and so do the walls and hedges of the scan.

    Args:
        sample: A labelled scan.
        mapper: Gives the grid; to be kept over many scans.
    """
    cloud = sample.cloud
    height_m = estimate_ground(cloud).height_above(cloud.xyz)
    horizon = mapper.horizon(cloud, height_m)
    return true_instances(cloud, sample.annotations, mapper.grid, horizon=horizon).instances


def _point_instance(cloud: PointCloud, annotations: Annotations) -> Int[np.ndarray, "n"]:
    """1 + index of the object of each point: the set's own labels, else the last box that holds the point."""
    if annotations.point_instance is not None:
        return annotations.point_instance.astype(np.int64)
    instance = np.zeros(len(cloud), np.int64)
    boxes: Float[np.ndarray, "k 7"] = annotations.boxes
    for k, box in enumerate(boxes):
        instance[points_in_box(cloud.xyz, box)] = k + 1
    return instance
