"""Which files inputs name, and what their results are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from bevseg.commands.frame_files import InputError, find_frames, output_names, require_apart


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.pcd.bin", "a.BIN", "notes.txt", "deep/c.ply", "deep/a.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["a.BIN"], ["a.BIN"]),
        (["."], ["a.BIN", "b.pcd.bin"]),
        (["**/*.bin"], ["b.pcd.bin", "deep/a.bin"]),
        (["deep/?.ply", "."], ["deep/c.ply", "a.BIN", "b.pcd.bin"]),
        (["b.pcd.bin", ".", "b.pcd.bin"], ["b.pcd.bin", "a.BIN"]),
        (["notes.txt"], ["notes.txt"]),
    ],
)
def test_inputs_name_files_in_order_and_once(
    tree: Path, monkeypatch: pytest.MonkeyPatch, inputs: list[str], expected: list[str]
) -> None:
    monkeypatch.chdir(tree)
    assert [file.as_posix() for file in find_frames(inputs)] == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.bin", "no such file"), ("*.las", "matches no file"), ("empty", "holds no point files")],
)
def test_inputs_that_name_nothing_are_refused(tree: Path, name: str, message: str) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        find_frames([str(tree / "a.BIN"), str(tree / name)])


def test_a_folder_of_folders_tells_the_pattern_that_finds_them(tmp_path: Path) -> None:
    (tmp_path / "000").mkdir()
    (tmp_path / "000" / "a.npz").touch()
    with pytest.raises(InputError, match=r"named by a pattern: '.*/\*\*/\*\.npz'"):
        find_frames([str(tmp_path)])


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    odd = tmp_path / "scan[1].bin"
    odd.touch()
    (tmp_path / "scan1.bin").touch()
    assert find_frames([str(odd)]) == (odd,)


def test_results_go_elsewhere_than_the_inputs(tree: Path) -> None:
    files = find_frames([str(tree / "deep")])
    require_apart(files, tree / "deep" / "out")
    require_apart(files, tree / "dee")
    for output in (tree / "deep", tree, tree / "other" / ".."):
        with pytest.raises(InputError, match="--output"):
            require_apart(files, output)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ([], []),
        (["d/a.pcd.bin", "d/b.PLY"], ["a", "b"]),
        (["d/a.bin", "d/a.pcd"], ["a.bin", "a.pcd"]),
        (["d/a.bin", "e/a.bin", "e/b.bin"], ["d-a", "e-a", "b"]),
        (["d/A.bin", "d/a.bin"], ["d-A.bin-1", "d-a.bin-2"]),
        (["d/a.bin", "d/a.pcd", "d/a.bin.bin"], ["d-a.bin-1", "a.pcd", "a.bin.bin"]),
        (["x/d/a.bin", "y/d/a.bin"], ["d-a.bin-1", "d-a.bin-2"]),
        (["d/.bin"], [".bin"]),
        (["d/readme"], ["readme"]),
    ],
)
def test_names_are_as_short_as_uniqueness_allows(files: list[str], names: list[str]) -> None:
    found = output_names([Path(file) for file in files])
    assert len({name.casefold() for name in found}) == len(files)
    assert list(found) == names
