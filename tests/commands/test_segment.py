"""`bevseg segment` from the command line, with a small untrained network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from bevseg.cli import main
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.points.formats import write_points
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import Scene
from bevseg.results.scene_file import read_scene

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def scan(tmp_path: Path, street: PointCloud) -> Path:
    path = tmp_path / "in" / "scan.pcd.bin"
    path.parent.mkdir()
    write_points(path, street)
    return path


@pytest.fixture
def segment(tmp_path: Path, tiny_checkpoint: Path) -> Callable[..., int]:
    """Runs the command into `out`."""

    def run(*arguments: object) -> int:
        fixed = ["--output", str(tmp_path / "out"), "--checkpoint", str(tiny_checkpoint), "--precision", "fp32"]
        return main(["segment", *fixed, *(str(argument) for argument in arguments)])

    return run


def test_a_scan_becomes_three_files(
    segment: Callable[..., int],
    scan: Path,
    tmp_path: Path,
    street: PointCloud,
    tiny_checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert segment(scan, "--min-score", "0", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    (frame,) = said["frames"]
    assert frame["file"] == str(scan)
    assert frame["results"] == str(tmp_path / "out" / "scan")
    assert frame["points"] == len(street)
    assert (frame["note"], said["failures"]) == (None, [])
    scene = read_scene(frame["results"])
    assert len(scene.instances) == frame["objects"] > 0
    assert len(scene.points.semantic) == len(street)
    assert scene.grid == BevSegmenter.from_checkpoint(tiny_checkpoint).config.grid
    # nuScenes' own axes: its y is our x.
    np.testing.assert_array_equal(scene.T_output_from_input.apply(np.array([[0.0, 1.0, 0.0]])), [[1.0, 0.0, 0.0]])
    picture = cv2.imread(f"{frame['results']}.png")
    assert picture is not None
    assert picture.std() > 0


def test_options_change_what_comes_out(segment: Callable[..., int], scan: Path, tmp_path: Path) -> None:
    assert segment(scan, "--no-overlay", "--min-score", "1", "--input-frame", "x-forward") == 0
    scene = read_scene(tmp_path / "out" / "scan")
    assert len(scene.instances) == 0
    np.testing.assert_array_equal(scene.T_output_from_input.matrix, np.eye(4))
    assert not (tmp_path / "out" / "scan.png").exists()


def test_columns_are_those_that_are_told(
    segment: Callable[..., int], tmp_path: Path, street: PointCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.bin"
    path.write_bytes(np.c_[street.xyz[:, 2], street.xyz[:, :2], np.full(len(street), 9.0)].astype("<f4").tobytes())
    assert segment(path, "--columns", "z,x,y,_", "--json") == 0
    assert json.loads(capsys.readouterr().out)["frames"][0]["note"] is None


def test_a_batch_goes_on_past_bad_files_and_lists_them(
    segment: Callable[..., int], scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut, other = scan.parent / "cut.pcd.bin", scan.parent / "z.pcd.bin"
    cut.write_bytes(scan.read_bytes()[:-3])
    shutil.copy(scan, other)
    assert segment(scan.parent, "--no-overlay") == 1
    printed = capsys.readouterr()
    assert "2 of 3 files" in printed.out
    assert printed.err.splitlines()[0] == "bevseg: 1 failed:"
    assert f"{cut}: " in printed.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan.json", "scan.npz", "z.json", "z.npz"]


def test_files_of_one_name_keep_their_own_results(segment: Callable[..., int], scan: Path, tmp_path: Path) -> None:
    twin = tmp_path / "other" / scan.name
    twin.parent.mkdir()
    twin.write_bytes(b"")
    assert segment(scan, twin, "--no-overlay") == 0
    assert len(read_scene(tmp_path / "out" / "in-scan").points.semantic) > 0
    assert len(read_scene(tmp_path / "out" / "other-scan").points.semantic) == 0


def test_inputs_are_never_overwritten(
    segment: Callable[..., int], tmp_path: Path, street: PointCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out" / "scan.npz"
    path.parent.mkdir()
    write_points(path, street)
    before = path.read_bytes()
    assert segment(path) == 2
    assert "Choose another folder with --output" in capsys.readouterr().err
    assert path.read_bytes() == before


POINT = np.array([[5.0, 0.0, -1.0, 0.5]])


@pytest.mark.parametrize(
    ("rows", "points", "note"),
    [
        (np.zeros((0, 4)), 0, "no points"),
        (POINT, 1, None),
        (POINT * [[1000, 1, 1, 1]], 1, "none of its 1 points lies on the model's grid"),
        (POINT * [[1e8, 1, 1, 1]], 1, "none of its 1 points lies on the model's grid"),
        (POINT * [[1e30, 1, 1, 1]], 0, "all 1 points have coordinates that are no place"),
        (POINT * [[np.nan, 1, 1, 1]], 0, "all 1 points have coordinates that are no place"),
        (np.full((50, 4), np.nan), 0, "all 50 points have coordinates that are no place"),
        (np.full((50, 4), -np.inf) * [[1, 1, 1, -1]], 0, "all 50 points have coordinates that are no place"),
        (np.repeat(POINT, 1000, axis=0), 1000, None),
    ],
)
@pytest.mark.parametrize("head", ["network", "clusters"])
def test_strange_clouds_give_a_valid_scene(
    segment: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: np.ndarray,
    points: int,
    note: str | None,
    head: str,
) -> None:
    path = tmp_path / "strange.bin"
    path.write_bytes(rows.astype("<f4").tobytes())
    # Well above 0.5, where an untrained network scores everything.
    assert segment(path, "--json", "--head", head, "--min-score", "0.9", "--intensity-full-scale", "1") == 0
    (frame,) = json.loads(capsys.readouterr().out)["frames"]
    assert (frame["points"], frame["objects"]) == (points, 0)
    assert frame["dropped"] == len(rows) - points
    assert (note is None) == (frame["note"] is None)
    assert note is None or frame["note"].startswith(note)
    scene = read_scene(frame["results"])
    assert scene.points.semantic.shape == (points,)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.bin", b"\0" * 31, "cut off or has other columns"),
        ("five.bin", np.full((4, 5), [1, 2, 3, 4, -5], "<f4").tobytes(), "columns"),
        ("empty.pcd", b"", "empty.pcd"),
        ("empty.ply", b"", "empty.ply"),
        ("empty.npy", b"", "empty.npy"),
        ("notes.txt", b"hello", "unknown kind of point file; known are .pcd.bin"),
    ],
)
def test_what_is_no_point_file_is_refused_in_one_line(
    segment: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
    message: str,
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert segment(path) == 2
    (head, line) = capsys.readouterr().err.splitlines()
    assert head == "bevseg: 1 failed:"
    assert str(path) in line
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{empty}"], "holds no point files"),
        (["{missing}"], "no such file or folder"),
        (["{scan}", "--threads", "0"], "--threads must be 1 or more"),
        (["{scan}", "--checkpoint", "bevseg-xl"], "no checkpoint called 'bevseg-xl' ships"),
        (["{scan}", "--checkpoint", "{missing}.safetensors"], "no checkpoint at"),
        (["{scan}", "--head", "clusters", "--policy", "stuff-protected"], "--policy is for --head network"),
        (["{scan}", "--output", "{scan}"], "--output"),
    ],
)
def test_wrong_use_is_refused(
    segment: Callable[..., int],
    scan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"scan": scan, "empty": tmp_path / "empty", "missing": tmp_path / "missing"}
    assert segment(*(argument.format(**places) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert error.startswith("bevseg: ")
    assert message in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scores", ["x", "1.5", "nan", "0.1,0.2", ""])
def test_scores_are_one_or_four_shares(segment: Callable[..., int], scan: Path, scores: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        segment(scan, f"--min-score={scores}")
    assert stopped.value.code == 2


def _nested(*keys: str) -> Edit:
    """Puts a key that nobody knows below `keys`."""

    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            config = config[key]
        config["surprise"] = 1

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_nested(), "surprise"),
        (_nested("grid"), "grid.surprise"),
        (_nested("decode"), "decode.surprise"),
        (_nested("encoder"), "encoder.surprise"),
        (lambda config: config.update(precision="int3"), "precision"),
        (lambda config: config["encoder"].update(channels=[8, 8, 8, 16]), "does not fit this network"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(
    segment: Callable[..., int],
    scan: Path,
    tmp_path: Path,
    tiny_checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
    edit: Edit,
    message: str,
) -> None:
    with safe_open(tiny_checkpoint, framework="pt") as stored:
        header = dict(stored.metadata())
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
    config = yaml.safe_load(header["config"])
    edit(config)
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, {**header, "config": yaml.safe_dump(config)})
    assert segment(scan, "--checkpoint", other) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "damage", [lambda data: b"not a checkpoint", lambda data: data[: len(data) // 2], lambda data: b""]
)
def test_a_damaged_checkpoint_is_refused(
    segment: Callable[..., int],
    scan: Path,
    tmp_path: Path,
    tiny_checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[bytes], bytes],
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(damage(tiny_checkpoint.read_bytes()))
    assert segment(scan, "--checkpoint", broken) == 2
    assert "is not readable as safetensors" in capsys.readouterr().err


def test_clusters_find_a_car_without_a_checkpoint(
    scan: Path, tmp_path: Path, street: PointCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "clusters"
    arguments = ["segment", str(scan), "--output", str(out), "--head", "clusters", "--checkpoint", "none.safetensors"]
    assert main([*arguments, "--no-overlay"]) == 0
    assert "car" in capsys.readouterr().out
    scene = read_scene(out / "scan")
    assert scene.instances.label.tolist() == [SemanticClass.CAR]
    assert set(np.unique(scene.points.semantic)) == {0, SemanticClass.CAR}


def test_a_defect_in_one_scan_does_not_stop_the_others(
    segment: Callable[..., int],
    scan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    (scan.parent / "a.bin").write_bytes(b"")
    real = BevSegmenter.segment

    def fails_without_points(segmenter: BevSegmenter, cloud: PointCloud) -> Scene:
        if not len(cloud):
            raise IndexError("of a kind that no input should raise")
        return real(segmenter, cloud)

    monkeypatch.setattr(BevSegmenter, "segment", fails_without_points)
    assert segment(scan.parent, "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert said["failures"] == [
        {"file": str(scan.parent / "a.bin"), "error": "IndexError: of a kind that no input should raise"}
    ]
    assert [frame["file"] for frame in said["frames"]] == [str(scan)]
    assert "please report it" in caplog.text


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError("99 GiB"), "not enough memory for this file (99 GiB)"),
        (ImportError("No module named 'laspy'", name="laspy"), "pip install 'bevseg[datasets]'"),
    ],
)
def test_what_a_file_needs_too_much_of_is_its_failure(
    segment: Callable[..., int],
    scan: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    message: str,
) -> None:
    def fails(segmenter: BevSegmenter, cloud: PointCloud) -> Scene:
        raise error

    monkeypatch.setattr(BevSegmenter, "segment", fails)
    assert segment(scan) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("millions", [pytest.param(2, id="2M"), pytest.param(10, marks=pytest.mark.slow, id="10M")])
def test_millions_of_points_only_take_longer(
    segment: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], millions: int
) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform([-60, -60, -2.5, 0], [60, 60, 3, 1], (millions * 1_000_000, 4)).astype("<f4")
    path = tmp_path / "dense.bin"
    path.write_bytes(points.tobytes())
    assert segment(path, "--json") == 0
    (frame,) = json.loads(capsys.readouterr().out)["frames"]
    assert frame["points"] == millions * 1_000_000
    assert len(read_scene(frame["results"]).points.semantic) == millions * 1_000_000


def test_threads_are_set(segment: Callable[..., int], scan: Path) -> None:
    assert segment(scan, "--threads", "1", "--no-overlay") == 0
    assert torch.get_num_threads() == 1
