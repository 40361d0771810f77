"""The truth of a labelled scan in the form of a result, so that every view shows it with the same layers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Int, Integer

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import points_in_box
from bevseg.occlusion.truth import true_instances
from bevseg.occlusion.visibility import VisibilityMapper
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import estimate_ground
from bevseg.replay.frames import VIEW_GRID
from bevseg.results.classes import GROUP_OF_CLASS
from bevseg.results.scene import PointLabels, Scene


@dataclass
class TruthScenes:
    """Makes scenes of truth; a track has the same small id in all of them."""

    _mapper: VisibilityMapper = field(default_factory=lambda: VisibilityMapper(VIEW_GRID))
    _number_of_track: dict[int, int] = field(default_factory=dict)

    def predict(self, sample: Sample) -> Scene:
        """The true objects as the sensor saw them, who hides whom, and what it could tell about the ground.

        Where the set does not say how much of an object is hidden, it is estimated from the boxes and the points.
        """
        cloud, truth = sample.cloud, _things(sample.annotations)
        height_m = estimate_ground(cloud).height_above(cloud.xyz)
        observed = self._mapper.observe(cloud, height_m)
        seen = true_instances(cloud, truth, VIEW_GRID, horizon=observed.horizon)
        owner = _owner_of_points(cloud, truth)
        ids = self._ids(truth.track_id)
        instance = np.concatenate([[0], ids])[owner].astype(np.int32)
        semantic = np.concatenate([[0], truth.label])[owner] if truth.point_semantic is None else truth.point_semantic
        return Scene(
            stamp_ns=cloud.stamp_ns,
            frame=cloud.frame,
            instances=replace(seen.instances, id=ids),
            occlusion=seen.occlusion,
            visibility=observed.visibility,
            points=PointLabels(semantic.astype(np.uint8), instance),
        )

    def _ids(self, track_id: Integer[np.ndarray, "k"]) -> Int[np.ndarray, "k"]:
        """From 1, in the order in which tracks are met; objects without a track count on from there."""
        if not has_tracks(track_id):
            return np.arange(1, len(track_id) + 1, dtype=np.int32)
        numbers = self._number_of_track
        return np.array([numbers.setdefault(track, len(numbers) + 1) for track in track_id.tolist()], np.int32)


def tracks_are_known(sample: Sample) -> bool:
    """Whether the truth of a scan says which object is which from frame to frame."""
    return has_tracks(sample.annotations.track_id)


def has_tracks(track_id: Integer[np.ndarray, "k"]) -> bool:
    """Whether the set tells which object is which from frame to frame."""
    return bool((track_id >= 0).all()) and len(np.unique(track_id)) == len(track_id)


def _things(truth: Annotations) -> Annotations:
    """Without areas of "don't care" and what is none of our things: they are no objects to draw.

    Who hides whom is known of all objects together, so what a set knows of it is kept only if all of them stay.
    """
    keep = GROUP_OF_CLASS[truth.label.astype(np.int64)] >= 0
    if keep.all():
        return truth
    number = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)])
    return replace(
        truth,
        boxes=truth.boxes[keep],
        label=truth.label[keep],
        track_id=truth.track_id[keep],
        velocity_mps=truth.velocity_mps[keep],
        visible_fraction=truth.visible_fraction[keep],
        num_points=truth.num_points[keep],
        ignored=truth.ignored[keep],
        point_instance=None if truth.point_instance is None else number[truth.point_instance],
        truncation=None if truth.truncation is None else truth.truncation[keep],
        visibility_level=None if truth.visibility_level is None else truth.visibility_level[keep],
        occlusion=None,
    )


def _owner_of_points(cloud: PointCloud, truth: Annotations) -> Int[np.ndarray, "n"]:
    """1 + index of the object of each point, 0 for none: the set's own labels, else the last box that holds it.

    Objects that have labels of points but no box, as all of SemanticKITTI, are no objects here.
    """
    if truth.point_instance is not None:
        owner = truth.point_instance.astype(np.int64)
        return np.where(owner <= len(truth), owner, 0)
    owner = np.zeros(len(cloud), np.int64)
    for k, box in enumerate(truth.boxes):
        owner[points_in_box(cloud.xyz, box)] = k + 1
    return owner
