"""A recording in a window, on a screen that notes what it is told to draw."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.replay.pictures import Look
from bevseg.replay.player import Playback
from bevseg.replay.predictions import StoredPredictions
from bevseg.replay.prefetch import Prefetcher
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.scene_cameras import Eye
from bevseg.replay.scene_geometry import SceneGeometry
from bevseg.replay.scene_picking import Ray
from bevseg.replay.scene_session import Clicked, Event, Pressed, Session
from bevseg.replay.scene_window import WindowState
from bevseg.replay.scene_words import Label, Row

QUIET: list[Event] = []
NEVER = "no window says this"


def _click(x: float, y: float, z: float) -> Clicked:
    along = np.array([x, y, z])
    return Clicked(Ray(np.zeros(3), along / np.linalg.norm(along)))


@dataclass
class Notes:
    """A screen without pixels; each turn takes the next events once the frame before is drawn."""

    turns: list[list[Event]]
    closed_when: str
    drawn: list[SceneGeometry | None] = field(default_factory=list)
    eyes: list[Eye] = field(default_factory=list)
    edges: int = 0
    head: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def poll(self) -> list[Event] | None:
        time.sleep(0.02)  # the reading thread's turn
        if not self.drawn or any("reading" in row for row in self.head):
            return QUIET
        if any(self.closed_when in row for row in self.head):
            return None
        return self.turns.pop(0) if self.turns else None

    def draw(self, geometry: SceneGeometry | None, labels: Sequence[Label]) -> None:
        self.drawn.append(geometry)

    def mark(self, segments: np.ndarray) -> None:
        self.edges = len(segments)

    def look_from(self, eye: Eye) -> None:
        self.eyes.append(eye)

    def write(self, head: tuple[Row, ...], chosen: tuple[Row, ...], keys: tuple[Row, ...]) -> None:
        self.head, self.chosen, self.keys = (
            tuple("  ".join(words.text for words in row) for row in rows) for rows in (head, chosen, keys)
        )


@pytest.fixture
def recording(drive: Source, stored: Path) -> Recording:
    predict = StoredPredictions.find(stored, "drive").predict
    return Recording(drive, (Predictor("stored", predict),), scoring=Scoring(MatchRule(min_points=5)))


def _play(
    recording: Recording, turns: list[list[Event]], state: WindowState, closed_when: str = NEVER
) -> tuple[Notes, Session]:
    screen, clock = Notes(turns, closed_when), itertools.count(0.0, 0.06)  # 60 ms a turn
    with Prefetcher(recording.read) as frames:
        session = Session(screen, frames, Look("drive"), state)
        session.run(lambda: next(clock))
    return screen, session


def test_keys_and_cameras(recording: Recording) -> None:
    turns: list[list[Event]] = [[Pressed("right")], QUIET, [Pressed("4"), Pressed("h")], [Pressed("v")], [Pressed("q")]]
    screen, session = _play(recording, [*turns, QUIET], WindowState(Playback(6)))
    assert session.state.playback.frame == 1
    assert session.tally.frames == 2
    assert len(screen.drawn) == 3  # two frames, and one of them without boxes
    assert screen.drawn[-1] is not None
    assert "boxes" not in screen.drawn[-1].shown.layers
    assert [eye.up.tolist() for eye in screen.eyes] == [[0, 0, 1], [1, 0, 0]]
    assert "frame 1 of 0 to 5" in screen.head[0]
    assert any("play, pause" in row for row in screen.keys)
    assert screen.turns == [QUIET]  # q closes at once


def test_playing_goes_by_the_stamps_and_stops_at_the_end(recording: Recording) -> None:
    playing = WindowState(Playback(6, playing=True, period_s=5.0))
    screen, session = _play(recording, [QUIET] * 10_000, playing, closed_when="paused")  # 10 minutes
    assert session.state.playback.period_s == pytest.approx(0.1)
    assert session.state.playback.frame == 5
    assert not session.state.playback.playing
    assert session.tally.frames == 6
    assert "paused" in screen.head[1]


def test_a_clicked_object_is_told_of_and_followed(recording: Recording) -> None:
    turns: list[list[Event]] = [[_click(10.5, 3.2, -0.8)], QUIET, [Pressed("right")], QUIET, QUIET]
    screen, _ = _play(recording, turns, WindowState(Playback(6)))
    assert screen.chosen[0].startswith("car")
    assert screen.chosen[-1] == "against the truth: found"
    assert screen.edges == 12
    screen, _ = _play(recording, [*turns[:2], [_click(-1.0, 0.0, 0.0)], QUIET], WindowState(Playback(6)))
    assert screen.chosen == ()
    assert screen.edges == 0


def test_a_frame_that_cannot_be_read(recording: Recording, drive: Source) -> None:
    samples = [drive[0], replace(drive[1], name="")]
    broken = replace(recording, source=type(drive)(tuple(samples)))  # type: ignore[call-arg]
    turns: list[list[Event]] = [[Pressed("right")], QUIET, [_click(10.5, 3.2, -0.8), Pressed("4")], QUIET]
    screen, session = _play(broken, turns, WindowState(Playback(2)))
    assert screen.drawn[-1] is None
    assert "cut off after 12 bytes" in screen.head[-1]
    assert [frame.index for frame in session.tally.broken] == [1]
    assert screen.chosen == ()


def test_what_reading_raises_ends_the_session(recording: Recording) -> None:
    def fail(place: int) -> None:
        raise RuntimeError("out of memory")

    with Prefetcher(fail) as frames, pytest.raises(RuntimeError, match="out of memory"):
        Session(Notes([], NEVER), frames, Look("drive"), WindowState(Playback(6))).run()  # type: ignore[arg-type]
