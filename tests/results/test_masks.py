import numpy as np
import pytest

from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks, footprint_masks

GRID = BevGrid(x_min_m=4.0, y_min_m=-2.0, cell_m=0.5, width=6, height=4)


def _masks(*cells: list[int]) -> BevMasks:
    return BevMasks.from_cells(GRID, [np.array(c, np.int64) for c in cells])


def test_from_cells_sorts_within_each_mask_only() -> None:
    masks = _masks([9, 2], [], [20, 1, 3], [0])

    np.testing.assert_array_equal(masks.cells, [2, 9, 1, 3, 20, 0])
    np.testing.assert_array_equal(masks.offsets, [0, 2, 2, 5, 6])
    np.testing.assert_array_equal(masks.owner, [0, 0, 2, 2, 2, 3])
    np.testing.assert_array_equal(masks.area_cells, [2, 0, 3, 1])


def test_from_cells_leaves_the_given_arrays_alone() -> None:
    given = np.array([9, 2])
    BevMasks.from_cells(GRID, [given])
    np.testing.assert_array_equal(given, [9, 2])


@pytest.mark.parametrize("cells", [[], [[]], [[], [], []], [[], [5], []]])
def test_from_cells_with_empty_masks(cells: list[list[int]]) -> None:
    masks = _masks(*cells)

    assert len(masks) == len(cells)
    assert [masks.cells_of(k).tolist() for k in range(len(masks))] == cells


def test_from_owners_takes_pairs_in_any_order_and_drops_repeats() -> None:
    owner, cells = np.array([2, 0, 2, 2]), np.array([7, 3, 1, 7])

    masks = BevMasks.from_owners(GRID, owner, cells, num_masks=4)

    assert [masks.cells_of(k).tolist() for k in range(4)] == [[3], [], [1, 7], []]


def test_from_owners_of_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert len(BevMasks.from_owners(GRID, none, none, num_masks=0)) == 0
    assert BevMasks.from_owners(GRID, none, none, num_masks=2).area_cells.tolist() == [0, 0]


@pytest.mark.parametrize("cells", [[24], [-1]])
def test_cells_outside_the_grid_are_rejected(cells: list[int]) -> None:
    with pytest.raises(ValueError, match="24 cells"):
        _masks(cells)


@pytest.mark.parametrize("offsets", [[], [1, 2], [0, 1]])
def test_offsets_that_do_not_fit_are_rejected(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        BevMasks(GRID, np.array([1, 2]), np.array(offsets, np.int64))


@pytest.mark.parametrize("index", [np.array([2, 0]), np.array([True, False, True])])
def test_getitem_takes_indices_and_flags(index: np.ndarray) -> None:
    masks = _masks([1], [2, 3], [4, 5, 6])
    expected = [[4, 5, 6], [1]] if index.dtype != bool else [[1], [4, 5, 6]]

    chosen = masks[index]

    assert [chosen.cells_of(k).tolist() for k in range(2)] == expected


def test_getitem_of_none() -> None:
    assert len(_masks([1], [2])[np.zeros(0, np.int64)]) == 0


def test_where_keeps_chosen_cells_of_each_mask() -> None:
    masks = _masks([1, 2], [], [3, 4])

    kept = masks.where(np.array([False, True, False, False]))

    assert [kept.cells_of(k).tolist() for k in range(3)] == [[2], [], []]
    assert len(BevMasks.empty(GRID).where(np.zeros(0, bool))) == 0


def test_dense_is_a_map_of_rows_along_y() -> None:
    dense = _masks([0], [7, 23]).dense(1)

    assert dense.shape == (4, 6)
    assert np.argwhere(dense).tolist() == [[1, 1], [3, 5]]


def test_iou_and_intersection() -> None:
    a, b = _masks([1, 2, 3], [10]), _masks([2, 3, 4], [], [10])

    np.testing.assert_array_equal(a.intersection_cells(b), [[2, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(a.iou(b), [[0.5, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_iou_of_nothing() -> None:
    assert BevMasks.empty(GRID).iou(_masks([1])).shape == (0, 1)
    assert _masks([]).iou(_masks([])).tolist() == [[0.0]]


def test_iou_across_grids_is_rejected() -> None:
    with pytest.raises(ValueError, match="different grids"):
        _masks([1]).iou(BevMasks.empty(BevGrid(0.0, 0.0, 0.5, 6, 4)))


@pytest.mark.parametrize(
    ("first", "second", "touch"),
    [
        ([0], [1], True),
        ([0], [7], True),
        ([1], [6], True),
        ([0], [2], False),
        ([5], [6], False),  # the end of one row and the start of the next
        ([0], [0], True),
        ([], [0], False),
    ],
)
def test_touching_reaches_one_cell_around_and_not_over_the_edge(
    first: list[int], second: list[int], touch: bool
) -> None:
    touching = _masks(first, second).touching()

    assert touching.tolist() == [[False, touch], [touch, False]]


def test_touching_sees_masks_under_others() -> None:
    """Three masks on one cell, and a fourth that borders only on the one painted first."""
    touching = _masks([8, 9], [8], [8], [10]).touching()

    assert touching[:3, :3].sum() == 6
    assert touching[3].tolist() == [True, False, False, False]


def test_touching_of_nothing() -> None:
    assert BevMasks.empty(GRID).touching().shape == (0, 0)


def test_footprint_masks_equal_the_footprint_of_each_box() -> None:
    grid = BevGrid(x_min_m=3.0, y_min_m=-20.0, cell_m=0.2, width=150, height=110)
    rng = np.random.default_rng(3)
    boxes = np.column_stack(
        [rng.uniform(-5, 40, 50), rng.uniform(-25, 10, 50), np.zeros(50), rng.uniform(0, 14, (50, 3)), np.zeros(50)]
    )
    boxes[:, 6] = rng.uniform(-7, 7, 50)

    masks = footprint_masks(boxes, grid)

    for k, box in enumerate(boxes):
        np.testing.assert_array_equal(masks.cells_of(k), footprint_cells(box, grid))
    assert (masks.area_cells == 0).any(), "some boxes lie outside"


def test_footprint_masks_include_centres_on_the_edge() -> None:
    box = np.array([[5.5, -1.0, 0, 1.5, 0.5, 1, 0]], np.float32)

    assert footprint_masks(box, GRID).area_cells.tolist() == [len(footprint_cells(box[0], GRID))] == [8]


def test_footprint_masks_of_nothing() -> None:
    assert len(footprint_masks(np.zeros((0, 7)), GRID)) == 0
