from __future__ import annotations

from itertools import pairwise

import pytest
from nuscenes.utils.splits import create_splits_scenes

from bevseg.simulation.config import SIMULATOR_VERSION, SimulationConfig
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.scenes import scene_specs

CONFIG = NuScenesWriterConfig(
    SimulationConfig(seed=7, sensors=("vlp-16",), range_m=30.0), scenes=3, keyframes=3, val_share=0.34
)


def test_scenes_have_seeds_and_names_of_their_own() -> None:
    scenes = scene_specs(CONFIG)
    assert [scene.drive.scene.seed for scene in scenes] == [7, 8, 9]
    assert [scene.name for scene in scenes] == ["scene-2000", "scene-2001", "scene-2002"]
    assert [scene.is_val for scene in scenes] == [False, False, True]
    fixed = {name for names in create_splits_scenes().values() for name in names}
    assert not fixed & {scene.name for scene in scenes}


def test_names_of_the_mini_splits() -> None:
    scenes = scene_specs(NuScenesWriterConfig(scenes=3, val_share=0.67, scene_names="mini"))
    assert [scene.name for scene in scenes] == ["scene-0061", "scene-0103", "scene-0916"]


def test_scenes_follow_each_other_in_time() -> None:
    spans = [(scene.scan(0).timestamp_us, scene.scan(20).timestamp_us) for scene in scene_specs(CONFIG)]
    assert all(last + 50_000 < first for (_, last), (first, _) in pairwise(spans))


def test_time_of_a_scan_is_that_of_the_drive() -> None:
    scene = scene_specs(CONFIG)[1]
    drive = DriveSource(scene.drive)
    first_ns, later_ns = drive[0].cloud.stamp_ns, drive[3].cloud.stamp_ns
    assert (later_ns - first_ns) // 1000 == scene.scan(3).timestamp_us - scene.scan(0).timestamp_us == 150_000


def test_files_of_a_keyframe_and_of_a_sweep() -> None:
    scene = scene_specs(CONFIG)[1]
    log = f"drive-v{SIMULATOR_VERSION}-8"
    keyframe, sweep = scene.scan(10), scene.scan(11)
    assert keyframe.is_keyframe
    assert not sweep.is_keyframe
    assert keyframe.files == (
        f"samples/LIDAR_TOP/{log}__LIDAR_TOP__{keyframe.timestamp_us}.pcd.bin",
        f"lidarseg/v1.0-bevseg/{keyframe.token}_lidarseg.bin",
        f"panoptic/v1.0-bevseg/{keyframe.token}_panoptic.npz",
        f"scan_records/{log}/000010.npz",
    )
    assert sweep.files == (
        f"sweeps/LIDAR_TOP/{log}__LIDAR_TOP__{sweep.timestamp_us}.pcd.bin",
        f"scan_records/{log}/000011.npz",
    )


@pytest.mark.parametrize(("scan", "keyframe"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_a_sweep_belongs_to_the_keyframe_that_follows(scan: int, keyframe: int) -> None:
    scene = scene_specs(CONFIG)[0]
    assert scene.scan(scan).sample_token == scene.token("sample", keyframe)


def test_all_objects_have_positive_coordinates() -> None:
    scene = scene_specs(CONFIG)[0]
    assert scene.map_size_m == 100
    assert scene.T_map_from_global.translation_m.tolist() == [50, 50, 0]
