"""How well objects are found on real frames, dataset by dataset.

Anything that makes `Instances` of a cloud is scored here in the same way. Scenes of one drive are few and alike, so
each dataset is scored by itself and the mean is over datasets, and no threshold may be chosen on these frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.table import Table

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.evaluation.matching import MatchRule, count_matches, match_overlaps, measure_overlaps
from bevseg.evaluation.scores import MatchCounts
from bevseg.evaluation.tables import ScoreRow, figure_table, json_number, json_rows, rows_of, score_table
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup
from bevseg.results.instances import Instances

Segment = Callable[[PointCloud], Instances]

REAL_FRAME_RULE = MatchRule(min_points=10, max_range_m=40.0)
IOU_THRESHOLDS = (0.5, 0.3)

DATASET_OF_SOURCE = {
    "nuscenes": "nuScenes",
    "kitti": "KITTI",
    "kitti_tracking": "KITTI",
    "argoverse1": "Argoverse",
    "pandaset": "PandaSet",
}
"""Dataset of each reader with boxes. Drives of one dataset, seen by one sensor, are scored together."""

AVERAGED = ("PandaSet", "KITTI", "Argoverse")
"""Datasets of the mean; the nuScenes frames hold too few objects to weigh as much as another set."""

_GROUPS = (ClassGroup.VEHICLE, ClassGroup.PEDESTRIAN, ClassGroup.TWO_WHEELER)
_GROUP_NAMES = tuple(g.label if g in _GROUPS else None for g in ClassGroup)


@dataclass(frozen=True)
class DatasetScores:
    """Counts of one dataset by class group.

    Attributes:
        dataset: Its name.
        num_frames: Frames scored.
        counts: Counts at each IoU threshold.
    """

    dataset: str
    num_frames: int
    counts: Mapping[float, MatchCounts]


@dataclass(frozen=True)
class RealFrameScores:
    """Counts of all datasets, in the order given."""

    datasets: tuple[DatasetScores, ...]

    def mean_f1(
        self, group: ClassGroup = ClassGroup.VEHICLE, *, iou_threshold: float = 0.5, over: Sequence[str] = AVERAGED
    ) -> float:
        """Mean of the datasets' F1, each with one weight; NaN if one of them has no such object.

        Raises:
            ValueError: A dataset of `over` was not scored.
        """
        f1 = {d.dataset: float(d.counts[iou_threshold].f1[group]) for d in self.datasets}
        missing = [name for name in over if name not in f1]
        if missing or not over:
            raise ValueError(f"a mean over {list(over)} needs each of them scored, got {list(f1)}")
        return sum(f1[name] for name in over) / len(over)

    def rows(self) -> tuple[ScoreRow, ...]:
        """Vehicles, pedestrians and two-wheelers of each dataset at each IoU threshold."""
        return tuple(
            row
            for scores in self.datasets
            for threshold, counts in scores.counts.items()
            for row in rows_of(counts, _GROUP_NAMES, source=scores.dataset, iou_threshold=threshold)
        )

    def mean_rows(self) -> dict[str, tuple[float, ...]]:
        """Mean F1 of each class group at each of `IOU_THRESHOLDS`; empty unless all datasets of the mean were scored.

        NaN where a dataset of the mean holds no such object.
        """
        if not {d.dataset for d in self.datasets}.issuperset(AVERAGED):
            return {}
        return {g.label: tuple(self.mean_f1(g, iou_threshold=t) for t in IOU_THRESHOLDS) for g in _GROUPS}

    def tables(self) -> tuple[Table, ...]:
        """For a terminal: the rows, group after group, and the means."""
        order = [g.label for g in _GROUPS]
        rows = sorted(self.rows(), key=lambda row: (order.index(row.category), -row.iou_threshold))
        rule = REAL_FRAME_RULE
        title = f"Real frames: objects with {rule.min_points} points or more within {rule.max_range_m:g} m"
        means = figure_table(
            self.mean_rows(),
            ("objects", *(f"IoU {threshold:g}" for threshold in IOU_THRESHOLDS)),
            title=f"Mean F1 over {', '.join(AVERAGED)}, each with one weight",
        )
        return score_table(rows, title=title), means

    def as_json(self) -> dict[str, object]:
        """Rows, frames of each dataset, and the mean F1 over datasets by class group and IoU."""
        means = {
            group: {f"{t:g}": json_number(f1) for t, f1 in zip(IOU_THRESHOLDS, values, strict=True)}
            for group, values in self.mean_rows().items()
        }
        frames = {d.dataset: d.num_frames for d in self.datasets}
        return {"frames": frames, "rows": json_rows(self.rows()), "averaged": list(AVERAGED), "mean_f1": means}


def by_dataset(sources: Iterable[Source]) -> dict[str, tuple[Source, ...]]:
    """Drives of one dataset together; sources of unknown name stand for themselves."""
    datasets: dict[str, tuple[Source, ...]] = {}
    for source in sources:
        name = DATASET_OF_SOURCE.get(source.name, source.name)
        datasets[name] = (*datasets.get(name, ()), source)
    return datasets


def score_real_frames(
    segment: Segment,
    datasets: Mapping[str, Sequence[Source]],
    *,
    score_thresholds: tuple[float, ...] = REAL_FRAME_RULE.score_thresholds,
) -> RealFrameScores:
    """Segments every frame and counts what was found of the objects with 10 points or more within 40 m.

    Args:
        segment: A network's pipeline, the clusters baseline, or a look-up of stored scenes.
        datasets: The sources of each dataset, as `by_dataset` gives them.
        score_thresholds: Least score for each `ClassGroup`, chosen elsewhere (on simulated frames).
    """
    rule = replace(REAL_FRAME_RULE, score_thresholds=score_thresholds)
    return RealFrameScores(
        tuple(_score_dataset(segment, name, sources, rule) for name, sources in datasets.items()),
    )


def _score_dataset(segment: Segment, name: str, sources: Sequence[Source], rule: MatchRule) -> DatasetScores:
    totals = {threshold: MatchCounts.zero(len(ClassGroup)) for threshold in IOU_THRESHOLDS}
    for source in sources:
        for index in range(len(source)):
            for threshold, counts in _score_sample(segment, source[index], rule).items():
                totals[threshold] += counts
    return DatasetScores(name, sum(len(source) for source in sources), totals)


def _score_sample(segment: Segment, sample: Sample, rule: MatchRule) -> dict[float, MatchCounts]:
    overlaps = measure_overlaps(segment(sample.cloud), sample.annotations, rule=rule)
    return {t: count_matches(match_overlaps(overlaps, rule=replace(rule, iou_threshold=t))) for t in IOU_THRESHOLDS}
