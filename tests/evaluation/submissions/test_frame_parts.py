from __future__ import annotations

from pathlib import Path

import pytest

from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.frame_parts import FrameParts, PartsHead, read_head, read_section, write_parts

PARTS = FrameParts(PartsHead("a\nb", ("kitti/0.txt",)), [{"x": 1}], [], [{"y": 0.1}, {"y": 1e-9}])


def test_each_line_is_read_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "parts" / "0.jsonl"
    write_parts(path, PARTS)
    assert read_head(path) == PARTS.head
    assert read_section(path, "true_masks") == PARTS.true_masks
    assert read_section(path, "found_masks") == []
    assert read_section(path, "boxes") == PARTS.boxes


def test_what_is_missing_or_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "0.jsonl"
    with pytest.raises(
        SubmissionError, match=r"0\.jsonl: cannot be read .*: remove it, and the frame is written again"
    ):
        read_head(path)
    path.write_text('{"frame": "a", "files": []}\n[{"x"')
    assert read_head(path) == PartsHead("a", ())
    for section in ("true_masks", "boxes"):
        with pytest.raises(SubmissionError, match="remove it"):
            read_section(path, section)
