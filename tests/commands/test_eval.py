from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.checkpoint import save_checkpoint
from bevseg.cli import main
from bevseg.config import ModelConfig
from bevseg.configuration import load_yaml_as
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.sample_file import write_sample
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.instances.clusters import ClusterConfig
from bevseg.network import build_network
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.generate import frame_path

CAR_BOX = np.array([[10.0, 2.0, -1.0, 4.6, 1.9, 1.6, 0.0]], np.float32)


def _sample() -> Sample:
    """A flat road, and on it the two sides of a car that a sensor at the origin sees."""
    x, y = np.meshgrid(np.arange(-20, 30, 0.4), np.arange(-20, 20, 0.4))
    road = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -1.8)])
    up = np.arange(-1.7, -0.3, 0.15)
    rear = np.array([(7.7, y, z) for y in np.arange(1.05, 2.95, 0.1) for z in up])
    right = np.array([(x, 1.05, z) for x in np.arange(7.7, 12.3, 0.1) for z in up])
    cloud = PointCloud.from_xyz(np.concatenate([road, rear, right]).astype(np.float32))
    car = np.arange(len(cloud)) >= len(road)
    semantic = np.where(car, SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE).astype(np.uint8)
    annotations = Annotations.from_boxes(
        cloud, CAR_BOX, np.array([SemanticClass.CAR], np.uint8), point_semantic=semantic
    )
    return Sample(
        "one",
        cloud,
        replace(annotations, point_instance=car.astype(np.int32)),
        Transform(np.eye(4), "ego", "lidar"),
        Transform(np.eye(4), "global", "ego"),
    )


@dataclass(frozen=True)
class Frames:
    name: str
    num_frames: int = 1

    def __len__(self) -> int:
        return self.num_frames

    def __getitem__(self, index: int) -> Sample:
        return _sample()


@pytest.fixture
def real_frames(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands in for the readers; lists the folders that were opened."""
    opened: list[Path] = []

    def open_real_frames(root: Path) -> tuple[Frames, ...]:
        opened.append(root)
        names = ("pandaset", "kitti", "kitti_tracking", "argoverse1", "semantic_kitti")
        return tuple(Frames(name) for name in names)

    monkeypatch.setattr("bevseg.datasets.real_frames.open_real_frames", open_real_frames)
    return opened


@pytest.fixture
def stored_frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    for index in range(2):
        path = frame_path(folder, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(path, _sample())
    return folder


def test_the_baseline_on_real_and_simulated_frames(
    real_frames: list[Path], stored_frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "scores"
    arguments = ["--head", "clusters", "--real", "somewhere", "--simulated", str(stored_frames)]
    assert main(["eval", *arguments, "--output", str(output), "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert real_frames == [Path("somewhere")]
    assert metrics["method"] == {"head": "clusters"}
    assert metrics["real"]["frames"] == {"PandaSet": 1, "KITTI": 2, "Argoverse": 1}
    assert metrics["real"]["mean_f1"]["vehicle"] == {"0.5": 1.0, "0.3": 1.0}
    assert metrics["real"]["throughput"]["scans"] == 4
    assert metrics["simulated"]["frames"] == 2
    assert metrics["simulated"]["rows"][0]["true_positives"] == 2
    assert metrics["simulated"]["mean_semantic_iou"] is None
    assert metrics["simulated"]["failures"]["missed_other"]["worst"] == []
    assert metrics["simulated"]["order"] == {}  # the frames do not know, nor do clusters
    assert metrics["real"]["failures"]["KITTI"]["halo"]["count"] == 0
    assert metrics["simulated"]["masks"]["objects"]["car"]["amodal"]["all"]["truth"] == 2
    assert metrics["real"]["masks"]["KITTI"]["objects"]["car"]["visible"] is None
    assert json.loads((output / "metrics.json").read_text()) == metrics
    assert load_yaml_as(ClusterConfig, output / "config.yaml") == ClusterConfig()


def test_corrupted_scans_are_scored_as_such(
    real_frames: list[Path], stored_frames: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["eval", "--head", "clusters", "--real", "somewhere", "--simulated", str(stored_frames), "--json"]
    assert main([*arguments, "--corrupt", "point-loss:1.0"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["method"]["corruption"] == "point-loss:1.0"
    assert metrics["real"]["frames"] == {"PandaSet": 1, "KITTI": 2, "Argoverse": 1}
    assert metrics["real"]["rows"][0]["num_truth"] == 0
    assert metrics["simulated"]["rows"][0]["num_truth"] == 0
    assert main([*arguments, "--corrupt", "soup:0.5"]) == 2


def test_tables_for_people(real_frames: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--head", "clusters", "--real", "somewhere"]) == 0
    said = capsys.readouterr().out
    assert "KITTI" in said
    assert "Mean F1 over PandaSet, KITTI, Argoverse" in said
    assert "Mask AP at IoU .50:.05:.95" in said
    assert "4 scans" in said


def test_a_checkpoint_is_scored_at_its_own_thresholds(
    stored_frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(ModelConfig(), grid=BevGrid(2.0, -6.4, 0.2, 128, 64))
    config = replace(config, decode=replace(config.decode, min_score=(0.9, 0.8, 0.7, 0.6)))
    checkpoint, output = tmp_path / "small.safetensors", tmp_path / "scores"
    known = {"step": 3, "frames_seen": 12, "seed": 1}
    save_checkpoint(checkpoint, build_network(config).state_dict(), config, metadata=known)
    arguments = ["--checkpoint", str(checkpoint), "--simulated", str(stored_frames), "--output", str(output)]
    assert main(["eval", *arguments, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    thresholds = {"vehicle": 0.9, "pedestrian": 0.8, "two_wheeler": 0.7, "static": 0.6}
    assert metrics["method"].items() >= {"score_thresholds": thresholds, **known}.items()
    assert metrics["simulated"]["rows"][0]["num_truth"] == 2
    assert metrics["simulated"]["semantic_iou"]["car"] is not None
    assert metrics["simulated"]["masks"]["objects"]["car"]["visible"]["all"]["truth"] == 2
    assert load_yaml_as(ModelConfig, output / "config.yaml").decode == config.decode


def test_frames_are_made_anew_where_no_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "bevseg.simulation.source.SimulatedSource",
        lambda config: Frames(f"seed {config.seed}, occlusion {config.occlusion}", config.frames),
    )
    arguments = ["--simulated", "--simulated-seed", "8", "--frames", "3"]
    assert main(["eval", "--head", "clusters", *arguments, "--json"]) == 0
    simulated = json.loads(capsys.readouterr().out)["simulated"]
    assert (simulated["source"], simulated["frames"]) == ("seed 8, occlusion True", 3)


def test_the_frozen_set_is_made_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Path] = []

    def make(folder: Path, workers: int, *, progress: Callable[[int, int], None]) -> None:
        progress(1, 1)
        made.append(folder)

    monkeypatch.setattr("bevseg.simulation.frozen_set.write_frozen_set", make)
    monkeypatch.setattr("bevseg.simulation.frozen_set.FrozenSource", lambda folder: Frames(f"frozen in {folder.name}"))
    assert main(["eval", "--head", "clusters", "--frozen", str(tmp_path / "set"), "--json"]) == 0
    assert made == [tmp_path / "set"]
    assert json.loads(capsys.readouterr().out)["simulated"]["source"] == "frozen in set"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to score on"),
        (["--real"], "set BEVSEG_REAL_DATA"),
        (["--real", "{empty}"], "expected at least one of the folders"),
        (["--simulated", "{empty}"], "holds no simulated frames"),
        (["--simulated", "--frames", "0"], "--frames must be 1 or more"),
        (["--simulated", "--checkpoint", "missing"], "no checkpoint called 'missing'"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.delenv("BEVSEG_REAL_DATA", raising=False)
    assert main(["eval", *(argument.format(empty=tmp_path) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err


def test_the_folder_of_real_frames_may_come_from_the_environment(
    real_frames: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEVSEG_REAL_DATA", "elsewhere")
    assert main(["eval", "--head", "clusters", "--real", "--json"]) == 0
    assert real_frames == [Path("elsewhere")]
    assert json.loads(capsys.readouterr().out)["real"]["throughput"]["scans"] == 4
