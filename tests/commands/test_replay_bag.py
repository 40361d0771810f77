"""`bevseg replay --view mcap` and `--ros` on a short simulated drive."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rosbags.highlevel import AnyReader

from bevseg import cli
from bevseg.commands.output import ExitCode
from bevseg.datasets.bag import BagSource
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.fill import make_message
from bevseg.messages.outputs import OUTPUTS
from bevseg.pipeline import BevSegmenter
from bevseg.replay.bag.messages import LATCHED, TF_STATIC_TOPIC, TF_TOPIC, TYPE_OF_TOPIC, message_types
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.rosbag import write_rosbag

SMALL = ("--size", "640x360", "--workers", "1")
ROS_NODE = Path(__file__).parents[2] / "ros_node"


@pytest.fixture(scope="module")
def clip(clip: Path, clip_source: DriveSource) -> Path:
    """The drive and its results, and the drive as a bag in `bag`."""
    write_rosbag(clip_source, clip / "bag")
    return clip


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = cli.main(["replay", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out + told.err


def _counts(path: Path) -> dict[str, int]:
    with AnyReader([path]) as reader:
        return {connection.topic: connection.msgcount for connection in reader.connections}


@pytest.mark.parametrize("of", ["results", "truth"])
def test_a_file_for_foxglove(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], of: str) -> None:
    results = ("--predictions", clip / "results") if of == "results" else ("--truth",)
    out = tmp_path / "new" / "a.mcap"
    code, told = _run(capsys, clip / "drive", *results, "--view", "mcap", "--output", out, "--from", "1", *SMALL)
    assert code == ExitCode.OK, told
    assert f"3 frames in {out}" in told
    assert _counts(out) == {topic: 1 if topic in LATCHED else 3 for topic in TYPE_OF_TOPIC}


def test_a_checkpoint_on_a_bag_as_if_the_node_had_run(
    clip: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    model = ("--checkpoint", tiny_checkpoint, "--precision", "fp32")
    code, told = _run(capsys, clip / "bag", "--ros", *model, "--output", out, *SMALL)
    assert code == ExitCode.OK, told
    before, after = _counts(clip / "bag"), _counts(out)
    assert {topic: after[topic] for topic in before} == before
    assert set(after) == set(before) | set(TYPE_OF_TOPIC) - {TF_TOPIC, TF_STATIC_TOPIC}
    segmenter, scans = BevSegmenter.from_checkpoint(tiny_checkpoint), BagSource(clip / "bag")
    expected = {}
    for k in range(len(scans)):
        cloud = scans[k].cloud
        scene = segmenter.segment(cloud)
        header = HeaderFields(TimeFields.from_ns(int(scans.times_ns[k])), "lidar")
        for spec in OUTPUTS:
            if f"/bevseg/output/{spec.name}" in TYPE_OF_TOPIC:
                message = make_message(spec.make(scene, cloud, header), message_types().types.__getitem__)
                expected[k, spec.name] = bytes(message_types().serialize_cdr(message, spec.type_name))
    scans.close()
    with AnyReader([out]) as reader:
        for connection in reader.connections:
            name = connection.topic.removeprefix("/bevseg/output/")
            if (0, name) in expected:
                found = [bytes(data) for _, _, data in reader.messages([connection])]
                assert found == [expected[k, name] for k in range(4)]


def test_the_node_runs_its_own_checkpoint_unless_told_otherwise(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (clip / "bag", "--ros", "--output", tmp_path / "out.mcap", *SMALL)
    assert cli.main(["replay", "--json", "--frames", "1", *map(str, arguments)]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["drawn"] == [1]
    assert _counts(tmp_path / "out.mcap")["/lidar/points"] == 1


def test_a_frame_that_cannot_be_read_is_left_out_and_said(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for path in (clip / "results").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "000001.json").write_text("{}")
    arguments = (clip / "drive", "--predictions", folder, "--view", "mcap", "--output", tmp_path / "a.mcap", *SMALL)
    code, told = _run(capsys, *arguments)
    assert code == ExitCode.PARTIAL
    assert "frame 1 cannot be shown" in told
    assert _counts(tmp_path / "a.mcap")["/bevseg/output/objects"] == 3


@pytest.mark.parametrize(
    ("source", "arguments", "words"),
    [
        ("drive", ("--view", "mcap"), "nothing to write"),
        ("drive", ("--view", "mcap", "--output", "a.mp4"), "--view mcap writes a bag: --output FILE.mcap"),
        ("drive", ("--view", "mcap", "--sheet", "a.png"), "--view mcap writes a bag"),
        ("drive", ("--view", "mcap", "--output", "there"), "there exists already: name another bag"),
        ("drive", ("--view", "mcap", "--output", "a.mcap", "--compare", "a", "b"), "--view mcap writes one result"),
        ("drive", ("--view", "mcap", "--output", "a.mcap", "--predictions", "there"), "expected scenes"),
        ("drive", ("--ros", "--predictions", "../results", "--output", "a.mcap"), "--ros takes a bag, scan by scan"),
        ("bag", ("--ros", "--truth", "--output", "a.mcap"), "it does not go with --truth"),
        ("bag", ("--ros", "--watch", "--output", "a.mcap"), "it does not go with --watch"),
        ("bag", ("--ros", "--predictions", "../results", "--sweeps", "2", "--output", "a.mcap"), "--ros takes a bag"),
        ("bag", ("--ros", "--output", "a.mp4"), "--view mcap writes a bag"),
    ],
)
def test_what_cannot_be_done_is_said(
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: str,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    place = clip / "place"
    (place / "there").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(place)
    code, told = _run(capsys, clip / source, *arguments)
    assert code == ExitCode.REFUSED
    assert words in told
    assert [entry.name for entry in place.iterdir()] == ["there"]


def test_the_extra_that_is_missing_is_named(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rosbags.rosbag2", None)
    code, told = _run(capsys, clip / "drive", "--view", "mcap", "--output", tmp_path / "a.mcap", *SMALL)
    assert code == ExitCode.REFUSED
    assert "pip install 'bevseg[datasets]'" in told
    assert list(tmp_path.iterdir()) == []


def test_stored_results_become_a_bag_without_torch(clip: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from bevseg.cli import main
code = main(["replay", {str(clip / "bag")!r}, "--predictions", {str(clip / "results")!r}, "--ros",
             "--output", {str(tmp_path / "a.mcap")!r}, "--size", "640x360", "--workers", "1"])
loaded = [name for name in ("torch", "spconv", "tensorboard") if name in sys.modules]
sys.exit(f"exit code {{code}}, loaded {{loaded}}" if code or loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_layout_for_foxglove_shows_what_is_written() -> None:
    text = (ROS_NODE / "foxglove" / "bevseg_recording.json").read_text(encoding="utf-8")
    assert json.loads(text)["layout"]
    shown = set(re.findall(r"/bevseg/output/(?:picture/compressed|\w+)", text))
    assert {"/bevseg/output/markers", "/bevseg/output/picture/compressed", "/bevseg/output/points"} <= shown
    assert shown <= set(TYPE_OF_TOPIC)


def test_the_sensor_of_a_bag_is_named(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (clip / "bag", "--predictions", clip / "results", "--sheet", tmp_path / "sheet.png", *SMALL)
    code, told = _run(capsys, *arguments, "--sensor-frame", "roof")
    assert code != ExitCode.OK
    words = " ".join(told.split())
    assert "does not connect the sensor's frame 'roof' with 'lidar'" in words
    code, told = _run(capsys, *arguments, "--sensor-frame", "lidar")
    assert code == ExitCode.OK, told
