from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, LabelledView
from bevseg.points.cloud import PointCloud

CLOUD = PointCloud.from_xyz(np.array([[10.0, 2.0, 0.0], [10.5, 2.0, 0.0], [-5.0, 0.0, 0.0]]))
BOXES = np.array([[10.0, 2.0, 0, 4, 2, 2, 0.5], [30.0, 2.0, 0, 4, 2, 2, 0]])


def test_boxes_alone_leave_the_rest_unknown() -> None:
    truth = Annotations.from_boxes(CLOUD, BOXES, np.array([4, 7]))
    assert truth.num_points.tolist() == [2, 0]
    assert truth.track_id.tolist() == [-1, -1]
    assert np.isnan(truth.velocity_mps).all()
    assert np.isnan(truth.visible_fraction).all()
    assert not truth.ignored.any()
    assert truth.point_semantic is None
    assert truth.point_instance is None
    assert truth.occlusion is None
    assert truth.truncation is None
    assert truth.ground is None


def test_no_boxes() -> None:
    assert len(Annotations.from_boxes(CLOUD, np.zeros((0, 7)), np.zeros(0, np.uint8))) == 0


@pytest.mark.usefixtures("shapes_unchecked")
def test_rejects_arrays_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="track_id must have 2 entries"):
        Annotations.from_boxes(CLOUD, BOXES, np.array([4, 7]), track_id=np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="truncation must have 2 entries"):
        Annotations.from_boxes(CLOUD, BOXES, np.array([4, 7]), truncation=np.zeros(3))
    truth = Annotations.from_boxes(CLOUD, BOXES, np.array([4, 7]))
    with pytest.raises(ValueError, match="visibility_level must have 2 entries"):
        replace(truth, visibility_level=np.array([4], np.uint8))


def test_views_are_sectors_around_ahead() -> None:
    places = np.array([[10.0, 0.0], [0.0, 10.0], [-10.0, 0.1], [25.0, 0.0]])
    assert LabelledView().contains(places).all()
    assert LabelledView(half_angle_rad=1.0, max_range_m=20.0).contains(places).tolist() == [True, False, False, False]
    assert LabelledView().contains(np.zeros((0, 2))).shape == (0,)
