from __future__ import annotations

import numpy as np

from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import THING_CLASSES, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg_ros.selection import only_classes

GRID = BevGrid(1.0, -3.0, 0.5, 8, 6)
CAR, BUS, PERSON = SemanticClass.CAR, SemanticClass.BUS, SemanticClass.PEDESTRIAN


def scene(*labels: SemanticClass) -> Scene:
    k = len(labels)
    instances = Instances.from_detections(
        label=np.array(labels, np.uint8),
        score=np.linspace(0.9, 0.5, k, dtype=np.float32),
        boxes=np.arange(7 * k, dtype=np.float32).reshape(k, 7),
        velocity_mps=np.zeros((k, 2), np.float32),
        amodal=BevMasks.from_cells(GRID, [np.array([cell]) for cell in range(k)]),
    )
    graph = OcclusionGraph.empty(k)
    if k == 4:
        edges = np.array([0, 1, 1, 3]), np.array([1, 2, 3, 0])
        share = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
        ranks = np.array([0, 0, 1, 0], np.int32)
        graph = OcclusionGraph(*edges, share, ranks, np.ones(k, np.float32), cycles=((0, 1, 3),))
    points = PointLabels(np.array([4, 4, 11], np.uint8)[: max(k, 1)], np.array([1, k, 0], np.int32)[: max(k, 1)])
    return Scene(5, "lidar", instances, graph, VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8)), points)


def test_all_classes_change_nothing() -> None:
    whole = scene(CAR, BUS)
    assert only_classes(whole, THING_CLASSES) is whole


def test_edges_points_and_cycles_follow_the_objects_that_stay() -> None:
    left = only_classes(scene(CAR, PERSON, CAR, CAR), [CAR, BUS])
    assert left.instances.id.tolist() == [1, 3, 4]
    assert left.occlusion.occluder.tolist() == [2]
    assert left.occlusion.occluded.tolist() == [0]
    assert left.occlusion.rank.tolist() == [0, 1, 0]
    assert left.occlusion.cycles == ((0, 2),)
    assert left.points.instance.tolist() == [1, 4, 0]
    gone = only_classes(scene(PERSON, CAR, PERSON, PERSON), [CAR])
    assert gone.points.instance.tolist() == [0, 0, 0]
    assert gone.points.semantic.tolist() == [4, 4, 11]
    assert gone.occlusion.cycles == ()


def test_nothing_of_nothing() -> None:
    assert len(only_classes(scene(), [CAR]).instances) == 0
    assert len(only_classes(scene(CAR), [BUS]).instances) == 0
