"""How well objects are found on real frames, dataset by dataset.

Anything that makes `Instances` of a cloud is scored here in the same way. Scenes of one drive are few and alike, so
each dataset is scored by itself and the mean is over datasets, and no threshold may be chosen on these frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.table import Table

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.evaluation.calibration import Reliability, count_reliability, judged_scores
from bevseg.evaluation.failure_tally import FailureTally, failure_tables, tally_frame
from bevseg.evaluation.failures import name_failures
from bevseg.evaluation.mask_scores import Comparison, MaskScores, See, score_masks, see_truth
from bevseg.evaluation.mask_tables import json_masks, mask_ap_tables
from bevseg.evaluation.matching import (
    FrameMatches,
    MatchRule,
    PredictionStatus,
    TruthStatus,
    count_matches,
    match_overlaps,
)
from bevseg.evaluation.scores import MatchCounts
from bevseg.evaluation.tables import (
    ScoreRow,
    calibration_table,
    figure_table,
    json_number,
    json_reliability,
    json_rows,
    rows_of,
    score_table,
)
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
_FEW_NAMES = tuple(g.label if g in _GROUPS[1:] else None for g in ClassGroup)
"""Groups of which single datasets hold a handful; vehicles of all together would be those of PandaSet."""


@dataclass(frozen=True)
class DatasetScores:
    """Counts of one dataset by class group.

    Attributes:
        dataset: Its name.
        num_frames: Frames scored.
        counts: Counts at each IoU threshold.
        reliability: How often objects of each score are right, at the first of `IOU_THRESHOLDS`.
        failures: What went wrong at that threshold, by name; errors of the three groups that the sets label.
        masks: Average precision and fit of the masks.
    """

    dataset: str
    num_frames: int
    counts: Mapping[float, MatchCounts]
    reliability: Reliability
    failures: FailureTally
    masks: MaskScores

    @classmethod
    def zero(cls, dataset: str) -> DatasetScores:
        counts = {threshold: MatchCounts.zero(len(ClassGroup)) for threshold in IOU_THRESHOLDS}
        groups = len(ClassGroup)
        return cls(dataset, 0, counts, Reliability.zero(groups), FailureTally.zero(), MaskScores.zero())

    def __add__(self, other: DatasetScores) -> DatasetScores:
        return DatasetScores(
            self.dataset,
            self.num_frames + other.num_frames,
            {threshold: counts + other.counts[threshold] for threshold, counts in self.counts.items()},
            self.reliability + other.reliability,
            self.failures + other.failures,
            self.masks + other.masks,
        )


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
        """Vehicles, pedestrians and two-wheelers of each dataset at each IoU threshold, and the few of all together."""
        together = sum(self.datasets, start=DatasetScores.zero("all"))
        return tuple(
            row
            for scores in (*self.datasets, *([together] if len(self.datasets) > 1 else []))
            for threshold, counts in scores.counts.items()
            for row in rows_of(
                counts,
                _FEW_NAMES if scores is together else _GROUP_NAMES,
                source=scores.dataset,
                iou_threshold=threshold,
            )
        )

    def mean_rows(self) -> dict[str, tuple[float, ...]]:
        """Mean F1 of each class group at each of `IOU_THRESHOLDS`; empty unless all datasets of the mean were scored.

        NaN where a dataset of the mean holds no such object.
        """
        if not {d.dataset for d in self.datasets}.issuperset(AVERAGED):
            return {}
        return {g.label: tuple(self.mean_f1(g, iou_threshold=t) for t in IOU_THRESHOLDS) for g in _GROUPS}

    def tables(self) -> tuple[Table, ...]:
        """For a terminal: the rows, group after group, the means, masks, calibration, and the failures by name."""
        order = [g.label for g in _GROUPS]
        rows = sorted(self.rows(), key=lambda row: (order.index(row.category), -row.iou_threshold))
        rule = REAL_FRAME_RULE
        title = f"Real frames: objects with {rule.min_points} points or more within {rule.max_range_m:g} m"
        means = figure_table(
            self.mean_rows(),
            ("objects", *(f"IoU {threshold:g}" for threshold in IOU_THRESHOLDS)),
            title=f"Mean F1 over {', '.join(AVERAGED)}, each with one weight",
        )
        masks = mask_ap_tables({d.dataset: d.masks for d in self.datasets}, groups=_GROUPS)
        calibration = calibration_table({d.dataset: d.reliability for d in self.datasets}, _GROUP_NAMES)
        failures = sum((d.failures for d in self.datasets), start=FailureTally.zero())
        parts = {d.dataset: d.failures.total for d in self.datasets}
        named = failure_tables(failures, parts, title=f"Failures at IoU {IOU_THRESHOLDS[0]:g}; FN and FP by reason")
        return score_table(rows, title=title), means, *masks, calibration, *named

    def as_json(self) -> dict[str, object]:
        """Rows, frames of each dataset, and the mean F1 over datasets by class group and IoU."""
        means = {
            group: {f"{t:g}": json_number(f1) for t, f1 in zip(IOU_THRESHOLDS, values, strict=True)}
            for group, values in self.mean_rows().items()
        }
        frames = {d.dataset: d.num_frames for d in self.datasets}
        return {
            "frames": frames,
            "rows": json_rows(self.rows()),
            "averaged": list(AVERAGED),
            "mean_f1": means,
            "masks": {d.dataset: json_masks(d.masks, groups=_GROUPS) for d in self.datasets},
            "calibration": {d.dataset: json_reliability(d.reliability, _GROUP_NAMES) for d in self.datasets},
            "failures": {d.dataset: d.failures.as_json() for d in self.datasets},
        }


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
    see: See | None = None,
) -> RealFrameScores:
    """Segments every frame and counts what was found of the objects with 10 points or more within 40 m.

    Args:
        segment: A network's pipeline, the clusters baseline, or a look-up of stored scenes.
        datasets: The sources of each dataset, as `by_dataset` gives them.
        score_thresholds: Least score for each `ClassGroup`, chosen elsewhere (on simulated frames).
        see: What the sensor saw of true objects; without it visible masks are not scored.
    """
    rule = replace(REAL_FRAME_RULE, score_thresholds=score_thresholds)

    def score_dataset(name: str, sources: Sequence[Source]) -> DatasetScores:
        samples = ((source, source[index]) for source in sources for index in range(len(source)))
        scores = (
            _score_sample(segment(sample.cloud), sample, f"{source.name}/{sample.name}", rule, see)
            for source, sample in samples
        )
        return sum(scores, start=DatasetScores.zero(name))

    return RealFrameScores(tuple(score_dataset(name, sources) for name, sources in datasets.items()))


def _score_sample(found: Instances, sample: Sample, frame: str, rule: MatchRule, see: See | None) -> DatasetScores:
    compared = Comparison.of(found, sample.annotations, rule=rule)
    matches = {t: match_overlaps(compared.overlaps, rule=replace(rule, iou_threshold=t)) for t in IOU_THRESHOLDS}
    strict, strict_rule = matches[IOU_THRESHOLDS[0]], replace(rule, iou_threshold=IOU_THRESHOLDS[0])
    failures = name_failures(found, sample.annotations, _of_scored_groups(strict), rule=strict_rule)
    return DatasetScores(
        sample.name,
        1,
        {threshold: count_matches(pairs) for threshold, pairs in matches.items()},
        count_reliability(judged_scores(compared.overlaps, strict), num_categories=len(ClassGroup)),
        tally_frame(failures, frame),
        score_masks(compared, rule=rule, frame=frame, seen=see_truth(see, sample, found)),
    )


def _of_scored_groups(matches: FrameMatches) -> FrameMatches:
    """The same with cones and barriers ignored: most of the sets label none, and to find one there is no failure."""
    prediction, truth = matches.prediction_status.copy(), matches.truth_status.copy()
    kept = prediction != PredictionStatus.BELOW_SCORE
    prediction[kept & ~np.isin(matches.prediction_category, _GROUPS)] = PredictionStatus.IGNORED
    truth[~np.isin(matches.truth_category, _GROUPS)] = TruthStatus.IGNORED
    return replace(matches, prediction_status=prediction, truth_status=truth)
