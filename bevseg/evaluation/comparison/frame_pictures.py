"""One frame as run A sees it, as run B sees it, and as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.drawing import palette
from bevseg.drawing.annotations import draw_annotations
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.layers import draw_ego, draw_points, draw_rings
from bevseg.drawing.object_layers import draw_dashed_boxes, draw_masks
from bevseg.evaluation.comparison.changed_frames import FrameChange, Run
from bevseg.evaluation.comparison.finished_run import FinishedRun
from bevseg.evaluation.frame_scores import Scoring, match_counted
from bevseg.evaluation.mask_scores import Comparison as MaskComparison
from bevseg.evaluation.matching import MatchRule, PredictionStatus, TruthStatus
from bevseg.evaluation.stored_results import StoredResultError, StoredResults
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import ClassGroup
from bevseg.results.instances import Instances
from bevseg.results.scene_file import SceneFileError, read_scene

VIEWS = {
    "A": "green was found, orange is wrong, pink dashes were missed; framed: failures that are gone in B",
    "B": "the same colours; framed: failures that are new in B",
    "truth": "points, boxes and classes of the dataset",
}
"""Name of each picture, and what it shows."""

_SIZE_PX = 720
_REACH_M = 42.0
_POINT_SHARE = 0.45
_FRAME_PX = 12.0
_QUALITY = 78


class PicturesError(ValueError):
    """A frame cannot be shown; the message says why."""


def draw_change(a: FinishedRun, b: FinishedRun, source: str, change: FrameChange, opened: Source) -> dict[str, bytes]:
    """Each of `VIEWS` as a JPEG; x (forward) is up.

    Args:
        a: One run, with its predictions.
        b: The other, with its own.
        source: Name of the source in both runs.
        change: The frame.
        opened: The source.

    Raises:
        PicturesError: The dataset has another frame there by now, or predictions are not stored.
    """
    if change.place >= len(opened):
        raise PicturesError(f"the dataset has but {len(opened)} frames by now")
    name = opened.name_of(change.place)
    if f"{source}/{name}" != change.name:
        raise PicturesError(f"the dataset has frame {name} by now where {change.name} was scored")
    sample = opened[change.place]
    runs: tuple[tuple[Run, FinishedRun, np.ndarray], ...] = (
        ("A", a, change.vanished_at_m),
        ("B", b, change.appeared_at_m),
    )
    pictures: dict[str, np.ndarray] = {}
    for which, run, framed in runs:
        found = None if which in change.without_result else _found(run, source, sample)
        pictures[which] = _draw_run(found, sample, framed, scoring_of(run.sources[source].scoring))
    ground = BevView(-_REACH_M, _REACH_M)
    pictures["truth"] = draw_annotations(sample, title=change.name, view=ground, width=_SIZE_PX, height=_SIZE_PX)
    return {view: _encode(picture) for view, picture in pictures.items()}


def _found(run: FinishedRun, source: str, sample: Sample) -> Instances:
    """What the run said, from where its scenes are stored."""
    folder = Path(run.method.get("predictions", run.folder / "predictions"))
    try:
        results = StoredResults.in_folder(folder, list(run.sources))
        stem = next(part.stem(sample.name) for part in results.sources if part.source == source)
        return read_scene(stem).instances
    except (StoredResultError, SceneFileError) as error:
        raise PicturesError(str(error)) from error


def _draw_run(
    found: Instances | None, sample: Sample, framed: Float[np.ndarray, "n 2"], scoring: Scoring
) -> UInt8[np.ndarray, "h w 3"]:
    """What was found, invented and missed, with frames around some places; all is missed where there is no result."""
    canvas = Canvas(np.full((_SIZE_PX, _SIZE_PX, 3), palette.BACKGROUND, np.uint8), BevView(-_REACH_M, _REACH_M), 1.0)
    draw_rings(canvas)
    colors = palette.height_colors(sample.cloud.xyz[:, 2] - sample.cloud.sensor_origins_m[0, 2])
    draw_points(canvas, sample.cloud.xyz[:, :2], (colors * _POINT_SHARE).astype(np.uint8))
    draw_ego(canvas)
    instances = Instances.empty(scoring.rule.grid) if found is None else found
    _draw_outcomes(canvas, instances, sample, scoring)
    for place in canvas.to_pixels(framed):
        corners = place + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * _FRAME_PX
        canvas.lines([corners], palette.ARROW, width=1, closed=True)
    return canvas.image


def _draw_outcomes(canvas: Canvas, instances: Instances, sample: Sample, scoring: Scoring) -> None:
    truth = sample.annotations
    matches = match_counted(MaskComparison.of(instances, truth, rule=scoring.rule).overlaps, scoring)
    shown = np.flatnonzero(matches.prediction_status != PredictionStatus.BELOW_SCORE)
    tones = {PredictionStatus.RIGHT: palette.FOUND, PredictionStatus.WRONG: palette.INVENTED}
    status = [PredictionStatus(k) for k in matches.prediction_status[shown].tolist()]
    draw_masks(canvas, instances[shown], [tones.get(k, palette.TEXT_QUIET) for k in status])
    quiet = palette.mix(palette.BACKGROUND, palette.TRUTH, 0.5)
    missed = matches.truth_status == TruthStatus.MISSED
    draw_dashed_boxes(canvas, truth.boxes[matches.truth_status == TruthStatus.FOUND], color=quiet)
    draw_dashed_boxes(canvas, truth.boxes[missed], color=palette.MISSED)


def scoring_of(stored: Mapping[str, Any]) -> Scoring:
    """The rules of a run, from its `run.json`."""
    rule = dict(stored["rule"])
    rule |= {"grid": BevGrid(**rule["grid"]), "score_thresholds": tuple(rule["score_thresholds"])}
    within = stored["points_within"]
    return Scoring(
        MatchRule(**rule),
        tuple(ClassGroup(group) for group in stored["groups"]),
        None if within is None else BevGrid(**within),
    )


def _encode(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    quality = (cv2.IMWRITE_JPEG_QUALITY, _QUALITY)
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    if not encoded:
        raise RuntimeError(f"OpenCV could not encode a picture of shape {image.shape} as JPEG")
    return data.tobytes()
