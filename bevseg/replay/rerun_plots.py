"""What the curves of a recording tell frame by frame: latency, counts, scores and failures, as scalars of Rerun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.drawing.shown import HIDDEN_FROM
from bevseg.replay.frames import Prediction

if TYPE_CHECKING:
    import rerun as rr

PLOTS = {"latency_ms": "Latency, ms", "counts": "Objects", "scores": "Scores", "failures": "Failures"}
"""The groups of curves, and their headings."""

_OUTCOMES = {outcome.word: outcome for outcome in Outcome}


def curves_of(prediction: Prediction, *, num_points: int) -> Mapping[str, Mapping[str, float]]:
    """The values of one frame by group and name; a group without values is empty.

    Args:
        prediction: One that has a result; else there are no values.
        num_points: Of the scan.
    """
    if prediction.note:
        return {group: {} for group in PLOTS}
    scene, difference = prediction.scene, prediction.difference
    instances = scene.instances
    counts = {
        "objects": float(len(instances)),
        "hidden": float(np.count_nonzero(instances.visible_fraction <= 1 - HIDDEN_FROM)),
        "order": float(scene.occlusion.num_edges),
        "kilopoints": num_points / 1000,
    }
    scores = {"mean": float(instances.score.mean()), "least": float(instances.score.min())} if len(instances) else {}
    failures = {} if difference is None else {o.word: float(n) for o, n in difference.counts().items()}
    timings = {stage: float(ms) for stage, ms in scene.timings_ms.items()}
    if timings:
        timings["all"] = sum(timings.values())
    return {"latency_ms": timings, "counts": counts, "scores": scores, "failures": failures}


@dataclass
class PlotLogger:
    """Logs the values of one result, frame by frame.

    Attributes:
        stream: What they are logged to.
        path: Under which the groups stand.
    """

    stream: rr.RecordingStream
    path: str
    _styled: set[str] = field(default_factory=set, init=False)

    def log(self, prediction: Prediction, *, num_points: int) -> None:
        """Logs the values of one frame; a curve gets its colour when it is met."""
        import rerun as rr

        for group, values in curves_of(prediction, num_points=num_points).items():
            for place, (name, value) in enumerate(values.items(), 1):
                path = f"{self.path}/{group}/{name}"
                if path not in self._styled:
                    self._styled.add(path)
                    color = _OUTCOMES[name].color if group == "failures" else palette.object_color(place)
                    self.stream.log(path, rr.SeriesLines(colors=color, names=name, widths=1.6), static=True)
                self.stream.log(path, rr.Scalars(value))
