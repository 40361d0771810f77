"""One reader for all kinds: axes, intensity, time, and the way back."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bevseg.points.cloud import PointCloud
from bevseg.points.formats import EXTENSIONS, extension_of, read_points, read_points_bytes, write_points
from bevseg.points.raw_points import PointFileError

coordinates = st.floats(-200, 200, width=32)


def scan(num: int = 40, seed: int = 0) -> PointCloud:
    rng = np.random.default_rng(seed)
    return PointCloud.from_xyz(
        rng.uniform(-50, 50, (num, 3)).astype(np.float32),
        intensity=np.append(rng.uniform(0, 1, max(num - 1, 0)), [1.0] * min(num, 1)).astype(np.float32),
        ring=rng.integers(0, 32, num),
    )


def present(column: np.ndarray | None) -> np.ndarray:
    assert column is not None
    return column


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_kind_gives_back_what_was_written(extension: str, tmp_path: Path) -> None:
    if extension in (".las", ".laz"):
        pytest.importorskip("laspy", reason="needs the extra `datasets`")
    cloud, path = scan(), tmp_path / f"scan{extension}"
    write_points(path, cloud)
    back = read_points(path).cloud
    np.testing.assert_allclose(back.xyz, cloud.xyz, atol=0.001 if extension[1] == "l" else 0)
    np.testing.assert_allclose(present(back.intensity), present(cloud.intensity), atol=1e-4)
    if extension not in (".bin", ".las", ".laz"):
        np.testing.assert_array_equal(present(back.ring), present(cloud.ring))
    assert back.frame == "lidar"


@pytest.mark.parametrize("extension", [e for e in EXTENSIONS if e not in (".las", ".laz")])
def test_every_kind_holds_no_points(extension: str, tmp_path: Path) -> None:
    write_points(tmp_path / f"empty{extension}", PointCloud.empty())
    assert len(read_points(tmp_path / f"empty{extension}").cloud) == 0


@pytest.mark.parametrize("extension", [".pcd.bin", ".bin", ".pcd", ".ply", ".npy"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(xyz=arrays(np.float32, st.tuples(st.integers(0, 6), st.just(3)), elements=coordinates))
def test_coordinates_survive_bit_by_bit(extension: str, xyz: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / f"scan{extension}"
    write_points(path, PointCloud.from_xyz(xyz))
    np.testing.assert_array_equal(read_points(path).cloud.xyz, xyz)


@pytest.mark.parametrize("extension", [".pcd", ".ply", ".npy", ".npz"])
def test_times_survive(extension: str, tmp_path: Path) -> None:
    cloud = PointCloud.from_xyz(np.zeros((3, 3)), time_s=np.array([-0.1, -0.05, 0.0]))
    write_points(tmp_path / f"scan{extension}", cloud)
    np.testing.assert_allclose(read_points(tmp_path / f"scan{extension}").cloud.time_s, cloud.time_s)


def test_nuscenes_axes_are_turned_and_the_turn_is_told() -> None:
    ahead_right = np.array([[2.0, 7.0, -1.0, 51.0, 3.0]], "<f4")
    read = read_points_bytes(ahead_right.tobytes(), name="a.pcd.bin")
    np.testing.assert_array_equal(read.cloud.xyz, [[7, -2, -1]])
    np.testing.assert_allclose(present(read.cloud.intensity), [0.2])
    np.testing.assert_allclose(read.T_output_from_input.apply(ahead_right[:, :3]), read.cloud.xyz, atol=1e-6)
    assert (read.T_output_from_input.dst, read.T_output_from_input.src) == ("lidar", "input")


def test_input_frame_overrides_the_kind() -> None:
    row = np.array([[2.0, 7.0, -1.0, 0.5, 3.0]], "<f4")
    kept = read_points_bytes(row.tobytes(), name="a.pcd.bin", input_frame="x-forward")
    np.testing.assert_array_equal(kept.cloud.xyz, [[2, 7, -1]])
    turned = read_points_bytes(row[:, :4].tobytes(), name="a.bin", input_frame="y-forward")
    np.testing.assert_array_equal(turned.cloud.xyz, [[7, -2, -1]])


def test_columns_override_the_kind() -> None:
    row = np.array([[1.0, 2.0, 3.0, 0.5, 3.0, 0.0]], "<f4")
    cloud = read_points_bytes(row.tobytes(), name="a.bin", columns="x,y,z,intensity,ring,_").cloud
    np.testing.assert_array_equal(present(cloud.ring), [3])


@pytest.mark.parametrize(
    ("values", "full_scale", "scaled"),
    [
        ([0.0, 1.0], None, [0, 1]),
        ([0.0, 51.0], None, [0, 0.2]),
        ([0.0, 6553.5], None, [0, 0.1]),
        ([0.0, 0.5], 2.0, [0, 0.25]),
        ([np.nan, 51.0], None, [0, 0.2]),
        ([0.5, 4.0], 2.0, [0.25, 1]),
    ],
)
def test_intensity_scales(values: list[float], full_scale: float | None, scaled: list[float]) -> None:
    rows = np.column_stack([np.ones((2, 3)), values]).astype("<f4")
    cloud = read_points_bytes(rows.tobytes(), name="a.bin", intensity_full_scale=full_scale).cloud
    np.testing.assert_allclose(present(cloud.intensity), scaled, rtol=1e-5)


def test_nuscenes_intensity_is_out_of_255_even_in_a_dark_scan() -> None:
    row = np.array([[1.0, 2.0, 3.0, 0.51, 3.0]], "<f4")
    cloud = read_points_bytes(row.tobytes(), name="a.pcd.bin").cloud
    np.testing.assert_allclose(present(cloud.intensity), [0.002])


def test_points_without_a_place_are_counted() -> None:
    rows = np.array([[np.nan, 0, 0, 1], [1, 2, 3, 1]], "<f4")
    assert read_points_bytes(rows.tobytes(), name="a.bin").cloud.dropped_non_finite == 1


def records(time: np.ndarray) -> bytes:
    header = (
        f"FIELDS x y z timestamp\nSIZE 4 4 4 8\nTYPE F F F {time.dtype.kind.upper()}\nPOINTS {len(time)}\nDATA binary\n"
    )
    rows = np.zeros(len(time), dtype=[("xyz", "<f4", 3), ("t", time.dtype)])
    rows["t"] = time
    return header.encode() + rows.tobytes()


def test_integer_times_are_nanoseconds_since_the_epoch() -> None:
    time = np.array([1_700_000_000_050_000_000, 1_700_000_000_100_000_000], "<u8")
    cloud = read_points_bytes(records(time), name="a.pcd").cloud
    assert cloud.stamp_ns == 1_700_000_000_100_000_000
    np.testing.assert_allclose(cloud.time_s, [-0.05, 0], atol=1e-6)


def test_float_times_are_seconds_from_any_start() -> None:
    cloud = read_points_bytes(records(np.array([0.0, 0.1])), name="a.pcd").cloud
    assert cloud.stamp_ns == 0
    np.testing.assert_allclose(cloud.time_s, [-0.1, 0])


@pytest.mark.parametrize("time", [np.array([0.0, 1e6]), np.array([0.0, np.nan])], ids=["microseconds", "nan"])
def test_times_that_are_no_scan_are_left_out_and_said(time: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        cloud = read_points_bytes(records(time), name="a.pcd").cloud
    assert not cloud.time_s.any()
    assert "left out" in caplog.text


@pytest.mark.parametrize(("name", "kind"), [("a/b.PCD.bin", ".pcd.bin"), ("x.bin", ".bin"), ("x.pcd", ".pcd")])
def test_kinds_are_told_by_name(name: str, kind: str) -> None:
    assert extension_of(name) == kind


def test_an_unknown_kind_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(PointFileError, match=r"scan.txt: unknown kind.*\.pcd\.bin"):
        read_points(tmp_path / "scan.txt")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(PointFileError, match="is a folder"):
        read_points(tmp_path)


def test_columns_are_refused_where_the_file_names_its_own() -> None:
    with pytest.raises(PointFileError, match="leave columns out"):
        read_points_bytes(b"", name="a.ply", columns="x,y,z")


@pytest.mark.usefixtures("shapes_unchecked")
def test_an_unknown_input_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="x-forward, y-forward"):
        read_points_bytes(bytes(16), name="a.bin", input_frame="z-forward")  # type: ignore[arg-type]


def test_map_coordinates_are_refused() -> None:
    with pytest.raises(PointFileError, match="on a map"):
        read_points_bytes(_npy(np.array([[500_000.0, 5_400_000.0, 30.0]])), name="a.npy")


def test_intensity_of_no_known_scale_is_refused() -> None:
    rows = np.array([[1, 2, 3, 1e6]], "<f4")
    with pytest.raises(PointFileError, match="intensity_full_scale"):
        read_points_bytes(rows.tobytes(), name="a.bin")


def test_las_without_laspy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "laspy", None)
    with pytest.raises(PointFileError, match=r"pip install 'laspy\[lazrs\]'"):
        read_points_bytes(b"LASF", name="a.las")


def test_a_broken_las_file_is_refused() -> None:
    pytest.importorskip("laspy", reason="needs the extra `datasets`")
    with pytest.raises(PointFileError, match="not a LAS file"):
        read_points_bytes(b"LASF", name="a.las")


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
