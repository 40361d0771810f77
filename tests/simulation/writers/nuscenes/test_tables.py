"""Rows of a scene, and the files that they go to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.scenes import scene_specs
from bevseg.simulation.writers.nuscenes.schema import shared_rows
from bevseg.simulation.writers.nuscenes.table_files import TABLES, has_tables, splits_of, write_tables
from bevseg.simulation.writers.nuscenes.tables import scene_rows, vehicle_pose

SCENES = scene_specs(NuScenesWriterConfig(SimulationConfig(seed=7, range_m=30.0), scenes=2, keyframes=2, val_share=0.5))


def swaying_scan(pitch_rad: float, x_m: float) -> Sample:
    """An empty scan from a vehicle at x, whose sensor has that pitch."""
    c, s = np.cos(pitch_rad), np.sin(pitch_rad)
    rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    cloud = PointCloud.empty()
    return Sample(
        "000000",
        cloud,
        Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)),
        Transform.from_rotation_translation(rotation, np.array([0.9, 0.0, 1.8]), dst="ego", src="lidar"),
        Transform.from_yaw(0.5, np.array([x_m, 2.0, 0.1]), dst="global", src="ego"),
    )


def scans() -> list[Sample]:
    return [swaying_scan(0.002 * (k % 3), 0.35 * k) for k in range(11)]


def test_the_vehicle_sways_instead_of_the_sensor() -> None:
    scene, calibration = SCENES[0], swaying_scan(0.0, 0.0).T_ego_from_lidar
    still, swaying = swaying_scan(0.0, 1.0), swaying_scan(0.01, 1.0)
    expected = scene.T_map_from_global @ still.T_global_from_ego
    np.testing.assert_allclose(vehicle_pose(scene, still, calibration).matrix, expected.matrix, atol=1e-12)
    found = vehicle_pose(scene, swaying, calibration) @ calibration
    np.testing.assert_allclose(found.matrix, scene.sensor_pose(swaying).matrix, atol=1e-12)


def test_rows_refer_to_each_other() -> None:
    rows = scene_rows(SCENES[1], scans())
    assert len(rows.sample_data) == len(rows.ego_pose) == 11
    assert len(rows.sample) == len(rows.lidarseg) == len(rows.panoptic) == 2
    assert [row["ego_pose_token"] for row in rows.sample_data] == [row["token"] for row in rows.ego_pose]
    assert {row["calibrated_sensor_token"] for row in rows.sample_data} == {rows.calibrated_sensor[0]["token"]}
    assert rows.calibrated_sensor[0]["sensor_token"] == shared_rows().sensor[0]["token"]
    keyframes = [row["token"] for row in rows.sample_data if row["is_key_frame"]]
    assert [row["sample_data_token"] for row in rows.lidarseg] == [row["token"] for row in rows.panoptic] == keyframes
    assert rows.scene[0]["last_sample_token"] == rows.sample[-1]["token"]
    assert rows.scene[0]["log_token"] == rows.log[0]["token"] == rows.map[0]["log_tokens"][0]
    assert rows.log[0]["date_captured"] == "2023-11-14"


def test_a_scan_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="scene-2000 has 11 scans, got 10"):
        scene_rows(SCENES[0], scans()[:-1])


def test_tables_are_json_lists_of_all_scenes(tmp_path: Path) -> None:
    folder = tmp_path / "v1.0-x"
    assert not has_tables(folder)
    write_tables(folder, shared_rows(), (scene_rows(scene, scans()) for scene in SCENES), splits_of(SCENES))
    assert has_tables(folder)
    tables = {name: json.loads((folder / f"{name}.json").read_text()) for name in TABLES}
    assert [len(tables[name]) for name in ("scene", "sample_data", "visibility", "instance")] == [2, 22, 4, 0]
    assert all(len({row["token"] for row in rows}) == len(rows) for rows in tables.values())
    assert [path.name for path in tmp_path.iterdir()] == ["v1.0-x"]


def test_tables_that_fail_leave_nothing(tmp_path: Path) -> None:
    broken = scene_rows(SCENES[0], scans())
    broken = replace(broken, scene=[{"token": float("nan")}])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_tables(tmp_path / "v1.0-x", shared_rows(), [broken], splits_of(SCENES))
    assert list(tmp_path.iterdir()) == []
