"""What a window shows and what its keys do: pure, so that any toolkit can drive it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from bevseg.drawing.layers import PointColoring
from bevseg.drawing.shown import LAYERS, Layer
from bevseg.replay.player import Playback
from bevseg.replay.scene_cameras import Preset

LAYER_OF_KEY: dict[str, Layer] = {
    "1": "points",
    "2": "ground",
    "3": "masks",
    "4": "boxes",
    "5": "velocity",
    "6": "tracks",
    "7": "arrows",
    "8": "truth",
    "9": "difference",
    "0": "labels",
}
_PRESET_OF_KEY: dict[str, Preset] = {"b": "behind", "v": "above", "t": "side"}
_COLORINGS: tuple[PointColoring, ...] = get_args(PointColoring)


def _help_on_layers(in_a_row: int = 5) -> list[tuple[str, str]]:
    keys = list(LAYER_OF_KEY)
    rows = [keys[k : k + in_a_row] for k in range(0, len(keys), in_a_row)]
    return [(" ".join(row), ", ".join(LAYER_OF_KEY[key] for key in row)) for row in rows]


HELP: tuple[tuple[str, str], ...] = (
    ("space", "play, pause"),
    ("right, left", "one frame on, one back"),
    ("up, down", "faster, slower"),
    ("home, end", "first frame, last frame"),
    ("l", "loop"),
    *_help_on_layers(),
    ("c", "what colours points"),
    ("b, v, t", "camera behind, above, at the side"),
    ("r", "the other result, where two are compared"),
    ("mouse", "drag: turn; Ctrl and drag: shift; wheel: nearer"),
    ("click", "tell about an object; beside all: no more"),
    ("h", "these keys"),
    ("q", "close"),
)
"""Each key and what it does."""

KEYS: tuple[str, ...] = (
    *("space", "right", "left", "up", "down", "home", "end"),
    *LAYER_OF_KEY,
    *_PRESET_OF_KEY,
    *("l", "c", "r", "h", "q"),
)
"""The names of all keys that do something."""


@dataclass(frozen=True)
class WindowState:
    """What a window shows.

    Attributes:
        playback: Which frame, and whether time moves.
        layers: Those that are on.
        coloring: What the colour of a point tells.
        preset: Where the camera was put last.
        aimed: How often the camera was put somewhere; the mouse may have moved it since.
        results: How many results there are.
        result: Which of them is shown.
        helping: Whether the keys are told.
        closed: Whether the window shall close.
    """

    playback: Playback
    layers: frozenset[Layer] = LAYERS
    coloring: PointColoring = "object"
    preset: Preset = "behind"
    aimed: int = 0
    results: int = 1
    result: int = 0
    helping: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.result < self.results:
            raise ValueError(f"expected one of {self.results} results, 1 or more, got {self.result}")

    def pressed(self, key: str) -> WindowState:
        """After a key, by its name in `KEYS`; others change nothing."""
        if key in LAYER_OF_KEY:
            return replace(self, layers=self.layers ^ {LAYER_OF_KEY[key]})
        if key in _PRESET_OF_KEY:
            return replace(self, preset=_PRESET_OF_KEY[key], aimed=self.aimed + 1)
        match key:
            case "c":
                return replace(self, coloring=_COLORINGS[(_COLORINGS.index(self.coloring) + 1) % len(_COLORINGS)])
            case "r":
                return replace(self, result=(self.result + 1) % self.results)
            case "h":
                return replace(self, helping=not self.helping)
            case "q":
                return replace(self, closed=True)
            case _:
                return replace(self, playback=_played(self.playback, key))


def _played(playback: Playback, key: str) -> Playback:
    match key:
        case "space":
            return playback.toggled()
        case "right":
            return playback.stepped()
        case "left":
            return playback.stepped(-1)
        case "up":
            return playback.faster()
        case "down":
            return playback.faster(-1)
        case "home":
            return playback.sought(0)
        case "end":
            return playback.sought(-1)
        case "l":
            return playback.looped(not playback.loop)
        case _:
            return playback
