from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bevseg.bev.neck import NeckConfig
from bevseg.checkpoint import CheckpointError, save_checkpoint
from bevseg.config import ModelConfig
from bevseg.geometry.grid import BevGrid
from bevseg.instances.decode import DecodeConfig
from bevseg.instances.heads.center_offset import CenterOffsetHeadConfig
from bevseg.network import build_network, describe_points, for_inference
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import estimate_ground
from bevseg.points.sensors import merge_sensors
from bevseg.voxels.encoder import PillarEncoderConfig, VoxelEncoderConfig
from bevseg.voxels.voxel_features import VoxelFeatureConfig

SMALL = ModelConfig(
    grid=BevGrid(-3.2, -12.8, 0.2, 128, 96),
    encoder=PillarEncoderConfig(channels=(8, 8, 8, 8)),
    neck=NeckConfig(channels_8=8, channels_4=8, channels_2=8, convs_8=1, convs_4=1),
    head=CenterOffsetHeadConfig(channels=8, semantic_channels=8),
    decode=DecodeConfig(min_score=(0.01,) * 4, min_foreground=0.01, max_objects=20),  # untrained heads are shy
    precision="fp32",
)


def segmenter(config: ModelConfig = SMALL) -> BevSegmenter:
    torch.manual_seed(0)
    return BevSegmenter(build_network(config))


@pytest.fixture
def street() -> PointCloud:
    rng = np.random.default_rng(0)
    road = np.column_stack([rng.uniform(-5, 24, 3000), rng.uniform(-14, 8, 3000), rng.normal(-1.7, 0.02, 3000)])
    wall = np.column_stack([rng.uniform(6, 14, 600), np.full(600, 4.0), rng.uniform(-1.7, 1.5, 600)])
    return PointCloud.from_xyz(np.concatenate([road, wall]).astype(np.float32), frame="roof", stamp_ns=7)


def test_a_scene_speaks_of_every_point_and_object(street: PointCloud) -> None:
    scene = segmenter().segment(street)
    assert (scene.stamp_ns, scene.frame, scene.grid) == (7, "roof", SMALL.grid)
    assert len(scene.points.semantic) == len(street)
    inside = SMALL.grid.contains(street.xyz[:, :2])
    np.testing.assert_array_equal(scene.points.semantic > 0, inside)
    assert len(scene.instances) > 0
    assert set(scene.points.instance.tolist()) <= {0, *scene.instances.id.tolist()}
    assert np.isfinite(scene.instances.visible_fraction).all()
    assert len(scene.occlusion.rank) == len(scene.instances)
    assert list(scene.timings_ms) == [
        "ground", "pillars", "network", "decode", "visibility", "point_labels", "occlusion"
    ]  # fmt: skip


def test_the_same_cloud_gives_the_same_bits(street: PointCloud) -> None:
    one, other = (segmenter().segment(street) for _ in range(2))
    np.testing.assert_array_equal(one.instances.boxes, other.instances.boxes)
    np.testing.assert_array_equal(one.points.semantic, other.points.semantic)
    np.testing.assert_array_equal(one.visibility.state, other.visibility.state)


@pytest.mark.parametrize("xyz", [np.zeros((0, 3)), np.full((1, 3), 500.0), np.array([[5.0, 0.0, -1.0]])])
def test_next_to_nothing_gives_a_valid_scene(xyz: np.ndarray) -> None:
    scene = segmenter().segment(PointCloud.from_xyz(xyz.astype(np.float32)))
    assert len(scene.points.semantic) == len(xyz)


def test_voxels_run_through_the_same_pipeline(street: PointCloud) -> None:
    voxels = replace(
        SMALL,
        features=VoxelFeatureConfig(layers=8, layer_m=0.5),
        encoder=VoxelEncoderConfig(channels=(4, 4, 4, 4), blocks=(1, 1, 1, 1), flat_channels=(4, 4, 4, 4)),
    )
    scene = segmenter(voxels).segment(street)
    assert len(scene.points.semantic) == len(street)


def test_several_sweeps_give_velocities(street: PointCloud) -> None:
    twice = replace(
        street,
        sensor_origins_m=np.zeros((2, 3), np.float32),
        sweep=(np.arange(len(street)) % 2).astype(np.int32),
    )
    assert np.isnan(segmenter().segment(street).instances.velocity_mps).all()
    assert np.isfinite(segmenter().segment(twice).instances.velocity_mps).all()


def test_several_sensors_of_one_time_give_no_velocities(street: PointCloud) -> None:
    merged = merge_sensors([street[::2], street[1::2]], [0, 1])
    scene, whole = segmenter().segment(merged), segmenter().segment(street)
    assert np.isnan(scene.instances.velocity_mps).all()
    assert len(scene.instances) == len(whole.instances) > 0


def test_fusing_changes_no_result(street: PointCloud) -> None:
    torch.manual_seed(0)
    network = build_network(SMALL)
    for module in network.modules():  # statistics that are not the initial ones
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean = torch.randn_like(module.running_mean) * 0.1  # type: ignore[arg-type]
            module.running_var = torch.rand_like(module.running_var) + 0.5  # type: ignore[arg-type]
    fused = for_inference(network)

    cells = describe_points(street, estimate_ground(street), SMALL).cells
    with torch.inference_mode():
        plain, quick = network.eval()(cells), fused(cells)
    torch.testing.assert_close(plain.heat, quick.heat, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(plain.semantics, quick.semantics, atol=1e-4, rtol=1e-4)


def test_a_checkpoint_brings_its_own_config(tmp_path: Path, street: PointCloud) -> None:
    torch.manual_seed(0)
    file = tmp_path / "small.safetensors"
    save_checkpoint(file, build_network(SMALL).state_dict(), SMALL, metadata={})
    loaded = BevSegmenter.from_checkpoint(file)
    assert loaded.config == SMALL
    np.testing.assert_array_equal(loaded.segment(street).instances.boxes, segmenter().segment(street).instances.boxes)


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises((CheckpointError, OSError), match="nowhere"):
        BevSegmenter.from_checkpoint(tmp_path / "nowhere.safetensors")


def test_features_and_encoder_must_be_of_one_kind() -> None:
    with pytest.raises(ValueError, match="both"):
        replace(SMALL, features=VoxelFeatureConfig())


@pytest.mark.gpu
def test_a_gpu_finds_what_the_cpu_finds(street: PointCloud) -> None:
    torch.manual_seed(0)
    network = build_network(SMALL)
    on_cpu = BevSegmenter(network).segment(street)
    there = build_network(replace(SMALL, sparse_backend="spconv"), device="cuda")
    there.load_state_dict(network.state_dict())
    on_gpu = BevSegmenter(there).segment(street)
    assert len(on_gpu.instances) == len(on_cpu.instances)
    np.testing.assert_allclose(on_gpu.instances.boxes, on_cpu.instances.boxes, atol=1e-2)
    assert np.mean(on_gpu.points.semantic == on_cpu.points.semantic) > 0.99


def test_memory_does_not_grow_with_scans_of_other_sizes(own_memory_mb: Callable[[], float]) -> None:
    """No two scans have as many pillars; what is kept for each number of them would be 9 MB a scan."""
    segmenter = BevSegmenter.from_checkpoint("bevseg-s")
    rng = np.random.default_rng(0)

    def segment(scans: int) -> float:
        for _ in range(scans):
            around = rng.uniform(-45, 45, (int(rng.integers(2_000, 6_000)), 2))
            xyz = np.column_stack([around, rng.normal(-1.8, 0.05, len(around))]).astype(np.float32)
            segmenter.segment(PointCloud.from_xyz(xyz))
        return own_memory_mb()

    before_mb = segment(10)
    assert segment(10) - before_mb < 40
