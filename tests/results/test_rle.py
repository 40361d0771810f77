import pickle

import numpy as np
import pytest
from pycocotools import mask as coco

from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks
from bevseg.results.rle import Rle, RleError, decode_masks, encode_masks

GRID = BevGrid(x_min_m=5.0, y_min_m=-3.0, cell_m=0.5, width=7, height=5)


def _random_maps(grid: BevGrid, densities: list[float], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random(grid.shape) < density for density in densities]


def _masks(grid: BevGrid, maps: list[np.ndarray]) -> BevMasks:
    return BevMasks.from_cells(grid, [np.flatnonzero(m) for m in maps])


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (1, 40), (40, 1), (200, 130)])
@pytest.mark.parametrize("densities", [[], [0.0], [1.0], [0.3, 0.0, 1.0, 0.97, 0.01, 1.0]])
def test_strings_are_those_of_pycocotools(size: tuple[int, int], densities: list[float]) -> None:
    grid = BevGrid(2.0, 1.0, 0.2, width=size[1], height=size[0])
    maps = _random_maps(grid, densities, seed=size[0])
    expected = [coco.encode(np.asfortranarray(m.astype(np.uint8)))["counts"].decode() for m in maps]

    rles = encode_masks(_masks(grid, maps))

    assert [rle["counts"] for rle in rles] == expected
    assert all(rle["size"] == list(size) for rle in rles)


@pytest.mark.parametrize("densities", [[], [0.0], [0.5, 0.0, 1.0, 0.1]])
def test_masks_survive_the_way_there_and_back(densities: list[float]) -> None:
    masks = _masks(GRID, _random_maps(GRID, densities, seed=1))

    back = decode_masks(encode_masks(masks), GRID)

    np.testing.assert_array_equal(back.cells, masks.cells)
    np.testing.assert_array_equal(back.offsets, masks.offsets)


def test_strings_of_pycocotools_are_read_with_row_0_at_y_min() -> None:
    full = np.zeros(GRID.shape, np.uint8, order="F")
    full[0, 3] = full[4, 6] = 1
    encoded = coco.encode(full)

    masks = decode_masks([Rle(size=encoded["size"], counts=encoded["counts"].decode())], GRID)

    np.testing.assert_array_equal(masks.cells_of(0), [3, 4 * 7 + 6])
    np.testing.assert_allclose(GRID.centers_of(masks.cells_of(0))[0], [6.75, -2.75])


def test_a_long_run_takes_several_characters() -> None:
    grid = BevGrid(0.0, 0.0, 0.1, width=3000, height=3000)
    masks = BevMasks.from_cells(grid, [np.array([grid.num_cells - 1]), np.array([0])])

    back = decode_masks(encode_masks(masks), grid)

    np.testing.assert_array_equal(back.cells, masks.cells)


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        (Rle(size=[7, 5], counts="S1"), "does not fit"),
        (Rle(size=[5, 7], counts=""), "not COCO's"),
        (Rle(size=[5, 7], counts="\x7f"), "not COCO's"),
        (Rle(size=[5, 7], counts="é"), "not COCO's"),
        (Rle(size=[5, 7], counts="S"), "not COCO's"),
        (Rle(size=[5, 7], counts="P" * 9 + "0"), "more than"),
        (Rle(size=[5, 7], counts="0000"), "sum to 0"),
        (Rle(size=[5, 7], counts="Oi0"), "sum to"),
    ],
)
def test_damaged_records_are_rejected(rle: Rle, message: str) -> None:
    whole = Rle(size=[5, 7], counts="S1")
    for before in ([], [whole, whole]):
        with pytest.raises(RleError, match=message) as caught:
            decode_masks([*before, rle, whole], GRID)
        assert caught.value.index == len(before)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
