"""What views in 3-D draw of a frame, as plain arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.drawing.shown import LAYERS, Shown
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.geometry.grid import BevGrid
from bevseg.replay.difference import judge
from bevseg.replay.mask_geometry import ground_picture, hatching, outline_strips, row_quads
from bevseg.replay.scene_geometry import SceneGeometry, box_corners
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import Scene, VisibilityMap

GRID = BevGrid(10.0, -3.0, 0.5, 8, 6)
RED_BLUE = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)


@pytest.fixture
def shown(drive: Source, make: Callable[..., Scene]) -> Shown:
    """Two of three true objects were found; the second is 60 % hidden by the first, which moves."""
    sample = drive[0]
    boxes = sample.annotations.boxes[:2]
    scene = make(sample, boxes, sample.annotations.label[:2])
    half = scene.instances.amodal.where(np.arange(len(scene.instances.amodal.cells)) % 2 == 0)
    instances = replace(
        scene.instances,
        velocity_mps=np.array([[2.0, 1.0], [np.nan, np.nan]], np.float32),
        visible_fraction=np.array([1.0, 0.4], np.float32),
        visible=half,
    )
    one = np.array([0], np.int32)
    graph = OcclusionGraph(one, one + 1, np.array([0.6], np.float32), np.array([0, 1]), instances.visible_fraction)
    scene = replace(scene, instances=instances, occlusion=graph)
    trails = (np.array([[9.0, 3.0], [10.0, 3.0]]), np.array([[14.0, -4.0]]))
    difference = judge(instances, sample.annotations, scoring=Scoring(MatchRule(min_points=5)))
    return Shown(sample.cloud, scene, trails, sample.annotations, difference)


def test_everything_of_a_frame(shown: Shown) -> None:
    geometry = SceneGeometry.of(shown)
    assert len(geometry.points_xyz) == len(geometry.point_colors) == len(shown.cloud)
    assert geometry.boxes.labels == ("car 1", "car 2 · 60% hidden")
    assert geometry.boxes.segments.shape == (24, 2, 3)
    assert geometry.velocities.labels == ("2.2 m/s",)
    np.testing.assert_allclose(geometry.velocities.vectors, [[2.0, 1.0, 0.0]])
    assert geometry.order.labels == ("60% hidden",)
    np.testing.assert_allclose(geometry.order.origins[0], [10.0, 3.0, -0.2], atol=1e-5)
    np.testing.assert_allclose(geometry.order.vectors[0, :2], [4.0, -7.0], atol=1e-5)
    assert len(geometry.trails) == 1
    assert geometry.truth.labels[2] == "pedestrian: missed"
    assert tuple(geometry.truth.colors[2].tolist()) == Outcome.MISSED.color
    assert geometry.marks.words[0].startswith("missed")
    assert len(geometry.outlines) == 2


def test_seen_and_hidden_parts_make_the_whole(shown: Shown) -> None:
    geometry = SceneGeometry.of(shown)
    cell_m2 = shown.scene.grid.cell_m**2

    def area_m2(vertices: np.ndarray, triangles: np.ndarray) -> float:
        a, b, c = (vertices[triangles[:, k], :2].astype(np.float64) for k in range(3))
        return float(np.cross(b - a, c - a).sum() / 2)  # counter-clockwise: all are positive

    whole = len(shown.scene.instances.amodal.cells) * cell_m2
    parts = [area_m2(flat.vertices, flat.triangles) for flat in (geometry.visible, geometry.hidden)]
    assert min(parts) > 0.4 * whole
    assert sum(parts) == pytest.approx(whole, rel=1e-4)


def test_without_comparison_truth_is_white(shown: Shown) -> None:
    geometry = SceneGeometry.of(replace(shown, difference=None))
    assert (geometry.truth.colors == palette.TRUTH).all()
    assert geometry.truth.labels == ("car", "car", "pedestrian")
    assert len(geometry.marks) == 0
    assert len(SceneGeometry.of(replace(shown, truth=None, difference=None)).truth) == 0


def test_layers_that_are_off_are_empty(shown: Shown) -> None:
    geometry = SceneGeometry.of(replace(shown, layers=frozenset()))
    parts = (geometry.points_xyz, geometry.boxes, geometry.velocities, geometry.order, geometry.trails, geometry.truth)
    assert [len(part) for part in parts] == [0] * 6
    assert len(geometry.marks) == len(geometry.outlines) == len(geometry.hatching[0]) == 0
    assert len(geometry.visible.triangles) == len(geometry.hidden.triangles) == 0


def test_labels_can_be_switched_off_alone(shown: Shown) -> None:
    assert SceneGeometry.of(replace(shown, layers=LAYERS - {"labels"})).boxes.labels == ("", "")


def test_runs_of_cells_become_rectangles() -> None:
    masks = BevMasks.from_cells(GRID, [np.array([0, 1, 2, 5]), np.array([10])])  # a row of three, two single cells
    flat = row_quads(masks, RED_BLUE, z_m=1.0)
    assert flat.vertices.shape == (12, 3)
    assert flat.triangles.max() == 11
    np.testing.assert_allclose(flat.vertices[[0, 2]], [[10.0, -3.0, 1.0], [11.5, -2.5, 1.0]])
    np.testing.assert_allclose(flat.vertices[8], [11.0, -2.5, 1.0])
    np.testing.assert_array_equal(flat.colors[[0, 7, 8]], RED_BLUE[[0, 0, 1]])


def test_hatching_lies_on_one_pattern_within_the_cells() -> None:
    masks = BevMasks.from_cells(GRID, [np.arange(GRID.num_cells)])
    segments, colors = hatching(masks, RED_BLUE[:1], z_m=0.0)
    assert len(segments) == len(colors) == 16
    steps = np.round((segments[:, 0, 0] - 10.0) / 0.5 - (segments[:, 0, 1] + 3.0) / 0.5)
    assert (steps % 3 == 0).all()
    np.testing.assert_allclose(segments[:, 1] - segments[:, 0], np.tile([0.5, 0.5, 0.0], (16, 1)))


def test_outlines_are_closed() -> None:
    paths, owner = outline_strips(BevMasks.from_cells(GRID, [np.array([0, 1, 8, 9]), np.zeros(0, np.int64)]), 0.5)
    assert owner.tolist() == [0]
    np.testing.assert_array_equal(paths[0][0], paths[0][-1])
    assert (paths[0][:, 2] == 0.5).all()


def test_no_mask_has_no_geometry() -> None:
    none = BevMasks.empty(GRID)
    assert len(row_quads(none, np.zeros((0, 3), np.uint8), 0.0).triangles) == 0
    assert len(hatching(none, np.zeros((0, 3), np.uint8), 0.0)[0]) == 0
    assert outline_strips(none, 0.0)[0] == ()


@pytest.mark.parametrize(("coarser", "shape"), [(1, (6, 8)), (2, (3, 4)), (5, (6, 8))])
def test_the_ground_as_a_picture(coarser: int, shape: tuple[int, int]) -> None:
    state = np.zeros(GRID.shape, np.uint8)
    state[1, 1] = 3
    ground = ground_picture(VisibilityMap(GRID, state), coarser=coarser)
    assert ground.tones.shape == (*shape, 3)
    row, column = (0, 0) if coarser == 2 else (1, 1)
    np.testing.assert_array_equal(ground.tones[row, column], palette.ground_colors()[3])
    np.testing.assert_allclose(ground.corners(-1.5)[[0, 2]], [[10.0, -3.0, -1.5], [14.0, 0.0, -1.5]])


def test_corners_of_a_box_that_is_turned() -> None:
    corners = box_corners(np.array([[1.0, 2.0, 3.0, 4.0, 2.0, 1.0, np.pi / 2]]))[0]
    np.testing.assert_allclose(corners[0], [0.0, 4.0, 2.5], atol=1e-9)  # front left is at -x, +y
    np.testing.assert_allclose(corners[4:, 2], 3.5)
