"""What every submission has to fulfil; an error names the frame and what was expected there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Integer

from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import NUM_CLASSES, THING_CLASSES
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.scene import PointLabels

_IS_THING = np.isin(np.arange(NUM_CLASSES), THING_CLASSES)
_PER_OBJECT = ("label", "score", "boxes", "velocity_mps", "amodal")


class SubmissionError(ValueError):
    """Results that cannot be submitted as they are."""


def check_objects(instances: Instances, *, frame: str) -> None:
    """Refuses objects that a benchmark would refuse, or worse, would score in silence.

    Raises:
        SubmissionError: Two objects have one id, an array is too short or too long, a class is no thing, a score is
            not within 0..1, or a box is not finite or has no size.
    """
    k = len(instances.id)
    for name in _PER_OBJECT:
        if len(getattr(instances, name)) != k:
            raise SubmissionError(f"frame {frame}: expected {name} of {k} objects, got {len(getattr(instances, name))}")
    ids, times = np.unique(instances.id, return_counts=True)
    if (times > 1).any():
        raise SubmissionError(f"frame {frame}: expected one object for each id, got several with {ids[times > 1][:5]}")
    _refuse(instances, ~np.isin(instances.label, THING_CLASSES), "label", "a thing class, 1..10", frame)
    _refuse(instances, ~((instances.score >= 0) & (instances.score <= 1)), "score", "within 0..1", frame)
    _refuse(instances, ~np.isfinite(instances.boxes).all(axis=1), "boxes", "finite numbers", frame)
    _refuse(instances, ~(instances.boxes[:, 3:6] > 0).all(axis=1), "boxes", "sizes above 0", frame)


def check_masks(masks: BevMasks, grid: BevGrid, *, frame: str) -> None:
    """Refuses masks that do not lie on the grid of the submission.

    Raises:
        SubmissionError: The masks are of another grid, or a cell lies outside.
    """
    if masks.grid != grid:
        raise SubmissionError(f"frame {frame}: expected masks on {grid}, got masks on {masks.grid}")
    outside = masks.cells[(masks.cells < 0) | (masks.cells >= grid.num_cells)]
    if len(outside):
        raise SubmissionError(f"frame {frame}: expected cells within 0..{grid.num_cells - 1}, got {outside[:5]}")


def check_labels(labels: PointLabels, *, num_points: int, most_instances: int, frame: str) -> None:
    """Refuses labels of other points, and what the format cannot hold.

    Args:
        labels: Class and instance of each point.
        num_points: Of the scan.
        most_instances: Largest instance number that the format can hold.
        frame: Name for errors.

    Raises:
        SubmissionError: There are more or fewer labels than points, or a class or an instance does not fit.
    """
    if len(labels.semantic) != num_points or len(labels.instance) != num_points:
        raise SubmissionError(
            f"frame {frame}: expected a label for each of {num_points} points, got {len(labels.semantic)} classes and "
            f"{len(labels.instance)} instances"
        )
    if labels.semantic.max(initial=0) >= NUM_CLASSES:
        raise SubmissionError(
            f"frame {frame}: expected classes within 0..{NUM_CLASSES - 1}, got {labels.semantic.max()}"
        )
    numbers = labels.instance[_IS_THING[labels.semantic]]
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() <= most_instances):
        raise SubmissionError(
            f"frame {frame}: expected instance numbers within 0..{most_instances}, which is all that the format holds, "
            f"got {numbers.min()}..{numbers.max()}; number the objects anew"
        )


def thing_numbers(labels: PointLabels) -> Integer[np.ndarray, "n"]:
    """Instance of each point that is of a thing class, 0 for stuff and noise, which have no objects to number."""
    return np.where(_IS_THING[labels.semantic], labels.instance, 0)


def check_names(names: Iterable[str]) -> None:
    """Refuses a submission with two entries for one frame.

    Raises:
        SubmissionError: A name comes twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SubmissionError(f"frame {name}: expected one entry for each frame, got two")
        seen.add(name)


def _refuse(instances: Instances, wrong: Bool[np.ndarray, "k"], name: str, expected: str, frame: str) -> None:
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        got = getattr(instances, name)[first]
        raise SubmissionError(f"frame {frame}, object {instances.id[first]}: expected {name} {expected}, got {got}")
