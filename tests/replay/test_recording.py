"""Reading frames: steady ids, trails, speeds, truth, and what cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import NO_BOXES
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.source import Source
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.geometry.frames import Transform
from bevseg.replay.frames import BrokenFrame, Frame, Prediction
from bevseg.replay.predictions import PredictionError, StoredPredictions
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.truth import TruthScenes, tracks_are_known
from bevseg.results.scene import Scene

Predict = Callable[[Sample], Scene]
NOTHING = Predictor("nothing", lambda sample: None)


def _frames(recording: Recording, indices: range) -> list[Frame]:
    frames = [recording.read(index) for index in indices]
    assert all(isinstance(frame, Frame) for frame in frames)
    return [frame for frame in frames if isinstance(frame, Frame)]


def frame_of(recording: Recording, index: int) -> Frame:
    return _frames(recording, range(index, index + 1))[0]


def _ids_by_place(prediction: Prediction) -> dict[tuple[int, int], int]:
    """Of the two that stand, by where they are."""
    instances = prediction.scene.instances
    places = instances.boxes[:, :2].round().astype(int).tolist()
    return {(x, y): int(i) for (x, y), i in zip(places, instances.id, strict=True) if y < 0}


def test_ids_are_steady_though_the_results_change_their_order(drive: Source, right: Predict) -> None:
    frames = _frames(Recording(drive, (Predictor("right", right),)), range(6))
    assert [frame.index for frame in frames] == list(range(6))
    standing = [_ids_by_place(frame.predictions[0]) for frame in frames]
    assert all(ids == standing[0] for ids in standing)
    np.testing.assert_allclose([frame.time_s for frame in frames], 0.1 * np.arange(6), atol=1e-9)


def test_point_labels_follow_the_ids(drive: Source, right: Predict) -> None:
    frames = _frames(Recording(drive, (Predictor("right", right),)), range(3))
    scene = frames[2].predictions[0].scene
    labelled = scene.points.instance[:20]
    assert set(labelled.tolist()) <= set(scene.instances.id.tolist())
    assert len(set(labelled.tolist())) == 1


def test_trails_and_speeds_are_those_over_the_ground(drive: Source, right: Predict) -> None:
    last = _frames(Recording(drive, (Predictor("right", right),)), range(6))[-1].predictions[0]
    boxes = last.scene.instances.boxes
    moving = int(boxes[:, 1].argmax())
    np.testing.assert_allclose(last.trails[moving][:, 0], np.arange(10.0, 16.0), atol=1e-4)
    np.testing.assert_allclose(last.scene.instances.velocity_mps[moving], [10.0, 0.0], atol=1e-2)
    standing = np.delete(last.scene.instances.velocity_mps, moving, axis=0)
    np.testing.assert_allclose(standing, 0.0, atol=1e-2)


def test_without_poses_there_is_no_way_over_the_ground(drive: Source, right: Predict) -> None:
    frames = _frames(Recording(_standing(drive), (Predictor("right", right),)), range(6))
    last = frames[-1].predictions[0]
    assert last.trails == ()
    assert np.isnan(last.scene.instances.velocity_mps).all()
    assert _ids_by_place(last) == _ids_by_place(frames[0].predictions[0]), "objects are followed all the same"


def test_frames_a_second_apart_are_not_taken_to_follow_each_other(drive: Source, right: Predict) -> None:
    rare = replace(drive, samples=tuple(_at(drive[k], k * 1_000_000_000) for k in range(5)))  # type: ignore[type-var]
    last = _frames(Recording(rare, (Predictor("right", right),)), range(5))[-1].predictions[0]
    assert {len(trail) for trail in last.trails} == {1}


def _at(sample: Sample, stamp_ns: int) -> Sample:
    return replace(sample, cloud=replace(sample.cloud, stamp_ns=stamp_ns))


def _standing(drive: Source) -> Source:
    """The same where nobody knows how the vehicle moved."""
    unknown = Transform(np.eye(4), "global", "ego")
    samples = tuple(replace(drive[k], T_global_from_ego=unknown) for k in range(len(drive)))
    moved: Source = replace(drive, samples=samples)  # type: ignore[type-var]
    return moved


def test_going_back_begins_anew(drive: Source, right: Predict) -> None:
    recording = Recording(drive, (Predictor("right", right),))
    _frames(recording, range(4))
    frame = recording.read(1)
    assert isinstance(frame, Frame)
    assert {len(trail) for trail in frame.predictions[0].trails} == {1}


def test_steady_ids_of_results_are_kept(drive: Source, right: Predict) -> None:
    own = Predictor("right", right, lambda sample: True)
    frames = _frames(Recording(drive, (own,)), range(3))
    assert [frame.predictions[0].scene.instances.id.tolist() for frame in frames] == [[1, 2, 3]] * 3


def test_the_truth_is_a_result_with_small_steady_ids(drive: Source) -> None:
    truth = TruthScenes()
    frames = _frames(Recording(drive, (Predictor("truth", truth.predict, tracks_are_known),)), range(2))
    scene = frames[1].predictions[0].scene
    assert scene.instances.id.tolist() == [1, 2, 3], "whatever numbers the set has"
    assert set(scene.points.instance[:60].tolist()) == {1, 2, 3}
    assert scene.instances.visible_fraction_source == "estimated"


def test_objects_of_a_set_without_tracks_are_followed(drive: Source) -> None:
    bare = replace(drive[0], annotations=replace(drive[0].annotations, track_id=np.full(3, -1)))
    assert not tracks_are_known(bare)
    assert TruthScenes().predict(bare).instances.id.tolist() == [1, 2, 3]


def test_areas_that_are_no_things_are_left_out_of_the_truth(drive: Source) -> None:
    truth = drive[0].annotations
    odd = replace(truth, label=np.array([4, 0, 7], np.uint8), point_instance=np.repeat([1, 2, 3, 0], [20, 20, 20, 300]))
    scene = TruthScenes().predict(replace(drive[0], annotations=odd))
    assert scene.instances.label.tolist() == [4, 7]
    assert scene.points.instance[[0, 20, 40, 60]].tolist() == [1, 0, 2, 0]


def test_labelled_points_of_objects_without_boxes_lie_on_none(drive: Source) -> None:
    """As in all of SemanticKITTI."""
    truth = drive[0].annotations
    bare = Annotations.from_boxes(drive[0].cloud, truth.boxes[:0], truth.label[:0])
    labelled = replace(bare, point_instance=np.repeat([7, 0, 3, 0], [20, 20, 20, 300]))
    scene = TruthScenes().predict(replace(drive[0], annotations=labelled))
    assert len(scene.instances) == 0
    assert not scene.points.instance.any()


def test_two_results_side_by_side(drive: Source, right: Predict) -> None:
    scoring = Scoring(MatchRule(min_points=5))
    recording = Recording(drive, (Predictor("a", right), Predictor("b", lambda sample: None)), scoring)
    frame = recording.read(2)
    assert isinstance(frame, Frame)
    first, second = frame.predictions
    assert first.difference is not None
    assert (second.note, len(second.scene.instances)) == ("no result for frame 000002", 0)


@pytest.mark.parametrize("count", [0, 3])
def test_one_or_two_methods_are_shown(drive: Source, right: Predict, count: int) -> None:
    with pytest.raises(ValueError, match=f"got {count}"):
        Recording(drive, (Predictor("a", right),) * count)


def test_frames_without_labels_have_no_truth(drive: Source, right: Predict) -> None:
    blind = replace(drive[0], annotations=replace(drive[0].annotations, view=NO_BOXES))
    frame = Recording(_Listed([blind]), (Predictor("a", right),)).read(0)
    assert isinstance(frame, Frame)
    assert frame.truth is None


def test_a_frame_that_cannot_be_read_says_why(drive: Source, right: Predict) -> None:
    cut = _Listed([drive[0], replace(drive[1], name=""), drive[2]])

    def odd(sample: Sample) -> Scene:
        if not sample.name:
            raise KeyError("boxes")
        return right(sample)

    recording = Recording(cut, (Predictor("a", odd),))
    broken = recording.read(1)
    assert broken == BrokenFrame(1, 3, "lacks 'boxes'")
    assert isinstance(recording.read(2), Frame)


def test_scans_without_stamps_follow_at_a_steady_rate(drive: Source, right: Predict) -> None:
    still = [replace(sample, cloud=replace(sample.cloud, stamp_ns=0)) for sample in (drive[0], drive[1], drive[2])]
    recording = Recording(_Listed(still), (Predictor("a", right),), period_s=0.5)
    assert [frame.time_s for frame in _frames(recording, range(3))] == [0.0, 0.5, 1.0]
    assert recording.frames_per_s() is None
    assert Recording(drive, (Predictor("a", right),)).frames_per_s() == pytest.approx(10.0)
    assert Recording(_Listed(still[:1]), (Predictor("a", right),)).frames_per_s() is None


def test_times_are_told_without_results(drive: Source, right: Predict) -> None:
    recording = Recording(drive, (Predictor("a", right),))
    assert recording.time_of(3) == pytest.approx(0.3)
    cut = Recording(_Listed([drive[0]]), (Predictor("a", right),))
    with pytest.raises(ValueError, match="time of frame 1 cannot be told"):
        Recording(_Broken(), (Predictor("a", right),)).time_of(1)
    cut.reopened(drive)
    assert len(cut) == 6


class _Listed:
    name = "listed"

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]

    def name_of(self, index: int) -> str:
        return self._samples[index].name


class _Broken(_Listed):
    def __init__(self) -> None:
        super().__init__([])

    def __getitem__(self, index: int) -> Sample:
        raise OSError(f"frame {index} is gone")


def test_stamps_are_those_of_the_scans_or_come_at_a_steady_rate(drive: Source) -> None:
    recording = Recording(drive, (NOTHING,))
    assert [recording.stamp_ns_of(frame_of(recording, k)) for k in (2, 0)] == [1_200_000_000, 1_000_000_000]
    for first_ns, stamps in ((0, [500_000_000, 1_000_000_000]), (7, [7, 500_000_007])):
        still = _Listed([replace(drive[k], cloud=replace(drive[k].cloud, stamp_ns=first_ns)) for k in range(2)])
        recording = Recording(still, (NOTHING,), period_s=0.5)
        assert [recording.stamp_ns_of(frame_of(recording, k)) for k in range(2)] == stamps


def test_poses_are_known_where_there_are_any(drive: Source) -> None:
    assert Recording(drive, (NOTHING,)).has_poses()
    nowhere = Transform(np.eye(4), "global", "ego")
    without = _Listed([replace(drive[k], T_global_from_ego=nowhere) for k in range(2)])
    assert not Recording(without, (NOTHING,)).has_poses()
    assert not Recording(_Broken(), (NOTHING,)).has_poses()
    from_origin = _Listed([replace(drive[0], T_global_from_ego=nowhere), drive[1]])
    assert Recording(from_origin, (NOTHING,)).has_poses()


def test_stored_results_are_found_in_every_folder_that_bevseg_writes(drive: Source, stored: Path) -> None:
    for folder in (stored, stored / "predictions", stored / "predictions" / "drive"):
        found = StoredPredictions.find(folder, "drive")
        assert found.folder == stored / "predictions" / "drive"
        scene = found.predict(drive[3])
        assert scene is not None
        assert len(scene.instances) == 3


def test_a_frame_may_have_no_result(drive: Source, stored: Path) -> None:
    found = StoredPredictions.find(stored, "drive")
    assert found.predict(replace(drive[0], name="000099")) is None


def test_results_of_another_scan_are_refused(drive: Source, stored: Path) -> None:
    found = StoredPredictions.find(stored, "drive")
    with pytest.raises(PredictionError, match="labels 360 points, the scan 000000 has 7: it is the result of another"):
        found.predict(replace(drive[0], cloud=drive[0].cloud[:7]))


def test_half_a_result_is_damaged(drive: Source, stored: Path) -> None:
    found = StoredPredictions.find(stored, "drive")
    (found.folder / "000002.npz").unlink()
    recording = Recording(drive, (Predictor("a", found.predict),))
    broken = recording.read(2)
    assert isinstance(broken, BrokenFrame)
    assert (broken.name, "000002.npz is missing" in broken.reason) == ("000002", True)


def test_folders_without_results_are_refused(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match="no such folder"):
        StoredPredictions.find(tmp_path / "nothing", "drive")
    with pytest.raises(PredictionError, match=r"of the source 'other', found predictions/drive/"):
        StoredPredictions.find(stored, "other")
    (tmp_path / "bare").mkdir()
    with pytest.raises(PredictionError, match="found no folder and no scene"):
        StoredPredictions.find(tmp_path / "bare", "drive")


def test_results_under_another_name_are_known_by_their_frames(stored: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(stored, run)
    (run / "metrics.json").write_text("{}")
    places = [path.parent for path in run.rglob("000000.json")]
    assert len(places) == 1
    found = StoredPredictions.find(run, "another name", ["000000", "000001"])
    assert found.folder == places[0]
    with pytest.raises(PredictionError, match="of the source 'another name', found predictions/drive/; name"):
        StoredPredictions.find(run, "another name", ["token"])
    shutil.copytree(places[0], places[0].with_name("twin"))
    with pytest.raises(PredictionError, match="found predictions/drive/, predictions/twin/, which all have such"):
        StoredPredictions.find(run, "another name", ["000000"])
