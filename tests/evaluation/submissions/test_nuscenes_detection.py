"""Submissions of detections, read and scored by the official devkit, every warning being an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.official.nuscenes_detection import NuScenesDetectionScores, score_nuscenes_detections
from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.nuscenes_detection import (
    MOST_BOXES,
    PlacedObjects,
    SampleBoxes,
    attribute_name,
    best_objects,
    detection_boxes,
    write_nuscenes_detections,
)
from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import SCANS_A_KEYFRAME, VAL_SPLIT, NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes
from bevseg.simulation.writers.nuscenes.scenes import scene_specs

pytest.importorskip("nuscenes.eval.detection", reason="needs the extra `datasets`")

SIMULATION = SimulationConfig(seed=4, sensors=("vlp-16",), range_m=30.0, density=(1.0, 1.0))
CONFIG = NuScenesWriterConfig(SIMULATION, scenes=2, keyframes=2, val_share=1.0)
"""In these two scenes each of the ten classes occurs within the range that it is scored in."""

CAR = SemanticClass.CAR
BOX = [10.0, 2.0, 0.5, 4.0, 2.0, 1.5, 0.3]
T_GLOBAL_FROM_LIDAR = Transform.from_yaw(np.pi / 2, np.array([100.0, 200.0, 1.0]), dst="global", src="lidar")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nuscenes")
    write_nuscenes(CONFIG, folder)
    return folder


@pytest.fixture(scope="module")
def truth(truth_as_found: Callable[[Annotations], Instances]) -> list[PlacedObjects]:
    """What is true of each keyframe, as if it had been found."""
    placed = []
    for scene in scene_specs(CONFIG):
        drive = DriveSource(scene.drive)
        for number in range(CONFIG.keyframes):
            sample = drive[number * SCANS_A_KEYFRAME]
            instances = truth_as_found(sample.annotations)
            placed.append(PlacedObjects(scene.token("sample", number), instances, scene.sensor_pose(sample)))
    return placed


@pytest.fixture
def score(dataset: Path, tmp_path: Path) -> Callable[[list[PlacedObjects]], NuScenesDetectionScores]:
    def scored(samples: list[PlacedObjects]) -> NuScenesDetectionScores:
        write_nuscenes_detections(tmp_path / "results.json", boxes_of(samples))
        return score_nuscenes_detections(dataset, tmp_path / "results.json", version=CONFIG.version, split=VAL_SPLIT)

    return scored


def boxes_of(samples: list[PlacedObjects]) -> Iterator[SampleBoxes]:
    return (SampleBoxes(sample.token, detection_boxes(sample)) for sample in samples)


def changed(truth: list[PlacedObjects], change: Callable[[Instances], Instances]) -> list[PlacedObjects]:
    return [replace(sample, instances=change(sample.instances)) for sample in truth]


def test_the_truth_is_perfect(
    truth: list[PlacedObjects],
    score: Callable[[list[PlacedObjects]], NuScenesDetectionScores],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Up to velocities, which the devkit takes from two keyframes, and the yaw of a sensor that is a little tilted.

    Attributes could differ, too: a vehicle that stands now and moves later is `stopped`, which one scan cannot tell
    from `parked`. In these scenes there is none.
    """
    scores = score(truth)
    assert scores.mean_ap == pytest.approx(1.0, abs=1e-9)
    assert scores.class_ap == pytest.approx(dict.fromkeys(scores.class_ap, 1.0))
    assert scores.tp_errors["trans_err"] < 1e-3
    assert scores.tp_errors["scale_err"] < 1e-5
    assert scores.tp_errors["orient_err"] < 2e-3
    assert scores.tp_errors["vel_err"] < 0.02
    assert scores.tp_errors["attr_err"] == 0
    assert scores.nd_score == pytest.approx(1.0, abs=2e-3)
    assert capfd.readouterr() == ("", "")


def test_shifted_and_thinned_objects_score_less(
    truth: list[PlacedObjects], score: Callable[[list[PlacedObjects]], NuScenesDetectionScores]
) -> None:
    whole = score(truth)
    off = np.array([0.7, 0, 0, 0, 0, 0, 0], np.float32)
    shifted = score(changed(truth, lambda found: replace(found, boxes=found.boxes + off)))
    assert shifted.mean_ap < whole.mean_ap - 0.1
    assert shifted.tp_errors["trans_err"] == pytest.approx(0.7, abs=0.1)
    assert shifted.nd_score < whole.nd_score - 0.05
    thinned = score(changed(truth, lambda found: found[np.arange(len(found)) % 3 > 0]))
    assert thinned.mean_ap < whole.mean_ap - 0.1
    assert thinned.tp_errors["trans_err"] < 1e-3
    assert thinned.nd_score < whole.nd_score - 0.05


def test_average_precision_worked_by_hand(make_objects: Callable[..., Instances]) -> None:
    """Two cars, three predictions by falling score: right, wrong, right.

    Precision is 1, 1/2, 2/3 at recall 1/2, 1/2, 1. Of the 90 recalls 0.11 .. 1, the 39 below 1/2 have precision 1, the
    one at 1/2 has 1/2, and the 50 above rise evenly to 2/3. From each 0.1 is taken away; the mean is divided by 0.9.
    """
    from nuscenes.eval.common.data_classes import EvalBoxes
    from nuscenes.eval.common.utils import center_distance
    from nuscenes.eval.detection.algo import accumulate, calc_ap
    from nuscenes.eval.detection.data_classes import DetectionBox

    def eval_boxes(instances: Instances) -> EvalBoxes:
        placed = PlacedObjects("a", instances, T_GLOBAL_FROM_LIDAR)
        return EvalBoxes.deserialize({"a": detection_boxes(placed)}, DetectionBox)

    true_boxes = [BOX, [30.0, *BOX[1:]]]
    found = make_objects([CAR] * 3, [[10.2, *BOX[1:]], [20.0, *BOX[1:]], [30.0, 2.3, *BOX[2:]]])
    found = replace(found, score=np.array([0.9, 0.8, 0.7], np.float32))
    curve = accumulate(eval_boxes(make_objects([CAR] * 2, true_boxes)), eval_boxes(found), "car", center_distance, 0.5)
    rising = sum(0.5 + k / 50 / 6 - 0.1 for k in range(1, 51))
    by_hand = (39 * 0.9 + 0.4 + rising) / 90 / 0.9
    assert by_hand == pytest.approx(59.75 / 81, abs=1e-12)
    assert calc_ap(curve, 0.1, 0.1) == pytest.approx(by_hand, abs=1e-9)


def test_the_devkit_reads_what_was_written(make_objects: Callable[..., Instances], tmp_path: Path) -> None:
    from nuscenes.eval.common.loaders import load_prediction
    from nuscenes.eval.detection.data_classes import DetectionBox

    found = make_objects([CAR, SemanticClass.TRAFFIC_CONE], [BOX, [3.0, -4.0, 0.2, 0.3, 0.4, 0.8, 0.0]], score=0.25)
    found = replace(found, velocity_mps=np.array([[3.0, 1.0], [np.nan, np.nan]], np.float32))
    samples = [
        PlacedObjects("with", found, T_GLOBAL_FROM_LIDAR),
        PlacedObjects("without", found[np.zeros(2, bool)], T_GLOBAL_FROM_LIDAR),
    ]
    write_nuscenes_detections(tmp_path / "new" / "results.json", boxes_of(samples), uses_external_data=False)
    boxes, meta = load_prediction(str(tmp_path / "new" / "results.json"), MOST_BOXES, DetectionBox)
    assert meta["use_lidar"]
    assert not meta["use_external"]
    assert boxes.boxes["without"] == []
    car, cone = boxes.boxes["with"]
    # A quarter turn to the left: x goes to y, y to -x.
    np.testing.assert_allclose(car.translation, [98.0, 210.0, 1.5], atol=1e-6)
    assert car.size == pytest.approx((2.0, 4.0, 1.5))
    half = (0.3 + np.pi / 2) / 2
    np.testing.assert_allclose(car.rotation, [np.cos(half), 0, 0, np.sin(half)], atol=1e-6)
    np.testing.assert_allclose(car.velocity, [-1.0, 3.0], atol=1e-6)
    assert (car.detection_name, car.detection_score, car.attribute_name) == ("car", 0.25, "vehicle.moving")
    assert (cone.detection_name, cone.attribute_name, cone.velocity) == ("traffic_cone", "", (0.0, 0.0))
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("label", "speed_mps", "attribute"),
    [
        (SemanticClass.CAR, 3.0, "vehicle.moving"),
        (SemanticClass.CAR, 0.1, "vehicle.parked"),
        (SemanticClass.CAR, np.nan, "vehicle.parked"),
        (SemanticClass.BUS, np.nan, "vehicle.moving"),
        (SemanticClass.PEDESTRIAN, 0.0, "pedestrian.standing"),
        (SemanticClass.PEDESTRIAN, np.nan, "pedestrian.moving"),
        (SemanticClass.BICYCLE, 4.0, "cycle.with_rider"),
        (SemanticClass.MOTORCYCLE, np.nan, "cycle.without_rider"),
        (SemanticClass.BARRIER, 0.0, ""),
    ],
)
def test_attributes_follow_from_class_and_speed(label: SemanticClass, speed_mps: float, attribute: str) -> None:
    assert attribute_name(label, float(speed_mps)) == attribute


def test_what_is_unfit_is_refused_and_nothing_written(make_objects: Callable[..., Instances], tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("what stood here")
    one = make_objects([CAR], [BOX])
    for samples, message in (
        ([replace(one, score=np.array([np.nan], np.float32))], "frame s0, object 1: expected score within 0..1"),
        ([one, make_objects([CAR] * 501, [BOX] * 501)], "frame s1: expected 500"),
    ):
        placed = [PlacedObjects(f"s{k}", found, T_GLOBAL_FROM_LIDAR) for k, found in enumerate(samples)]
        with pytest.raises(SubmissionError, match=message):
            write_nuscenes_detections(path, boxes_of(placed))
    twice = [PlacedObjects("s", one, T_GLOBAL_FROM_LIDAR)] * 2
    with pytest.raises(SubmissionError, match="frame s: expected one entry"):
        write_nuscenes_detections(path, boxes_of(twice))
    assert path.read_text() == "what stood here"
    assert json.loads(json.dumps(detection_boxes(twice[0])))


def test_of_too_many_objects_the_best_are_kept(make_objects: Callable[..., Instances]) -> None:
    many = make_objects([CAR] * (MOST_BOXES + 2), [BOX] * (MOST_BOXES + 2))
    score = np.full(len(many), 0.5, np.float32)
    score[[0, 7]] = 0.1
    best = best_objects(replace(many, score=score))
    assert best.id.tolist() == [k for k in range(1, MOST_BOXES + 3) if k not in (1, 8)]
    assert best_objects(best) is best
