"""`bevseg eval --compare` on runs of the baseline: on scans as they are, and on the same ones in fog."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.cli import main
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.sample_file import write_sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.generate import frame_path

FRAMES = 6


def _sample(name: str, *, cars: int) -> Sample:
    """A flat road and on it the two sides of each car that a sensor at the origin sees."""
    x, y = np.meshgrid(np.arange(-20, 30, 0.5), np.arange(-20, 20, 0.5))
    parts = [np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -1.8)])]
    up = np.arange(-1.7, -0.3, 0.15)
    boxes = []
    for k in range(cars):
        near, left = 7.7 + 7 * k, 1.05 + 4 * (k % 2)
        parts.append(np.array([(near, y, z) for y in np.arange(left, left + 1.9, 0.1) for z in up]))
        parts.append(np.array([(x, left, z) for x in np.arange(near, near + 4.6, 0.1) for z in up]))
        boxes.append([near + 2.3, left + 0.95, -1.0, 4.6, 1.9, 1.6, 0.0])
    cloud = PointCloud.from_xyz(np.concatenate(parts).astype(np.float32))
    label = np.full(cars, SemanticClass.CAR, np.uint8)
    annotations = Annotations.from_boxes(cloud, np.array(boxes, np.float32), label)
    return Sample(
        name,
        cloud,
        replace(annotations, point_semantic=np.full(len(cloud), SemanticClass.DRIVEABLE_SURFACE, np.uint8)),
        Transform(np.eye(4), "ego", "lidar"),
        Transform(np.eye(4), "global", "ego"),
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scans (`frames`), a run on them (`whole`), and one in fog (`fog`)."""
    root = tmp_path_factory.mktemp("compare")
    for index in range(FRAMES):
        path = frame_path(root / "frames", index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(path, _sample(f"{index:06d}", cars=1 + index % 3))
    for name, more in (("whole", []), ("fog", ["--corrupt", "fog:1"])):
        options = ["--head", "clusters", "--simulated", str(root / "frames"), "--workers", "1", "--no-report"]
        assert main(["eval", *options, "--output", str(root / name), *more]) == 0
    return root


def _compare(*arguments: object) -> int:
    return main(["eval", "--compare", *map(str, arguments)])


def test_side_by_side_on_the_terminal(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _compare(runs / "whole", runs / "fog", "--resamples", 50) == 0
    shown = capsys.readouterr().out
    assert f"A: {runs / 'whole'}: clusters\n" in shown
    assert "clusters (corruption fog:1)" in shown
    assert "simulated: Objects by class group" in shown
    assert "from 50 draws" in shown
    assert "do not tell which frames belong to one drive" in " ".join(shown.split())
    assert "worse" in shown


def test_as_json_and_as_a_page_with_pictures(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _compare(runs / "whole", runs / "fog", "--resamples", 50, "--output", tmp_path / "c", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "c" / "compare.json").read_text())
    (source,) = printed["sources"]
    recall = next(r for r in source["rows"] if (r["category"], r["measure"]) == ("vehicle", "R"))
    metrics = [json.loads((runs / name / "metrics.json").read_text()) for name in ("whole", "fog")]
    rows = [next(r for r in m["sources"][0]["rows"] if r["category"] == "vehicle") for m in metrics]
    assert [recall["a"], recall["b"]] == pytest.approx([row["recall"] for row in rows])
    lost = source["frames_that_lost"]
    assert lost
    html = (tmp_path / "c" / "compare.html").read_text()
    assert html.count("data:image/jpeg;base64,") == 3 * min(len(lost), 3)
    assert "http" not in html.replace("http-equiv", "")


def test_without_the_dataset_or_the_predictions_there_are_no_pictures_and_the_page_says_why(
    runs: Path, tmp_path: Path
) -> None:
    for name in ("whole", "fog"):
        shutil.copytree(runs / name, tmp_path / name)

    def page() -> str:
        assert _compare(tmp_path / "whole", tmp_path / "fog", "--resamples", 9, "--output", tmp_path / "c") == 0
        return (tmp_path / "c" / "compare.html").read_text()

    shutil.rmtree(tmp_path / "fog" / "predictions")
    assert "No pictures: " in page()
    noted = tmp_path / "whole" / "sources.json"
    noted.write_text(json.dumps(json.loads(noted.read_text()) | {"simulated": str(tmp_path / "moved")}))
    assert "No pictures: its frames cannot be opened again" in page()
    noted.unlink()
    assert "does not tell how its frames were opened" in page()


def test_stored_predictions_without_some_frames(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(runs / "whole" / "predictions", tmp_path / "kept")
    for file in (tmp_path / "kept" / "simulated").glob("000002.*"):
        file.unlink()
    options = ["--predictions", str(tmp_path / "kept"), "--allow-missing", "--head", "clusters", "--no-report"]
    options += ["--simulated", str(runs / "frames"), "--workers", "1", "--output", str(tmp_path / "part")]
    assert main(["eval", *options]) == 0
    capsys.readouterr()
    assert _compare(runs / "whole", tmp_path / "part", "--output", tmp_path / "c", "--resamples", 9) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "B had no result for 1 frames: nothing was found there." in shown
    assert f"B: {tmp_path / 'part'}: {tmp_path / 'kept'}" in shown
    assert (tmp_path / "c" / "compare.html").read_text().count("data:image/jpeg;base64,") == 3
    (source,) = json.loads((tmp_path / "c" / "compare.json").read_text())["sources"]
    assert [frame["frame"] for frame in source["frames_that_lost"]] == ["simulated/000002"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--predictions", "kept"], "leave out --predictions"),
        (["--simulated"], "leave out --simulated"),
        (["--resamples", "0"], "--resamples must be 1 or more"),
        (["--resample-seed", "-1"], "--resample-seed must be 0 or more"),
    ],
)
def test_options_that_make_no_sense(
    runs: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _compare(runs / "whole", runs / "fog", *arguments) == 2
    assert says in capsys.readouterr().err


def test_folders_that_are_no_runs_and_frames_that_are_missing(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _compare(runs / "whole", runs / "frames") == 2
    assert "is no folder of an evaluation" in capsys.readouterr().err
    shutil.copytree(runs / "fog", tmp_path / "part")
    (tmp_path / "part" / "scores" / "simulated" / "000001.safetensors").unlink()
    assert _compare(runs / "whole", tmp_path / "part") == 2
    assert "1 of 6 frames of simulated have no scores (number 1)" in capsys.readouterr().err
    assert _compare(runs / "whole", tmp_path / "part", "--allow-missing", "--resamples", 9) == 0
    assert "Left out: 1 frames that only A has and 0 that only B has" in " ".join(capsys.readouterr().out.split())
