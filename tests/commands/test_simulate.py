from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bevseg.cli import main
from bevseg.configuration import dump_yaml
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.generate import GeneratedSource
from bevseg.simulation.source import SimulatedSource

_SMALL = SimulationConfig(seed=5, sensors=("hdl-32e",), density=(0.0, 0.2), range_m=30.0)


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A YAML of scenes that are quickly made."""
    path = tmp_path / "small.yaml"
    path.write_text(dump_yaml(_SMALL))
    return str(path)


def test_scenes_are_those_of_the_simulator(tmp_path: Path, small: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "scenes"
    arguments = ["simulate", "--out", str(folder), "--config", small, "--frames", "2", "--workers", "1", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 2
    stored = GeneratedSource(folder)
    assert len(stored) == 2
    np.testing.assert_array_equal(stored[1].cloud.xyz, SimulatedSource(_SMALL)[1].cloud.xyz)


def test_options_go_over_the_yaml(tmp_path: Path, small: str) -> None:
    arguments = ["simulate", "--config", small, "--frames", "1", "--workers", "1"]
    for seed in ("5", "6"):
        assert main([*arguments, "--out", str(tmp_path / seed), "--seed", seed]) == 0
    clouds = [GeneratedSource(tmp_path / seed)[0].cloud for seed in ("5", "6")]
    assert len(clouds[0]) != len(clouds[1])


def test_truth_beside_the_points_is_there_where_it_is_asked_for(tmp_path: Path, small: str) -> None:
    arguments = ["simulate", "--config", small, "--frames", "1", "--workers", "1", "--out", str(tmp_path / "asked")]
    assert main([*arguments, "--ground-cells", "--truncation"]) == 0
    truth = GeneratedSource(tmp_path / "asked")[0].annotations
    assert truth.ground is not None
    assert truth.ground.visibility.grid == EVALUATION_GRID
    assert truth.truncation is not None


def test_layouts_without_a_place_for_it_are_refused(
    tmp_path: Path, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["simulate", "--config", small, "--frames", "1", "--out", str(tmp_path / "x"), "--format", "kitti"]
    assert main([*arguments, "--ground-cells"]) == 2
    assert "has no place for" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_drive_keeps_its_street(tmp_path: Path, small: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "drive"
    arguments = ["simulate", "--drive", "--out", str(folder), "--config", small, "--frames", "3"]
    assert main(arguments) == 0
    assert "3 frames in" in capsys.readouterr().out
    drive = GeneratedSource(folder)
    assert [drive[k].cloud.stamp_ns - drive[0].cloud.stamp_ns for k in range(3)] == [0, 100_000_000, 200_000_000]
    assert not np.array_equal(drive[0].cloud.xyz, SimulatedSource(_SMALL)[0].cloud.xyz)
    assert main(arguments) == 0  # all is there: it goes on with nothing


def test_a_drive_at_another_rate_and_speed(tmp_path: Path, small: str) -> None:
    arguments = ["simulate", "--drive", "--config", small, "--frames", "3", "--rate", "20", "--speed", "0"]
    assert main([*arguments, "--out", str(tmp_path / "drive")]) == 0
    drive = GeneratedSource(tmp_path / "drive")
    assert drive[1].cloud.stamp_ns - drive[0].cloud.stamp_ns == 50_000_000
    np.testing.assert_array_equal(drive[2].T_global_from_ego.matrix, drive[0].T_global_from_ego.matrix)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--rate", "20"], "are for drives"),
        (["--speed", "3"], "are for drives"),
        (["--drive", "--rate", "0"], "rate_hz must be above 0"),
        (["--format", "nuscenes", "--rate", "10"], "leave --rate out"),
    ],
)
def test_rates_that_make_no_sense(
    tmp_path: Path, small: str, capsys: pytest.CaptureFixture[str], options: list[str], reason: str
) -> None:
    assert main(["simulate", "--config", small, "--frames", "1", "--out", str(tmp_path / "x"), *options]) == 2
    assert reason in capsys.readouterr().err


def test_a_drive_with_a_rolling_shutter(tmp_path: Path, small: str) -> None:
    for shutter in ("instant", "deskewed", "distorted"):
        arguments = ["simulate", "--drive", "--shutter", shutter, "--out", str(tmp_path / shutter), "--config", small]
        assert main([*arguments, "--frames", "2"]) == 0
    straight, raw = (GeneratedSource(tmp_path / shutter)[1].cloud for shutter in ("deskewed", "distorted"))
    assert straight.ray_origins_m is not None
    assert raw.ray_origins_m is None
    np.testing.assert_array_equal(straight.time_s, raw.time_s)
    assert np.abs(straight.xyz - raw.xyz).max() > 0.3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frames", "0"], "--frames must be 1 or more, got 0"),
        (["--shutter", "distorted"], "shutter 'distorted' needs a vehicle that moves: simulate a drive"),
        (["--seed", "-1"], "seed and frames must not be negative, got seed=-1"),
        (["--config", "none.yaml"], "No such file"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--out", str(tmp_path / "scenes"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "scenes").exists()


def test_a_folder_of_other_scenes_is_refused(tmp_path: Path, small: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "--out", str(tmp_path), "--frames", "1", "--workers", "1", "--config", small]
    (tmp_path / "simulation.json").write_text("{}")
    assert main(arguments) == 2
    assert "was begun with another configuration" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("layout", "file", "shutter"),
    [
        ("nuscenes", "v1.0-bevseg/sample_annotation.json", "instant"),
        ("nuscenes", "v1.0-bevseg/sample_annotation.json", "deskewed"),
        ("kitti", "training/label_2/000001.txt", "deskewed"),
        ("semantic-kitti", "sequences/00/labels/000001.label", "distorted"),
        ("rosbag", "metadata.yaml", "distorted"),
    ],
)
def test_a_drive_in_the_layout_of_others(tmp_path: Path, small: str, layout: str, file: str, shutter: str) -> None:
    out = tmp_path / "written"
    arguments = ["simulate", "--config", small, "--frames", "2", "--workers", "1", "--out", str(out)]
    if layout == "nuscenes":
        arguments += ["--scenes", "1"]
    arguments += ["--shutter", shutter]
    assert main([*arguments, "--format", layout]) == 0
    assert (out / file).is_file()
    assert main([*arguments, "--format", layout]) == 0  # all is there: it goes on with nothing
    assert main([*arguments, "--format", layout, "--seed", "6"]) == 2
    other = "instant" if shutter != "instant" else "distorted"
    assert main([*arguments, "--format", layout, "--shutter", other]) == 2


def test_scenes_are_for_datasets_of_several_drives(tmp_path: Path) -> None:
    assert main(["simulate", "--scenes", "2", "--out", str(tmp_path / "x")]) == 2


@pytest.mark.real
def test_real_frames_are_held_against_simulated_ones(
    tmp_path: Path, small: str, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["simulate", "--compare", str(real_data), "--config", small, "--frames", "1", "--out", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "report.json").read_text())
    sensors = {entry["sensor"]: entry for entry in report["sensors"]}
    assert sensors["pandar64"]["sets"] == ["pandaset"]
    assert "kitti" in sensors["hdl-64e"]["sets"]
    for entry in sensors.values():
        low, high = entry["density"]
        assert 0 <= low == high <= 1  # as crowded as the real scans
        assert (tmp_path / entry["picture"]).is_file()
        cells = next(row for row in entry["distributions"] if row["name"] == "range of occupied cells")
        assert 0 <= cells["ks"] < 0.5
        assert cells["num_real"] > 1000


def test_a_comparison_needs_real_frames(tmp_path: Path) -> None:
    assert main(["simulate", "--compare", str(tmp_path), "--frames", "1", "--out", str(tmp_path / "report")]) == 2
