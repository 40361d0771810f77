"""`bevseg replay` on a short simulated drive with stored results."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from bevseg import cli
from bevseg.commands.output import ExitCode
from bevseg.commands.replay import add_arguments
from bevseg.commands.replayed import open_replayed
from bevseg.datasets.open import OpenOptions, open_source
from bevseg.points.formats import write_points

SMALL = ("--size", "640x360", "--workers", "1")


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = cli.main(["replay", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out + told.err


def _frames(path: Path) -> int:
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


def test_a_video_and_a_sheet(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, sheet = tmp_path / "new" / "a.mp4", tmp_path / "a.png"
    code, told = _run(
        capsys, clip / "drive", "--predictions", clip / "results", "--output", out, "--sheet", sheet, *SMALL
    )
    assert code == ExitCode.OK, told
    assert _frames(out) == 4
    assert sheet.is_file()
    assert f"4 frames in {out}" in told


def test_the_summary_is_json(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(
        ["replay", str(clip / "drive"), "--predictions", str(clip / "results"), "--json", "--find", "hidden:0.0"]
    )
    told = json.loads(capsys.readouterr().out)
    assert code == ExitCode.OK
    assert (told["kind"], told["frames"], told["drawn"], told["output"]) == ("bevseg-frames", 4, [], None)
    assert [found["index"] for found in told["found"]] == [0, 1, 2, 3]


def test_a_search_in_a_comparison_counts_for_each(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(clip / "results", tmp_path / "fewer")
    for end in (".json", ".npz"):
        (tmp_path / "fewer" / f"000002{end}").unlink()
    both = ("--compare", clip / "results", tmp_path / "fewer")
    code, told = _run(capsys, clip / "drive", *both, "--find", "hidden:0.0", "--frames", "1,2")
    assert code == ExitCode.OK, told
    lines = told.splitlines()
    assert re.fullmatch(r"frame      1  000001  results (\d+), fewer \1, the worst in results: \d+ % hidden", lines[-3])
    assert re.fullmatch(r"frame      2  000002  results \d+, fewer 0, the worst in results: \d+ % hidden", lines[-2])
    assert lines[-1] == "2 frames show hidden:0.0, results in 2, fewer in 1"
    assert cli.main(["replay", str(clip / "drive"), *map(str, both), "--find", "broken", "--json"]) == ExitCode.OK
    (found,) = json.loads(capsys.readouterr().out)["found"]
    assert (found["index"], found["count"], found["counts"]) == (2, 1, {"results": 0, "fewer": 1})
    assert found["reason"] == "fewer: no result for frame 000002"


def test_the_page_of_a_run_calls_its_result_by_the_run(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, page = tmp_path / "run7" / "predictions" / "drive", tmp_path / "a.html"
    shutil.copytree(clip / "results", folder)
    arguments = ("--predictions", folder, "--view", "web", "--frames", "0", "--workers", "1", "--output", page)
    code, told = _run(capsys, clip / "drive", *arguments)
    assert code == ExitCode.OK, told
    (summary,) = re.findall(r'id="summary0">(.*?)</script>', page.read_text())
    assert json.loads(summary)["results"] == ["run7"]


def test_a_search_for_broken_frames_says_which_and_why(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive = tmp_path / "drive"
    shutil.copytree(clip / "drive", drive)
    scan = sorted(drive.iterdir())[1]
    scan.write_bytes(scan.read_bytes()[:500])
    code, told = _run(capsys, drive, "--find", "broken")
    assert code == ExitCode.OK
    first, last = told.splitlines()[-2:]
    assert re.match(r"frame      1  \S+000001\.npz is cut off, damaged or no", first), "such a file holds its name"
    assert last == "1 frames show broken"


def test_the_truth_alone_as_pictures_of_chosen_frames(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = _run(
        capsys, clip / "drive", "--from", "0.1s", "--to", "000003", "--step", "2", "--output", tmp_path / "p", *SMALL
    )
    assert code == ExitCode.OK, told
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["000001.png", "000003.png"]


def test_two_results_side_by_side(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = ("--compare", clip / "results", clip / "results")
    code, told = _run(capsys, clip / "drive", *both, "--frames", "0,-1", "--output", tmp_path / "c.mp4", *SMALL)
    assert code == ExitCode.OK, told
    assert _frames(tmp_path / "c.mp4") == 2


def test_a_checkpoint_segments_as_it_is_shown(
    clip: Path, tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = _run(
        capsys, clip / "drive", "--checkpoint", tiny_checkpoint, "--frames", "1", "--output", tmp_path / "c.mp4", *SMALL
    )
    assert code == ExitCode.OK, told
    assert _frames(tmp_path / "c.mp4") == 1


def test_a_broken_frame_becomes_a_card(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive, results = tmp_path / "drive", tmp_path / "results"
    shutil.copytree(clip / "drive", drive)
    shutil.copytree(clip / "results", results)
    scan = sorted(drive.iterdir())[1]
    scan.write_bytes(scan.read_bytes()[:500])
    (results / "000002.json").write_text('{"schema_version": 7}')
    for end in (".json", ".npz"):
        (results / f"000003{end}").unlink()
    code, told = _run(capsys, drive, "--predictions", results, "--output", tmp_path / "a.mp4", *SMALL)
    assert code == ExitCode.PARTIAL
    assert _frames(tmp_path / "a.mp4") == 4
    assert "frame 1 cannot be shown" in told
    assert "is cut off, damaged or no sample file" in told
    assert "schema version 7, this bevseg reads 1 and 2" in told
    assert "1 frames have no result, such as 000003" in told


def test_results_of_another_dataset_are_refused(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "results"
    other.mkdir()
    for path in (clip / "results").iterdir():
        shutil.copy(path, other / f"scan-{path.name}")
    code, told = _run(capsys, clip / "drive", "--predictions", other, "--output", tmp_path / "a.mp4", *SMALL)
    assert code == ExitCode.REFUSED
    assert "no result for any of 4 frames (000000, 000001, 000002, ...); there are results for scan-000000" in told
    assert not (tmp_path / "a.mp4").exists()


def test_a_folder_is_followed_until_nothing_more_comes(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    source = open_source(clip / "drive").source
    for k in range(2):
        write_points(folder / f"{k}.ply", source[k].cloud)
    code, told = _run(capsys, folder, "--watch", "--idle", "1.5", "--output", tmp_path / "w.mp4", *SMALL)
    assert code == ExitCode.OK, told
    assert _frames(tmp_path / "w.mp4") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to write: name a video"),
        (("--truth", "--predictions", "x", "--find", "missed"), "--predictions and --truth do not go together"),
        (("--output", "a.avi"), "--output takes a video, .mp4"),
        (("--sheet", "a.jpg"), "a contact sheet is written as .png"),
        (("--output", "a.mp4", "--step", "0"), "--step must be 1 or more"),
        (("--output", "a.mp4", "--workers", "0"), "--workers must be 1 or more"),
        (("--output", "a.mp4", "--watch", "--find", "missed"), "--watch shows all frames"),
        (("--output", "a.mp4", "--size", "big"), "--size expects pixels"),
        (("--output", "a.mp4", "--layers", "dots"), "expected layers such as"),
        (("--output", "a.mp4", "--from", "9"), "there is no frame 9: the recording has 4"),
        (("--output", "a.mp4", "--from", "3", "--to", "1"), "no frame to show: the last, 1, comes before"),
        (("--output", "a.mp4", "--frames", "token"), "no frame is named 'token'"),
        (("--find", "trouble"), "cannot look for 'trouble'"),
        (("--find", "missed"), "holds results against the truth"),
        (("--output", "a.mp4", "--predictions", "nowhere"), "nowhere: no such folder"),
        (("--output", "a.mp4", "--checkpoint", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = _run(capsys, clip / "drive", *arguments)
    assert code == ExitCode.REFUSED
    assert words in told
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_none_lists_what_was_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = _run(capsys, tmp_path, "--output", tmp_path / "a.mp4")
    assert code == ExitCode.REFUSED
    assert "is no dataset that bevseg reads" in told


def test_watching_is_for_folders(clip: Path, tmp_path: Path) -> None:
    options = argparse.Namespace(
        source=clip / "drive", predictions=None, checkpoint=None, compare=None, no_truth=False, no_tracking=False,
        size="640x360", layers=None, points="object", rate=None,
    )  # fmt: skip
    replayed = open_replayed(options, OpenOptions())
    with pytest.raises(ValueError, match="this one is kitti-object"):
        next(iter(replace(replayed, kind="kitti-object").watched(options)))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (["--truth"], "The truth itself: colours are tracks, not verdicts"),
        (["--predictions", "{}"], "No truth to hold results against: colours are tracks, not verdicts"),
        (["--predictions", "{}", "--no-truth"], "Not held against the truth: colours are tracks, not verdicts"),
        (
            ["--predictions", "{}", "--layers=-difference", "--no-tracking"],
            "The difference to the truth is not shown: colours are ids, not verdicts",
        ),
    ],
)
def test_what_colours_tell_where_they_are_no_verdicts(clip: Path, chosen: list[str], words: str) -> None:
    filled = [word.format(clip / "results") for word in chosen]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = parser.parse_args([str(clip / "drive"), *filled])
    assert open_replayed(options, OpenOptions()).look.colors == words


def test_stored_results_are_replayed_without_torch(clip: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from bevseg.cli import main
code = main(["replay", {str(clip / "drive")!r}, "--predictions", {str(clip / "results")!r}, "--frames", "0",
             "--output", {str(tmp_path / "a.mp4")!r}, "--size", "640x360", "--workers", "1"])
loaded = [name for name in ("torch", "spconv", "tensorboard") if name in sys.modules]
sys.exit(f"exit code {{code}}, loaded {{loaded}}" if code or loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.rerun
def test_a_scene_in_three_dimensions_as_a_file(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import rerun as rr

    out = tmp_path / "new" / "a.rrd"
    code, told = _run(capsys, clip / "drive", "--predictions", clip / "results", "--view", "rerun", "--output", out)
    assert code == ExitCode.OK, told
    assert f"4 frames in {out}" in told
    boxes = rr.dataframe.load_recording(out).view(index="frame", contents="/world/ego/result/boxes")
    assert boxes.select().read_all().num_rows == 4


@pytest.mark.rerun
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_scene_in_the_browser_until_it_is_stopped(clip: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "bevseg", "replay", str(clip / "drive"), "--frames", "1", "--view", "rerun"]
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        page = next(line for line in process.stdout if line.startswith("open http://127.0.0.1:"))
        assert "url=rerun%2Bhttp%3A%2F%2F127.0.0.1%3A" in page
        process.send_signal(stop)
        assert "the viewer is closed" in process.stdout.read()
    assert process.returncode == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--view", "rerun", "--output", "a.mp4"), "--view rerun writes .rrd, got 'a.mp4'"),
        (("--view", "open3d", "--output", "a.mp4"), "without --output it opens a window"),
        (("--view", "open3d", "--watch"), "--watch goes with --view rerun, or with --output"),
        (("--view", "rerun", "--sheet", "a.png"), "--sheet is drawn by --view video, not by rerun"),
    ],
)
def test_what_a_scene_is_not_written_as(
    clip: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = _run(capsys, clip / "drive", *arguments)
    assert code == ExitCode.REFUSED
    assert words in told


def test_without_a_display_the_way_without_one_is_told(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, told = _run(capsys, clip / "drive", "--view", "open3d")
    assert code == ExitCode.REFUSED
    assert "there is no display" in told
    assert "--output FOLDER" in told
    assert "apt-get install xvfb" in told


def test_without_rerun_the_command_that_adds_it_is_told(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    code, told = _run(capsys, clip / "drive", "--view", "rerun", "--output", tmp_path / "a.rrd")
    assert code == ExitCode.REFUSED
    assert "pip install 'bevseg[view]'" in told
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_is_meant(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("")
    code, told = _run(capsys, clip / "drive", "--output", tmp_path / "a" / "b" / "c.mp4", *SMALL)
    assert code == ExitCode.REFUSED
    assert f"'{tmp_path / 'a'}' is a file, not a folder" in told
