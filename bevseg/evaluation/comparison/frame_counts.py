"""The counts of every frame as arrays, so that a set of frames drawn anew is one product with weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from jaxtyping import Float, Int

from bevseg.evaluation.failure_kinds import FailureKind, Failures
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS, Scores
from bevseg.evaluation.mask_detections import FrameDetections
from bevseg.evaluation.ordering import OrderCounts
from bevseg.evaluation.scores import MatchCounts

ORDER_FIELDS = tuple(field.name for field in fields(OrderCounts))
"""What a row of `FrameCounts.order` holds."""


@dataclass(frozen=True, eq=False)
class FrameCounts:
    """What one run counted in each frame of one source; entry f of every array is the same frame.

    Integers are held as floats, in which all of them are exact.

    Attributes:
        names: Of the frames, rising.
        objects: Right, wrong and missed objects and the sum of IoU by `ClassGroup`, at each of `IOU_THRESHOLDS`.
        classes: The same by `SemanticClass`, at the first of them.
        segments: The same for segments of points.
        semantic: Confusion of the classes of points.
        reliability: Predictions, right ones, and sum of the scores, by `ClassGroup` and bin of the score.
        failures: Failures of each `FailureKind`.
        order: `ORDER_FIELDS` of the order that the method itself gives; nothing where truth does not tell.
        visible_fraction: Objects whose visible fraction is known on both sides, and the sum of the absolute errors.
        ground: Confusion of the states of the ground's cells.
        total_ms: Time of the whole scan, NaN where it was not taken.
        group_detections: Judged whole masks by class group.
        class_detections: Judged whole masks by class.
        failure_lists: The failures themselves, the worst of each kind.
        without_result: Frames for which the method had no result.
    """

    names: tuple[str, ...]
    objects: Float[np.ndarray, "frame threshold 4 group"]
    classes: Float[np.ndarray, "frame 4 category"]
    segments: Float[np.ndarray, "frame 4 category"]
    semantic: Float[np.ndarray, "frame truth prediction"]
    reliability: Float[np.ndarray, "frame 3 group bin"]
    failures: Float[np.ndarray, "frame kind"]
    order: Float[np.ndarray, "frame field"]
    visible_fraction: Float[np.ndarray, "frame 2"]
    ground: Float[np.ndarray, "frame truth_state state"]
    total_ms: Float[np.ndarray, "frame"]
    group_detections: tuple[FrameDetections, ...]
    class_detections: tuple[FrameDetections, ...]
    failure_lists: tuple[Failures, ...]
    without_result: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def errors(self) -> Int[np.ndarray, "frame"]:
        """Wrong and missed objects of each frame, in class groups at the first IoU threshold."""
        total: np.ndarray = self.objects[:, 0, 1:3].sum(axis=(1, 2)).astype(np.int64)
        return total


def frame_name(scores: Scores) -> str:
    """Name of the one frame that was scored."""
    return scores.masks.groups.amodal.frames[0].frame


def stack_frames(frames: Sequence[Scores]) -> FrameCounts:
    """Arrays of the scores of single frames, one or more, each of another name; they are put in the order of these."""
    ordered = sorted(frames, key=frame_name)
    return FrameCounts(
        names=tuple(frame_name(s) for s in ordered),
        objects=_stack([np.stack([_matches(s.objects[iou]) for iou in IOU_THRESHOLDS]) for s in ordered]),
        classes=_stack([_matches(s.objects_by_class) for s in ordered]),
        segments=_stack([_matches(s.point_segments) for s in ordered]),
        semantic=_stack([s.semantic.confusion for s in ordered]),
        reliability=_stack(
            [np.stack([s.reliability.count, s.reliability.right, s.reliability.score_sum]) for s in ordered]
        ),
        failures=_stack([s.diagnosis.failures.total for s in ordered]).reshape(-1, len(FailureKind)),
        order=_stack([np.array(list(asdict(s.diagnosis.order.order["scene"]).values())) for s in ordered]),
        visible_fraction=_stack([_visible_fraction(s) for s in ordered]),
        ground=_stack([s.ground.confusion for s in ordered]),
        total_ms=_stack([s.timings_ms.get("total", np.array([np.nan])).mean() for s in ordered]),
        group_detections=tuple(s.masks.groups.amodal.frames[0] for s in ordered),
        class_detections=tuple(s.masks.classes.amodal.frames[0] for s in ordered),
        failure_lists=tuple(s.diagnosis.failures.worst for s in ordered),
        without_result=tuple(name for s in ordered for name in s.without_result),
    )


def _stack(rows: Sequence[np.ndarray | np.floating]) -> Float[np.ndarray, "*shape"]:
    return np.stack(rows).astype(np.float64)


def _matches(counts: MatchCounts) -> Float[np.ndarray, "4 category"]:
    return np.stack([counts.true_positives, counts.false_positives, counts.false_negatives, counts.iou_sum])


def _visible_fraction(scores: Scores) -> Float[np.ndarray, "2"]:
    error = scores.diagnosis.order.visible_fraction["scene"]
    return np.array([float(error.count.sum()), float(error.absolute_sum.sum())])
