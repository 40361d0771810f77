from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from bevseg.geometry.grid import BevGrid, VoxelGrid
from bevseg.voxels import voxelize as module
from bevseg.voxels.voxelize import (
    GridTooLargeError,
    SparseVoxels,
    check_cell_count,
    coords_of_keys,
    keys_of_coords,
    voxelize,
)

GRID = VoxelGrid(BevGrid(x_min_m=10.0, y_min_m=-3.0, cell_m=0.5, width=8, height=5), -1.0, 1.0, 3)
"""Not centred, x_min above 0, and no two axes alike."""


def _points(*rows: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 3)


def _batch(*index: int) -> torch.Tensor:
    return torch.tensor(index, dtype=torch.int64)


@pytest.fixture(params=["dense", "sorted"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "sorted":
        monkeypatch.setattr(module, "_MAX_DENSE_CELLS", 0)


@pytest.mark.usefixtures("_way")
class TestVoxelize:
    def test_points_in_one_cell_share_a_voxel(self) -> None:
        xyz = _points((10.1, -2.9, -0.5), (13.9, -0.6, 1.5), (10.4, -2.6, -0.1))
        voxels = voxelize(xyz, _batch(0, 0, 0), GRID, 1)
        assert voxels.coords.tolist() == [[0, 0, 0, 0], [0, 2, 4, 7]]
        assert voxels.point_to_voxel.tolist() == [0, 1, 0]
        assert voxels.num_points.tolist() == [2, 1]

    def test_cells_are_half_open(self) -> None:
        xyz = _points((10.0, -3.0, -1.0), (14.0, -3.0, -1.0), (10.0, -0.5, -1.0), (10.0, -3.0, 2.0), (9.99, -3.0, 0.0))
        assert voxelize(xyz, _batch(0, 0, 0, 0, 0), GRID, 1).point_to_voxel.tolist() == [0, -1, -1, -1, -1]

    def test_scans_do_not_share_voxels_and_may_be_empty(self) -> None:
        xyz = _points((10.1, -2.9, 0.0), (10.1, -2.9, 0.0))
        voxels = voxelize(xyz, _batch(2, 0), GRID, 3)
        assert voxels.coords.tolist() == [[0, 1, 0, 0], [2, 1, 0, 0]]
        assert voxels.point_to_voxel.tolist() == [1, 0]

    def test_no_points(self) -> None:
        voxels = voxelize(_points(), _batch(), GRID, 2)
        assert voxels.coords.shape == (0, 4)
        assert voxels.point_to_voxel.shape == voxels.num_points.shape == (0,)

    def test_all_points_outside(self) -> None:
        voxels = voxelize(_points((0.0, 0.0, 0.0), (torch.nan, 0.0, 0.0)), _batch(0, 0), GRID, 1)
        assert voxels.coords.shape == (0, 4)
        assert voxels.point_to_voxel.tolist() == [-1, -1]

    def test_agrees_with_numpy(self) -> None:
        generator = torch.Generator().manual_seed(3)
        xyz = torch.rand(4000, 3, generator=generator) * torch.tensor([6.0, 4.0, 5.0]) + torch.tensor([9, -3.5, -2])
        batch = torch.randint(0, 2, (4000,), generator=generator)
        voxels = voxelize(xyz, batch, GRID, 2)
        low, size = np.array([10, -3, -1], np.float32), np.array([0.5, 0.5, 1.0], np.float32)
        cell = np.floor((xyz.numpy() - low) / size).astype(int)
        inside = ((cell >= 0) & (cell < [8, 5, 3])).all(axis=1)
        rows = np.column_stack([batch.numpy(), cell[:, ::-1]])
        coords, owner, count = np.unique(rows[inside], axis=0, return_inverse=True, return_counts=True)
        assert voxels.coords.tolist() == coords.tolist()
        assert voxels.point_to_voxel[torch.from_numpy(inside)].tolist() == owner.ravel().tolist()
        assert (voxels.point_to_voxel.numpy()[~inside] == -1).all()
        assert voxels.num_points.tolist() == count.tolist()

    @pytest.mark.parametrize("index", [-1, 2])
    def test_batch_index_out_of_range(self, index: int) -> None:
        with pytest.raises(ValueError, match=r"batch_index must lie in 0 \.\. 1"):
            voxelize(_points((10.1, -2.9, 0.0)), _batch(index), GRID, 2)


def test_cells_beyond_the_key_are_refused() -> None:
    huge = VoxelGrid(BevGrid(0.0, 0.0, 1e-6, 2**25, 2**25), 0.0, 1.0, 2**12)
    with pytest.raises(GridTooLargeError, match="smaller batch"):
        voxelize(_points((1.0, 1.0, 1.0)), _batch(0), huge, 1)
    check_cell_count((1, 2**12, 2**25, 2**24))


def test_keys_beyond_32_bits_do_not_wrap() -> None:
    large = VoxelGrid(BevGrid(0.0, 0.0, 0.001, 2_000_000, 2_000_000), 0.0, 1.0, 1)
    voxels = voxelize(_points((1999.0, 1999.0, 0.5), (0.0, 0.0, 0.5)), _batch(1, 0), large, 2)
    assert voxels.coords[0].tolist() == [0, 0, 0, 0]
    assert voxels.coords[1, 0] == 1
    assert voxels.coords[1, 2:].sub(1_999_000).abs().max() <= 1


def test_keys_and_coords_are_inverse() -> None:
    shape = (2, 3, 5, 7)
    keys = torch.arange(2 * 3 * 5 * 7)
    coords = coords_of_keys(keys, shape)
    assert coords[-1].tolist() == [1, 2, 4, 6]
    assert torch.equal(keys_of_coords(coords, shape), keys)


class TestSparseVoxels:
    def test_rejects_coords_of_other_dimension(self) -> None:
        with pytest.raises(ValueError, match="coords must be"):
            SparseVoxels(torch.zeros(1, 4), torch.zeros(1, 3, dtype=torch.int64), (3, 3, 3), 1)

    def test_rejects_rows_that_do_not_match(self) -> None:
        # Under pytest the shape annotations refuse it before the class does.
        with pytest.raises((ValueError, TypeCheckError), match=r"2 rows of features for 1 coordinates|voxel=2"):
            SparseVoxels(torch.zeros(2, 4), torch.zeros(1, 3, dtype=torch.int64), (3, 3), 1)


@pytest.mark.real
def test_real_scan_has_every_point_within_range(real_data: Path) -> None:
    path = real_data / "nuscenes_lidarseg" / "00.pcd.bin"
    xyz = torch.from_numpy(np.fromfile(path, np.float32).reshape(-1, 5)[:, :3].copy())
    grid = VoxelGrid(BevGrid.square(half_extent_m=51.2, cell_m=0.2), -5.0, 8.0, 1)
    voxels = voxelize(xyz, torch.zeros(len(xyz), dtype=torch.int64), grid, 1)
    near = (xyz[:, :2].abs() < 51.0).all(dim=1) & (xyz[:, 2] > -5) & (xyz[:, 2] < 3)
    assert (voxels.point_to_voxel[near] >= 0).all()
    assert voxels.num_points.sum() == (voxels.point_to_voxel >= 0).sum()
    assert 8_000 < len(voxels.coords) < 11_000
