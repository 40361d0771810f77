"""Writes the page: skeleton, style sheet and scripts first, then one frame after the other as it is packed.

The page shows its first frame when the browser has read as far as that, while the others still come in. Frames are
`<script type="text/plain">` elements that hold a block in base64; the summary of all frames stands at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.drawing.labels import short_name
from bevseg.drawing.layers import PointColoring
from bevseg.drawing.markup import Html, tag, trusted
from bevseg.drawing.page_head import page_head, text_of
from bevseg.drawing.shown import HIDDEN_FROM, LAYERS, Layer
from bevseg.processes import in_order
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.search import LIMITS, OUTCOME_OF_SIGHT, SIGHTS
from bevseg.replay.web.pack import PAGE_BYTES, FramePacker, PackedFrame
from bevseg.replay.web.packed_objects import Json, hex_color
from bevseg.results.classes import SemanticClass
from bevseg.results.occlusion_graph import ARROWS_OF_ONE
from bevseg.results.scene import CellState
from bevseg.whole_files import remove_abandoned, unfinished_path

MOST_FRAMES = 100
_SCRIPTS = (
    "data.js", "unpack.js", "view.js", "colors.js", "ground.js", "objects.js", "words.js", "focus.js", "pane.js",
    "inspect.js", "tables.js", "timeline.js", "player.js", "main.js",
)  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """What a page says of itself.

    Attributes:
        title: Of the recording.
        frames_per_s: At which it plays.
        layers: Those that are switched on at first.
        coloring: What the colour of a point tells at first.
    """

    title: str
    frames_per_s: float = 10.0
    layers: frozenset[Layer] = field(default=LAYERS)
    coloring: PointColoring = "object"


@contextmanager
def write_page(
    path: Path, frames: Iterable[Frame | BrokenFrame], packer: FramePacker, clip: Clip, *, workers: int
) -> Iterator[Iterator[int]]:
    """A page of all frames, which appears when the `with` block ends well, or not at all.

    Args:
        path: Ends in .html.
        frames: In order, `MOST_FRAMES` at most.
        packer: Packs them, on `workers` processes.
        clip: What the page says of itself.
        workers: Processes.

    Yields:
        An iterator to be run to its end, which writes one frame a step and counts them.

    Raises:
        ValueError: There is no frame, or there are more than a page holds.
    """
    remove_abandoned(path)
    with unfinished_path(path) as unfinished, unfinished.open("w", encoding="utf-8") as page:
        count = 0

        def write() -> Iterator[int]:
            nonlocal count
            page.write(_head(clip))
            for packed in in_order(packer, frames, workers):
                _write_frame(page, packed, place=count)
                count += 1
                check_count(count)
                yield count
            page.write(f"{tag('script', trusted(f'replay.complete({count});'))}\n</body></html>\n")

        yield write()
        check_count(count)


def check_count(frames: int) -> None:
    """Refuses what is no clip.

    Raises:
        ValueError: There is no frame, or there are more than a page holds.
    """
    if not 1 <= frames <= MOST_FRAMES:
        raise ValueError(
            f"a page holds 1 to {MOST_FRAMES} frames, got {frames}: choose them with --from, --to, --step, --frames or "
            "--find"
        )


def bytes_of_frame(frames: int) -> int:
    """What the text of each of so many frames may take, so that the page stays a size that is sent by mail."""
    return PAGE_BYTES // max(frames, 1)


def _head(clip: Clip) -> str:
    head = page_head(clip.title, _file("replay.css"))
    script = "\n".join(["'use strict';", *map(_file, _SCRIPTS)])
    body = trusted(_file("body.html"))
    about = _json_element(_about(clip), id_="about")
    return f'<!doctype html>\n<html lang="en">{head}<body>\n{body}\n{about}\n{tag("script", trusted(script))}\n'


def _write_frame(page: TextIO, packed: PackedFrame, *, place: int) -> None:
    """The block, then the words that show it if it is the first."""
    summary = _json_element(packed.summary, id_=f"summary{place}")
    block = tag("script", trusted(packed.text), type="text/plain", id=f"frame{place}")
    begin = tag("script", trusted("replay.begin();")) if not place else Html()
    page.write(f"{summary}{block}{begin}\n")


def _about(clip: Clip) -> Json:
    """What scripts need to know beside the frames: names and colours."""
    return {
        "title": clip.title,
        "framesPerSecond": clip.frames_per_s,
        "layers": sorted(clip.layers),
        "coloring": clip.coloring,
        "hiddenFrom": HIDDEN_FROM,
        "arrowsOfOne": ARROWS_OF_ONE,
        "outcomes": [{"word": o.word, "color": hex_color(o.color), "failure": o.is_failure} for o in Outcome],
        "classes": [{"name": short_name(c), "color": hex_color(palette.class_color(c))} for c in SemanticClass],
        "tones": np.asarray(palette.tones()).ravel().tolist(),
        "ground": [hex_color(palette.ground_color(state)) for state in CellState],
        "states": [state.name.lower() for state in CellState],
        "arrow": hex_color(palette.ARROW),
        "sights": [_sight(sight) for sight in SIGHTS],
    }


def _sight(sight: str) -> Json:
    outcome = next((outcome for name, outcome in OUTCOME_OF_SIGHT.items() if name == sight), None)
    limit = next((limit for name, limit in LIMITS.items() if name == sight), None)
    return {"key": sight, "outcome": None if outcome is None else int(outcome), "limit": limit}


def _json_element(value: Json, *, id_: str) -> Html:
    """Plain values; nothing in them can end the element, as `<` is written as an escape."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return tag("script", trusted(text), type="application/json", id=id_)


def _file(name: str) -> Html:
    return text_of(__package__, name)
