from __future__ import annotations

import pytest
import torch

from bevseg.voxels.neighbour_table import SparseLevel, Window
from bevseg.voxels.voxelize import GridTooLargeError

LINE = torch.tensor([[0, 0, 1], [0, 0, 2], [1, 0, 2]])
"""Two neighbours along x in scan 0, and in scan 1 one voxel."""


def _random_level(shape: tuple[int, ...], *, dense: bool, batch_size: int = 2) -> SparseLevel:
    occupied = torch.rand(batch_size, *shape, generator=torch.Generator().manual_seed(5)) < 0.3
    level = SparseLevel(occupied.nonzero(), shape, batch_size)
    return level if dense else SparseLevel(level.coords, shape, batch_size, max_dense_cells=0)


@pytest.fixture(params=[True, False], ids=["dense", "sorted"])
def dense(request: pytest.FixtureRequest) -> bool:
    assert isinstance(request.param, bool)
    return request.param


class TestSubmanifold:
    def test_taps_run_over_y_then_x(self, dense: bool) -> None:
        level = SparseLevel(LINE, (1, 4), 2, max_dense_cells=100 if dense else 0)
        assert level.submanifold().inputs.tolist() == [
            [3, 3, 3, 3, 0, 1, 3, 3, 3],
            [3, 3, 3, 0, 1, 3, 3, 3, 3],
            [3, 3, 3, 3, 2, 3, 3, 3, 3],
        ]

    def test_a_row_does_not_continue_in_the_next(self, dense: bool) -> None:
        coords = torch.tensor([[0, 0, 3], [0, 1, 0]])
        table = SparseLevel(coords, (2, 4), 1, max_dense_cells=100 if dense else 0).submanifold()
        assert (table.inputs < 2).sum() == 2

    def test_no_voxels(self, dense: bool) -> None:
        level = SparseLevel(torch.zeros(0, 4, dtype=torch.int64), (3, 4, 5), 1, max_dense_cells=100 if dense else 0)
        assert level.submanifold().inputs.shape == level.submanifold().outputs.shape == (0, 27)

    def test_even_kernel_is_refused(self) -> None:
        with pytest.raises(ValueError, match="must be odd, got 2"):
            SparseLevel(LINE, (1, 4), 2).submanifold(2)

    def test_table_is_built_once(self) -> None:
        level = SparseLevel(LINE, (1, 4), 2)
        assert level.submanifold() is level.submanifold()
        assert level.coarser(Window.halving(2)) is level.coarser(Window.halving(2))


@pytest.mark.parametrize("shape", [(13, 8), (5, 9, 6)])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_dense_and_sorted_ways_agree(shape: tuple[int, ...], kernel: int) -> None:
    dense, by_keys = _random_level(shape, dense=True), _random_level(shape, dense=False)
    assert torch.equal(dense.submanifold(kernel).inputs, by_keys.submanifold(kernel).inputs)


@pytest.mark.parametrize(
    "window",
    [
        Window.halving(3),
        Window((2, 2, 2), (2, 2, 2), (0, 0, 0)),
        Window((3, 1, 2), (1, 3, 2), (2, 0, 1)),
        Window((5, 1, 1), (5, 1, 1), (0, 0, 0)),
    ],
)
def test_dense_and_sorted_ways_agree_when_strided(window: Window) -> None:
    dense, by_keys = (_random_level((5, 9, 6), dense=way).coarser(window) for way in (True, False))
    assert dense.level.spatial_shape == by_keys.level.spatial_shape
    assert torch.equal(dense.level.coords, by_keys.level.coords)
    assert torch.equal(dense.table.inputs, by_keys.table.inputs)
    assert (dense.table.inputs < dense.table.num_inputs).any(dim=1).all()


class TestCoarser:
    def test_halving_an_odd_grid(self, dense: bool) -> None:
        coords = torch.tensor([[0, 0, 0], [0, 4, 3]])
        coarser = SparseLevel(coords, (5, 4), 1, max_dense_cells=100 if dense else 0).coarser(Window.halving(2))
        assert coarser.level.spatial_shape == (3, 2)
        assert coarser.level.coords.tolist() == [[0, 0, 0], [0, 2, 1]]
        assert coarser.table.inputs.tolist() == [[2, 2, 2, 2, 0, 2, 2, 2, 2], [2, 2, 2, 2, 2, 1, 2, 2, 2]]

    def test_no_voxels(self, dense: bool) -> None:
        empty = SparseLevel(torch.zeros(0, 3, dtype=torch.int64), (5, 4), 1, max_dense_cells=100 if dense else 0)
        coarser = empty.coarser(Window.halving(2))
        assert len(coarser.level) == 0
        assert coarser.level.coords.shape == (0, 3)
        assert coarser.table.inputs.shape == (0, 9)

    def test_grid_below_the_kernel_is_refused(self) -> None:
        with pytest.raises(ValueError, match="too small"):
            SparseLevel(LINE, (1, 4), 2).coarser(Window((3, 3), (1, 1), (0, 0)))


class TestKernelTable:
    def test_outputs_of_a_submanifold_table_are_its_taps_reversed(self) -> None:
        table = _random_level((13, 8), dense=True).submanifold()
        assert torch.equal(table.outputs, table.inputs.flip(1))

    def test_inverse_of_the_inverse_is_the_table(self) -> None:
        table = _random_level((13, 8), dense=True).coarser(Window.halving(2)).table
        assert torch.equal(table.inverse.inverse.inputs, table.inputs)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((3,), (2, 2), (1, 1)), ((0, 3), (1, 1), (0, 0)), ((3, 3), (0, 1), (1, 1)), ((3, 3), (1, 1), (3, 0))],
)
def test_window_rejections(kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="kernel"):
        Window(kernel, stride, padding)


def test_level_beyond_the_key_is_refused() -> None:
    with pytest.raises(GridTooLargeError):
        SparseLevel(torch.zeros(0, 3, dtype=torch.int64), (2**31, 2**31), 1)
