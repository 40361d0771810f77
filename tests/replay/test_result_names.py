from __future__ import annotations

from pathlib import Path

import pytest

from bevseg.replay.result_names import result_names


@pytest.mark.parametrize(
    ("named", "names"),
    [
        ([], []),
        (["runs/a"], ["a"]),
        (["runs/a/predictions"], ["a"]),
        (["runs/a/predictions/drive"], ["a"]),
        (["runs/a/predictions/drive/"], ["a"]),
        (["scenes/drive"], ["drive"]),
        (["bevseg-s"], ["bevseg-s"]),
        (["runs/a/last.pt"], ["last"]),
        (["runs/a/predictions/drive", "runs/b/predictions/drive"], ["a", "b"]),
        (["runs/a/predictions/drive", "bevseg-s"], ["a", "bevseg-s"]),
        (["runs/a/predictions/near", "runs/a/predictions/far"], ["near", "far"]),
        (["new/a/predictions/drive", "old/a/predictions/drive"], ["new/a", "old/a"]),
        (["runs/a/last.pt", "runs/b/last.pt"], ["a/last", "b/last"]),
        (["runs/a/last.pt", "runs/a/last.ckpt"], ["last (1)", "last (2)"]),
        (["runs/a", "runs/a/predictions"], ["a", "predictions"]),
        (["runs/a", "runs/a"], ["a (1)", "a (2)"]),
    ],
)
def test_results_are_called_by_their_run_and_told_apart(
    named: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(result_names(named)) == names


def test_folders_keep_their_dots_and_here_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "v1.2" / "predictions" / "drive"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert result_names(["."]) == ("v1.2",)
    assert result_names([str(tmp_path / "v1.2")]) == ("v1.2",)
