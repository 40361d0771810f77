"""`bevseg bench --opening` on short recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bevseg.cli import main
from bevseg.commands import opening_speed
from bevseg.commands.opening_speed import Opening

pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening_speed, "_STARTS", 1)
    monkeypatch.setattr(opening_speed, "LAYOUTS", ("nuscenes",))


def test_a_recording_is_opened_and_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--opening", "--frames", "6", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["starts"], said["played"]) == (1, 6)
    (row,) = said["rows"]
    assert (row["layout"], row["kind"], row["frames"]) == ("nuscenes", "nuscenes", 6)
    assert 0.1 < row["first_frame_s"] == row["slowest_s"] < 60
    assert row["late_mb"] > 50
    assert row["index_s"] > 0.1
    assert row["index_mb"] > 50


def test_it_is_told_as_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Opening("nuscenes", "nuscenes", 1234, (0.5, 0.75, 0.25), (10.0, 20.0, 30.0, 40.0), None)
    monkeypatch.setattr(opening_speed, "_measured", lambda *_: measured)
    assert main(["bench", "--opening", "--frames", "6"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "memory over 6 frames" in " ".join(told)
    assert told[-2].split() == ["nuscenes", "1,234", "0.50", "0.75", "30", "40"]
    assert measured.as_json()["index_s"] is None


def test_memory_that_grows_shows_and_that_of_the_start_does_not() -> None:
    def memory(*memory_mb: float) -> tuple[float, float]:
        opening = Opening("points", "points", 9, (1.0,), memory_mb)
        return opening.early_mb, opening.late_mb

    start = (900.0, 100.0)
    assert memory(*start, 150.0, 149.0, 150.0, 151.0, 148.0, 149.0) == (150.0, 149.0)
    assert memory(*start, 150.0, 160.0, 170.0, 180.0, 190.0, 0.0) == (170.0, 190.0)
    assert memory(7.0) == (7.0, 7.0)


def test_a_recording_that_cannot_be_shown_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "0.bin").write_bytes(b"12345")
    with pytest.raises(OSError, match=r"(?s)ended with exit code 1: .*cut off"):
        opening_speed._replayed(tmp_path, "0", tmp_path / "pictures")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--frames", "9"], "--frames is for --opening"),
        (["--replay", "--frames", "9"], "--frames is for --opening"),
        (["--opening", "--frames", "0"], "expected 1 to 50000 frames, got 0"),
    ],
)
def test_wrong_use_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(["bench", *arguments]) == 2
    assert words in capsys.readouterr().err
