"""`bevseg bench` from the command line, with a small untrained network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bevseg.benchmark import Payload
from bevseg.cli import main
from bevseg.commands import bench, message_speed, panoptic_speed, replay_speed
from bevseg.points.cloud import PointCloud
from bevseg.points.formats import write_points
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.generate import generate

STAGES = ["read", "ground", "pillars", "network", "decode", "visibility", "point_labels", "occlusion"]
SPREAD = ["p50", "p90", "p99", "max"]


@pytest.fixture
def scans(tmp_path: Path, street: PointCloud) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for k in range(3):
        write_points(folder / f"{k}.bin", street[k * 10 :])
    return folder


@pytest.fixture
def measure(tiny_checkpoint: Path) -> Callable[..., int]:
    def run(*arguments: object) -> int:
        fixed = ["--checkpoint", str(tiny_checkpoint), "--precision", "fp32", "--repeats", "4", "--warmup", "1"]
        return main(["bench", *fixed, *(str(argument) for argument in arguments)])

    return run


def test_files_are_measured_from_bytes_to_scenes(
    measure: Callable[..., int], scans: Path, street: PointCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure("--input", scans, "--threads", "1", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    (row,) = said.pop("rows")
    assert said == row
    assert {key: said[key] for key in ("device", "threads", "precision", "model", "sensor", "frames", "runs")} == {
        "device": "cpu",
        "threads": 1,
        "precision": "fp32",
        "model": "tiny",
        "sensor": "3 files",
        "frames": 3,
        "runs": 4,
    }
    assert said["points"] == len(street) - 10
    assert list(said["stages_ms"]) == STAGES
    for spread in (said["end_to_end_ms"], *said["stages_ms"].values()):
        assert list(spread) == SPREAD
        assert 0 < spread["p50"] <= spread["p90"] <= spread["p99"] <= spread["max"]
    assert said["end_to_end_ms"]["max"] >= said["stages_ms"]["network"]["max"]
    assert said["peak_rss_mb"] > 50


def test_sensors_have_a_row_each_and_all_are_pooled(
    measure: Callable[..., int],
    street: PointCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_points(tmp_path / "street.bin", street)
    data = (tmp_path / "street.bin").read_bytes()
    asked: list[list[str]] = []

    def simulated(sensors: list[str]) -> dict[str, list[Payload]]:
        asked.append(sensors)
        return {sensor: [Payload(f"{sensor}.bin", data)] for sensor in sensors}

    monkeypatch.setattr(bench, "_simulated_payloads", simulated)
    assert measure("--json", "--repeats", "2", "--warmup", "0") == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["sensor"] for row in said["rows"]] == ["hdl-32e", "hdl-64e", "pandar64"]
    assert (said["frames"], said["runs"]) == (3, 6)
    assert said["end_to_end_ms"]["max"] == max(row["end_to_end_ms"]["max"] for row in said["rows"])
    assert measure("--sensor", "pandar64", "--repeats", "1", "--warmup", "0") == 0
    printed = capsys.readouterr().out
    assert "pandar64" in printed
    assert "tiny in fp32" in printed
    assert all(stage in printed for stage in STAGES)
    assert asked == [["hdl-32e", "hdl-64e", "pandar64"], ["pandar64"]]


def test_a_simulated_scan_is_the_same_every_time() -> None:
    one, again = bench.simulate_payload("hdl-32e", 0), bench.simulate_payload("hdl-32e", 0)
    assert one == again
    assert one.name == "hdl-32e-0.bin"
    assert 10_000 < len(one.read()) < 32 * 1085


@pytest.mark.slow
def test_scans_are_simulated_by_another_process(
    measure: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure("--sensor", "hdl-32e", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sensor"], said["frames"], said["runs"]) == ("hdl-32e", 4, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--repeats", "0"], "--repeats must be 1 or more"),
        (["--warmup", "-1"], "--warmup 0 or more"),
        (["--threads", "0"], "--threads must be 1 or more"),
        (["--input", "missing.bin"], "missing.bin: there is no such file"),
        (["--input", "{cut}"], "cut off"),
        (["--checkpoint", "bevseg-xl"], "no checkpoint called"),
    ],
)
def test_wrong_use_is_refused(
    measure: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    cut = tmp_path / "cut.bin"
    cut.write_bytes(b"12345")
    assert measure(*(argument.format(cut=cut) for argument in arguments)) == 2
    assert message in capsys.readouterr().err


def test_the_simulator_is_measured_too(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "--simulator", "--sensor", "vlp-16", "--repeats", "1", "--warmup", "0"]
    assert main([*arguments, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["sensors"]
    assert row["sensor"] == "vlp-16"
    assert row["frames_a_second"] > 0
    assert set(row["stages_ms"]) >= {"world", "rays", "returns", "truth"}
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "frames/s" in said
    assert "rays" in said


def test_the_panoptic_evaluator_is_measured_beside_the_official_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nuscenes.eval.panoptic", reason="needs the extra `datasets`")
    monkeypatch.setattr(panoptic_speed, "_SCANS_A_SENSOR", 1)
    arguments = ["bench", "--panoptic", "--sensor", "vlp-16", "--repeats", "1", "--warmup", "0"]
    assert main([*arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["equal"]
    assert (said["scans"], said["rounds"]) == (1, 1)
    assert said["ratio"] == pytest.approx(said["official_ms"] / said["ours_ms"])
    assert main(arguments) == 0
    assert "counts are equal" in capsys.readouterr().out


def test_messages_are_measured_beside_the_way_point_by_point(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(message_speed, "_POINTS", (300,))
    arguments = ["bench", "--messages", "--repeats", "2", "--warmup", "1"]
    assert main([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["what"], row["points"]) for row in rows] == [("decode", 300), ("encode", 300)]
    assert all(row["equal"] for row in rows)
    assert rows[0]["ratio"] == pytest.approx(rows[0]["naive_ms"] / rows[0]["p50_ms"])
    assert main(arguments) == 0
    assert "points are equal" in capsys.readouterr().out
    monkeypatch.setattr(message_speed, "_encode_point_by_point", lambda *_: b"")
    assert main(arguments) == 3
    assert "NOT equal" in capsys.readouterr().out


def test_scoring_stored_scenes_is_measured_from_start_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SimulationConfig(seed=5, sensors=("vlp-16",), range_m=30.0, density=(0.5, 0.6))
    generate(config, tmp_path / "frames", 2)
    assert main(["bench", "--evaluation", str(tmp_path / "frames"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["frames"] == 2
    assert said["frames_per_s"] == pytest.approx(2 / said["wall_s"])
    assert 50 < said["peak_mb"] < 1000
    assert 0 < said["core_share"] <= 1


def test_scenes_are_of_use_for_the_evaluation_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--predictions", "somewhere"]) == 2
    assert "--predictions is for --evaluation" in capsys.readouterr().err


def test_the_replay_is_measured_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_speed, "_FRAMES", 2)
    monkeypatch.setattr(replay_speed, "usable_cores", lambda: 1)
    assert main(["bench", "--replay", "--sensor", "vlp-16", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["frames"], said["workers"]) == (2, 1)
    assert 0 < said["stored_kb"] < 60
    assert set(said["stages_ms"]) == {"read", "compare", "draw", "encode"}
    assert main(["bench", "--replay", "--sensor", "vlp-16"]) == 0
    assert "frames a second" in capsys.readouterr().out
