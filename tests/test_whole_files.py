from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bevseg.whole_files import remove_abandoned, remove_unfinished, require_writable, unfinished_path, write_whole


def test_writes_into_new_folders_and_over_old_files(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.bin"
    for data in (b"first", b"second", b""):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert [file.name for file in path.parent.iterdir()] == ["b.bin"]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.bin"
    write_whole(path, b"old")

    def fail_half_way() -> None:
        with unfinished_path(path) as unfinished:
            unfinished.write_bytes(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["b.bin"]


def test_removes_what_killed_processes_left(tmp_path: Path) -> None:
    for name in (".b.bin.17.tmp", ".hidden", "b.tmp"):
        (tmp_path / name).write_bytes(b"")
    remove_unfinished(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".hidden", "b.tmp"]


@pytest.fixture
def gone() -> int:
    """The number of a process that is not there: Linux gives none so high, while that of one that ended comes again."""
    return 2**22 + 1


def _aged(path: Path) -> Path:
    os.utime(path, (1.0, 1.0))
    return path


def test_what_dead_processes_left_is_removed(tmp_path: Path, gone: int) -> None:
    (tmp_path / f".a.{gone}.tmp").mkdir()
    (tmp_path / f".a.{gone}.tmp" / "000000.png").write_bytes(b"half")
    _aged(tmp_path / f".a.{gone}.tmp")
    remove_abandoned(tmp_path / "a")
    assert not list(tmp_path.iterdir())
    (tmp_path / f".a.mp4.{gone}.tmp.mp4").write_bytes(b"half")
    _aged(tmp_path / f".a.mp4.{gone}.tmp.mp4")
    remove_abandoned(tmp_path / "a.mp4", ending=".tmp.mp4")
    assert not list(tmp_path.iterdir())
    remove_abandoned(tmp_path / "no folder" / "a")


def test_what_may_be_somebodys_is_let_be(tmp_path: Path, gone: int) -> None:
    names = (f".a.{os.getpid()}.tmp", f".b.{gone}.tmp", f".a.b.{gone}.tmp", ".a.1x.tmp", "a", f".a.{gone}.tmp.old")
    for name in names:
        (tmp_path / name).write_bytes(b"")
        _aged(tmp_path / name)
    just_written = tmp_path / f".a.{gone}.tmp"
    just_written.write_bytes(b"half")
    os.utime(just_written, (time.time() + 3600,) * 2)  # a moment ago, however long this test is held up
    remove_abandoned(tmp_path / "a")
    assert {path.name for path in tmp_path.iterdir()} == {*names, f".a.{gone}.tmp"}


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "a.txt")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"'/proc/a\.txt' cannot be written: in /proc: "):
        require_writable(Path("/proc/a.txt"))
