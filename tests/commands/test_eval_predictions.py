"""`bevseg eval --predictions`: stored scenes are scored as they were when they were made, and bad ones are refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bevseg
from bevseg.cli import main
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.generate import generate

Scenes = Path
"""Folder of the scenes of one source."""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    generate(SimulationConfig(seed=5, sensors=("vlp-16",), range_m=30.0, density=(0.5, 0.6)), folder, 4)
    return folder


@pytest.fixture(scope="module")
def made(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an evaluation of the baseline, which has kept its scenes."""
    output = tmp_path_factory.mktemp("made")
    assert main([*on(frames), "--output", str(output)]) == 0
    return output


@pytest.fixture
def scenes(made: Path, tmp_path: Path) -> Scenes:
    """A copy to damage."""
    folder = tmp_path / "predictions" / "simulated"
    shutil.copytree(made / "predictions" / "simulated", folder)
    return folder


def on(frames: Path) -> list[str]:
    return ["eval", "--head", "clusters", "--simulated", str(frames), "--workers", "1", "--no-report"]


def figures(file: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads(file.read_text())
    del metrics["method"]
    return metrics


def change_object(scenes: Scenes, frame: int, **changed: object) -> None:
    file = scenes / f"{frame:06d}.json"
    document = json.loads(file.read_text())
    document["objects"][0].update(changed)
    file.write_text(json.dumps(document))


def test_stored_scenes_score_as_they_did_when_they_were_made(frames: Path, made: Path, tmp_path: Path) -> None:
    for number, (folder, workers) in enumerate((("predictions", "1"), ("predictions/simulated", "2"))):
        output = tmp_path / f"{number}"
        arguments = ["--predictions", str(made / folder), "--output", str(output), "--workers", workers]
        assert main([*on(frames), *arguments]) == 0
        assert figures(output / "metrics.json") == figures(made / "metrics.json")
        method = json.loads((output / "metrics.json").read_text())["method"]
        assert method["predictions"] == str(made / folder)
        assert (output / "config.yaml").is_file()
        assert not (output / "predictions").exists()


def test_neither_torch_nor_spconv_is_needed_in_any_process(
    frames: Path, made: Path, scenes: Scenes, tmp_path: Path
) -> None:
    for suffix in (".json", ".npz"):
        shutil.copy(scenes / f"000001{suffix}", scenes / f"other{suffix}")
    for package in ("torch", "spconv"):
        (tmp_path / package).mkdir()
        tell = f"open({str(tmp_path / 'asked')!r}, 'a').write({package!r})\nraise ImportError({package!r})\n"
        (tmp_path / package / "__init__.py").write_text(tell)
    path = os.pathsep.join((str(tmp_path), str(Path(bevseg.__file__).parents[1])))
    arguments = [a for a in on(frames) if a != "--no-report"]
    arguments += ["--predictions", str(scenes.parent), "--allow-missing", "--json", "--workers", "2"]
    arguments += ["--output", str(tmp_path / "output")]
    done = subprocess.run(
        [sys.executable, "-m", "bevseg", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sources"] == figures(made / "metrics.json")["sources"]
    assert not (tmp_path / "asked").exists()
    assert "simulated/other" in (tmp_path / "output" / "report.html").read_text()


def cut(name: str) -> Callable[[Scenes], None]:
    def change(scenes: Scenes) -> None:
        (scenes / name).write_bytes((scenes / name).read_bytes()[:-30])

    return change


def put(**changed: object) -> Callable[[Scenes], None]:
    return lambda scenes: change_object(scenes, 1, **changed)


def one_id_twice(scenes: Scenes) -> None:
    objects = json.loads((scenes / "000001.json").read_text())["objects"]
    change_object(scenes, 1, id=objects[1]["id"])


def another_schema(scenes: Scenes) -> None:
    file = scenes / "000001.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 7}))


def fewer_labels(scenes: Scenes) -> None:
    with np.load(scenes / "000001.npz") as stored:
        arrays = dict(stored)
    np.savez(scenes / "000001.npz", **{**arrays, "point_semantic": arrays["point_semantic"][:-1]})


BOX = {"center_m": [1.0, 2.0, float("nan")], "size_lwh_m": [4.0, 2.0, 1.5], "yaw_rad": 0.0, "velocity_mps": None}


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda s: [f.unlink() for f in s.glob("000001.*")], "1 of 4 frames have no result: simulated/000001"),
        (
            lambda s: shutil.copy(s / "000001.json", s / "1.json"),
            "1 results are of no frame that is scored: simulated/1",
        ),
        (lambda s: (s / "000001.npz").unlink(), "expected both files of a scene, {s}/000001.npz is missing"),
        (lambda s: (s / "000001.json").unlink(), "expected both files of a scene, {s}/000001.json is missing"),
        (cut("000001.json"), "{s}/000001.json is damaged"),
        (cut("000001.npz"), "{s}/000001.npz is damaged"),
        (another_schema, "has schema version 7, this bevseg reads 1"),
        (fewer_labels, "points expected, the .npz has"),
        (one_id_twice, "expected one object for each id, got several with [2]"),
        (put(**{"class": "tram"}), "object 1: expected one of the classes barrier, bicycle"),
        (put(**{"class": "vegetation"}), "object 1: expected label a thing class, 1..10, got 16"),
        (put(score=float("nan")), "object 1: expected score within 0..1, got nan"),
        (put(score=1.5), "object 1: expected score within 0..1, got 1.5"),
        (put(box=BOX), "object 1: expected boxes finite numbers, got [1.  2.  nan"),
        (put(mask_amodal={"size": [512, 600], "counts": "0"}), "object 1, mask_amodal: a mask of size [512, 600] does"),
        (put(mask_visible={"size": [512, 512], "counts": "ddd9"}), "object 1, mask_visible: the run lengths of a mask"),
        (put(visible_fraction=-0.5), "expected visible fractions within 0..1, got -0.5"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_anything_is(
    frames: Path,
    scenes: Scenes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Scenes], object],
    complaint: str,
) -> None:
    damage(scenes)
    output = tmp_path / "output"
    assert main([*on(frames), "--predictions", str(scenes.parent), "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"bevseg: {scenes.parent}: the results do not fit the frames\n")
    assert complaint.format(s=scenes) in said
    assert "simulated/000001" in said or "simulated/1" in said
    assert not output.exists()


def test_all_faults_come_in_one_error(frames: Path, scenes: Scenes, capsys: pytest.CaptureFixture[str]) -> None:
    for file in scenes.glob("000002.*"):
        file.unlink()
    for number in range(8):
        shutil.copy(scenes / "000000.npz", scenes / f"other{number}.npz")
    change_object(scenes, 1, score=-1.0)
    cut("000003.npz")(scenes)
    assert main([*on(frames), "--predictions", str(scenes.parent), "--json"]) == 2
    said = capsys.readouterr().err
    assert "1 of 4 frames have no result: simulated/000002; expected FRAME.json and FRAME.npz" in said
    assert "8 results are of no frame that is scored: simulated/other0, " in said
    assert "simulated/other4, and 3 more;" in said
    assert "2 of 3 results cannot be scored:\n    frame simulated/000001, object 1: expected score" in said
    assert "\n    frame simulated/000003: " in said


def test_missing_frames_are_counted_where_that_is_allowed(
    frames: Path, scenes: Scenes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ["eval", "--simulated", str(frames), "--workers", "1", "--predictions", str(scenes.parent), "--json"]
    whole.append("--no-report")
    assert main(whole) == 0
    before = json.loads(capsys.readouterr().out)["sources"][0]
    for file in scenes.glob("000002.*"):
        file.rename(scenes / f"other{file.suffix}")
    assert main([*whole, "--allow-missing", "--output", str(tmp_path / "output")]) == 0
    said = capsys.readouterr()
    assert "1 frames have no scene and count as frames where nothing was found: simulated/000002" in said.err
    assert "1 scenes are of no frame and were left out: simulated/other" in said.err
    metrics = json.loads(said.out)
    assert metrics == json.loads((tmp_path / "output" / "metrics.json").read_text())
    assert metrics["method"]["frames_without_result"] == 1
    assert metrics["method"]["results_without_frame"] == ["simulated/other"]
    after = metrics["sources"][0]
    assert after["without_result"] == ["simulated/000002"]
    assert (after["frames"], before["without_result"]) == (4, [])
    rows = zip(before["rows"], after["rows"], strict=True)
    assert all(a["num_truth"] == b["num_truth"] for a, b in rows)
    assert sum(row["true_positives"] for row in after["rows"]) < sum(row["true_positives"] for row in before["rows"])
    assert np.sum(after["points"]["confusion"]) == np.sum(before["points"]["confusion"])
    assert np.sum(np.array(after["points"]["confusion"])[:, 0]) > np.sum(np.array(before["points"]["confusion"])[:, 0])
    change_object(scenes, 1, score=2.0)
    assert main([*whole, "--allow-missing"]) == 2
    assert "simulated/000001, object 1: expected score within 0..1" in capsys.readouterr().err


def test_points_of_missing_frames_do_not_count_where_none_are_labelled(
    frames: Path, scenes: Scenes, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in scenes.glob("000002.*"):
        file.unlink()
    assert main([*on(frames), "--predictions", str(scenes.parent), "--allow-missing", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["points"] == {}


def test_labels_of_another_scan_are_told_when_it_is_scored(
    frames: Path, scenes: Scenes, capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in (".json", ".npz"):
        (scenes / f"000000{suffix}").write_bytes((scenes / f"000001{suffix}").read_bytes())
    assert main([*on(frames), "--predictions", str(scenes.parent)]) == 2
    assert "frame simulated/000000: expected a label for each of the" in capsys.readouterr().err


def test_other_results_in_the_same_folder_are_refused(
    frames: Path, scenes: Scenes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*on(frames), "--predictions", str(scenes.parent), "--output", str(tmp_path / "output")]
    assert main(arguments) == 0
    first = (tmp_path / "output" / "metrics.json").read_bytes()
    assert main(arguments) == 0
    assert (tmp_path / "output" / "metrics.json").read_bytes() == first
    change_object(scenes, 1, score=0.015625)
    assert main(arguments) == 2
    assert "holds another evaluation, which differs in method.sha256 (there '" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--predictions", "{tmp}/missing"], "missing: no such folder"),
        (["--predictions", "{tmp}"], "there is no result for any of 4 frames, such as {tmp}/000000.json"),
        (["--predictions", "{tmp}", "--allow-missing"], "there is no result for any of 4 frames"),
        (["--predictions", "{tmp}", "--checkpoint", "other"], "leave out --checkpoint other"),
        (["--allow-missing"], "--allow-missing is for --predictions"),
    ],
)
def test_options_that_do_not_go_together(
    frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main([*on(frames), *(argument.format(tmp=tmp_path) for argument in arguments)]) == 2
    assert complaint.format(tmp=tmp_path) in capsys.readouterr().err
