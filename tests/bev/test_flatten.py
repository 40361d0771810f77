from __future__ import annotations

import torch

from bevseg.bev.flatten import add_sparse, gather_at, to_dense
from bevseg.voxels.voxelize import SparseVoxels

COORDS = torch.tensor([[0, 1, 4], [1, 0, 2]])
SHAPE = (2, 5)


def _pillars(features: torch.Tensor) -> SparseVoxels:
    return SparseVoxels(features, COORDS[: len(features)], SHAPE, 2)


class TestToDense:
    def test_each_voxel_lies_at_its_cell(self) -> None:
        dense = to_dense(_pillars(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))
        assert dense.shape == (2, 3, 2, 5)
        assert dense[0, :, 1, 4].tolist() == [1, 2, 3]
        assert dense[1, :, 0, 2].tolist() == [4, 5, 6]
        assert dense.sum() == 21
        assert dense.is_contiguous(memory_format=torch.channels_last)

    def test_height_layers_become_channels(self) -> None:
        coords = torch.tensor([[0, 2, 1, 3], [0, 0, 1, 3]])
        voxels = SparseVoxels(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), coords, (3, 2, 5), 1)
        assert to_dense(voxels)[0, :, 1, 3].tolist() == [3, 4, 0, 0, 1, 2]

    def test_no_voxels(self) -> None:
        assert to_dense(_pillars(torch.zeros(0, 3))).tolist() == torch.zeros(2, 3, 2, 5).tolist()

    def test_gradient_is_that_of_the_cell(self) -> None:
        features = torch.zeros(2, 3, requires_grad=True)
        weights = torch.arange(60.0).view(2, 3, 2, 5)
        (gradient,) = torch.autograd.grad((to_dense(_pillars(features)) * weights).sum(), features)
        assert torch.equal(gradient, torch.stack([weights[0, :, 1, 4], weights[1, :, 0, 2]]))


class TestAddSparse:
    def test_equals_the_sum_with_the_dense_map(self) -> None:
        dense, voxels = torch.randn(2, 3, 2, 5), _pillars(torch.randn(2, 3))
        before = dense.clone()
        torch.testing.assert_close(add_sparse(dense, voxels), dense + to_dense(voxels))
        assert torch.equal(dense, before)

    def test_gradient_reaches_both(self) -> None:
        dense, features = torch.randn(2, 3, 2, 5, requires_grad=True), torch.randn(2, 3, requires_grad=True)
        gradients = torch.autograd.grad(add_sparse(dense, _pillars(features)).sum(), [dense, features])
        assert all((gradient == 1).all() for gradient in gradients)


class TestGatherAt:
    def test_reads_back_what_was_laid_out(self) -> None:
        features = torch.randn(2, 3)
        assert torch.equal(gather_at(to_dense(_pillars(features)), COORDS), features)

    def test_a_map_in_any_memory_format(self) -> None:
        dense = torch.arange(60.0).view(2, 3, 2, 5)
        assert gather_at(dense, COORDS).tolist() == [[9, 19, 29], [32, 42, 52]]

    def test_no_cells(self) -> None:
        assert gather_at(torch.zeros(1, 3, 2, 5), COORDS[:0]).shape == (0, 3)
