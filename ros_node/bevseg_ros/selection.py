"""A scene with objects of the wanted classes only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bevseg.results.classes import THING_CLASSES, SemanticClass
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene


def only_classes(scene: Scene, classes: Sequence[SemanticClass]) -> Scene:
    """Leaves the objects of other classes out; their points keep their class and belong to no object.

    Ranks keep their values, so that the order of those that are left is the same.
    """
    if len(set(classes)) == len(THING_CLASSES):
        return scene
    kept = np.flatnonzero(np.isin(scene.instances.label, [int(wanted) for wanted in classes]))
    instances = scene.instances[kept]
    ours = np.isin(scene.points.instance, instances.id)
    return replace(
        scene,
        instances=instances,
        occlusion=_among(scene.occlusion, kept),
        points=PointLabels(scene.points.semantic, np.where(ours, scene.points.instance, 0)),
    )


def _among(graph: OcclusionGraph, kept: np.ndarray) -> OcclusionGraph:
    """The edges between those objects, by their new positions."""
    place = np.full(len(graph.rank), -1)
    place[kept] = np.arange(len(kept))
    inner = (place[graph.occluder] >= 0) & (place[graph.occluded] >= 0)
    cycles = (tuple(int(place[member]) for member in cycle if place[member] >= 0) for cycle in graph.cycles)
    return OcclusionGraph(
        occluder=place[graph.occluder[inner]],
        occluded=place[graph.occluded[inner]],
        hidden_fraction=graph.hidden_fraction[inner],
        rank=graph.rank[kept],
        visible_fraction=graph.visible_fraction[kept],
        cycles=tuple(cycle for cycle in cycles if len(cycle) > 1),
    )
