"""Changes to the points of a labelled scan that leave its truth true: what augmentation and corruptions are made of.

Truth about the cells of the ground stays what it was for the scan as it came: who puts something in the way of rays, or
moves the scan on the grid, has to drop it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.datasets.sample import Sample
from bevseg.geometry.boxes import count_points_in_boxes
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass

_ASSUMED_BEAMS = 64
_ASSUMED_ELEVATION_RAD = (-0.44, 0.06)
"""Beams of a scan that does not name them: those of an HDL-64E, give or take (-25 to +3 degrees)."""


def rays_of(cloud: PointCloud) -> Float[np.ndarray, "n 3"]:
    """From where each point's ray starts to the point, metres."""
    of_all = len(cloud.sensor_origins_m) == 1 and cloud.ray_origins_m is None
    return cloud.xyz - (cloud.sensor_origins_m if of_all else cloud.ray_starts_m()).astype(np.float32)


def beams_of(cloud: PointCloud) -> Int[np.ndarray, "n"]:
    """The beam of each point, by elevation where the scan does not say."""
    if cloud.ring is not None:
        return np.maximum(cloud.ring, 0)
    ray = rays_of(cloud)
    elevation = np.arctan2(ray[:, 2], np.hypot(ray[:, 0], ray[:, 1]))
    low, high = _ASSUMED_ELEVATION_RAD
    beam = (elevation - low) * (_ASSUMED_BEAMS / (high - low))
    return np.clip(beam, 0, _ASSUMED_BEAMS - 1).astype(np.int32)


def keep_points(sample: Sample, kept: Bool[np.ndarray, "n"]) -> Sample:
    """The sample with only some of its points; `recounted` brings the objects' counts up to date.

    It is no longer what a file holds, so it has no origin.
    """
    if kept.all():
        return sample
    index = np.flatnonzero(kept)
    truth = sample.annotations
    semantic = None if truth.point_semantic is None else truth.point_semantic[index]
    instance = None if truth.point_instance is None else truth.point_instance[index]
    annotations = replace(truth, point_semantic=semantic, point_instance=instance)
    return replace(sample, cloud=sample.cloud[index], annotations=annotations, origin=None)


def move_along_rays(
    sample: Sample, index: Int[np.ndarray, "m"], semantic: SemanticClass, *, reach: Float[np.ndarray, "m"]
) -> Sample:
    """Moves points to `reach` times their distance along the ray, where they are of class `semantic` and of no object.

    Args:
        sample: Stays as it is.
        index: The points.
        semantic: What they are now.
        reach: Factor of each.
    """
    cloud, truth = sample.cloud, sample.annotations
    xyz = cloud.xyz.copy()
    xyz[index] += rays_of(cloud)[index] * (reach - 1)[:, None]
    labels, instances = truth.point_semantic, truth.point_instance
    if labels is not None:
        labels = labels.copy()
        labels[index] = semantic
    if instances is not None:
        instances = instances.copy()
        instances[index] = 0
    annotations = replace(truth, point_semantic=labels, point_instance=instances)
    return replace(sample, cloud=replace(cloud, xyz=xyz), annotations=annotations)


def points_on_objects(sample: Sample) -> Int[np.ndarray, "k"]:
    """Points of each object, by label where points have one, else by box; sets may label objects that have no box."""
    truth = sample.annotations
    if truth.point_instance is None:
        return count_points_in_boxes(sample.cloud.xyz, truth.boxes)
    return np.bincount(truth.point_instance, minlength=len(truth) + 1)[1 : len(truth) + 1]


def recounted(sample: Sample) -> Sample:
    """The sample with `num_points` counted anew."""
    return replace(sample, annotations=replace(sample.annotations, num_points=points_on_objects(sample)))
