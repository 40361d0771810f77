from __future__ import annotations

from pathlib import Path

import pytest

from bevseg.whole_files import remove_unfinished, unfinished_path, write_whole


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
