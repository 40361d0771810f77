"""`bevseg demo` from the command line, with a stand-in for the trained model."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bevseg.cli import main
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg.simulation.drive import DriveConfig

GRID = BevGrid(x_min_m=0.0, y_min_m=-8.0, cell_m=0.4, width=60, height=40)


class StandIn:
    """Finds the same two cars in every scan, one behind the other."""

    @classmethod
    def from_checkpoint(cls, checkpoint: str) -> StandIn:
        assert checkpoint == "bevseg-s"
        return cls()

    def segment(self, cloud: PointCloud) -> Scene:
        boxes = np.array([[16, 0, -1, 4.5, 1.9, 1.5, 0], [9, 0, -1, 4.5, 1.9, 1.5, 0]], np.float32)
        instances = Instances.from_detections(
            label=np.full(2, SemanticClass.CAR, np.uint8),
            score=np.array([0.5, 0.9], np.float32),
            boxes=boxes,
            velocity_mps=np.full((2, 2), np.nan, np.float32),
            amodal=BevMasks.from_cells(GRID, [np.array([20 * 60 + 40]), np.array([20 * 60 + 22])]),
        )
        fraction = np.array([0.25, np.nan], np.float32)
        graph = OcclusionGraph(
            np.array([1], np.int32), np.array([0], np.int32), np.array([0.75], np.float32), np.array([1, 0]), fraction
        )
        return Scene(
            cloud.stamp_ns,
            cloud.frame,
            replace(instances, visible_fraction=fraction),
            graph,
            VisibilityMap(GRID, np.ones(GRID.shape, np.uint8)),
            PointLabels(np.zeros(len(cloud), np.uint8), np.zeros(len(cloud), np.int32)),
            {"network": 10.0, "decode": 2.0},
        )


@dataclass(frozen=True)
class StandStill:
    """A drive that does not move: the same few points and one true box in every scan."""

    config: DriveConfig

    def __len__(self) -> int:
        return self.config.scene.frames

    def name_of(self, index: int) -> str:
        return f"{index}"

    def __getitem__(self, index: int) -> Sample:
        cloud = PointCloud.from_xyz(np.array([[8, 0.2, -1], [5, -3, -1.8]], np.float32))
        box = np.array([[9, 0, -1, 4.5, 1.9, 1.5, 0]], np.float32)
        truth = Annotations.from_boxes(cloud, box, np.array([SemanticClass.CAR], np.uint8))
        still = Transform.identity("lidar")
        return Sample(f"{index}", cloud, truth, still, still)


@pytest.fixture
def model_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bevseg.pipeline.BevSegmenter", StandIn)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, model_stands_in: None) -> None:
    monkeypatch.setattr("bevseg.simulation.drive.DriveSource", StandStill)


@pytest.mark.usefixtures("stand_in")
def test_demo_writes_video_and_picture_and_reports_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "demo"
    assert main(["demo", "--out", str(out), "--frames", "2", "--truth", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 2
    assert report["stages_ms"] == {"network": 10.0, "decode": 2.0}
    near, far = report["objects"]
    assert (near["id"], near["range_m"], near["visible"], near["hidden_by"], near["rank"]) == (2, 9.0, None, [], 0)
    assert (far["id"], far["label"], far["visible"], far["hidden_by"], far["rank"]) == (1, "car", 0.25, [2], 1)
    picture = cv2.imread(report["picture"])
    assert picture is not None
    assert picture.shape == (720, 1280, 3)
    video = cv2.VideoCapture(report["video"])
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 2
    assert sorted(p.name for p in out.iterdir()) == ["drive.mp4", "scene.png"]


@pytest.mark.usefixtures("stand_in")
def test_demo_prints_a_table_and_where_the_files_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path), "--frames", "1"]) == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["1", "car", "16.0", "m", "25%", "2", "1", "0.50"] in rows
    assert ["2", "car", "9.0", "m", "?", "-", "0", "0.90"] in rows
    assert "drive.mp4" in printed
    assert "scene.png" in printed
    assert "12 ms a scan" in printed


@pytest.mark.usefixtures("stand_in")
def test_demo_refuses_a_drive_without_scans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path), "--frames", "0"]) == 2
    assert "--frames must be 1 or more" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("model_stands_in")
def test_demo_films_a_simulated_drive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path), "--frames", "2", "--sensor", "hdl-32e", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 2


def test_demo_says_which_checkpoint_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out), "--checkpoint", str(tmp_path / "none.safetensors")]) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert not out.exists()
