"""Writers without a command line around them; whole evaluations are in tests/commands/test_eval_submissions.py."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.open import LOOKED_FOR, Kind
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.scan_origin import ScanOrigin
from bevseg.evaluation.frame_scores import Scoring, Segmentation
from bevseg.evaluation.matching import MatchRule
from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.writers import EvaluatedPart, SubmissionWriter, format_of
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.scene import PointLabels

CAR = int(SemanticClass.CAR)
BOX = [10.0, 2.0, 0.5, 4.0, 2.0, 1.5, 0.3]


@pytest.fixture
def make_writer(tmp_path: Path, grid: BevGrid) -> Callable[[Kind], SubmissionWriter]:
    def make(kind: Kind) -> SubmissionWriter:
        return SubmissionWriter(tmp_path, EvaluatedPart(tmp_path, kind, "v1.0-own"), Scoring(MatchRule(grid=grid)))

    return make


@pytest.fixture
def found(make_objects: Callable[..., Instances]) -> Segmentation:
    labels = PointLabels(np.array([CAR, CAR], np.uint8), np.array([1, 2], np.int32))
    return Segmentation(make_objects([CAR], [BOX]), labels)


def sample(name: str = "s", drive: str = "") -> Sample:
    """Two points of a file of three, and one car, which has a point."""
    cloud = PointCloud.from_xyz(np.array([[10, 2, 0.5], [20, 5, 0]], np.float32))
    truth = Annotations.from_boxes(cloud, np.array([BOX], np.float32), np.array([CAR], np.uint8))
    origin = ScanOrigin("000007", 3, np.array([0, 2]), drive=drive)
    ego, world = Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego")
    return Sample(name, cloud, truth, ego, world, origin=origin)


def files_in(writer: SubmissionWriter) -> list[str]:
    return sorted(str(p.relative_to(writer.folder)) for p in writer.folder.rglob("*") if p.is_file())


def test_every_kind_has_a_format() -> None:
    assert {kind: format_of(kind) for kind in LOOKED_FOR if format_of(kind) != "masks alone"} == {
        "nuscenes": "nuscenes",
        "semantic-kitti": "semantic-kitti",
        "semantic-kitti-drive": "semantic-kitti",
        "semantic-kitti-folder": "semantic-kitti",
        **dict.fromkeys(("kitti-object", "kitti-object-folder", "kitti-tracking", "kitti-tracking-folder"), "kitti"),
    }


@pytest.mark.parametrize(
    ("kind", "drive", "own"),
    [
        ("nuscenes", "scene", ["nuscenes/panoptic/v1.0-own/000007_panoptic.npz"]),
        ("kitti-object", "", ["kitti/data/000007.txt"]),
        ("kitti-tracking", "0003", ["kitti/0003/000007.txt"]),
        ("semantic-kitti", "08", ["semantic-kitti/sequences/08/predictions/000007.label"]),
        ("pandaset", "", []),
    ],
)
def test_a_frame_is_written_where_all_its_files_are(
    make_writer: Callable[[Kind], SubmissionWriter], found: Segmentation, kind: Kind, drive: str, own: list[str]
) -> None:
    writer = make_writer(kind)
    assert not writer.is_written(0)
    writer.write(0, sample(drive=drive), found)
    assert writer.is_written(0)
    assert files_in(writer) == own
    for name in own:
        (writer.folder / name).unlink()
    assert writer.is_written(0) is (not own)


def test_points_without_a_place_are_noise(
    make_writer: Callable[[Kind], SubmissionWriter], found: Segmentation, tmp_path: Path
) -> None:
    make_writer("nuscenes").write(0, sample(), found)
    with np.load(tmp_path / "submission/nuscenes/panoptic/v1.0-own/000007_panoptic.npz") as stored:
        assert stored["data"].tolist() == [4001, 0, 4002]


def test_a_method_that_labels_no_points_writes_no_labels(
    make_writer: Callable[[Kind], SubmissionWriter], found: Segmentation
) -> None:
    writer = make_writer("nuscenes")
    writer.write(0, sample(), replace(found, points=None))
    writer.assemble(1)
    assert files_in(writer) == ["coco/results.json", "coco/truth.json", "nuscenes/detections.json"]


def test_files_of_all_frames_are_in_order(make_writer: Callable[[Kind], SubmissionWriter], found: Segmentation) -> None:
    """nuScenes' by time, COCO's by name."""
    writer = make_writer("nuscenes")
    for place, name in enumerate("cab"):
        writer.write(place, sample(name), found)
    writer.assemble(3)
    detections = json.loads(writer.detections.read_text())
    assert list(detections["results"]) == ["c", "a", "b"]
    assert detections["results"]["c"][0]["detection_name"] == "car"
    truth = json.loads((writer.folder / "coco" / "truth.json").read_text())
    assert [(image["id"], image["file_name"]) for image in truth["images"]] == [(1, "a"), (2, "b"), (3, "c")]
    assert [row["image_id"] for row in truth["annotations"]] == [1, 2, 3]


def test_no_frames(make_writer: Callable[[Kind], SubmissionWriter]) -> None:
    writer = make_writer("nuscenes")
    writer.assemble(0)
    assert json.loads(writer.detections.read_text())["results"] == {}
    assert json.loads((writer.folder / "coco" / "results.json").read_text()) == []


def test_what_cannot_be_written_names_the_frame(
    make_writer: Callable[[Kind], SubmissionWriter], found: Segmentation
) -> None:
    writer = make_writer("kitti-object")
    with pytest.raises(SubmissionError, match="frame s: expected a scan as it was read from its file"):
        writer.write(0, replace(sample(), origin=None), found)
    bad = replace(found.instances, score=np.array([np.nan], np.float32))
    with pytest.raises(SubmissionError, match="frame s, object 1: expected score within"):
        writer.write(0, sample(), replace(found, instances=bad))
    assert files_in(writer) == []
    writer.write(0, sample(), found)
    writer.write(1, sample(), found)
    with pytest.raises(SubmissionError, match="frame s: expected one entry"):
        writer.assemble(2)
    with pytest.raises(SubmissionError, match="000002"):
        writer.assemble(3)


def test_a_writer_goes_to_other_processes(make_writer: Callable[[Kind], SubmissionWriter]) -> None:
    writer = make_writer("nuscenes")
    assert pickle.loads(pickle.dumps(writer)) == writer


def test_classes_that_the_source_does_not_label_are_no_truth(
    make_writer: Callable[[Kind], SubmissionWriter], found: Segmentation
) -> None:
    writer = make_writer("pandaset")
    writer = replace(writer, scoring=replace(writer.scoring, groups=(ClassGroup.PEDESTRIAN,)))
    writer.write(0, sample(), found)
    writer.assemble(1)
    (row,) = json.loads((writer.folder / "coco" / "truth.json").read_text())["annotations"]
    assert (row["category_id"], row["iscrowd"]) == (CAR, 1)
