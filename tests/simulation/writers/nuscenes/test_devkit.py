"""The official devkit opens a written dataset and its evaluators score it, every warning being an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nuscenes import NuScenes
from nuscenes.eval.common.config import config_factory
from nuscenes.eval.detection.evaluate import DetectionEval
from nuscenes.eval.detection.utils import category_to_detection_name
from nuscenes.eval.lidarseg.evaluate import LidarSegEval
from nuscenes.eval.panoptic.evaluate import NuScenesPanopticEval
from nuscenes.eval.panoptic.utils import PanopticClassMapper
from nuscenes.utils.data_classes import LidarPointCloud
from nuscenes.utils.data_io import load_bin_file
from nuscenes.utils.geometry_utils import points_in_box

from bevseg.datasets.sample import Sample
from bevseg.geometry.boxes import wrap_angle
from bevseg.geometry.frames import Transform
from bevseg.points.input_frame import T_lidar_from_input
from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import SCANS_A_KEYFRAME, NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes
from bevseg.simulation.writers.nuscenes.scenes import scene_specs

SIMULATION = SimulationConfig(seed=5, sensors=("vlp-16",), range_m=30.0, density=(0.6, 0.6))
CONFIG = NuScenesWriterConfig(SIMULATION, scenes=2, keyframes=3, val_share=1.0, scene_names="mini")
"""Both scenes are for validation, so that they make up the devkit's split `mini_val`."""

Submission = dict[str, list[dict[str, Any]]]
Labels = np.ndarray


@pytest.fixture(scope="module")
def nusc(tmp_path_factory: pytest.TempPathFactory) -> NuScenes:
    folder = tmp_path_factory.mktemp("nuscenes")
    write_nuscenes(CONFIG, folder)
    return NuScenes(CONFIG.version, str(folder), verbose=False)


@pytest.fixture(scope="module")
def simulated() -> list[Sample]:
    """The keyframes of both scenes as the simulator gives them, in the order of the table `sample`."""
    drives = [DriveSource(scene.drive) for scene in scene_specs(CONFIG)]
    return [drive[index] for drive in drives for index in range(0, len(drive), SCANS_A_KEYFRAME)]


def lidar_token(nusc: NuScenes, number: int) -> str:
    return str(nusc.sample[number]["data"]["LIDAR_TOP"])


def test_tables_have_what_was_asked_for(nusc: NuScenes) -> None:
    assert [scene["name"] for scene in nusc.scene] == ["scene-0103", "scene-0916"]
    assert (len(nusc.sample), len(nusc.sample_data), len(nusc.ego_pose)) == (6, 42, 42)
    assert len(nusc.lidarseg) == len(nusc.panoptic) == 6
    assert sum(record["is_key_frame"] for record in nusc.sample_data) == 6
    assert all((Path(nusc.dataroot) / record["filename"]).is_file() for record in nusc.sample_data)


def test_chains_lead_through_each_scene_and_back(nusc: NuScenes) -> None:
    for scene in nusc.scene:
        forward = chain(nusc, "sample", scene["first_sample_token"])
        assert len(forward) == scene["nbr_samples"]
        assert forward[-1] == scene["last_sample_token"]
        data = chain(nusc, "sample_data", nusc.get("sample", forward[0])["data"]["LIDAR_TOP"])
        stamps = [nusc.get("sample_data", token)["timestamp"] for token in data]
        assert np.diff(stamps).tolist() == [50_000] * 20
        keyframes = [nusc.get("sample_data", token)["sample_token"] for token in data]
        assert keyframes == [forward[0]] + [forward[1]] * 10 + [forward[2]] * 10
    for instance in nusc.instance:
        annotations = chain(nusc, "sample_annotation", instance["first_annotation_token"])
        assert len(annotations) == instance["nbr_annotations"]
        assert annotations[-1] == instance["last_annotation_token"]
        assert {nusc.get("sample_annotation", token)["instance_token"] for token in annotations} == {instance["token"]}


def chain(nusc: NuScenes, table: str, first: str) -> list[str]:
    """The tokens from one row on to the last, checked against the way back."""
    tokens = [first]
    while following := nusc.get(table, tokens[-1])["next"]:
        assert nusc.get(table, following)["prev"] == tokens[-1]
        tokens.append(following)
    return tokens


def test_boxes_in_the_lidar_frame_are_those_of_the_simulator(nusc: NuScenes, simulated: list[Sample]) -> None:
    turn = T_lidar_from_input("y-forward")
    for number, sample in enumerate(simulated):
        truth = sample.annotations
        _, boxes, _ = nusc.get_sample_data(lidar_token(nusc, number))
        names = [category_to_detection_name(box.name) for box in boxes]
        assert names == [SemanticClass(int(c)).label for c in truth.label]
        centres = turn.apply(np.array([box.center for box in boxes]))
        np.testing.assert_allclose(centres, truth.boxes[:, :3], atol=1e-4)
        np.testing.assert_allclose([box.wlh for box in boxes], truth.boxes[:, [4, 3, 5]], atol=1e-6)
        heading = np.array([turn.matrix[:3, :3] @ box.rotation_matrix[:, 0] for box in boxes])
        yaw = np.arctan2(heading[:, 1], heading[:, 0])
        # An upright box in the world leans a little in the frame of a tilted sensor; the simulator leaves that out.
        np.testing.assert_allclose(wrap_angle(yaw - truth.boxes[:, 6]), 0, atol=2e-3)


def test_points_in_boxes_are_as_many_as_annotated(nusc: NuScenes, simulated: list[Sample]) -> None:
    counted, annotated = [], []
    for number, sample in enumerate(simulated):
        path, boxes, _ = nusc.get_sample_data(lidar_token(nusc, number))
        points = LidarPointCloud.from_file(path).points[:3]
        assert points.shape[1] == len(sample.cloud)
        for box in boxes:
            annotation = nusc.get("sample_annotation", box.token)
            annotated.append(annotation["num_lidar_pts"])
            # A box is tight, and the range is measured with noise: a little margin, as annotators leave it.
            counted.append(np.count_nonzero(points_in_box(box, points, wlh_factor=1.1)))
    difference = np.abs(np.subtract(counted, annotated))
    assert sum(annotated) > 5000
    assert difference.sum() < 0.1 * sum(annotated)
    assert np.corrcoef(counted, annotated)[0, 1] > 0.99


def test_velocities_of_the_devkit_are_those_of_the_simulator(nusc: NuScenes, simulated: list[Sample]) -> None:
    """Of objects that keep their velocity over three keyframes; the devkit takes the difference of the outer two."""
    standing = moving = 0
    for middle in (1, 4):
        before, now, after = (velocity_by_track(sample) for sample in simulated[middle - 1 : middle + 2])
        _, boxes, _ = nusc.get_sample_data(lidar_token(nusc, middle))
        for track, box in zip(simulated[middle].annotations.track_id.tolist(), boxes, strict=True):
            outer = [velocities[track] for velocities in (before, after) if track in velocities]
            if len(outer) == 2 and np.allclose(outer, now[track], atol=0.02):
                np.testing.assert_allclose(nusc.box_velocity(box.token)[:2], now[track], atol=0.03)
                moving, standing = moving + bool(now[track].any()), standing + (not now[track].any())
    assert standing > 20
    assert moving > 2


def velocity_by_track(sample: Sample) -> dict[int, np.ndarray]:
    """Velocities over the ground, in the axes of the world."""
    truth = sample.annotations
    axes = (sample.T_global_from_ego @ sample.T_ego_from_lidar).matrix[:2, :2]
    return dict(zip(truth.track_id.tolist(), truth.velocity_mps @ axes.T, strict=True))


def test_labels_of_points_are_those_of_the_simulator(nusc: NuScenes, simulated: list[Sample]) -> None:
    mapper = PanopticClassMapper(nusc)
    for number, sample in enumerate(simulated):
        truth = sample.annotations
        assert truth.point_semantic is not None
        assert truth.point_instance is not None
        labels = load(nusc, "lidarseg", lidar_token(nusc, number))
        np.testing.assert_array_equal(mapper.convert_label(labels), truth.point_semantic)
        panoptic = load(nusc, "panoptic", lidar_token(nusc, number))
        np.testing.assert_array_equal(panoptic // 1000, labels)
        tracks = np.concatenate([[0], truth.track_id])
        np.testing.assert_array_equal(panoptic % 1000, tracks[truth.point_instance])


def load(nusc: NuScenes, kind: str, token: str) -> Labels:
    return np.asarray(load_bin_file(str(Path(nusc.dataroot) / nusc.get(kind, token)["filename"]), kind))


@pytest.mark.parametrize("index", [0, 7, 20])
def test_sweeps_and_their_poses_are_those_of_the_simulator(nusc: NuScenes, index: int) -> None:
    scene = scene_specs(CONFIG)[1]
    sample = DriveSource(scene.drive)[index]
    record = nusc.get("sample_data", scene.scan(index).token)
    T_map_from_ego = pose_of(nusc.get("ego_pose", record["ego_pose_token"]), dst="map", src="ego")
    calibration = nusc.get("calibrated_sensor", record["calibrated_sensor_token"])
    T_map_from_input = T_map_from_ego @ pose_of(calibration, dst="ego", src="input")
    expected = scene.sensor_pose(sample) @ T_lidar_from_input("y-forward")
    np.testing.assert_allclose(T_map_from_input.matrix, expected.matrix, atol=1e-9)
    points = LidarPointCloud.from_file(nusc.get_sample_data_path(record["token"])).points
    np.testing.assert_array_equal(points[:3], T_lidar_from_input("y-forward").inverse().apply(sample.cloud.xyz).T)


def pose_of(row: dict[str, Any], *, dst: str, src: str) -> Transform:
    return Transform.from_quaternion(np.array(row["rotation"]), np.array(row["translation"]), dst=dst, src=src)


def test_the_vehicle_stays_on_the_map(nusc: NuScenes) -> None:
    for scene, record in zip(nusc.scene, nusc.map, strict=True):
        assert record["log_tokens"] == [scene["log_token"]]
        poses = [
            nusc.get("ego_pose", data["ego_pose_token"])["translation"]
            for data in nusc.sample_data
            if nusc.get("sample", data["sample_token"])["scene_token"] == scene["token"]
        ]
        assert record["mask"].is_on_mask(*np.array(poses).T[:2]).all()
        assert 0.01 < (record["mask"].mask() == 255).mean() < 0.5


def true_boxes(nusc: NuScenes) -> Submission:
    """The truth in the form of a submission; boxes without points are not scored."""
    attributes = {row["token"]: row["name"] for row in nusc.attribute}
    boxes: Submission = {row["token"]: [] for row in nusc.sample}
    for row in nusc.sample_annotation:
        if row["num_lidar_pts"]:
            boxes[row["sample_token"]].append(
                {
                    **{name: row[name] for name in ("sample_token", "translation", "size", "rotation")},
                    "velocity": np.nan_to_num(nusc.box_velocity(row["token"])[:2]).tolist(),
                    "detection_name": category_to_detection_name(row["category_name"]),
                    "detection_score": 1.0,
                    "attribute_name": "".join(attributes[token] for token in row["attribute_tokens"]),
                }
            )
    return boxes


def detection_scores(nusc: NuScenes, boxes: Submission, folder: Path) -> dict[str, Any]:
    """What the official evaluator says of a submission, on the split that the dataset brings."""
    submission = folder / "submission.json"
    submission.write_text(json.dumps({"meta": {}, "results": boxes}))
    config = config_factory("detection_cvpr_2019")
    evaluator = DetectionEval(nusc, config, str(submission), "bevseg_val", str(folder / "out"), verbose=False)
    scores: dict[str, Any] = evaluator.evaluate()[0].serialize()
    return scores


def test_the_detection_evaluator_finds_the_truth_perfect(nusc: NuScenes, tmp_path: Path) -> None:
    boxes = true_boxes(nusc)
    scores = detection_scores(nusc, boxes, tmp_path)
    present = {box["detection_name"] for sample in boxes.values() for box in sample}
    assert len(present) >= 8
    assert {name: scores["mean_dist_aps"][name] for name in present} == pytest.approx(dict.fromkeys(present, 1.0))
    for name in present:
        np.testing.assert_allclose(np.nan_to_num(list(scores["label_tp_errors"][name].values())), 0, atol=1e-6)


def test_the_detection_evaluator_sees_damage(nusc: NuScenes, tmp_path: Path) -> None:
    boxes = true_boxes(nusc)
    whole = detection_scores(nusc, boxes, tmp_path)
    for sample in boxes.values():
        del sample[::3]
        for box in sample:
            box["translation"] = [v + 0.4 for v in box["translation"]]
            box["size"] = [1.3 * v for v in box["size"]]
            box["velocity"] = [v + 1 for v in box["velocity"]]
            box["attribute_name"] = "vehicle.parked"
    damaged = detection_scores(nusc, boxes, tmp_path)
    assert damaged["mean_ap"] < 0.8 * whole["mean_ap"]
    assert damaged["nd_score"] < 0.8 * whole["nd_score"]
    for error in ("trans_err", "scale_err", "vel_err", "attr_err"):
        assert damaged["tp_errors"][error] > whole["tp_errors"][error] + 0.1


def panoptic_scores(nusc: NuScenes, damage: Callable[[Labels], Labels], folder: Path) -> dict[str, Any]:
    """What the official evaluator says of the truth after some damage, on the split that the names make up."""
    mapper = PanopticClassMapper(nusc)
    predictions = folder / "panoptic" / "mini_val"
    predictions.mkdir(parents=True)
    for row in nusc.panoptic:
        labels = load(nusc, "panoptic", row["token"]).astype(np.int64)
        coarse = mapper.convert_label(labels // 1000) * 1000 + labels % 1000
        np.savez_compressed(predictions / f"{row['token']}_panoptic.npz", data=damage(coarse).astype(np.uint16))
    out = str(folder / "out")
    NuScenesPanopticEval(nusc, str(folder), "mini_val", "tracking", min_inst_points=15, out_dir=out).evaluate()
    scores: dict[str, Any] = json.loads((folder / "out" / "tracking-result.json").read_text())
    return scores


def test_the_panoptic_evaluator_finds_the_truth_perfect(
    nusc: NuScenes, simulated: list[Sample], tmp_path: Path
) -> None:
    scores = panoptic_scores(nusc, lambda labels: labels, tmp_path)
    semantic = [sample.annotations.point_semantic for sample in simulated]
    present = [SemanticClass(int(c)).label for c in np.unique(np.concatenate([s for s in semantic if s is not None]))]
    for name in present[1:]:
        assert set(scores["segmentation"][name].values()) == {1.0}
        assert set(scores["tracking"][name].values()) == {1.0}
    assert scores["segmentation"]["all"]["PQ"] == pytest.approx((len(present) - 1) / 16)


def test_the_panoptic_evaluator_sees_damage(nusc: NuScenes, tmp_path: Path) -> None:
    def one_number_for_all(labels: Labels) -> Labels:
        return np.where(labels % 1000 > 0, labels // 1000 * 1000 + 1, labels)

    scores = panoptic_scores(nusc, one_number_for_all, tmp_path)["segmentation"]
    assert scores["car"]["PQ"] < 0.5
    assert scores["car"]["IoU"] == 1.0
    assert scores["manmade"]["PQ"] == 1.0


def test_the_lidarseg_evaluator_finds_the_truth_perfect(nusc: NuScenes, tmp_path: Path) -> None:
    mapper = PanopticClassMapper(nusc)
    predictions = tmp_path / "lidarseg" / "mini_val"
    predictions.mkdir(parents=True)
    for row in nusc.lidarseg:
        coarse = mapper.convert_label(load(nusc, "lidarseg", row["token"]))
        # A submission has to name a class for every point; that of ignored ones does not matter.
        np.maximum(coarse, 1).astype(np.uint8).tofile(predictions / f"{row['token']}_lidarseg.bin")
    scores = LidarSegEval(nusc, str(tmp_path), "mini_val").evaluate()
    assert scores["miou"] == 1.0
