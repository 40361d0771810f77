from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from nuscenes import NuScenes
from nuscenes.utils.data_classes import LidarPointCloud
from nuscenes.utils.geometry_utils import points_in_box as devkit_points_in_box

from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.nuscenes_index import NuScenesIndex
from bevseg.datasets.nuscenes_tables import (
    NuScenesOptions,
    NuScenesSource,
    open_tables,
    scenes_of_split,
    versions_in,
)
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.points.input_frame import to_x_forward
from bevseg.points.raw_points import PointFileError
from bevseg.results.classes import SemanticClass
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.scenes import scene_specs


@pytest.fixture(scope="module")
def tables(nuscenes_root: Path) -> NuScenesIndex:
    return open_tables(nuscenes_root)


@pytest.fixture(scope="module")
def devkit(nuscenes_root: Path) -> NuScenes:
    return NuScenes("v1.0-bevseg", str(nuscenes_root), verbose=False)


@pytest.fixture(scope="module")
def simulated(nuscenes_config: NuScenesWriterConfig) -> Sample:
    """The second keyframe of the second scene as the simulator gives it."""
    return DriveSource(scene_specs(nuscenes_config)[1].drive)[10]


def test_keyframes_come_scene_by_scene(tables: NuScenesIndex) -> None:
    source = NuScenesSource(tables)
    assert isinstance(source, Source)
    assert len(source) == 4
    assert [source.drive_of(k) for k in range(4)] == ["scene-2000"] * 2 + ["scene-2001"] * 2
    assert source.name == "v1.0-bevseg"


@pytest.mark.parametrize("sweeps", [1, 4])
def test_points_are_those_of_the_devkits_own_transforms(tables: NuScenesIndex, devkit: NuScenes, sweeps: int) -> None:
    """Point for point: the devkit's rows are in the sensor's axes, ours are turned by a quarter.

    The devkit keeps the own vehicle in earlier sweeps, ours leaves it out: it is where nothing else can be.
    """
    sample = NuScenesSource(tables, NuScenesOptions(sweeps=sweeps))[1]
    keyframe = devkit.get("sample", sample.name)
    theirs, lag = LidarPointCloud.from_file_multisweep(
        devkit, keyframe, "LIDAR_TOP", "LIDAR_TOP", nsweeps=sweeps, min_distance=0.0
    )
    assert sample.cloud.num_sweeps == sweeps
    xyz = to_x_forward(theirs.points[:3].T, "y-forward")
    sweep = np.searchsorted(np.unique(lag[0]), lag[0])
    away = np.abs(xyz - sample.cloud.sensor_origins_m[sweep])
    kept = (sweep == 0) | (away[:, 0] >= 2.51) | (away[:, 1] >= 0.91)
    shared = (sample.cloud.sweep == 0) | (np.abs(_from_sensor(sample)[:, :2]) >= (2.51, 0.91)).any(axis=1)
    assert shared.mean() > 0.99
    np.testing.assert_allclose(sample.cloud.xyz[shared], xyz[kept], atol=2e-4)
    np.testing.assert_allclose(sample.cloud.time_s[shared], -lag[0][kept], atol=1e-6)
    assert sample.cloud.intensity is not None
    np.testing.assert_allclose(sample.cloud.intensity[shared], theirs.points[3][kept] / 255, atol=1e-6)
    if sweeps == 1:
        assert kept.all()


def _from_sensor(sample: Sample) -> np.ndarray:
    return np.asarray(sample.cloud.xyz - sample.cloud.sensor_origins_m[sample.cloud.sweep])


def test_boxes_are_those_of_the_devkit(tables: NuScenesIndex, devkit: NuScenes) -> None:
    sample = NuScenesSource(tables)[3]
    keyframe = devkit.get("sample", sample.name)
    _, boxes, _ = devkit.get_sample_data(keyframe["data"]["LIDAR_TOP"])
    truth = sample.annotations
    assert len(truth) == len(boxes) > 5
    for k, box in enumerate(boxes):
        x, y, z = box.center
        ahead = box.orientation.rotation_matrix[:, 0]
        np.testing.assert_allclose(truth.boxes[k, :3], [y, -x, z], atol=1e-4)
        np.testing.assert_allclose(truth.boxes[k, 3:6], box.wlh[[1, 0, 2]], atol=1e-5)
        np.testing.assert_allclose(np.cos(truth.boxes[k, 6] - np.arctan2(-ahead[0], ahead[1])), 1, atol=1e-6)
    raw = LidarPointCloud.from_file(devkit.get_sample_data_path(keyframe["data"]["LIDAR_TOP"])).points[:3]
    seen = int(np.argmax(truth.num_points))
    assert devkit_points_in_box(boxes[seen], raw).sum() >= 0.8 * truth.num_points[seen] > 5


def test_truth_is_the_simulators(tables: NuScenesIndex, simulated: Sample) -> None:
    truth, exact = NuScenesSource(tables)[3].annotations, simulated.annotations
    np.testing.assert_allclose(truth.boxes[:, :6], exact.boxes[:, :6], atol=0.06)  # roll and pitch are lost twice
    assert truth.label.tolist() == exact.label.tolist()
    assert truth.num_points.tolist() == exact.num_points.tolist()
    assert truth.visibility_level is not None
    assert exact.visible_fraction is not None
    known = ~np.isnan(exact.visible_fraction)
    assert ((exact.visible_fraction[known] >= 0.8) == (truth.visibility_level[known] == 4)).all()
    assert truth.point_semantic is not None
    assert exact.point_semantic is not None
    np.testing.assert_array_equal(truth.point_semantic, exact.point_semantic)


def test_velocity_is_in_the_sensors_frame(tables: NuScenesIndex, simulated: Sample) -> None:
    truth, exact = NuScenesSource(tables)[3].annotations, simulated.annotations
    steady = np.isfinite(truth.velocity_mps).all(axis=1) & (np.hypot(*exact.velocity_mps.T) > 2)
    assert steady.any()
    ours, exactly = truth.velocity_mps[steady], exact.velocity_mps[steady]
    # The tables hold differences over half a second, in which traffic brakes: the way is the same, not the speed.
    cosine = (ours * exactly).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(exactly, axis=1)
    assert (cosine > 0.99).all()


def test_panoptic_numbers_find_their_boxes(tables: NuScenesIndex, simulated: Sample) -> None:
    truth, exact = NuScenesSource(tables)[3].annotations, simulated.annotations
    assert truth.point_instance is not None
    assert exact.point_instance is not None
    agrees = (truth.point_instance == exact.point_instance)[exact.point_instance > 0]
    assert agrees.mean() > 0.99
    assert ((truth.point_instance > 0) == (exact.point_instance > 0)).all()


def test_identities_last_through_a_scene(tables: NuScenesIndex) -> None:
    source = NuScenesSource(tables)
    first, second, elsewhere = (set(source[k].annotations.track_id.tolist()) for k in (0, 1, 2))
    assert len(first & second) > 5
    assert not first & elsewhere


def test_joined_sweeps_leave_the_labels_to_the_keyframe(tables: NuScenesIndex) -> None:
    alone, joined = NuScenesSource(tables)[1], NuScenesSource(tables, NuScenesOptions(sweeps=3))[1]
    n = len(alone.cloud)
    assert len(joined.cloud) > 2 * n
    for name in ("point_semantic", "point_instance"):
        labels = getattr(joined.annotations, name)
        np.testing.assert_array_equal(labels[:n], getattr(alone.annotations, name))
        assert not labels[n:].any()
    assert joined.annotations.num_points.tolist() == alone.annotations.num_points.tolist()
    # Where each sweep was taken: the vehicle drives ahead, so those before lie behind.
    assert (np.diff(joined.cloud.sensor_origins_m[:, 0]) < 0).all()


def test_the_first_keyframe_has_no_sweeps_before_it(tables: NuScenesIndex) -> None:
    assert NuScenesSource(tables, NuScenesOptions(sweeps=5))[0].cloud.num_sweeps == 1


def test_splits_and_lists_of_scenes(tables: NuScenesIndex) -> None:
    assert scenes_of_split(tables, "mini_val") == ("scene-0103", "scene-0916")
    validation = NuScenesSource(tables, NuScenesOptions(split="bevseg_val"))
    assert [validation.drive_of(k) for k in range(len(validation))] == ["scene-2001"] * 2
    assert validation.name == "v1.0-bevseg-bevseg_val"
    assert len(NuScenesSource(tables, NuScenesOptions(scenes=("scene-2000",)))) == 2
    with pytest.raises(DatasetError, match="scene-0001"):
        NuScenesSource(tables, NuScenesOptions(scenes=("scene-0001",)))
    with pytest.raises(DatasetError, match="no keyframe"):
        NuScenesSource(tables, NuScenesOptions(split="mini_val"))
    with pytest.raises(DatasetError, match="split 'nowhere'"):
        NuScenesSource(tables, NuScenesOptions(split="nowhere"))


def test_a_table_of_classes_that_maps_nothing_is_an_error(tables: NuScenesIndex) -> None:
    nothing = {category["name"]: SemanticClass.NOISE for category in tables.rows("category")}
    with pytest.raises(DatasetError, match="maps none of the categories"):
        NuScenesSource(tables, NuScenesOptions(classes=nothing))


def test_classes_of_ones_own(tables: NuScenesIndex) -> None:
    source = NuScenesSource(tables, NuScenesOptions(classes={"vehicle.car": SemanticClass.TRUCK}))
    assert not (source[0].annotations.label == SemanticClass.CAR).any()
    assert (source[0].annotations.label == SemanticClass.TRUCK).any()


def test_rejects_another_number_of_sweeps() -> None:
    with pytest.raises(ValueError, match="sweeps must be 1 or more"):
        NuScenesOptions(sweeps=0)


def test_rejects_a_channel_that_is_not_there(tables: NuScenesIndex) -> None:
    with pytest.raises(DatasetError, match=r"no keyframe of .* has a scan of LIDAR_FRONT"):
        NuScenesSource(tables, NuScenesOptions(channel="LIDAR_FRONT"))


def test_rejects_roots_without_tables(nuscenes_root: Path, tmp_path: Path) -> None:
    assert versions_in(tmp_path / "missing") == ()
    with pytest.raises(DatasetError, match="found none"):
        open_tables(tmp_path)
    with pytest.raises(DatasetError, match=r"no tables in the folder 'v1.0-mini'"):
        open_tables(nuscenes_root, "v1.0-mini")


def test_rejects_tables_that_do_not_fit_each_other(nuscenes_root: Path, tmp_path: Path) -> None:
    shutil.copytree(nuscenes_root / "v1.0-bevseg", tmp_path / "v1.0-bevseg")
    (tmp_path / "v1.0-bevseg" / "instance.json").write_text("[]")
    with pytest.raises(DatasetError, match="do not fit each other"):
        open_tables(tmp_path)
    (tmp_path / "v1.0-bevseg" / "instance.json").write_text("[{")
    with pytest.raises(DatasetError, match="cannot be read"):
        open_tables(tmp_path)
    (tmp_path / "v1.0-bevseg" / "instance.json").unlink()
    with pytest.raises(DatasetError, match=r"cannot be read.*instance.json"):
        open_tables(tmp_path)


@pytest.mark.real
def test_a_set_of_another_name_with_x_forward_points(real_data: Path, tmp_path: Path) -> None:
    """Its calibration turns nothing, its categories and levels of visibility have other words; its points are fakes."""
    root = tmp_path / "t4dataset"
    shutil.copytree(real_data / "nuscenes_schema" / "t4dataset", root, copy_function=shutil.copyfile)
    source = NuScenesSource(open_tables(root))
    with pytest.raises(PointFileError, match=r"001.pcd.bin"):
        source[0]
    for file in (root / "data" / "LIDAR_TOP").iterdir():
        np.array([[10.0, 5.0, -1.0, 51.0, 4.0]], "<f4").tofile(file)
    sample = source[0]
    assert sample.annotations.label.tolist() == [SemanticClass.CAR, SemanticClass.PEDESTRIAN]
    np.testing.assert_allclose(sample.cloud.xyz, [[10, 5, -1]])
    np.testing.assert_allclose(sample.annotations.boxes[0], [10, 5, -1, 2.0, 4.5, 1.8, 0])
    assert sample.annotations.visibility_level is not None
    assert sample.annotations.visibility_level.tolist() == [4, 3]
    assert sample.annotations.num_points.tolist() == [250, 45]
    assert source[2].annotations.view != NO_BOXES
