"""Makes predictions that fail on purpose, each kind of failure once, from a labelled drive: to see how each is shown.

    bevseg simulate --out drive --drive --frames 40 --sensor hdl-64e
    python tools/damaged_predictions.py drive damaged --sheet kinds.png
    bevseg replay drive --predictions damaged --output failures.mp4

Everything else is predicted as the truth has it. What is damaged is chosen in one frame (--frame, the middle one unless
given), the nearest fit objects first, and stays damaged wherever its track is seen. The sheet shows each kind in that
frame, as `bevseg replay` judges it. The same drive gives the same predictions.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from bevseg.commands.evaluated_sources import scoring_of_kind
from bevseg.datasets.open import open_source
from bevseg.datasets.sample import Annotations, Sample
from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.difference import Outcome
from bevseg.drawing.image_file import write_png
from bevseg.drawing.shown import LAYERS, Shown, paint_above, paint_ground
from bevseg.evaluation.frame_scores import Scoring
from bevseg.geometry.boxes import footprint_corners
from bevseg.replay.difference import judge
from bevseg.replay.truth import TruthScenes
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import Scene
from bevseg.results.scene_file import write_scene

LEAST_POINTS, FARTHEST_M, APART_M = 40, 38.0, 6.0
"""What is damaged must be seen well, near, and not beside what else is damaged."""
NEIGHBOURS_M = 3.2
"""Centres of objects that are merged lie no farther apart: else the box over both would cover others."""

MEANING = {
    Outcome.FOUND: "the mask and the class are right",
    Outcome.MISSED: "a true object that nothing was found at",
    Outcome.FALSE_ALARM: "a prediction where nothing is",
    Outcome.MERGED: "one prediction over several true objects",
    Outcome.SPLIT: "several predictions on one true object",
    Outcome.WRONG_LABEL: "the mask is right, the class is not",
    Outcome.TWICE: "found already by another prediction",
    Outcome.WRONG_SHAPE: "too large, too small, shifted or turned",
}
TILE_WIDTH, TILE_HEIGHT, CAPTION, GAP, COLUMNS = 400, 300, 54, 6, 4
HALF_TILE_M = 6.5


@dataclass(frozen=True)
class Plan:
    """Which tracks are damaged, and how; a merged one takes its neighbour with it.

    Attributes:
        kind_of_track: What is done to each.
        merged_with: The neighbour of the merged one.
    """

    kind_of_track: dict[int, Outcome]
    merged_with: int


@dataclass
class _Boxes:
    """What is predicted in one frame, as it grows."""

    boxes: list[np.ndarray] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    score: list[float] = field(default_factory=list)

    def add(self, box: Float[np.ndarray, "7"], label: int, score: float = 0.97) -> None:
        self.boxes.append(box)
        self.label.append(label)
        self.score.append(score)


def choose(truth: Annotations) -> Plan:
    """Assigns a kind of failure to the nearest cars that are fit for it.

    Raises:
        ValueError: The frame has too few cars that are near, well seen and known by track.
    """
    range_m = np.hypot(truth.boxes[:, 0], truth.boxes[:, 1])
    fit = (truth.label == SemanticClass.CAR) & (truth.num_points >= LEAST_POINTS) & (range_m < FARTHEST_M)
    fit &= (truth.track_id >= 0) & ~truth.ignored
    near_to_far = np.argsort(np.where(fit, range_m, np.inf), kind="stable")[: int(fit.sum())]
    pair = _neighbours(truth, near_to_far)
    chosen = {Outcome.MERGED: pair[0]}
    taken = list(pair)
    for kind in (k for k in MEANING if k not in (Outcome.FOUND, Outcome.MERGED)):
        for k in near_to_far.tolist():
            if np.linalg.norm(truth.boxes[taken, :2] - truth.boxes[k, :2], axis=1).min() >= APART_M:
                chosen[kind] = k
                taken.append(k)
                break
        else:
            raise ValueError(f"no car is left for '{kind.word}': choose another --frame, or a drive with more of them")
    return Plan({int(truth.track_id[k]): kind for kind, k in chosen.items()}, int(truth.track_id[pair[1]]))


def _neighbours(truth: Annotations, near_to_far: Int[np.ndarray, "m"]) -> tuple[int, int]:
    """The nearest two that stand side by side."""
    for k in near_to_far.tolist():
        away_m = np.linalg.norm(truth.boxes[near_to_far, :2] - truth.boxes[k, :2], axis=1)
        beside = near_to_far[(away_m > 0) & (away_m <= NEIGHBOURS_M)]
        if len(beside):
            return k, int(beside[0])
    raise ValueError(f"no two cars stand within {NEIGHBOURS_M} m of each other: choose another --frame")


def damaged(sample: Sample, plan: Plan, scenes: TruthScenes) -> Scene:
    """The truth of a scan with the planned failures, in the form of a result."""
    truth, made = sample.annotations, _Boxes()
    place_of = {int(track): k for k, track in enumerate(truth.track_id)}
    for k, (box, label) in enumerate(zip(truth.boxes, truth.label.tolist(), strict=True)):
        kind = plan.kind_of_track.get(int(truth.track_id[k]), Outcome.FOUND)
        if int(truth.track_id[k]) == plan.merged_with and _has(place_of, plan, Outcome.MERGED):
            continue
        match kind:
            case Outcome.MISSED:
                pass
            case Outcome.FALSE_ALARM:
                made.add(box, label)
                made.add(_beside(box, truth.boxes), label, 0.55)
            case Outcome.MERGED if plan.merged_with in place_of:
                made.add(_around(box, truth.boxes[place_of[plan.merged_with]]), label)
            case Outcome.SPLIT:
                for side in (-1, 1):
                    made.add(_part(box, along=0.26 * side, length=0.46), label, 0.7)
            case Outcome.WRONG_LABEL:
                made.add(box, int(SemanticClass.TRUCK))
            case Outcome.TWICE:
                made.add(box, label)
                made.add(_turned(_part(box, along=0.1, length=1.0), 0.16), label, 0.6)
            case Outcome.WRONG_SHAPE:
                made.add(_turned(box, 0.9), label, 0.8)
            case _:
                made.add(box, label)
    return _scene(sample, made, scenes)


def _has(place_of: dict[int, int], plan: Plan, kind: Outcome) -> bool:
    return any(track in place_of for track, planned in plan.kind_of_track.items() if planned is kind)


def _scene(sample: Sample, made: _Boxes, scenes: TruthScenes) -> Scene:
    boxes = np.array(made.boxes, np.float32).reshape(-1, 7)
    told = Annotations.from_boxes(sample.cloud, boxes, np.array(made.label, np.uint8), view=sample.annotations.view)
    semantic = sample.annotations.point_semantic
    scene = scenes.predict(replace(sample, annotations=replace(told, point_semantic=semantic)))
    return replace(scene, instances=replace(scene.instances, score=np.array(made.score, np.float32)))


def _part(box: Float[np.ndarray, "7"], *, along: float, length: float) -> Float[np.ndarray, "7"]:
    """The box moved along itself and cut, both in shares of its length."""
    ahead = along * box[3] * np.array([np.cos(box[6]), np.sin(box[6])])
    return np.concatenate([box[:2] + ahead, box[2:3], [length * box[3]], box[4:]])


def _turned(box: Float[np.ndarray, "7"], angle_rad: float) -> Float[np.ndarray, "7"]:
    return np.concatenate([box[:6], [box[6] + angle_rad]])


def _around(box: Float[np.ndarray, "7"], other: Float[np.ndarray, "7"]) -> Float[np.ndarray, "7"]:
    """The smallest box of the first one's heading that holds both."""
    corners = footprint_corners(np.stack([box, other]).astype(np.float64)).reshape(-1, 2)
    axes = np.array([[np.cos(box[6]), np.sin(box[6])], [-np.sin(box[6]), np.cos(box[6])]])
    low, high = (corners @ axes.T).min(axis=0), (corners @ axes.T).max(axis=0)
    return np.concatenate([(low + high) / 2 @ axes, box[2:3], high - low, box[5:]])


def _beside(box: Float[np.ndarray, "7"], others: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "7"]:
    """A box of the same size where no true one is, as near to it as can be."""
    for away_m in np.arange(4.0, 30.0, 1.0):
        for bearing_rad in np.arange(8) * np.pi / 4:
            place = box[:2] + away_m * np.array([np.cos(bearing_rad), np.sin(bearing_rad)])
            clear_m = np.linalg.norm(others[:, :2] - place, axis=1) - (others[:, 3] + box[3]) / 2
            if clear_m.min() > 0 and np.hypot(*place) > box[3]:
                return np.concatenate([place, box[2:]])
    raise ValueError("there is no free place for a false alarm")


def draw_sheet(sample: Sample, scene: Scene, *, scoring: Scoring) -> UInt8[np.ndarray, "h w 3"]:
    """A tile for each outcome with its word and what it means, about the first object in the frame that shows it.

    Raises:
        ValueError: The frame does not show one of them.
    """
    truth = sample.annotations
    shown = Shown(
        cloud=sample.cloud,
        scene=scene,
        truth=truth,
        difference=judge(scene.instances, truth, scoring=scoring),
        layers=LAYERS - {"arrows", "velocity", "rings", "labels"},
    )
    tiles = [_tile(shown, outcome) for outcome in MEANING]
    gap = np.full((tiles[0].shape[0], GAP, 3), palette.PANEL_EDGE, np.uint8)
    rows = []
    for first in range(0, len(tiles), COLUMNS):
        row = [part for tile in tiles[first : first + COLUMNS] for part in (gap, tile)] + [gap]
        rows += [np.concatenate(row, axis=1)]
    line = np.full((GAP, rows[0].shape[1], 3), palette.PANEL_EDGE, np.uint8)
    return np.concatenate([part for row in rows for part in (line, row)] + [line])


def _tile(shown: Shown, outcome: Outcome) -> UInt8[np.ndarray, "h w 3"]:
    picture = np.full((TILE_HEIGHT + CAPTION, TILE_WIDTH, 3), palette.PANEL, np.uint8)
    x_m, y_m = _place(shown, outcome)
    above = Canvas(picture[:TILE_HEIGHT], BevView(x_m - HALF_TILE_M, x_m + HALF_TILE_M, y_m), 1.0)
    paint_ground(above, shown)
    paint_above(above, shown)
    below = Canvas(picture[TILE_HEIGHT:], above.view, 1.0)
    below.text(outcome.word, left=12.0, baseline=22.0, size=17.0, color=outcome.color)
    below.text(MEANING[outcome], left=12.0, baseline=42.0, size=13.5, color=palette.TEXT)
    return picture


def _place(shown: Shown, outcome: Outcome) -> Float[np.ndarray, "2"]:
    difference = shown.difference
    if difference is None:
        raise ValueError("there is nothing to compare with")
    if outcome is Outcome.FOUND:
        places = shown.scene.instances.boxes[_plainly_found(shown, difference.prediction)][:, :2].astype(np.float64)
    else:
        places = difference.mark_xy_m[difference.mark == outcome]
    if not len(places):
        raise ValueError(f"the frame does not show '{outcome.word}': choose another --frame")
    place: np.ndarray = places[np.hypot(places[:, 0], places[:, 1]).argmin()]
    return place


def _plainly_found(shown: Shown, prediction: Int[np.ndarray, "k"]) -> Bool[np.ndarray, "k"]:
    """Cars that were found and stand apart from every failure."""
    marks = shown.difference.mark_xy_m if shown.difference is not None else np.zeros((0, 2))
    xy_m = shown.scene.instances.boxes[:, :2].astype(np.float64)
    clear = np.linalg.norm(xy_m[:, None] - marks, axis=2).min(axis=1, initial=np.inf) > HALF_TILE_M
    return clear & (prediction == Outcome.FOUND) & (shown.scene.instances.label == SemanticClass.CAR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drive", type=Path, help="labelled frames with tracks, such as of `bevseg simulate --drive`")
    parser.add_argument("output", type=Path, help="folder for the predictions")
    parser.add_argument("--frame", type=int, help="in which what is damaged is chosen (default: the middle one)")
    parser.add_argument("--sheet", type=Path, help="a picture, .png, with a tile a kind of failure")
    args = parser.parse_args()
    opened, scenes = open_source(args.drive), TruthScenes()
    frames = opened.source
    chosen = len(frames) // 2 if args.frame is None else args.frame
    plan = choose(frames[chosen].annotations)
    for index in range(len(frames)):
        sample = frames[index]
        scene = damaged(sample, plan, scenes)
        write_scene(args.output / frames.name / sample.name, scene)
        if index == chosen and args.sheet:
            write_png(args.sheet, draw_sheet(sample, scene, scoring=scoring_of_kind(opened.kind, 5, 50.0)))
    print(f"{len(frames)} frames in {args.output / frames.name}; each kind of failure in frame {chosen}")


if __name__ == "__main__":
    main()
