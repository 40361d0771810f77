"""What a window says in words: the lines at its head, what is known of one object, and which labels have room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.drawing.labels import short_name
from bevseg.drawing.palette import Color
from bevseg.drawing.shown import LAYERS, Shown
from bevseg.replay.frames import BrokenFrame, Frame, place_words
from bevseg.replay.player import Playback
from bevseg.replay.scene_geometry import SceneGeometry, object_label
from bevseg.replay.scene_picking import Picked
from bevseg.replay.scene_window import HELP, WindowState


@dataclass(frozen=True)
class Words:
    """Some words in one colour."""

    text: str
    color: Color = palette.TEXT


Row = tuple[Words, ...]
"""Words side by side."""


@dataclass(frozen=True, eq=False)
class Label:
    """Words at a place of the scene, metres in the cloud's frame."""

    words: Words
    xyz_m: Float[np.ndarray, "3"]


def heads_up(state: WindowState, frame: Frame | BrokenFrame, shown: Shown | None, *, reading: bool) -> tuple[Row, ...]:
    """The lines at the head: which frame, how it plays, what was found and what failed, what is switched off."""
    quiet = palette.TEXT_QUIET
    rows: list[Row] = [_frame_row(state, frame), (Words(_playing(state.playback, reading=reading)),)]
    if isinstance(frame, BrokenFrame):
        return (*rows, (Words(frame.reason, palette.MISSED),))
    prediction = frame.predictions[state.result]
    if shown is not None:
        rows.append((Words(_counts(shown), quiet),))
        if shown.compared is not None:
            rows.append(tuple(_tally(shown)))
    if prediction.note:
        rows.append((Words(prediction.note, palette.ARROW),))
    return (*rows, (Words(f"{_layers(state)}  ·  points by {state.coloring}  ·  h: keys", quiet),))


def help_rows() -> tuple[Row, ...]:
    """What each key does; the second words of all rows stand below each other."""
    return tuple((Words(key, palette.ARROW), Words(meaning)) for key, meaning in HELP)


def about(shown: Shown, chosen: Picked) -> tuple[Row, ...]:
    """What is known of an object, and what became of it."""
    return _about_truth(shown, chosen.k) if chosen.kind == "truth" else _about_result(shown, chosen.k)


def labels_of(geometry: SceneGeometry) -> list[Label]:
    """All words in the scene, the most urgent first: failures, hidden shares, then objects, the nearest first."""
    order, boxes, marks = geometry.order, geometry.boxes, geometry.marks
    top = boxes.boxes[:, :3] + np.array([0.0, 0.0, 0.5]) * boxes.boxes[:, 5:6]
    near = np.argsort(np.linalg.norm(top, axis=1), kind="stable")
    places = np.concatenate([marks.xyz, order.origins + order.vectors / 2, top[near]]).astype(np.float64)
    colors = np.concatenate([marks.colors, order.colors, boxes.colors[near]]).tolist()
    words = [*marks.words, *order.labels, *(boxes.labels[k] for k in near)]
    return [
        Label(Words(word, (color[0], color[1], color[2])), place)
        for word, color, place in zip(words, colors, places, strict=True)
        if word
    ]


def with_room(
    pixels: Float[np.ndarray, "n 2"], widths: Float[np.ndarray, "n"], height: float, size: tuple[int, int]
) -> list[int]:
    """The labels that are shown where each is centred on its pixel and none covers one before it.

    Args:
        pixels: Column and row of each; NaN behind the camera.
        widths: Of each, pixels.
        height: Of all.
        size: Of the picture: what lies outside is left out.
    """
    kept: list[int] = []
    taken = np.zeros((0, 3))
    for k, ((x, y), width) in enumerate(zip(pixels.tolist(), widths.tolist(), strict=True)):
        if not (0 <= x < size[0] and 0 <= y < size[1]):
            continue
        beside = np.abs(taken[:, 0] - x) >= (taken[:, 2] + width) / 2
        if (beside | (np.abs(taken[:, 1] - y) >= height)).all():
            kept.append(k)
            taken = np.concatenate([taken, [[x, y, width]]])
    return kept


def _frame_row(state: WindowState, frame: Frame | BrokenFrame) -> Row:
    playback, place = state.playback, place_words(frame)
    if playback.total != frame.total:
        place += f" ({playback.frame + 1} of {playback.total} chosen)"
    if isinstance(frame, BrokenFrame):
        return (Words(f"{place}  ·  cannot be shown"),)
    return (Words(f"{frame.predictions[state.result].name}  ·  {frame.name}  ·  {place}  ·  {frame.time_s:.1f} s"),)


def _playing(playback: Playback, *, reading: bool) -> str:
    words = ["playing" if playback.playing else "paused", f"speed {playback.speed:g}"]
    return "  ·  ".join(words + ["loop"] * playback.loop + ["reading ..."] * reading)


def _counts(shown: Shown) -> str:
    instances = shown.scene.instances
    hidden = int(np.count_nonzero(instances.visible_fraction < 0.5))
    objects = f"{len(instances)} object{'' if len(instances) == 1 else 's'}, {hidden} more than half hidden"
    return f"{len(shown.cloud):,} points  ·  {objects}"


def _tally(shown: Shown) -> list[Words]:
    if shown.compared is None:
        return []
    quiet = palette.TEXT_QUIET
    counts = shown.compared.counts().items()
    return [Words(f"{outcome.word} {count}", outcome.color if count else quiet) for outcome, count in counts]


def _layers(state: WindowState) -> str:
    off = sorted(LAYERS - state.layers - {"rings"})  # no view in 3-D has rings
    if not off:
        return "all layers"
    on = sorted(state.layers - {"rings"})
    return f"without {', '.join(off)}" if len(off) <= len(on) else f"only {', '.join(on) or 'the dark'}"


def _about_result(shown: Shown, k: int) -> tuple[Row, ...]:
    instances, graph = shown.scene.instances, shown.scene.occlusion
    lines = [
        f"score {instances.score[k]:.2f}",
        _size(instances.boxes[k]),
        f"{_away(instances.boxes[k])}  ·  {_speed(instances.velocity_mps[k])}",
        f"{_hidden(instances.visible_fraction[k])}  ·  {graph.rank[k]} in the order from the nearest",
    ]
    edges = np.flatnonzero(graph.occluded == k)
    edges = edges[np.argsort(-graph.hidden_fraction[edges], kind="stable")]
    rows = [(Words(object_label(instances, k), shown.colors[k]),), *((Words(line),) for line in lines)]
    rows += [
        (Words(f"{_percent(graph.hidden_fraction[e])} by {_name(shown, int(graph.occluder[e]))}", palette.ARROW),)
        for e in edges
    ]
    behind = np.flatnonzero(graph.occluder == k)
    rows += [
        (Words(f"hides {_percent(graph.hidden_fraction[e])} of {_name(shown, int(graph.occluded[e]))}"),)
        for e in behind
    ]
    return (*rows, *_verdict(shown, k))


def _about_truth(shown: Shown, k: int) -> tuple[Row, ...]:
    truth = shown.truth
    if truth is None:
        return ()
    outcome = Outcome(int(shown.compared.truth[k])) if shown.compared is not None else None
    color = palette.TRUTH if outcome is None else outcome.color
    word = "true" if outcome is None else outcome.word
    lines = [
        _size(truth.boxes[k]),
        f"{_away(truth.boxes[k])}  ·  {_speed(truth.velocity_mps[k])}",
        f"{_hidden(truth.visible_fraction[k])}  ·  {truth.num_points[k]} points",
    ]
    marks = () if shown.compared is None else np.flatnonzero(shown.compared.mark_truth == k)
    rows = [(Words(f"{short_name(int(truth.label[k]))}: {word}", color),), *((Words(line),) for line in lines)]
    if shown.compared is not None:
        rows += [(Words(shown.compared.mark_text[m], color),) for m in marks]
    return tuple(rows)


def _verdict(shown: Shown, k: int) -> list[Row]:
    """What the truth says, with the words of the failures that are about the object."""
    if shown.compared is None:
        return []
    outcome = Outcome(int(shown.compared.prediction[k]))
    marks = np.flatnonzero(shown.compared.mark_prediction == k)
    words = [shown.compared.mark_text[m] for m in marks] or [outcome.word]
    return [(Words(f"against the truth: {word}", outcome.color),) for word in words]


def _name(shown: Shown, k: int) -> str:
    instances = shown.scene.instances
    return f"{short_name(int(instances.label[k]))} {instances.id[k]}"


def _size(box: Float[np.ndarray, "7"]) -> str:
    return f"{box[3]:.1f} m long, {box[4]:.1f} m wide, {box[5]:.1f} m high"


def _away(box: Float[np.ndarray, "7"]) -> str:
    return f"{np.hypot(box[0], box[1]):.1f} m away"


def _speed(velocity_mps: Float[np.ndarray, "2"]) -> str:
    speed = float(np.hypot(velocity_mps[0], velocity_mps[1]))
    return "speed unknown" if np.isnan(speed) else f"{speed:.1f} m/s"


def _hidden(visible_fraction: np.floating) -> str:
    return "hidden share unknown" if np.isnan(visible_fraction) else f"{_percent(1 - visible_fraction)} hidden"


def _percent(share: np.floating) -> str:
    return f"{100 * float(share):.0f}%"
