from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample_file import sample_as_bytes
from bevseg.points.numpy_files import read_npy, read_npz, write_npy, write_npz
from bevseg.points.raw_points import PointFileError, RawPoints
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import SimulatedSource


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


FOUR = np.arange(8.0).reshape(2, 4)


def test_three_and_four_columns_speak_for_themselves() -> None:
    assert read_npy(npy(FOUR[:, :3]), None, name="a.npy").intensity is None
    np.testing.assert_array_equal(read_npy(npy(FOUR), None, name="a.npy").intensity, [3, 7])  # type: ignore[arg-type]


def test_more_columns_need_names() -> None:
    wide = npy(np.arange(12.0).reshape(2, 6))
    with pytest.raises(PointFileError, match="has 6 columns; say which"):
        read_npy(wide, None, name="a.npy")
    np.testing.assert_array_equal(
        read_npy(wide, ("x", "y", "z", "_", "_", "ring"), name="a.npy").ring,  # type: ignore[arg-type]
        [5, 11],
    )


def test_writing_keeps_every_column() -> None:
    raw = RawPoints(np.array([[1.0, 2, 3]]), np.array([0.5]), np.array([9]), np.array([-0.05]))
    for back in (read_npy(write_npy(raw), None, name="a"), read_npz(write_npz(raw), None, name="a")):
        for name in ("xyz", "intensity", "ring", "time"):
            np.testing.assert_allclose(getattr(back, name), getattr(raw, name))


def test_npz_prefers_the_array_called_points() -> None:
    raw = read_npz(npz(a=np.zeros((5, 3)), points=FOUR), None, name="a.npz")
    np.testing.assert_array_equal(raw.xyz, FOUR[:, :3])


def test_npz_takes_the_only_array_that_could_be_points() -> None:
    assert len(read_npz(npz(a=np.zeros(5), b=FOUR), None, name="a.npz")) == 2
    with pytest.raises(PointFileError, match="or one such array alone, found"):
        read_npz(npz(b=FOUR, c=np.zeros((9, 3))), None, name="a.npz")


def test_npz_of_a_simulated_frame() -> None:
    sample = SimulatedSource(SimulationConfig(seed=1, frames=1, sensors=("vlp-16",)))[0]
    raw = read_npz(sample_as_bytes(sample), None, name="a.npz")
    assert len(raw) > 1000
    np.testing.assert_array_equal(raw.xyz, sample.cloud.xyz)
    for mine, theirs in ((raw.intensity, sample.cloud.intensity), (raw.ring, sample.cloud.ring)):
        np.testing.assert_array_equal(mine, theirs)  # type: ignore[arg-type]
    moved = replace(sample, cloud=replace(sample.cloud, sensor_origins_m=np.ones((1, 3), np.float32)))
    with pytest.raises(PointFileError, match="a sensor away from its origin"):
        read_npz(sample_as_bytes(moved), None, name="a.npz")


def test_no_points() -> None:
    assert len(read_npy(npy(np.zeros((0, 3))), None, name="a.npy")) == 0
    assert len(read_npz(npz(points=np.zeros((0, 4))), None, name="a.npz")) == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot|can be read"),
        (npy(FOUR)[:-3], "can be read"),
        (npy(np.zeros(5)), r"got shape \(5,\)"),
        (npy(np.zeros((5, 2))), r"got shape \(5, 2\)"),
        (npy(np.array([["a", "b", "c"]])), "numbers"),
    ],
)
def test_rejects_npy(data: bytes, message: str) -> None:
    with pytest.raises(PointFileError, match=message):
        read_npy(data, None, name="bad.npy")


def test_rejects_a_pickle() -> None:
    with pytest.raises(PointFileError, match="allow_pickle"):
        read_npy(npy(np.array([[{}, 1, 2]], dtype=object)), None, name="bad.npy")


def test_rejects_names_that_do_not_fit() -> None:
    with pytest.raises(PointFileError, match="has 4 columns, columns names 3"):
        read_npy(npy(FOUR), ("x", "y", "z"), name="bad.npy")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"PK", "can be read"), (npz(a=np.zeros(3)), "expected an array 'points'"), (b"", "can be read")],
)
def test_rejects_npz(data: bytes, message: str) -> None:
    with pytest.raises(PointFileError, match=message):
        read_npz(data, None, name="bad.npz")
