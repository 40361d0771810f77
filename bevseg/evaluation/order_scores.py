"""Order and occlusion of a simulated test set, beside two baselines that take the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float
from rich.table import Table

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.hidden_objects import (
    HIDDEN_BINS,
    VISIBILITY_EDGES,
    AmodalCurve,
    VisibleFractionError,
    measure_amodal,
    measure_visible_fraction,
)
from bevseg.evaluation.matching import FrameMatches
from bevseg.evaluation.order_baselines import no_occlusion, sort_by_nearest_edge
from bevseg.evaluation.ordering import OrderCounts, count_order
from bevseg.evaluation.tables import figure, figure_table, json_number, text_table
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph

METHODS = ("scene", "nearest edge", "no occlusion")
"""The graph of the scene itself; its objects sorted by range; nobody hides anybody."""

_BANDS = tuple(
    f"{100 * low:g}-{100 * high:g} %" for low, high in zip((0, *VISIBILITY_EDGES), (*VISIBILITY_EDGES, 1), strict=True)
)
_BINS = tuple(f"{100 * low // HIDDEN_BINS}-{100 * (low + 1) // HIDDEN_BINS} %" for low in range(HIDDEN_BINS))


@dataclass(frozen=True, eq=False)
class OrderScores:
    """What a set of frames adds up to; scores of two sets of frames add with `+`.

    Attributes:
        num_frames: Frames whose truth tells who hides whom.
        order: Order and occlusion by each of `METHODS`.
        visible_fraction: Error of the visible fraction by each of them.
        amodal: IoU against the hidden fraction; the same for all, as their masks are.
    """

    num_frames: int
    order: Mapping[str, OrderCounts]
    visible_fraction: Mapping[str, VisibleFractionError]
    amodal: AmodalCurve

    @classmethod
    def zero(cls) -> OrderScores:
        return cls(
            0,
            dict.fromkeys(METHODS, OrderCounts.zero()),
            dict.fromkeys(METHODS, VisibleFractionError.zero()),
            AmodalCurve.zero(),
        )

    def __add__(self, other: OrderScores) -> OrderScores:
        return OrderScores(
            self.num_frames + other.num_frames,
            {name: counts + other.order[name] for name, counts in self.order.items()},
            {name: error + other.visible_fraction[name] for name, error in self.visible_fraction.items()},
            self.amodal + other.amodal,
        )

    def tables(self) -> tuple[Table, ...]:
        """For a terminal; none where no frame's truth tells who hides whom."""
        if not self.num_frames:
            return ()
        scene, curve = self.order["scene"], self.amodal
        depth = {name: (*asdict(o.depth).values(), o.whdr) for name, o in self.order.items()}
        edges = {name: (*asdict(o.occlusion).values(), o.occlusion_found.f1) for name, o in self.order.items()}
        errors = {name: (*e.mean_absolute, e.overall) for name, e in self.visible_fraction.items()}
        figures = (curve.recall, curve.iou_found, curve.iou_all)
        bins = {
            name: [str(int(curve.count[b])), *(figure(float(f[b])) for f in figures)] for b, name in enumerate(_BINS)
        }
        return (
            figure_table(
                depth,
                ("order by", "P", "R", "F1", "WHDR"),
                title=f"Depth order: {scene.pairs} pairs, one hiding some of the other, {scene.pairs_found} both found",
            ),
            figure_table(
                edges,
                ("edges by", "P", "R", "F1", "F1 of found"),
                title=f"Who hides whom: {scene.edges} edges, {scene.edges_found} with both ends found",
            ),
            figure_table(
                errors,
                ("visible by", *_BANDS, "all"),
                title="Visible fraction: mean absolute error by the true fraction",
            ),
            text_table(bins, ("hidden", "truth", "R", "IoU found", "IoU all"), title="Amodal masks by hidden fraction"),
        )

    def as_json(self) -> dict[str, object]:
        """Figures and the counts behind them; empty where no frame's truth tells who hides whom."""
        if not self.num_frames:
            return {}
        curve = self.amodal
        return {
            "frames": self.num_frames,
            **{name: self._method_as_json(name) for name in METHODS},
            "amodal_by_hidden_fraction": {
                name: {
                    "truth": int(curve.count[b]),
                    "found": int(curve.found[b]),
                    "recall": json_number(float(curve.recall[b])),
                    "iou_found": json_number(float(curve.iou_found[b])),
                    "iou_all": json_number(float(curve.iou_all[b])),
                }
                for b, name in enumerate(_BINS)
            },
        }

    def _method_as_json(self, name: str) -> dict[str, object]:
        order, error = self.order[name], self.visible_fraction[name]
        rates = {"depth": order.depth, "occlusion": order.occlusion, "occlusion_found": order.occlusion_found}
        return {
            **{key: {k: json_number(v) for k, v in asdict(value).items()} for key, value in rates.items()},
            "whdr": json_number(order.whdr),
            "counts": asdict(order),
            "visible_fraction_error": {
                "all": json_number(error.overall),
                **{
                    band: {"objects": int(n), "mean_absolute": json_number(float(m)), "bias": json_number(float(b))}
                    for band, n, m, b in zip(_BANDS, error.count, error.mean_absolute, error.bias, strict=True)
                },
            },
        }


def score_order(
    instances: Instances,
    graph: OcclusionGraph | None,
    annotations: Annotations,
    matches: FrameMatches,
    sensor_origin_m: Float[np.ndarray, "3"],
) -> OrderScores:
    """Compares the order of one frame with the truth, and that of the baselines on the same objects.

    Args:
        instances: The objects found, with boxes.
        graph: Who hides whom among them; None from methods that do not say.
        annotations: The truth, with its graph; without one there is nothing to score.
        matches: Who found whom.
        sensor_origin_m: Where the rays start, in the frame of the boxes.
    """
    truth = annotations.occlusion
    if graph is None or truth is None:
        return OrderScores.zero()
    baselines = (sort_by_nearest_edge(instances.boxes, sensor_origin_m), no_occlusion(len(instances)))
    graphs = dict(zip(METHODS, (graph, *baselines), strict=True))
    true_fraction = annotations.visible_fraction
    return OrderScores(
        1,
        {name: count_order(g, truth, matches) for name, g in graphs.items()},
        {name: measure_visible_fraction(g.visible_fraction, true_fraction, matches) for name, g in graphs.items()},
        measure_amodal(true_fraction, matches),
    )
