"""What cannot be written is one clear line, and what is there stays as it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bevseg.cli import main

if TYPE_CHECKING:
    from tests.commands.simulated_layouts.conftest import Layout


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a command line that is refused, in one line."""
    capsys.readouterr()
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bevseg: ")
    return line


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("layout", ["kitti"], indirect=True)
def test_the_limit_of_the_system_arrives_from_workers(
    layout: Layout, workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real one: the kernel's limit on the size of files, which workers inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        said = refused(layout.arguments(tmp_path / "out", workers=workers), capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "no room for the rest of" in said
    assert "(File too large)" in said
    assert [path for path in tmp_path.rglob("*.bin*") if path.is_file()] == []


def test_a_folder_of_another_configuration_or_version_is_left_alone(
    layout: Layout,
    undisturbed: Path,
    whole: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    contents: Callable[[Path], dict[str, str]],
) -> None:
    arguments = layout.arguments(undisturbed)
    said = refused([*arguments, "--seed", "6"], capsys)
    assert f"{undisturbed} was begun with another configuration (different: seed)" in said
    monkeypatch.setattr("bevseg.simulation.dataset_folder.SIMULATOR_VERSION", 0)
    assert "(different: simulator_version)" in refused(arguments, capsys)
    assert contents(undisturbed) == whole


def test_a_sensor_file_that_changed_is_another_configuration(
    layout: Layout, workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bevseg.simulation.sensors import find_sensor

    sensor = tmp_path / "own.yaml"
    text = (workshop / "tiny.yaml").read_text()
    sensor.write_text(text)
    arguments = [*layout.arguments(tmp_path / "out"), "--frames", "1", "--sensor", str(sensor)]
    assert main(arguments) == 0
    sensor.write_text(text.replace("reach_m: 80", "reach_m: 81"))
    find_sensor.cache_clear()  # as in a new process
    assert "(different: sensors)" in refused(arguments, capsys)


def _with_a_file(out: Path) -> None:
    out.mkdir()
    (out / "thesis.txt").write_text("mine")


def _with_a_damaged_manifest(out: Path) -> None:
    out.mkdir()
    (out / "simulation.json").write_text('{"seed": ')
    (out / "metadata.yaml").write_text("{")


def _as_a_file(out: Path) -> None:
    out.write_text("mine")


def _below_a_file(out: Path) -> None:
    out.parent.rmdir()
    out.parent.write_text("mine")


@pytest.mark.parametrize("spoil", [_with_a_file, _with_a_damaged_manifest, _as_a_file, _below_a_file])
def test_what_is_no_folder_of_ours_is_left_alone(
    spoil: Callable[[Path], None],
    layout: Layout,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    contents: Callable[[Path], dict[str, str]],
) -> None:
    out = tmp_path / "place" / "out"
    out.parent.mkdir()
    spoil(out)
    before = contents(tmp_path)
    assert str(out.parent) in refused(layout.arguments(out), capsys)
    assert contents(tmp_path) == before


def test_an_empty_folder_is_taken(
    layout: Layout, whole: dict[str, str], tmp_path: Path, contents: Callable[[Path], dict[str, str]]
) -> None:
    (tmp_path / "out").mkdir()
    assert layout.run(tmp_path / "out") == 0
    assert contents(tmp_path / "out") == whole


@pytest.mark.usefixtures("undisturbed")  # all is imported: where Python is root's alone, others cannot
def test_a_folder_that_may_not_be_written_is_named(
    layout: Layout, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shut = workshop / "shut"
    shut.mkdir()
    try:
        shut.chmod(0o555)
        with as_an_ordinary_user():
            said = refused(layout.arguments(shut / "out"), capsys)
        assert "Permission denied" in said
        assert str(shut) in said
        assert list(shut.iterdir()) == []
    finally:
        shutil.rmtree(shut)


@contextlib.contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Permissions do not bind root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_second_run_at_the_same_time_is_refused(
    layout: Layout,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    full_disk: Callable[[Path, int], AbstractContextManager[None]],
) -> None:
    arguments = [*layout.arguments(tmp_path / "out"), "--frames", "1"]
    with full_disk(tmp_path, 1):
        assert main(arguments) == 2
    (manifest,) = tmp_path.rglob("simulation.json")
    with open(manifest) as other_run:
        fcntl.flock(other_run, fcntl.LOCK_EX)
        assert "another run is writing into" in refused(arguments, capsys)
    assert main(arguments) == 0


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("beams: 8", "beams: 1", "a fan needs 2 beams or more"),
        ("azimuth_steps: 90", "azimuth_steps: 0", "azimuth_steps must give 1 to"),
        ("name: tiny", "name: tiny\nlaser_colour: green", "laser_colour"),
        ("name: tiny", "[1, 2", ""),
    ],
)
def test_an_impossible_sensor_is_refused_before_anything_is_made(
    right: str,
    wrong: str,
    said: str,
    layout: Layout,
    workshop: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sensor = tmp_path / "own.yaml"
    sensor.write_text((workshop / "tiny.yaml").read_text().replace(right, wrong))
    capsys.readouterr()
    assert layout.run(tmp_path / "out", "--sensor", str(sensor)) == 2
    error = capsys.readouterr().err  # mistakes in a file are listed, one a line
    assert error.startswith("bevseg: ")
    assert str(sensor) in error
    assert said in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["own.yaml"]


def test_a_sensor_file_that_is_missing_is_named(
    layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "own.yaml cannot be read" in refused(layout.arguments(tmp_path / "out", "--sensor", "own.yaml"), capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["bevseg"], indirect=True)
def test_workers_are_counted_from_one(layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--workers must be 1 or more, got 0" in refused(layout.arguments(tmp_path / "out", workers=0), capsys)
