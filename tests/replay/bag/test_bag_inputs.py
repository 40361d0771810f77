"""A bag in, a bag out: the input as it is, byte for byte, and results beside it under the node's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from bevseg.datasets.bag import BagSource
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.source import Source
from bevseg.drawing.frame_picture import PictureSize
from bevseg.replay.bag.export import write_beside_inputs
from bevseg.replay.bag.inputs import BagInputs
from bevseg.replay.bag.messages import GRID_TOPIC, TF_STATIC_TOPIC, TF_TOPIC, TYPE_OF_TOPIC
from bevseg.replay.export import Tally, read_ahead
from bevseg.replay.frames import nothing_found
from bevseg.replay.pictures import FramePainter, Look
from bevseg.replay.recording import Predictor, Recording

PAINTER = FramePainter(Look("bag", size=PictureSize(640, 360)))
OURS = set(TYPE_OF_TOPIC) - {TF_TOPIC, TF_STATIC_TOPIC}
Read = Any


def written(path: Path, bag: Path, scans: list[int], workers: int = 1) -> Tally:
    source, tally = BagSource(bag), Tally()
    recording = Recording(source, (Predictor("node", lambda sample: nothing_found(sample.cloud)),))
    frames = read_ahead(recording, scans, tally)
    with write_beside_inputs(path, source, scans, frames, PAINTER, workers=workers) as counted:
        assert list(counted) == list(range(1, len(scans) + 1))
    source.close()
    return tally


@pytest.mark.parametrize(("storage", "workers"), [(StoragePlugin.SQLITE3, 1), (StoragePlugin.MCAP, 2)])
def test_the_input_goes_through_and_results_stand_beside_it(
    drive: Source,
    record_bag: Callable[..., Path],
    tmp_path: Path,
    read: Callable[[Path], Read],
    storage: StoragePlugin,
    workers: int,
) -> None:
    bag = record_bag([drive[k] for k in range(3)], tmp_path / "in", storage)
    written(tmp_path / "out", bag, [0, 1, 2], workers)
    before, after = read(bag), read(tmp_path / "out")
    assert set(after.counts) == set(before.counts) | OURS
    for topic in before.counts:
        assert after.types[topic] == before.types[topic]
        assert (after.times[topic], after.data[topic]) == (before.times[topic], before.data[topic])
    assert after.messages["/note"][2].text == "scan 2"
    assert after.counts["/bevseg/output/objects"] == 3
    assert after.times["/bevseg/output/objects"] == before.times["/lidar/points"]
    for result, scan in zip(after.messages["/bevseg/output/points"], before.messages["/lidar/points"], strict=True):
        assert repr(result.header) == repr(scan.header)  # each bag has classes of its own
        assert result.width == scan.width


def test_what_was_written_is_a_bag_of_scans_again(drive: Source, vehicle_bag: Path, tmp_path: Path) -> None:
    written(tmp_path / "out.mcap", vehicle_bag, list(range(6)))
    before, again = BagSource(vehicle_bag), BagSource(tmp_path / "out.mcap", topic="/lidar/points")
    assert (len(again), again.has_poses) == (6, True)
    np.testing.assert_array_equal(again[5].cloud.xyz, before[5].cloud.xyz)
    np.testing.assert_array_equal(again[5].T_global_from_ego.matrix, before[5].T_global_from_ego.matrix)
    with pytest.raises(DatasetError, match=r"holds results already, on /bevseg/output/class_map, .*give the recording"):
        BagInputs(again, [0])
    for source in (before, again):
        source.close()


def test_a_part_is_cut_out_with_what_holds_throughout(
    vehicle_bag: Path, tmp_path: Path, read: Callable[[Path], Read]
) -> None:
    written(tmp_path / "out.mcap", vehicle_bag, [2, 4])
    after = read(tmp_path / "out.mcap")
    assert after.counts["/lidar/points"] == 3
    assert after.counts["/bevseg/output/objects"] == 2
    assert after.times["/tf_static"] == [after.times["/lidar/points"][0]]
    assert after.times["/bevseg/output/objects"] == after.times["/lidar/points"][::2]
    assert (after.counts[GRID_TOPIC], after.times["/odom"]) == (1, after.times["/lidar/points"])


def test_a_scan_that_cannot_be_read_goes_through_without_a_result(
    drive: Source, record_bag: Callable[..., Path], tmp_path: Path, read: Callable[[Path], Read]
) -> None:
    samples = [drive[k] for k in range(3)]
    far = replace(samples[1].cloud, time_s=np.linspace(-50, 0, len(samples[1].cloud), dtype=np.float32))
    samples[1] = replace(samples[1], cloud=far)
    tally = written(tmp_path / "out", record_bag(samples, tmp_path / "in"), [0, 1, 2])
    assert [frame.index for frame in tally.broken] == [1]
    assert "message 1 of /lidar/points: times of points" in tally.broken[0].reason
    after = read(tmp_path / "out")
    assert (after.counts["/lidar/points"], after.counts["/bevseg/output/objects"]) == (3, 2)


def test_a_type_that_nobody_knows_is_refused(vehicle_bag: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = BagSource(vehicle_bag)
    monkeypatch.setattr("bevseg.replay.bag.inputs.open_bag", _without_a_type)
    with pytest.raises(DatasetError, match=r"the definition of /note \(strange_msgs/msg/Note\), so that these cannot"):
        BagInputs(source, [0])
    source.close()


def _without_a_type(path: Path) -> Any:
    from bevseg.datasets.bag_messages import open_bag

    reader = open_bag(path)
    del reader.typestore.fielddefs["strange_msgs/msg/Note"]
    return reader
