from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.box_overlaps import (
    box_volumes,
    footprint_iou,
    iou_of,
    near_pairs,
    paired_areas,
    paired_volumes,
)
from bevseg.geometry.boxes import footprint_corners


def box(x: float, y: float, l: float, w: float, yaw: float = 0.0, z: float = 0.0, h: float = 1.0) -> np.ndarray:
    return np.array([[x, y, z, l, w, h, yaw]])


@pytest.mark.parametrize(
    ("a", "b", "area"),
    [
        (box(0, 0, 4, 2), box(0, 0, 4, 2), 8.0),
        (box(0, 0, 4, 2), box(1, 0.5, 4, 2), 4.5),
        (box(0, 0, 4, 2), box(4, 0, 4, 2), 0.0),  # side to side
        (box(0, 0, 4, 2), box(3.9, 1.9, 4, 2), 0.01),  # corner in corner
        (box(0, 0, 4, 2), box(9, 9, 4, 2), 0.0),
        (box(0, 0, 4, 2), box(0.5, 0.2, 1, 0.5, 0.4), 0.5),  # inside
        (box(0, 0, 4, 2), box(0, 0, 4, 2, np.pi / 2), 4.0),  # a cross
        (box(0, 0, 2, 2), box(0, 0, 2, 2, np.pi / 4), 8 * (np.sqrt(2) - 1)),  # an octagon
        (box(0, 0, 4, 2), box(0, 0, 4, 2, np.pi), 8.0),
        (box(0, 0, 4, 2), box(0, 0, 0, 2), 0.0),
    ],
)
def test_worked_by_hand(a: np.ndarray, b: np.ndarray, area: float) -> None:
    assert paired_areas(a, b)[0] == pytest.approx(area, abs=1e-12)
    assert paired_areas(b, a)[0] == pytest.approx(area, abs=1e-12)


def test_the_same_anywhere_and_at_any_angle() -> None:
    a, b = box(0, 0, 4, 2, 0.2), box(1, 0.5, 3, 2, 0.9)
    here = paired_areas(a, b)
    turn = 2.1
    for pair in (a, b):
        pair[:, :2] = pair[:, :2] @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        pair[:, 0] += 300.0
        pair[:, 6] += turn
    assert paired_areas(a, b) == pytest.approx(here, abs=1e-9)


def test_equals_shapely() -> None:
    shapely = pytest.importorskip("shapely", reason="comes with the extra `datasets`")
    rng = np.random.default_rng(4)
    boxes = np.column_stack(
        [rng.uniform(-3, 3, (300, 3)), rng.uniform(0.3, 5, (300, 3)), rng.choice([0, 0.3, np.pi / 2, 2.5], 300)]
    )
    a, b = boxes[:120], boxes[120:]
    b[:20, :2], b[:20, 6] = a[:20, :2], a[:20, 6]  # edges upon edges
    a, b = np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1))
    polygons = zip(footprint_corners(a), footprint_corners(b), strict=True)
    shared = np.array([shapely.Polygon(p).intersection(shapely.Polygon(q)).area for p, q in polygons])
    np.testing.assert_allclose(paired_areas(a, b), shared, atol=1e-9)
    assert (shared > 0).mean() > 0.2


def test_iou_of_areas_and_of_volumes() -> None:
    a = np.concatenate([box(0, 0, 4, 2), box(50, 0, 4, 2)])
    b = box(2, 0, 4, 2, z=0.5)
    assert footprint_iou(a, b).tolist() == [[pytest.approx(1 / 3)], [0.0]]
    assert iou_of(paired_volumes(a[:1], b), box_volumes(a[:1]), box_volumes(b))[0] == pytest.approx(2 / 14)
    assert paired_volumes(a[:1], box(0, 0, 4, 2, z=3.0))[0] == 0.0
    assert iou_of(np.zeros(1), np.zeros(1), np.zeros(1))[0] == 0.0


def test_pairs_that_may_overlap_come_row_by_row() -> None:
    a = np.concatenate([box(0, 0, 4, 2), box(50, 0, 4, 2), box(1, 0, 4, 2)])
    assert near_pairs(a, a).tolist() == [[0, 0], [0, 2], [1, 1], [2, 0], [2, 2]]


def test_float32_and_no_boxes() -> None:
    none = np.zeros((0, 7), np.float32)
    a = box(0, 0, 4, 2).astype(np.float32)
    assert footprint_iou(a, none).shape == (1, 0)
    assert footprint_iou(none, a).shape == (0, 1)
    assert paired_volumes(none, none).shape == (0,)
    assert footprint_iou(a, a)[0, 0] == pytest.approx(1.0, abs=1e-12)
