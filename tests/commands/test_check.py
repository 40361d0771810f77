"""`bevseg check` on a folder of simulated frames, sound and spoilt, and on what is no dataset."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bevseg.cli import main
from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import write_sample
from bevseg.points.cloud import PointCloud
from bevseg.points.formats import write_points
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource


@pytest.fixture(scope="module")
def scans() -> tuple[Sample, ...]:
    scene = SimulationConfig(seed=5, frames=2, sensors=("vlp-16",), range_m=25.0, density=(0.6, 0.6))
    drive = DriveSource(DriveConfig(scene))
    return tuple(drive[index] for index in range(2))


@pytest.fixture
def frames(scans: tuple[Sample, ...], tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for sample in scans:
        write_sample(folder / f"{sample.name}.npz", sample)
    return folder


def test_a_sound_dataset(frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(frames), "--output", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    for words in ("bevseg-frames", "2, of which 2 were read", "16 beams", "boxes with points", "driveable_surface"):
        assert words in shown
    assert "Nothing is wrong." in shown
    pictures = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in pictures] == ["frames-000000.png", "frames-000001.png"]
    with Image.open(pictures[0]) as picture:
        assert picture.size == (1280, 960)


def test_a_spoilt_dataset(scans: tuple[Sample, ...], frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sample in scans:
        boxes = sample.annotations.boxes + np.array([0, 0, 40, 0, 0, 0, 0], np.float32)
        spoilt = replace(sample, annotations=replace(sample.annotations, boxes=boxes))
        write_sample(frames / f"{sample.name}.npz", spoilt)
    assert main(["check", str(frames)]) == 1
    shown = capsys.readouterr().out
    assert "no boxes contain points" in shown
    assert "Something is wrong" in shown


def test_for_machines(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(frames), "--frames", "0", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["kind"], answer["samples"], answer["read"], answer["beams"]) == ("bevseg-frames", 2, 2, 16)
    assert answer["boxes"] == sum(counts["boxes"] for counts in answer["classes"].values())
    assert 0 < answer["boxes_with_points"] <= 1
    assert answer["problems"] == answer["notes"] == answer["pictures"] == []


def test_points_without_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    ground = np.column_stack([rng.uniform(-30, 30, (4000, 2)), np.full(4000, -1.8)]).astype(np.float32)
    write_points(tmp_path / "a.ply", PointCloud.from_xyz(ground))
    assert main(["check", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["boxes_with_points"] is None
    assert answer["labelled_points"] is None
    assert answer["sensor_height_m"] == pytest.approx(1.8, abs=0.05)
    assert answer["notes"][0].startswith("there are no labels")
    assert main(["check", str(tmp_path)]) == 0
    assert "beams not told, no intensity, one time a scan" in capsys.readouterr().out


def test_every_sample_unreadable(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = next(iter(sorted(frames.iterdir())))
    for path in frames.iterdir():
        if path != first:
            path.write_bytes(path.read_bytes()[:-200])
    assert main(["check", str(frames), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["read"], answer["unreadable"]) == (1, 1)
    assert "cannot be read" in answer["problems"][0]


def test_refuses_what_is_no_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "looked for" in capsys.readouterr().err
    assert main(["check", str(tmp_path), "--frames", "-1"]) == 2
    assert "0 or more" in capsys.readouterr().err


def test_refuses_options_that_do_not_fit(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(frames), "--split", "val", "--topic", "/points"]) == 2
    assert "has no split and no topic to choose" in capsys.readouterr().err
    assert main(["check", str(frames), "--sweeps", "3"]) == 2
    assert "do not follow each other" in capsys.readouterr().err
