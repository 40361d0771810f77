"""Files of scans: read back by the project's own reader, bit for bit where the format allows it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.nuscenes import NuScenesLidarsegSource, read_scan
from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import read_sample
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.scans import (
    TooManyInstancesError,
    is_written,
    lidarseg_labels,
    panoptic_labels,
    write_scan,
)
from bevseg.simulation.writers.nuscenes.scenes import ScanSpec, scene_specs

SCENE = scene_specs(
    NuScenesWriterConfig(SimulationConfig(seed=5, sensors=("vlp-16",), range_m=25.0), scenes=1, keyframes=2)
)[0]
KEYFRAME, SWEEP = SCENE.scan(10), SCENE.scan(4)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return DriveSource(SCENE.drive)[KEYFRAME.index]


def test_a_scan_is_written_when_all_its_files_are(sample: Sample, tmp_path: Path) -> None:
    for scan in (KEYFRAME, SWEEP):
        assert not is_written(tmp_path, scan)
        write_scan(tmp_path, scan, sample)
        assert is_written(tmp_path, scan)
    for file in KEYFRAME.files:
        shutil.move(tmp_path / file, tmp_path / "elsewhere")
        assert not is_written(tmp_path, KEYFRAME)
        shutil.move(tmp_path / "elsewhere", tmp_path / file)


def test_points_come_back(sample: Sample, tmp_path: Path) -> None:
    write_scan(tmp_path, SWEEP, sample)
    cloud = read_scan(tmp_path / SWEEP.points_file)
    assert cloud.xyz.tobytes() == sample.cloud.xyz.tobytes()
    assert cloud.ring is not None
    assert cloud.intensity is not None
    assert sample.cloud.ring is not None
    assert sample.cloud.intensity is not None
    np.testing.assert_array_equal(cloud.ring, sample.cloud.ring)
    np.testing.assert_allclose(cloud.intensity, sample.cloud.intensity, atol=0.5 / 255 + 1e-6)
    stored = np.fromfile(tmp_path / SWEEP.points_file, "<f4").reshape(-1, 5)
    np.testing.assert_array_equal(stored[:, 1], sample.cloud.xyz[:, 0], "y is forward")
    np.testing.assert_array_equal(stored[:, 3], np.rint(stored[:, 3]))


def test_labels_come_back(sample: Sample, tmp_path: Path) -> None:
    write_scan(tmp_path, KEYFRAME, sample)
    (tmp_path / "own").mkdir()
    shutil.copy(tmp_path / KEYFRAME.points_file, tmp_path / "own" / "00.pcd.bin")
    shutil.copy(tmp_path / KEYFRAME.lidarseg_file, tmp_path / "own" / "00_lidarseg.bin")
    read = NuScenesLidarsegSource(tmp_path / "own")[0]
    assert read.annotations.point_semantic is not None
    assert sample.annotations.point_semantic is not None
    np.testing.assert_array_equal(read.annotations.point_semantic, sample.annotations.point_semantic)
    assert read.cloud.xyz.tobytes() == sample.cloud.xyz.tobytes()


@pytest.mark.parametrize(("scan", "keeps_objects"), [(KEYFRAME, True), (SWEEP, False)])
def test_a_record_has_all_but_the_points(sample: Sample, tmp_path: Path, scan: ScanSpec, keeps_objects: bool) -> None:
    write_scan(tmp_path, scan, sample)
    record = read_sample(tmp_path / scan.record_file)
    assert len(record.cloud) == 0
    assert record.cloud.stamp_ns == sample.cloud.stamp_ns
    np.testing.assert_array_equal(record.T_global_from_ego.matrix, sample.T_global_from_ego.matrix)
    np.testing.assert_array_equal(record.T_ego_from_lidar.matrix, sample.T_ego_from_lidar.matrix)
    boxes = sample.annotations.boxes if keeps_objects else np.zeros((0, 7))
    np.testing.assert_array_equal(record.annotations.boxes, boxes)
    assert record.annotations.point_semantic is None


def test_instances_are_counted_up_to_999(sample: Sample) -> None:
    truth = sample.annotations
    assert truth.point_instance is not None
    hit = int(truth.point_instance.max())
    track_id = truth.track_id.copy()
    track_id[hit - 1] = 999
    labels = panoptic_labels(replace(truth, track_id=track_id))
    assert labels.dtype == np.uint16
    assert set(labels[truth.point_instance == hit] % 1000) == {999}
    track_id[hit - 1] = 1000
    with pytest.raises(TooManyInstancesError, match=r"object 1000 was hit, .* up to 999"):
        panoptic_labels(replace(truth, track_id=track_id))


def test_no_points_have_no_labels(sample: Sample) -> None:
    truth = replace(sample.annotations, point_semantic=np.zeros(0, np.uint8), point_instance=np.zeros(0, np.int32))
    assert lidarseg_labels(truth).shape == panoptic_labels(truth).shape == (0,)


def test_truth_without_labels_is_refused(sample: Sample) -> None:
    with pytest.raises(ValueError, match="a class for each point"):
        lidarseg_labels(replace(sample.annotations, point_semantic=None))
    with pytest.raises(ValueError, match="an object for each point"):
        panoptic_labels(replace(sample.annotations, point_instance=None))
