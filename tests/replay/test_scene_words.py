"""What a window says in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.drawing.difference import Outcome
from bevseg.drawing.shown import LAYERS, Shown
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.replay.difference import with_differences
from bevseg.replay.frames import BrokenFrame, Frame, Prediction
from bevseg.replay.pictures import Look, shown_of
from bevseg.replay.player import Playback
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.scene_geometry import SceneGeometry
from bevseg.replay.scene_picking import Picked
from bevseg.replay.scene_window import HELP, WindowState
from bevseg.replay.scene_words import Row, about, heads_up, help_rows, labels_of, with_room
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import Scene

STATE = WindowState(Playback(6, frame=1))


def _frame(drive: Source, make: Callable[..., Scene]) -> Frame:
    """Two of three objects are found, the second of them 60 % hidden by the first."""
    sample = drive[1]
    scene = make(sample, sample.annotations.boxes[:2], sample.annotations.label[:2])
    instances = replace(scene.instances, visible_fraction=np.array([1.0, 0.4], np.float32))
    one = np.array([0], np.int32)
    graph = OcclusionGraph(one, one + 1, np.array([0.6], np.float32), np.array([0, 1]), instances.visible_fraction)
    found = replace(scene, instances=instances, occlusion=graph)
    frame = Recording(drive, (Predictor("stored", lambda sample: found),)).read(1)
    assert isinstance(frame, Frame)
    return with_differences(frame, Scoring(MatchRule(min_points=5)))


@pytest.fixture
def frame(drive: Source, make: Callable[..., Scene]) -> Frame:
    return _frame(drive, make)


@pytest.fixture
def shown(frame: Frame) -> Shown:
    return shown_of(frame, frame.predictions[0], Look("drive"))


def _text(rows: tuple[Row, ...]) -> list[str]:
    return ["  ".join(words.text for words in row) for row in rows]


def test_the_lines_at_the_head(frame: Frame, shown: Shown) -> None:
    told = _text(heads_up(STATE, frame, shown, reading=False))
    assert told[0] == "stored  ·  000001  ·  frame 1 of 0 to 5  ·  0.1 s"
    assert told[1] == "paused  ·  speed 1"
    assert told[2] == "360 points  ·  2 objects, 1 more than half hidden"
    assert told[3].startswith("found 2  false 0  missed 1")
    assert told[4].startswith("all layers  ·  points by object")


def test_the_lines_at_the_head_of_chosen_frames(frame: Frame, shown: Shown) -> None:
    chosen = WindowState(Playback(3, frame=2, playing=True, loop=True, speed=0.5), layers=LAYERS - {"arrows", "labels"})
    told = _text(heads_up(chosen, frame, replace(shown, difference=None), reading=True))
    assert "frame 1 of 0 to 5 (3 of 3 chosen)" in told[0]
    assert told[1] == "playing  ·  speed 0.5  ·  loop  ·  reading ..."
    assert told[3].startswith("without arrows, labels")
    few = replace(chosen, layers=frozenset({"points"}))
    assert "only points" in _text(heads_up(few, frame, None, reading=False))[-1]


def test_a_frame_that_cannot_be_shown_and_one_without_a_result(frame: Frame, shown: Shown) -> None:
    told = _text(heads_up(STATE, BrokenFrame(1, 6, "cut off after 12 bytes"), None, reading=False))
    assert "cannot be shown" in told[0]
    assert told[-1] == "cut off after 12 bytes"
    bare = replace(frame, predictions=(Prediction("stored", frame.predictions[0].scene, note="no result"),))
    assert "no result" in _text(heads_up(STATE, bare, shown, reading=False))


def test_what_is_told_of_an_object(shown: Shown) -> None:
    assert _text(about(shown, Picked("result", 1))) == [
        "car 2 · 60% hidden",
        "score 0.90",
        "4.2 m long, 1.8 m wide, 1.6 m high",
        "14.6 m away  ·  speed unknown",
        "60% hidden  ·  1 in the order from the nearest",
        "60% by car 1",
        "against the truth: found",
    ]
    assert "hides 60% of car 2" in _text(about(shown, Picked("result", 0)))
    assert not any("truth" in line for line in _text(about(replace(shown, difference=None), Picked("result", 0))))


def test_what_is_told_of_a_true_object(shown: Shown) -> None:
    rows = about(shown, Picked("truth", 2))
    assert _text(rows)[0] == "pedestrian: missed"
    assert rows[0][0].color == Outcome.MISSED.color
    assert _text(rows)[3] == "hidden share unknown  ·  20 points"
    assert _text(rows)[-1].startswith("missed")
    assert _text(about(replace(shown, difference=None), Picked("truth", 2)))[0] == "pedestrian: true"
    assert about(replace(shown, truth=None), Picked("truth", 2)) == ()


def test_labels_begin_with_failures(shown: Shown) -> None:
    labels = labels_of(SceneGeometry.of(shown))
    assert [label.words.text for label in labels] == ["missed, few points", "60% hidden", "car 1", "car 2 · 60% hidden"]
    assert labels_of(SceneGeometry.of(replace(shown, layers=frozenset()))) == []


def test_labels_that_have_room() -> None:
    pixels = np.array([[100.0, 50], [130, 55], [100, 70], [np.nan, np.nan], [390, 50], [400, 50]])
    widths = np.full(6, 40.0)
    assert with_room(pixels, widths, 15.0, (400, 100)) == [0, 2, 4]
    assert with_room(pixels[:0], widths[:0], 15.0, (400, 100)) == []


def test_help_tells_each_key() -> None:
    assert len(help_rows()) == len(HELP)
    assert all(len(row) == 2 for row in help_rows())
