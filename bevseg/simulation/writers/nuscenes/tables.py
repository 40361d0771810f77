"""One scene as rows of nuScenes' tables: pure, from scans without their points.

Source: docs/schema_nuscenes.md of nuscenes-devkit. Two things are better known than in nuScenes itself and are written
as they are: poses of the vehicle have height, roll and pitch, and visibility is that of the LiDAR's points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from bevseg.datasets.sample import Sample
from bevseg.geometry.frames import Transform
from bevseg.points.input_frame import T_lidar_from_input
from bevseg.simulation.config import SIMULATOR_VERSION
from bevseg.simulation.writers.nuscenes.annotations import annotation_rows
from bevseg.simulation.writers.nuscenes.config import SCANS_A_KEYFRAME
from bevseg.simulation.writers.nuscenes.scenes import ScanSpec, SceneSpec
from bevseg.simulation.writers.nuscenes.schema import CHANNEL, Row, links, token
from bevseg.simulation.writers.quaternions import quat_wxyz_of


@dataclass(frozen=True)
class SceneRows:
    """What one scene adds to the tables that depend on scenes; each field is the table of its name."""

    log: list[Row]
    map: list[Row]
    scene: list[Row]
    sample: list[Row]
    sample_data: list[Row]
    ego_pose: list[Row]
    calibrated_sensor: list[Row]
    sample_annotation: list[Row]
    instance: list[Row]
    lidarseg: list[Row]
    panoptic: list[Row]


def scene_rows(scene: SceneSpec, scans: Sequence[Sample]) -> SceneRows:
    """All rows of a scene.

    Args:
        scene: The scene.
        scans: Every scan of it in the order of time, poses and, for keyframes, objects.

    Raises:
        ValueError: There are more or fewer scans than the scene has.
    """
    if len(scans) != scene.config.scans:
        raise ValueError(f"{scene.name} has {scene.config.scans} scans, got {len(scans)}")
    annotations = annotation_rows(scene, scans[::SCANS_A_KEYFRAME])
    keyframes = [scan for scan in scene.scans() if scan.is_keyframe]
    return SceneRows(
        log=[_log(scene)],
        map=[_map(scene)],
        scene=[_scene(scene)],
        sample=_samples(keyframes),
        sample_data=_sample_data(scene),
        ego_pose=[
            _ego_pose(scan, vehicle_pose(scene, sample, scans[0].T_ego_from_lidar))
            for scan, sample in zip(scene.scans(), scans, strict=True)
        ],
        calibrated_sensor=[_calibrated_sensor(scene, scans[0].T_ego_from_lidar)],
        sample_annotation=annotations.sample_annotation,
        instance=annotations.instance,
        lidarseg=[_labels(scan, scan.lidarseg_file) for scan in keyframes],
        panoptic=[_labels(scan, scan.panoptic_file) for scan in keyframes],
    )


def vehicle_pose(scene: SceneSpec, sample: Sample, calibration: Transform) -> Transform:
    """T_map_from_ego of a scan, such that with the scene's one calibration the sensor is where it was.

    The simulator lets the sensor sway on an upright vehicle; nuScenes has one calibration a scene. So the vehicle sways
    with the sensor fixed to it, which is the same for every point and every box.

    Args:
        scene: The scene.
        sample: The scan.
        calibration: T_ego_from_lidar of the scene.
    """
    return scene.sensor_pose(sample) @ calibration.inverse()


def _log(scene: SceneSpec) -> Row:
    captured = datetime.fromtimestamp(scene.start_us // 1_000_000, tz=timezone.utc)
    return {
        "token": scene.token("log"),
        "logfile": scene.logfile,
        "vehicle": f"bevseg-simulator-v{SIMULATOR_VERSION}",
        "date_captured": captured.date().isoformat(),
        "location": scene.logfile,
    }


def _map(scene: SceneSpec) -> Row:
    return {
        "token": scene.token("map"),
        "log_tokens": [scene.token("log")],
        "category": "semantic_prior",
        "filename": scene.map_file,
    }


def _scene(scene: SceneSpec) -> Row:
    simulation, last = scene.drive.scene, scene.config.keyframes - 1
    return {
        "token": scene.token("scene"),
        "name": scene.name,
        "description": f"Simulated by bevseg: seed {simulation.seed}, {simulation.sensors[0]}, no real place",
        "log_token": scene.token("log"),
        "nbr_samples": scene.config.keyframes,
        "first_sample_token": scene.token("sample", 0),
        "last_sample_token": scene.token("sample", last),
    }


def _samples(keyframes: Sequence[ScanSpec]) -> list[Row]:
    tokens = [scan.sample_token for scan in keyframes]
    return [
        {
            "token": scan.sample_token,
            "timestamp": scan.timestamp_us,
            "scene_token": scan.scene.token("scene"),
            **links(tokens, place),
        }
        for place, scan in enumerate(keyframes)
    ]


def _sample_data(scene: SceneSpec) -> list[Row]:
    tokens = [scan.token for scan in scene.scans()]
    return [
        {
            "token": scan.token,
            "sample_token": scan.sample_token,
            "ego_pose_token": scene.token("ego_pose", scan.index),
            "calibrated_sensor_token": scene.token("calibrated_sensor"),
            "timestamp": scan.timestamp_us,
            "fileformat": "pcd",
            "is_key_frame": scan.is_keyframe,
            "height": 0,
            "width": 0,
            "filename": scan.points_file,
            **links(tokens, scan.index),
        }
        for scan in scene.scans()
    ]


def _ego_pose(scan: ScanSpec, T_map_from_ego: Transform) -> Row:
    return {
        "token": scan.scene.token("ego_pose", scan.index),
        "timestamp": scan.timestamp_us,
        **_pose_columns(T_map_from_ego),
    }


def _calibrated_sensor(scene: SceneSpec, T_ego_from_lidar: Transform) -> Row:
    return {
        "token": scene.token("calibrated_sensor"),
        "sensor_token": token("sensor", CHANNEL),
        **_pose_columns(T_ego_from_lidar @ T_lidar_from_input("y-forward")),
        "camera_intrinsic": [],
    }


def _labels(scan: ScanSpec, filename: str) -> Row:
    return {"token": scan.token, "sample_data_token": scan.token, "filename": filename}


def _pose_columns(transform: Transform) -> Row:
    return {
        "translation": transform.translation_m.tolist(),
        "rotation": quat_wxyz_of(transform.matrix[:3, :3]).tolist(),
    }
