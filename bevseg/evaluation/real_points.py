"""How well the points of real scans are classified, dataset by dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from bevseg.datasets.source import Source
from bevseg.evaluation.panoptic import SemanticCounts, count_semantic
from bevseg.evaluation.tables import figure_table, json_number
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import PointLabels

Classify = Callable[[PointCloud], PointLabels]

POINT_LABELLED = {"pandaset": "PandaSet", "nuscenes_lidarseg": "nuScenes", "semantic_kitti": "SemanticKITTI"}
"""Dataset of each reader that knows the class of every point."""


@dataclass(frozen=True)
class RealPointScores:
    """Confusion of the points' classes, by dataset."""

    datasets: Mapping[str, SemanticCounts]

    def tables(self) -> tuple[Table, ...]:
        """For a terminal: IoU of each class in each dataset, a dash where the class is not in its truth."""
        columns = [_iou_of_true_classes(counts) for counts in self.datasets.values()]
        figures = {c.label: [column[c] for column in columns] for c in SemanticClass if c}
        figures["mean"] = [float(np.nanmean(column)) for column in columns]
        title = "Real frames: IoU of the classes of points, over the classes that the truth has"
        return (figure_table(figures, ("points", *self.datasets), title=title),)

    def as_json(self) -> dict[str, object]:
        """IoU by dataset and class, and the mean over the classes that the truth has."""
        found: dict[str, object] = {}
        for name, counts in self.datasets.items():
            iou = _iou_of_true_classes(counts)
            by_class = {c.label: json_number(float(iou[c])) for c in SemanticClass if c}
            found[name] = {"iou": by_class, "mean": json_number(float(np.nanmean(iou)))}
        return found


def score_real_points(classify: Classify, sources: Sequence[Source]) -> RealPointScores:
    """Classifies the points of every frame of the sources that know better; others are left out."""
    datasets: dict[str, SemanticCounts] = {}
    for source in sources:
        if source.name not in POINT_LABELLED:
            continue
        name = POINT_LABELLED[source.name]
        for index in range(len(source)):
            sample = source[index]
            truth = sample.annotations.point_semantic
            if truth is None:
                raise ValueError(f"{source.name}: frame {sample.name} has no class for its points")
            counted = count_semantic(classify(sample.cloud), PointLabels(truth, np.zeros(len(truth), np.int32)))
            datasets[name] = datasets.get(name, SemanticCounts.zero()) + counted
    return RealPointScores(datasets)


def _iou_of_true_classes(counts: SemanticCounts) -> np.ndarray:
    """IoU by class, (17,); NaN for classes that the truth never has: each set knows but some of ours."""
    return np.where(counts.confusion.sum(axis=1) > 0, counts.iou, np.nan)
