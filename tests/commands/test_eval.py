from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from bevseg.simulation.config import SimulationConfig
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

    def name_of(self, index: int) -> str:
        return "one"

    def __getitem__(self, index: int) -> Sample:
        return _sample()


@pytest.fixture
def real_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of real frames in place of whose readers stand others, in this process."""
    folders = {
        "pandaset_002": "pandaset",
        "kitti_raw_0048": "kitti",
        "kitti_tracking_0000": "kitti_tracking",
        "argoverse1": "argoverse1",
    }
    root = tmp_path / "real"
    for folder in (*folders, "semantickitti_panoptic"):
        (root / folder).mkdir(parents=True)
    boxed = {folder: lambda path: Frames(folders[path.name]) for folder in folders}
    monkeypatch.setattr("bevseg.datasets.real_frames.BOXED_FRAMES", boxed)
    points = {"semantickitti_panoptic": lambda _: Frames("semantic_kitti")}
    monkeypatch.setattr("bevseg.datasets.real_frames.POINT_LABELLED_FRAMES", points)
    return root


@pytest.fixture
def stored_frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    for index in range(2):
        path = frame_path(folder, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(path, replace(_sample(), name=f"{index:06d}"))
    return folder


def _sources(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {source["name"]: source for source in metrics["sources"]}


def test_the_baseline_on_real_and_simulated_frames(
    real_frames: Path, stored_frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "scores"
    arguments = ["--head", "clusters", "--real", str(real_frames), "--simulated", str(stored_frames), "--workers", "1"]
    assert main(["eval", *arguments, "--output", str(output), "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["method"] == {"head": "clusters"}
    sources = _sources(metrics)
    frames = {name: source["frames"] for name, source in sources.items()}
    assert frames == {"PandaSet": 1, "KITTI": 2, "Argoverse": 1, "SemanticKITTI": 1, "simulated": 2}
    assert metrics["mean_f1"]["vehicle"] == {"0.5": 1.0, "0.3": 1.0}
    simulated = sources["simulated"]
    assert simulated["rows"][0]["true_positives"] == 2
    assert simulated["points"] == {}  # clusters say nothing of them
    assert simulated["failures"]["missed_other"]["worst"] == []
    assert simulated["order"] == {}  # the frames do not know
    assert simulated["masks"]["objects"]["car"]["visible"]["all"]["truth"] == 2
    assert simulated["timings_ms"]["total"]["p50"] > 0
    assert json.loads((output / "metrics.json").read_text()) == metrics
    assert load_yaml_as(ClusterConfig, output / "config.yaml") == ClusterConfig()
    assert {path.name for path in (output / "predictions" / "KITTI").glob("*.json")} == {
        "kitti-one.json",
        "kitti_tracking-one.json",
    }


def test_a_dataset_is_scored_on_two_cores_and_again_from_what_was_kept(
    stored_frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "eval",
        "--head",
        "clusters",
        "--data",
        str(stored_frames),
        "--output",
        str(tmp_path / "run"),
        "--json",
    ]
    assert main([*arguments, "--workers", "2"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    (source,) = metrics["sources"]
    assert (source["name"], source["frames"]) == ("frames", 2)
    assert source["counted"]["min_points"] == 5
    assert source["counted"]["groups"] == ["vehicle", "pedestrian", "two_wheeler", "static"]
    shutil.rmtree(tmp_path / "run" / "scores")
    assert main([*arguments, "--workers", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == metrics  # the scenes were kept, with their timings
    assert main([*arguments, "--min-points", "1"]) == 2
    assert "holds another evaluation, which differs in sources" in capsys.readouterr().err


def test_a_dataset_that_would_score_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "unlabelled"
    folder.mkdir()
    np.random.default_rng(0).normal(size=(500, 5)).astype(np.float32).tofile(folder / "one.pcd.bin")
    assert main(["eval", "--head", "clusters", "--data", str(folder)]) == 2
    assert "there are no labels" in capsys.readouterr().err


def test_corrupted_scans_are_scored_as_such(
    real_frames: Path, stored_frames: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ["--real", str(real_frames), "--simulated", str(stored_frames), "--workers", "1"]
    arguments = ["eval", "--head", "clusters", *on, "--json"]
    assert main([*arguments, "--corrupt", "point-loss:1.0"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["method"]["corruption"] == "point-loss:1.0"
    assert [source["frames"] for source in metrics["sources"]] == [1, 2, 1, 1, 2]
    assert [source["rows"][0]["num_truth"] for source in metrics["sources"]] == [0] * 5
    assert main([*arguments, "--corrupt", "soup:0.5"]) == 2


def test_tables_for_people(real_frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--head", "clusters", "--real", str(real_frames), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "KITTI" in said
    assert "Mean F1 over PandaSet, KITTI, Argoverse" in said
    assert "Mask AP at IoU .50:.05:.95" in said
    assert "Time of a scan" in said


def test_a_checkpoint_is_scored_at_its_own_thresholds(
    stored_frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(ModelConfig(), grid=BevGrid(2.0, -6.4, 0.2, 128, 64))
    config = replace(config, decode=replace(config.decode, min_score=(0.9, 0.8, 0.7, 0.6)))
    checkpoint, output = tmp_path / "small.safetensors", tmp_path / "scores"
    known = {"step": 3, "frames_seen": 12, "seed": 1}
    save_checkpoint(checkpoint, build_network(config).state_dict(), config, metadata=known)
    arguments = ["--checkpoint", str(checkpoint), "--simulated", str(stored_frames), "--output", str(output)]
    assert main(["eval", *arguments, "--json", "--workers", "1"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    simulated = _sources(metrics)["simulated"]
    thresholds = {"vehicle": 0.9, "pedestrian": 0.8, "two_wheeler": 0.7, "static": 0.6}
    assert metrics["method"].items() >= {"score_thresholds": thresholds, **known}.items()
    assert simulated["rows"][0]["num_truth"] == 2
    assert simulated["points"]["iou"]["car"] is not None
    assert simulated["masks"]["objects"]["car"]["visible"]["all"]["truth"] == 2
    assert load_yaml_as(ModelConfig, output / "config.yaml").decode == config.decode


def test_frames_are_made_anew_where_no_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []

    class Simulated(Frames):
        def __init__(self, config: SimulationConfig) -> None:
            super().__init__("simulated", config.frames)
            made.append(f"seed {config.seed}, occlusion {config.occlusion}")

    monkeypatch.setattr("bevseg.simulation.source.SimulatedSource", Simulated)
    arguments = ["--simulated", "--simulated-seed", "8", "--frames", "3"]
    assert main(["eval", "--head", "clusters", *arguments, "--workers", "1", "--json"]) == 0
    simulated = _sources(json.loads(capsys.readouterr().out))["simulated"]
    assert (made, simulated["frames"]) == (["seed 8, occlusion True"] * 2, 3)


def test_the_frozen_set_is_made_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Path] = []

    def make(folder: Path, workers: int, *, progress: Callable[[int, int], None]) -> None:
        progress(1, 1)
        made.append(folder)

    monkeypatch.setattr("bevseg.simulation.frozen_set.write_frozen_set", make)

    class Frozen(Frames):
        def __init__(self, folder: Path) -> None:
            super().__init__(f"frozen in {folder.name}")

    monkeypatch.setattr("bevseg.simulation.frozen_set.FrozenSource", Frozen)
    assert main(["eval", "--head", "clusters", "--frozen", str(tmp_path / "set"), "--workers", "1", "--json"]) == 0
    assert made == [tmp_path / "set"]
    assert json.loads(capsys.readouterr().out)["sources"][0]["name"] == "sim-test-v1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to score on"),
        (["--real"], "set BEVSEG_REAL_DATA"),
        (["--real", "{empty}"], "expected at least one of the folders"),
        (["--simulated", "{empty}"], "holds no simulated frames"),
        (["--simulated", "--frames", "0"], "--frames must be 1 or more"),
        (["--simulated", "--checkpoint", "missing"], "no checkpoint called 'missing'"),
        (["--simulated", "--workers", "0"], "--workers must be 1 or more"),
        (["--data", "{empty}"], "is no dataset that bevseg reads"),
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
    real_frames: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEVSEG_REAL_DATA", str(real_frames))
    assert main(["eval", "--head", "clusters", "--real", "--workers", "1", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sources"]) == 4
