"""A recording as a bag, read back by `rosbags`: every topic, type, count and stamp; whole or not at all."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.bag import BagSource
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.drawing.frame_picture import PictureSize
from bevseg.geometry.frames import Transform
from bevseg.messages.mask_tiles import cells_of_tile
from bevseg.messages.pointcloud2 import decode_pointcloud2
from bevseg.points.cloud import PointCloud
from bevseg.replay.bag.export import write_bag
from bevseg.replay.bag.messages import GRID_TOPIC, TF_STATIC_TOPIC, TF_TOPIC, TYPE_OF_TOPIC
from bevseg.replay.export import Tally, read_ahead
from bevseg.replay.frames import VIEW_GRID, BrokenFrame, Frame, nothing_found
from bevseg.replay.pictures import FramePainter, Look
from bevseg.replay.predictions import StoredPredictions
from bevseg.replay.recording import Predictor, Recording
from bevseg.results.scene import Scene

PAINTER = FramePainter(Look("drive", size=PictureSize(640, 360)))
Read = Any


@pytest.fixture
def recording(drive: Source, stored: Path) -> Recording:
    return Recording(drive, (Predictor("stored", StoredPredictions.find(stored, "drive").predict),))


def written(path: Path, recording: Recording, indices: list[int], workers: int = 1) -> Tally:
    tally = Tally()
    frames = read_ahead(recording, indices, tally)
    with write_bag(path, recording, frames, PAINTER, workers=workers) as bag:
        assert list(bag) == list(range(1, len(indices) + 1))
        assert not path.exists()
    return tally


@pytest.mark.parametrize(("name", "workers"), [("drive.mcap", 1), ("folder", 2)])
def test_every_topic_is_there_with_its_type_count_and_stamp(
    recording: Recording, tmp_path: Path, read: Callable[[Path], Read], name: str, workers: int
) -> None:
    path = tmp_path / "new" / name
    path.parent.mkdir()
    written(path, recording, [0, 1, 2], workers)
    found = read(path)
    topics = set(TYPE_OF_TOPIC) - {TF_STATIC_TOPIC}  # the drive knows no frame but the sensor's
    assert found.types == {topic: TYPE_OF_TOPIC[topic] for topic in topics}
    assert found.counts == {topic: 1 if topic == GRID_TOPIC else 3 for topic in topics}
    stamps = [1_000_000_000, 1_100_000_000, 1_200_000_000]
    for topic in topics - {GRID_TOPIC}:
        assert found.times[topic] == stamps
        headers = [getattr(m, "header", None) for m in found.messages[topic]]
        headers = [m.transforms[0].header for m in found.messages[topic]] if topic == TF_TOPIC else headers
        if topic != "/bevseg/output/markers":
            assert [h.stamp.sec * 10**9 + h.stamp.nanosec for h in headers if h is not None] == stamps
    assert [entry.name for entry in path.parent.iterdir()] == [name]
    if path.is_dir():
        assert sorted(entry.name for entry in path.iterdir()) == ["folder.mcap", "metadata.yaml"]


def test_messages_hold_what_the_scenes_say(
    drive: Source, recording: Recording, right: Callable[[Sample], Scene], tmp_path: Path, read: Callable[[Path], Read]
) -> None:
    recording.predictors = (replace(recording.predictors[0], has_steady_ids=lambda sample: True),)
    written(tmp_path / "a.mcap", recording, [4])
    found = {topic: messages[0] for topic, messages in read(tmp_path / "a.mcap").messages.items()}
    sample, scene = drive[4], right(drive[4])
    cloud = decode_pointcloud2(found["/bevseg/output/points"])
    np.testing.assert_array_equal(cloud.xyz, sample.cloud.xyz)
    assert sample.cloud.intensity is not None
    assert cloud.intensity is not None
    np.testing.assert_allclose(cloud.intensity, sample.cloud.intensity, atol=1e-6)
    assert (cloud.frame, cloud.stamp_ns) == ("lidar", sample.cloud.stamp_ns)
    objects = found["/bevseg/output/objects"].instances
    assert [item.id for item in objects] == scene.instances.id.tolist()
    for k, item in enumerate(objects):
        np.testing.assert_array_equal(cells_of_tile(item.amodal, VIEW_GRID), scene.instances.amodal.cells_of(k))
        np.testing.assert_array_equal(cells_of_tile(item.visible, VIEW_GRID), scene.instances.visible.cells_of(k))
    labels = found["/bevseg/output/points"].data.reshape(-1, 24)[:, 16:20].copy().view("<u4").ravel()
    np.testing.assert_array_equal(labels, scene.points.instance)
    assert found[GRID_TOPIC].width == VIEW_GRID.width
    assert found["/bevseg/output/objects_table"].width == 3


def test_what_cannot_be_read_or_has_no_result_is_left_out(
    recording: Recording, stored: Path, tmp_path: Path, read: Callable[[Path], Read]
) -> None:
    results = stored / "predictions" / "drive"
    (results / "000001.json").write_text("{}")
    for end in (".json", ".npz"):
        (results / f"000003{end}").unlink()
    tally = written(tmp_path / "a.mcap", recording, list(range(5)))
    assert [frame.index for frame in tally.broken] == [1]
    assert tally.without_result == ["000003"]
    found = read(tmp_path / "a.mcap")
    assert [(t - 10**9) // 10**8 for t in found.times["/bevseg/output/objects"]] == [0, 2, 4]
    assert [(t - 10**9) // 10**8 for t in found.times["/bevseg/output/picture/compressed"]] == [0, 2, 3, 4]


def test_scans_without_points_stamps_and_poses(drive: Source, tmp_path: Path, read: Callable[[Path], Read]) -> None:
    samples = []
    for k in range(3):
        empty = PointCloud.empty()
        truth = replace(drive[k].annotations, num_points=np.zeros(3, np.int32))
        samples.append(Sample(f"{k}", empty, truth, drive[k].T_ego_from_lidar, Transform(np.eye(4), "global", "ego")))
    still = replace(drive, samples=tuple(samples))  # type: ignore[type-var]
    recording = Recording(still, (Predictor("a", lambda s: nothing_found(s.cloud)),), with_truth=False, period_s=0.5)
    written(tmp_path / "a.mcap", recording, [0, 1, 2])
    found = read(tmp_path / "a.mcap")
    assert TF_TOPIC not in found.counts
    assert found.times["/bevseg/output/objects"] == [500_000_000, 1_000_000_000, 1_500_000_000]
    assert [m.width for m in found.messages["/bevseg/output/points"]] == [0, 0, 0]
    assert [len(m.instances) for m in found.messages["/bevseg/output/objects"]] == [0, 0, 0]
    assert {m.header.frame_id for m in found.messages["/bevseg/output/points"]} == {"lidar"}


def test_an_interrupted_export_leaves_nothing(recording: Recording, tmp_path: Path) -> None:
    def interrupted() -> Iterator[Frame | BrokenFrame]:
        yield from read_ahead(recording, range(2), Tally())
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    for name in ("a.mcap", "folder"):
        with (
            pytest.raises(KeyboardInterrupt),
            write_bag(tmp_path / name, recording, interrupted(), PAINTER, workers=1) as bag,
        ):
            list(bag)
        assert sorted(tmp_path.iterdir()) == before


def test_a_full_disk_is_said_of_the_bag(recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rosbags.rosbag2 import Writer

    def full(self: object, *arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Writer, "write", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.mcap'"):
        written(tmp_path / "a.mcap", recording, [0])


def test_a_bag_without_any_frame_is_refused(recording: Recording, tmp_path: Path) -> None:
    broken: list[Frame | BrokenFrame] = [BrokenFrame(k, 2, f"file {k} is cut off") for k in range(2)]
    with (
        pytest.raises(DatasetError, match="none of 2 frames can be read: file 0 is cut off"),
        write_bag(tmp_path / "a.mcap", recording, broken, PAINTER, workers=1) as bag,
    ):
        list(bag)
    with (
        pytest.raises(DatasetError, match="none of 0 frames"),
        write_bag(tmp_path / "a.mcap", recording, [], PAINTER, workers=1) as bag,
    ):
        list(bag)
    assert not (tmp_path / "a.mcap").exists()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [("a.bag", ValueError, "got '.*a.bag'"), ("there", FileExistsError, "exists already")],
)
def test_names_that_are_refused(
    recording: Recording, tmp_path: Path, name: str, kind: type[Exception], words: str
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(kind, match=words), write_bag(tmp_path / name, recording, [], PAINTER, workers=1):
        pass


def test_no_more_frames_are_kept_than_are_worked_on(recording: Recording, tmp_path: Path) -> None:
    alive: weakref.WeakSet[Frame] = weakref.WeakSet()

    def coming() -> Iterator[Frame | BrokenFrame]:
        for k in range(12):
            frame = recording.read(k % 6)
            assert isinstance(frame, Frame)
            alive.add(frame)
            yield frame

    sizes = []
    with write_bag(tmp_path / "a.mcap", recording, coming(), PAINTER, workers=1) as bag:
        for _ in bag:
            assert len(alive) <= 2
            (unfinished,) = tmp_path.glob(".a.mcap.*/a/a.mcap")
            sizes.append(unfinished.stat().st_size)
    assert sizes[3] < sizes[7] < sizes[11]


def test_the_bag_is_a_recording_again(recording: Recording, drive: Source, tmp_path: Path) -> None:
    """Its table of objects is a point cloud by its type, and no scan."""
    written(tmp_path / "drive.mcap", recording, [0, 1])
    again = BagSource(tmp_path / "drive.mcap")
    assert (len(again), again.topic) == (2, "/bevseg/output/points")
    assert len(again[1].cloud) == len(drive[1].cloud)
    again.close()
