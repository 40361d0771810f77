"""What the keys of a window do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bevseg.drawing.shown import LAYERS
from bevseg.replay.player import Playback
from bevseg.replay.scene_window import HELP, KEYS, LAYER_OF_KEY, WindowState

START = WindowState(Playback(10, frame=4))


@pytest.mark.parametrize(
    ("keys", "frame"), [("right", 5), ("left left", 2), ("end", 9), ("home", 0), ("end right", 9), ("end l right", 0)]
)
def test_keys_that_move(keys: str, frame: int) -> None:
    state = START
    for key in keys.split():
        state = state.pressed(key)
    assert state.playback.frame == frame


def test_keys_that_play() -> None:
    playing = START.pressed("space").pressed("up")
    assert playing.playback.playing
    assert playing.playback.speed == 2.0
    assert playing.pressed("down").playback.speed == 1.0
    assert not playing.pressed("space").playback.playing


def test_layers_are_switched_off_and_on() -> None:
    assert set(LAYER_OF_KEY.values()) == LAYERS - {"rings"}
    for key, layer in LAYER_OF_KEY.items():
        off = START.pressed(key)
        assert off.layers == LAYERS - {layer}
        assert off.pressed(key).layers == LAYERS


def test_colours_and_cameras() -> None:
    assert [START.pressed("c").coloring, START.pressed("c").pressed("c").coloring] == ["class", "height"]
    assert replace(START, coloring="intensity").pressed("c").coloring == "object"
    assert [START.pressed(key).preset for key in "bvt"] == ["behind", "above", "side"]
    assert START.pressed("b").aimed == 1  # the mouse may have moved the camera since
    assert START.pressed("z") == START


def test_the_other_result() -> None:
    assert START.pressed("r") == START
    two = replace(START, results=2)
    assert [two.pressed("r").result, two.pressed("r").pressed("r").result] == [1, 0]
    with pytest.raises(ValueError, match="one of 2 results"):
        replace(two, result=2)


def test_help_and_closing() -> None:
    assert START.pressed("h").helping
    assert START.pressed("h").pressed("h") == START
    assert START.pressed("q").closed
    told = " ".join(key for key, _ in HELP)
    assert all(key in told for key in KEYS)
