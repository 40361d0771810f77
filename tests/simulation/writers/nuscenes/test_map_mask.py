from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.map_mask import map_mask, mask_as_png, walkable_points
from bevseg.simulation.writers.nuscenes.scans import write_scan
from bevseg.simulation.writers.nuscenes.scenes import scene_specs

CONFIG = NuScenesWriterConfig(SimulationConfig(seed=7, sensors=("vlp-16",), range_m=20.0), scenes=1, keyframes=1)
SCENE = scene_specs(CONFIG)[0]
"""Its map is 60 m wide."""


def test_pixels_count_from_the_lower_left() -> None:
    mask = map_mask(SCENE, np.array([[50.0, 10.0], [50.0, 12.0]]), [np.array([[20.0, 45.0]])])
    assert mask.shape == (600, 600)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[150, 200] == 255
    assert mask[600 - 110, 500] == 255, "between two places of the vehicle"
    assert mask[450, 200] == mask[150, 400] == 0


def test_gaps_between_rings_are_closed() -> None:
    y = np.arange(20.0, 40.0, 0.1)
    rings = np.concatenate([np.stack([np.full_like(y, x), y], axis=1) for x in (20.0, 21.5, 30.0)])
    mask = map_mask(SCENE, np.array([[55.0, 5.0]]), [rings])
    assert mask[300, 207] == 255
    assert mask[300, 250] == 0


def test_points_outside_and_none_at_all_are_no_error() -> None:
    mask = map_mask(SCENE, np.array([[30.0, 30.0]]), [np.array([[-5.0, 20.0], [20.0, 70.0]]), np.zeros((0, 2))])
    assert mask[300, 300] == 255, "a single place of the vehicle"
    assert 0 < np.count_nonzero(mask) < 1000


def test_road_is_where_it_was_seen(tmp_path: Path) -> None:
    drive, scan = DriveSource(SCENE.drive), SCENE.scan(0)
    sample = drive[0]
    write_scan(tmp_path, scan, sample)
    seen = walkable_points(tmp_path, scan, sample)
    assert len(seen) > 500
    centre = SCENE.sensor_pose(sample).translation_m[:2]
    assert 5 < np.median(np.linalg.norm(seen - centre, axis=1)) < 40


def test_a_mask_survives_as_png() -> None:
    mask = map_mask(SCENE, np.array([[30.0, 30.0]]), [])
    read = cv2.imdecode(np.frombuffer(mask_as_png(mask), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, mask)
