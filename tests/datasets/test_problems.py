"""Sets that are sound, and sets that would train to nothing, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.inspection import FrameFacts, Inspection, chosen_indices, facts_of, inspect_source
from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.open import open_source
from bevseg.datasets.problems import notes_of, problems_of, require_trainable
from bevseg.datasets.real_frames import BOXED_FRAMES, POINT_LABELLED_FRAMES
from bevseg.datasets.sample import Annotations, Sample
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.drive import DriveSource

Change = Callable[[Sample], Sample]


@dataclass(frozen=True)
class Listed:
    """Samples in a list; one that is an error is raised when it is asked for."""

    samples: tuple[Sample | Exception, ...]
    name: str = "listed"

    def __len__(self) -> int:
        return len(self.samples)

    def name_of(self, index: int) -> str:
        return f"{index}"

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        if isinstance(sample, Exception):
            raise sample
        return sample


@pytest.fixture(scope="module")
def scans(drive: DriveSource) -> tuple[Sample, ...]:
    return tuple(drive[index] for index in range(3))


def changed(scans: tuple[Sample, ...], change: Change) -> Listed:
    return Listed(tuple(change(scan) for scan in scans))


def of_truth(change: Callable[[Annotations], Annotations]) -> Change:
    return lambda sample: replace(sample, annotations=change(sample.annotations))


def raised(truth: Annotations, z_m: float) -> Annotations:
    """The boxes are higher than the objects."""
    return replace(truth, boxes=truth.boxes + np.array([0, 0, z_m, 0, 0, 0, 0], np.float32))


def moved(sample: Sample, z_m: float) -> Sample:
    """The points alone are somewhere else; the sensor is not."""
    xyz = sample.cloud.xyz + np.array([0, 0, z_m], np.float32)
    return replace(sample, cloud=replace(sample.cloud, xyz=xyz))


def test_a_sound_set_has_no_problems(scans: tuple[Sample, ...]) -> None:
    inspection = inspect_source(Listed(scans))
    assert problems_of(inspection) == ()
    assert notes_of(inspection) == ()
    assert inspection.has_labels
    assert inspection.share_with_points(range_m=40.0) > 0.4
    assert inspection.sensor_height_m() == pytest.approx(1.8, abs=0.4)
    np.testing.assert_allclose(inspection.periods_s(), [0.1, 0.1], atol=1e-6)
    require_trainable(Listed(scans))


@pytest.mark.real
@pytest.mark.parametrize("folder", [*BOXED_FRAMES, *POINT_LABELLED_FRAMES])
def test_real_frames_have_no_problems(real_data: Path, folder: str) -> None:
    inspection = inspect_source(open_source(real_data / folder).source, frames=2)
    assert problems_of(inspection) == ()
    assert inspection.has_labels


def test_facts_of_a_sample(scans: tuple[Sample, ...]) -> None:
    facts, truth = facts_of(scans[0], index=7), scans[0].annotations
    assert (facts.index, facts.points, facts.beams, facts.sweeps) == (7, len(scans[0].cloud), 16, 1)
    assert facts.boxes.sum() == len(truth) == len(facts.box_points)
    assert facts.boxes[SemanticClass.CAR] == np.count_nonzero(truth.label == SemanticClass.CAR)
    assert facts.semantic is not None
    assert facts.semantic.sum() == facts.points
    assert facts.has_intensity
    assert facts.has_times


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            of_truth(lambda t: replace(t, boxes=t.boxes + np.array([0, 0, 50, 0, 0, 0, 0], np.float32))),
            "no boxes contain points",
        ),
        (of_truth(lambda t: replace(t, ignored=np.ones(len(t), bool))), "table of classes maps nothing"),
        (
            of_truth(lambda t: replace(t, point_semantic=np.zeros_like(t.point_semantic))),
            "labelled points are noise",
        ),
        (lambda s: moved(s, 3.0), "above the estimated ground"),
        (
            of_truth(lambda t: replace(t, boxes=t.boxes + np.array([0, 0, 0.8, 0, 0, 0, 0], np.float32))),
            r"boxes stand \+0.7 m",
        ),
        (lambda s: replace(s, cloud=replace(s.cloud, dropped_non_finite=10**6)), "lost most of their points"),
        (lambda s: replace(s, cloud=replace(s.cloud, stamp_ns=-s.cloud.stamp_ns)), "older than the scan before"),
    ],
)
def test_each_way_to_train_to_nothing(scans: tuple[Sample, ...], change: Change, reason: str) -> None:
    source = changed(scans, change)
    with pytest.raises(DatasetError, match=reason):
        require_trainable(source)


def test_scans_without_points(scans: tuple[Sample, ...]) -> None:
    empty = PointCloud.empty()
    truth = Annotations.from_boxes(empty, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    source = changed(scans, lambda s: replace(s, cloud=empty, annotations=truth))
    assert problems_of(inspect_source(source)) == ("3 of 3 scans have no points, first 000000",)


def test_a_set_without_samples() -> None:
    inspection = inspect_source(Listed(()))
    assert problems_of(inspection) == ("there are no samples",)
    assert notes_of(inspection) == ()
    assert np.isnan(inspection.share_with_points())
    assert np.isnan(inspection.sensor_height_m())
    assert inspection.point_counts() is None


def test_samples_that_cannot_be_read_do_not_hide_the_others(scans: tuple[Sample, ...]) -> None:
    seen = []
    source = Listed((scans[0], DatasetError("no calibration"), scans[2]))
    inspection = inspect_source(source, seen=lambda index, _: seen.append(index))
    assert [frame.index for frame in inspection.frames] == seen == [0, 2]
    assert problems_of(inspection) == ("1 of 3 samples cannot be read, the first is number 1: no calibration",)
    assert len(inspection.periods_s()) == 0


def test_what_is_only_worth_a_note(scans: tuple[Sample, ...]) -> None:
    no_boxes = np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)
    bare = changed(scans, lambda s: replace(s, annotations=Annotations.from_boxes(s.cloud, *no_boxes, view=NO_BOXES)))
    assert problems_of(inspect_source(bare)) == ()
    assert "there are no labels" in notes_of(inspect_source(bare))[0]
    with pytest.raises(DatasetError, match="there are no labels"):
        require_trainable(bare)
    dropped = changed(scans, lambda s: replace(s, cloud=replace(s.cloud, dropped_non_finite=5)))
    assert notes_of(inspect_source(dropped))[0].startswith("15 points")
    after = scans[2].cloud.stamp_ns + 10**9
    late = Listed((*scans, replace(scans[2], cloud=replace(scans[2].cloud, stamp_ns=after))))
    assert "some are missing" in notes_of(inspect_source(late))[0]
    high = changed(scans, lambda s: moved(s, -8.0))
    assert any("is this a mast?" in note for note in notes_of(inspect_source(high)))


def test_scans_that_share_a_stamp(scans: tuple[Sample, ...]) -> None:
    twice = Listed((scans[0], scans[1], scans[1]))
    assert problems_of(inspect_source(twice)) == ("1 of 2 scans have the stamp of the scan before them",)


@pytest.mark.parametrize(
    ("samples", "frames", "expected"),
    [
        (100, 4, [0, 1, 98, 99]),
        (100, 6, [0, 1, 49, 50, 98, 99]),
        (3, 20, [0, 1, 2]),
        (5, None, [0, 1, 2, 3, 4]),
        (9, 1, [0]),
        (0, 5, []),
        (1, 1, [0]),
    ],
)
def test_neighbours_are_looked_at(samples: int, frames: int | None, expected: list[int]) -> None:
    assert chosen_indices(samples, frames) == expected


def test_drives_are_not_joined_in_time(scans: tuple[Sample, ...]) -> None:
    facts = [facts_of(scan, index=k, drive="a" if k < 2 else "b") for k, scan in enumerate(scans)]
    assert len(Inspection("two", 3, tuple(facts)).periods_s()) == 1
    assert isinstance(facts[0], FrameFacts)
