"""Recordings as .rrd files, read back with Rerun's own reader, and its viewer on the loopback interface."""

from __future__ import annotations

import http.client
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.drawing.shown import LAYERS
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.replay import rerun_server
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import Look
from bevseg.replay.predictions import StoredPredictions
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.rerun_cameras import cameras
from bevseg.replay.rerun_plots import curves_of
from bevseg.replay.rerun_server import HOST, free_ports, open_viewer, page_policy, page_server, without_other_hosts
from bevseg.replay.rerun_view import RerunView, stream_rerun, write_rerun

SCORING = Scoring(MatchRule(min_points=5))
VIEW = RerunView(Look("drive"), ("stored",), SCORING)
NEEDS_RERUN = pytest.mark.rerun


@pytest.fixture
def recording(drive: Source, stored: Path) -> Recording:
    return Recording(drive, (Predictor("stored", StoredPredictions.find(stored, "drive").predict),), SCORING)


def _write(path: Path, frames: list[Frame | BrokenFrame], view: RerunView = VIEW) -> Any:
    import rerun as rr

    with write_rerun(path, frames, view) as written:
        assert list(written) == list(range(1, len(frames) + 1))
        assert not path.exists()
    return rr.dataframe.load_recording(path)


def _column(recorded: Any, path: str, component: str, index: str = "frame") -> list[Any]:
    table = recorded.view(index=index, contents=path).select().read_all()
    (name,) = [name for name in table.column_names if name.startswith(f"{path}:") and name.endswith(component)]
    return list(table[name].to_pylist())


@NEEDS_RERUN
def test_all_frames_are_in_the_file(recording: Recording, tmp_path: Path) -> None:
    frames = [recording.read(k) for k in range(3)]
    recorded = _write(tmp_path / "new" / "a.rrd", frames)
    ego = "/world/ego"
    assert [len(xyz) for xyz in _column(recorded, f"{ego}/result/points/class", "Position3D")] == [360] * 3
    np.testing.assert_allclose(
        _column(recorded, f"{ego}/result/points/object", "Position3D")[1],
        frames[1].cloud.xyz,  # type: ignore[union-attr]
    )
    assert [len(labels) for labels in _column(recorded, f"{ego}/result/boxes", "Text")] == [3] * 3
    assert sorted(_column(recorded, f"{ego}/result/boxes", "object_id")[2]) == [1, 2, 3]
    assert _column(recorded, "/plots/result/counts/objects", "Scalar") == [[3.0]] * 3
    assert _column(recorded, "/plots/result/failures/found", "Scalar") == [[3.0]] * 3
    paths = {column.entity_path for column in recorded.schema().component_columns()}
    assert {f"{ego}/result/{layer}" for layer in ("ground", "masks/visible", "truth", "velocity", "trails")} <= paths
    assert {f"{ego}/rings", f"{ego}/vehicle", f"{ego}/from_above", f"{ego}/from_behind"} <= paths


@NEEDS_RERUN
def test_the_file_has_both_time_lines_and_passes_rerun_s_own_check(recording: Recording, tmp_path: Path) -> None:
    import rerun_cli

    path = tmp_path / "a.rrd"
    recorded = _write(path, [recording.read(k) for k in (0, 2)])
    assert {column.name for column in recorded.schema().index_columns()} >= {"frame", "time"}
    assert len(_column(recorded, "/world/ego/result/boxes", "Text", index="time")) == 2
    program = Path(rerun_cli.__file__).with_name("rerun")
    checked = subprocess.run([program, "rrd", "verify", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@NEEDS_RERUN
def test_two_results_have_a_path_each(recording: Recording, tmp_path: Path) -> None:
    (only,) = recording.predictors
    both = Recording(recording.source, (only, replace(only, name="other")), SCORING)
    recorded = _write(tmp_path / "a.rrd", [both.read(0)], replace(VIEW, names=("stored", "other")))
    for slot in "ab":
        assert len(_column(recorded, f"/world/ego/{slot}/boxes", "Text")) == 1


@NEEDS_RERUN
def test_layers_that_are_off_are_not_there(recording: Recording, tmp_path: Path) -> None:
    look = replace(VIEW.look, layers=LAYERS - {"points", "ground", "rings"})
    recorded = _write(tmp_path / "a.rrd", [recording.read(0)], replace(VIEW, look=look))
    paths = {column.entity_path for column in recorded.schema().component_columns()}
    assert not any(f"/{layer}" in path for path in paths for layer in ("points", "ground", "rings"))


@NEEDS_RERUN
def test_a_broken_frame_clears_the_scene_and_says_why(recording: Recording, tmp_path: Path) -> None:
    recorded = _write(tmp_path / "a.rrd", [BrokenFrame(0, 6, "the file is cut off"), recording.read(1)])
    assert _column(recorded, "/notes", "Text") == [["frame 0 cannot be shown: the file is cut off"]]
    cleared = [
        c.entity_path for c in recorded.schema().component_columns() if c.component_name.endswith("ClearIsRecursive")
    ]
    assert "/world/ego" in cleared


@NEEDS_RERUN
def test_a_frame_without_result_has_a_note_and_no_values(recording: Recording, stored: Path, tmp_path: Path) -> None:
    for end in (".json", ".npz"):
        (stored / "predictions" / "drive" / f"000000{end}").unlink()
    recorded = _write(tmp_path / "a.rrd", [recording.read(0)])
    assert _column(recorded, "/notes", "Text") == [["no result for frame 000000"]]
    assert not any(column.entity_path.startswith("/plots") for column in recorded.schema().component_columns())


@NEEDS_RERUN
def test_an_interrupted_export_leaves_nothing(recording: Recording, tmp_path: Path) -> None:
    def interrupted() -> Iterator[Frame | BrokenFrame]:
        yield recording.read(0)
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt), write_rerun(tmp_path / "a.rrd", interrupted(), VIEW) as written:
        list(written)
    assert sorted(tmp_path.iterdir()) == before


@NEEDS_RERUN
def test_the_viewer_is_served_to_this_machine_alone(recording: Recording) -> None:
    with open_viewer(in_window=False) as viewer:
        assert list(stream_rerun(viewer, [recording.read(0)], VIEW)) == [1]
        assert viewer.page_url.startswith("http://127.0.0.1:")
        connection = http.client.HTTPConnection(viewer.page_url.removeprefix("http://").partition("/")[0], timeout=120)
        connection.request("GET", "/")
        answer = connection.getresponse()
        page = answer.read()
        assert answer.status == 200
        assert "connect-src 'self' http://127.0.0.1:" in (answer.getheader("Content-Security-Policy") or "")
        assert b"Rerun" in page
        assert b"fonts.googleapis.com" not in page
        connection.close()
    assert viewer.process.poll() is not None


def test_the_page_may_talk_to_nobody_else() -> None:
    assert "connect-src 'self' http://127.0.0.1:4321" in page_policy(4321)
    page = b'<head><link rel="preconnect" href="https://elsewhere"/><link rel="icon" href="favicon.svg"/></head>'
    assert without_other_hosts(page) == b'<head><link rel="icon" href="favicon.svg"/></head>'


def test_ports_are_free_and_no_two_alike() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as taker:
        taker.bind((HOST, ports[0]))


def test_a_taken_port_of_pages_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(rerun_server, "_PAGE_PORT", port)
        with page_server(BaseHTTPRequestHandler) as server:
            assert server.server_port not in (0, port)


def test_curves_of_a_frame(recording: Recording) -> None:
    frame = recording.read(0)
    assert isinstance(frame, Frame)
    (prediction,) = frame.predictions
    timed = replace(prediction, scene=replace(prediction.scene, timings_ms={"network": 30.0, "decode": 2.0}))
    curves = curves_of(timed, num_points=360)
    assert curves["latency_ms"] == {"network": 30.0, "decode": 2.0, "all": 32.0}
    assert curves["counts"] == {"objects": 3.0, "hidden": 0.0, "order": 0.0, "kilopoints": 0.36}
    assert curves["scores"] == pytest.approx({"mean": 0.9, "least": 0.9})
    assert curves["failures"]["found"] == 3.0
    assert not any(curves_of(replace(prediction, note="none"), num_points=360).values())


def test_cameras_see_what_is_before_them() -> None:
    above, behind = cameras(-1.8)
    places = np.array([[10.0, 0.0, -1.8], [20.0, 5.0, -1.8], [-100.0, 0.0, 0.0], [500.0, 0.0, 0.0]])
    pixels = above.pixels_of(places)
    np.testing.assert_allclose(pixels[:2], [[640.0, 512.0], [640.0 - 70.0, 512.0 - 140.0]])
    assert np.isnan(pixels[2:]).all()
    seen = behind.pixels_of(places)
    assert seen[1, 0] < 640 < seen[0, 0] + 1e-6  # what is left of the vehicle is left in the picture
    assert np.isnan(seen[2]).all()
