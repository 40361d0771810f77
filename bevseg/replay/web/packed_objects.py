"""Objects, truth and differences as plain values for a page: centimetres, thousandths of a radian, shares in ‰."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bevseg.datasets.sample import Annotations
from bevseg.drawing.difference import Difference
from bevseg.drawing.palette import Color, object_color
from bevseg.replay.frames import Prediction
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.outlines import mask_outlines

Json = dict[str, object]

_CM, _PER_MILLE = 100.0, 1000.0
_LEAST_SHARE = 0.01
"""Of an object that another hides: below it is not worth telling."""


def pack_prediction(prediction: Prediction) -> Json:
    """Objects of a result with all that can be asked of them, and what became of them."""
    instances, graph = prediction.scene.instances, prediction.scene.occlusion
    difference = prediction.difference
    return {
        "name": prediction.name,
        "note": prediction.note,
        "id": instances.id.tolist(),
        "label": instances.label.tolist(),
        "color": [hex_color(object_color(int(k))) for k in instances.id],
        "score": _whole(instances.score, _PER_MILLE),
        "box": _boxes(instances.boxes),
        "velocity": _whole(instances.velocity_mps, _CM),
        "visible": _whole(instances.visible_fraction, _PER_MILLE),
        "counted": instances.visible_fraction_source,
        "rank": graph.rank.tolist(),
        "edges": _edges(graph),
        "cycles": [list(cycle) for cycle in graph.cycles],
        "trails": [_steps(trail) for trail in prediction.trails],
        **_masks(instances),
        "outcome": None if difference is None else difference.prediction.tolist(),
        "truthOutcome": None if difference is None else difference.truth.tolist(),
        "marks": [] if difference is None else _marks(difference),
        "ms": round(float(sum(prediction.scene.timings_ms.values())), 1),
    }


def pack_truth(truth: Annotations) -> Json:
    """The true objects."""
    return {
        "label": truth.label.tolist(),
        "box": _boxes(truth.boxes),
        "track": truth.track_id.tolist(),
        "visible": _whole(truth.visible_fraction, _PER_MILLE),
        "points": truth.num_points.tolist(),
        "ignored": truth.ignored.astype(int).tolist(),
    }


def hex_color(color: Color) -> str:
    """As style sheets write it."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def _masks(instances: Instances) -> Json:
    """Outlines of the whole and of the seen part; where all is seen the latter is null."""
    whole = [_outlines(instances.amodal, k) for k in range(len(instances))]
    same = instances.visible.area_cells == instances.amodal.area_cells
    seen = [None if same[k] else _outlines(instances.visible, k) for k in range(len(instances))]
    return {"amodal": whole, "seen": seen}


def _outlines(masks: BevMasks, k: int) -> list[list[int]]:
    return [_steps(path) for path in mask_outlines(masks.cells_of(k), masks.grid)]


def _steps(path: Float[np.ndarray, "n 2"]) -> list[int]:
    """x and y of the first place and of the way to each further one, centimetres, in one row."""
    places = np.round(path.astype(np.float64) * _CM).astype(np.int64)
    return np.diff(places, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel().tolist()


def _boxes(boxes: Float[np.ndarray, "k 7"]) -> list[list[int]]:
    """x, y, z, l, w, h in centimetres, yaw in thousandths of a radian."""
    scale = np.array([_CM] * 6 + [_PER_MILLE])
    rows: list[list[int]] = np.round(boxes.astype(np.float64) * scale).astype(np.int64).tolist()
    return rows


def _edges(graph: OcclusionGraph) -> list[list[int]]:
    """Place of the object in front, of the one behind, and how much of it is hidden, the most hidden first."""
    told = np.flatnonzero(graph.hidden_fraction >= _LEAST_SHARE)
    told = told[np.argsort(-graph.hidden_fraction[told], kind="stable")]
    share = np.round(graph.hidden_fraction[told].astype(np.float64) * _PER_MILLE).astype(np.int64)
    rows: list[list[int]] = np.stack([graph.occluder[told], graph.occluded[told], share], axis=1).tolist()
    return rows


def _marks(difference: Difference) -> list[list[object]]:
    """Outcome, x and y in centimetres, places of the true object and of the prediction, words, severity and what it
    comes from, places of all that are involved."""
    places = np.round(difference.mark_xy_m.astype(np.float64) * _CM).astype(np.int64)
    return [
        [
            int(difference.mark[m]),
            *places[m].tolist(),
            int(difference.mark_truth[m]),
            int(difference.mark_prediction[m]),
            difference.mark_text[m],
            round(float(difference.severity[m]), 3),
            difference.mark_measure[m],
            list(difference.mark_involved[m]),
        ]
        for m in range(len(difference.mark))
    ]


def _whole(values: Float[np.ndarray, "..."], scale: float) -> list[object]:
    """Rounded whole numbers; null where a value is not known."""
    scaled = np.round(values.astype(np.float64) * scale)
    known = np.where(np.isnan(scaled), 0, scaled).astype(np.int64).astype(object)
    known[np.isnan(scaled)] = None
    listed: list[object] = known.tolist()
    return listed
