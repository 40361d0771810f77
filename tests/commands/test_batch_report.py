"""What a batch says at its end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bevseg.commands.batch_report import Batch, FrameDone, FrameFailed, print_batch
from bevseg.commands.objects import ObjectRow
from bevseg.commands.output import ExitCode

CAR = ObjectRow(1, "car", 9.0, 0.5, (), 0, 0.75)
BROKEN = FrameFailed("broken.bin", "broken.bin: cut off")
DEFECT = FrameFailed("odd.bin", "IndexError: 3", is_defect=True)


def _frame(name: str, note: str | None = None) -> FrameDone:
    return FrameDone(f"{name}.bin", f"out/{name}", 1234, 2, (CAR,), 10.123, note)


def _printed(batch: Batch) -> str:
    screen = Console(file=io.StringIO(), width=120, soft_wrap=True)
    print_batch(batch, screen, output="out")
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


@pytest.mark.parametrize(
    ("done", "failed", "code"),
    [
        ([_frame("a")], [], ExitCode.OK),
        ([_frame("a")], [BROKEN], ExitCode.PARTIAL),
        ([], [BROKEN], ExitCode.REFUSED),
        ([_frame("a")], [BROKEN, DEFECT], ExitCode.DEFECT),
    ],
)
def test_the_exit_code_tells_how_much_was_done(
    done: list[FrameDone], failed: list[FrameFailed], code: ExitCode
) -> None:
    assert Batch(done, failed, 1.0).exit_code is code


def test_json_names_every_file() -> None:
    assert Batch([_frame("a", "no points")], [BROKEN], 1.23456).as_json() == {
        "wall_s": 1.235,
        "frames": [
            {
                "file": "a.bin",
                "results": "out/a",
                "points": 1234,
                "dropped": 2,
                "objects": 1,
                "model_ms": 10.12,
                "note": "no points",
            }
        ],
        "failures": [{"file": "broken.bin", "error": "broken.bin: cut off"}],
    }


def test_one_scan_shows_its_objects_and_many_a_line_each() -> None:
    assert "car" in _printed(Batch([_frame("a")], [], 1.0))
    many = _printed(Batch([_frame(f"s{k:02}") for k in range(23)], [], 1.0))
    assert "1,234" in many
    assert "s19.bin" in many
    assert "s20.bin" not in many
    assert "3 more" in many
    assert "23 of 23 files" in many


def test_notes_and_failures_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    said = _printed(Batch([_frame("a", "no points"), _frame("b[1]")], [BROKEN, DEFECT], 1.0))
    assert "note: a.bin: no points" in said
    assert "b[1].bin" in said
    error = capsys.readouterr().err
    assert error.splitlines() == ["bevseg: 2 failed:", "  broken.bin: cut off", "  odd.bin: IndexError: 3"]


def test_nothing_done_prints_no_table() -> None:
    assert _printed(Batch([], [BROKEN], 1.0)) == ""
