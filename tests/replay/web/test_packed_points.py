from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bevseg.drawing.palette import height_steps, intensity_steps
from bevseg.points.cloud import PointCloud
from bevseg.replay.frames import Frame
from bevseg.replay.web.columns import numbers_of
from bevseg.replay.web.packed_points import STEP_M, choose_points, pack_points, unpack_places


def _sorted(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_points_come_back_with_what_belongs_to_them(make: Callable[..., Frame]) -> None:
    frame = make(0, (2, 0))
    cloud, scene = frame.cloud, frame.predictions[0].scene
    assert cloud.intensity is not None
    packed = pack_points(cloud, (scene,), choose_points(cloud, 1.0))
    assert len(packed) == packed.total == len(cloud)
    columns = packed.columns
    told = [np.floor(unpack_places(packed).T / STEP_M), [columns["height"], columns["intensity"], columns["class0"]]]
    owner = numbers_of(columns["owner0"])
    place_of_id = {0: 0, 12: 1, 7: 2}
    given = [
        np.floor(cloud.xyz[:, :2].T.astype(float) / STEP_M),
        [height_steps(cloud.xyz[:, 2]), intensity_steps(cloud.intensity) // 4 * 4, scene.points.semantic],
    ]
    owner_given = [place_of_id[k] for k in scene.points.instance.tolist()]
    np.testing.assert_array_equal(
        _sorted(np.concatenate([*told, owner[None]]).T), _sorted(np.concatenate([*given, [owner_given]]).T)
    )


def test_places_are_true_to_a_centimetre(cloud: Callable[..., PointCloud], make: Callable[..., Frame]) -> None:
    scan = cloud()
    packed = pack_points(scan, (make(0, ()).predictions[0].scene,), choose_points(scan, 1.0))
    apart = np.abs(unpack_places(packed)[:, None] - scan.xyz[None, :, :2]).max(axis=2).min(axis=1)
    assert apart.max() <= STEP_M / 2 + 1e-5


def test_an_empty_scan(empty_cloud: PointCloud, make: Callable[..., Frame]) -> None:
    frame = make(0, (0,), cloud=empty_cloud)
    packed = pack_points(empty_cloud, (frame.predictions[0].scene,), choose_points(empty_cloud, 1.0))
    assert len(packed) == 0
    assert unpack_places(packed).shape == (0, 2)


def test_a_scan_without_intensity(cloud: Callable[..., PointCloud], make: Callable[..., Frame]) -> None:
    frame = make(0, (0,), cloud=cloud(with_intensity=False))
    packed = pack_points(frame.cloud, (), choose_points(frame.cloud, 1.0))
    assert set(packed.columns) == {"strips", "x", "y", "height"}


@pytest.mark.parametrize("share", [1.0, 0.5, 0.37])
def test_thinning_is_even_and_leaves_out_what_is_far(share: float) -> None:
    xyz = np.stack([np.arange(1000) / 10, np.zeros(1000), np.zeros(1000)], axis=1).astype(np.float32)
    xyz[7] = [400, 0, 0]
    kept = choose_points(PointCloud.from_xyz(xyz), share)
    assert len(kept) == int(999 * share)
    assert 7 not in kept
    assert np.diff(kept).min() >= 1
    assert np.diff(kept).max() <= np.ceil(1 / share) + 1
