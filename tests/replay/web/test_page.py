from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

from bevseg.cli import main
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.web.pack import PAGE_BYTES, FramePacker
from bevseg.replay.web.page import MOST_FRAMES, Clip, bytes_of_frame, write_page


def _write(path: Path, frames: list[Frame | BrokenFrame], title: str = "drive") -> str:
    with write_page(path, frames, FramePacker(), Clip(title, 10.0), workers=1) as packed:
        assert list(packed) == list(range(1, len(frames) + 1))
        assert not path.exists()
    return path.read_text()


def test_a_page_holds_everything_and_asks_for_nothing(clip: list[Frame | BrokenFrame], tmp_path: Path) -> None:
    page = _write(tmp_path / "new" / "clip.html", clip, title="a <b> & </script>")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "default-src &#x27;none&#x27;" in page
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", page)
    assert "<title>a &lt;b&gt; &amp; &lt;/script&gt;</title>" in page
    assert len(re.findall(r'<script type="text/plain"', page)) == 4
    summaries = [json.loads(text) for text in re.findall(r'id="summary\d">(.*?)</script>', page)]
    assert [summary["index"] for summary in summaries] == [0, 1, 2, 3]
    assert summaries[2]["broken"] == "cut off after 12 bytes; copy </script> it again"
    assert "replay.complete(4);" in page


def test_frames_are_taken_one_after_the_other(make: Callable[..., Frame], tmp_path: Path) -> None:
    taken: list[int] = []

    def frames() -> Iterator[Frame]:
        for index in range(3):
            taken.append(index)
            yield make(index, (0,))

    with write_page(tmp_path / "clip.html", frames(), FramePacker(), Clip("drive"), workers=1) as packed:
        for count in packed:
            assert len(taken) == count


def test_the_words_for_every_sight_are_there() -> None:
    from bevseg.replay.search import SIGHTS

    script = resources.files("bevseg.replay.web").joinpath("tables.js").read_text()
    words = script[script.index("SIGHT_WORDS") : script.index("};")]
    assert set(re.findall(r"^  \"?([a-z-]+)\"?:", words, re.MULTILINE)) == set(SIGHTS)


@pytest.mark.parametrize("frames", [0, MOST_FRAMES + 1])
def test_clips_that_are_none_are_refused(make: Callable[..., Frame], tmp_path: Path, frames: int) -> None:
    broken = [BrokenFrame(k, frames, "cut off") for k in range(frames)]
    with (
        pytest.raises(ValueError, match=rf"1 to 100 frames, got {frames}"),
        write_page(tmp_path / "clip.html", broken, FramePacker(), Clip("drive"), workers=1) as packed,
    ):
        list(packed)
    assert list(tmp_path.iterdir()) == []


def test_what_stops_leaves_the_old_page(clip: list[Frame | BrokenFrame], tmp_path: Path) -> None:
    path = tmp_path / "clip.html"
    path.write_text("old")

    def stopped() -> Iterator[Frame | BrokenFrame]:
        yield clip[0]
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        write_page(path, stopped(), FramePacker(), Clip("drive"), workers=1) as packed,
    ):
        list(packed)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_many_frames_have_less_room_each() -> None:
    assert bytes_of_frame(100) * 100 <= PAGE_BYTES
    assert bytes_of_frame(0) == bytes_of_frame(1) == PAGE_BYTES


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive, page = tmp_path / "drive", tmp_path / "clip.html"
    assert (
        main(["simulate", "--drive", "--frames", "3", "--sensor", "vlp-16", "--out", str(drive), "--workers", "1"]) == 0
    )
    arguments = ["replay", str(drive), "--view", "web", "--workers", "1"]
    assert main([*arguments, "--output", str(page), "--layers=-arrows", "--points", "height"]) == 0
    assert "3 frames in" in capsys.readouterr().out
    about = json.loads(re.findall(r'id="about">(.*?)</script>', page.read_text())[0])
    assert (about["title"], about["coloring"], about["framesPerSecond"]) == ("drive", "height", 10.0)
    assert "arrows" not in about["layers"]
    assert main([*arguments, "--output", str(tmp_path / "clip.mp4")]) == 2
    assert "--output FILE.html" in capsys.readouterr().err
    assert main([*arguments, "--output", str(page), "--watch"]) == 2
    assert "--watch does not go with --view web" in capsys.readouterr().err
