from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.nuscenes_panoptic import (
    panoptic_codes,
    write_nuscenes_panoptic,
    write_panoptic_task,
)
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import PointLabels

CAR, ROAD, NOISE = int(SemanticClass.CAR), int(SemanticClass.DRIVEABLE_SURFACE), int(SemanticClass.NOISE)


def labels(*pairs: tuple[int, int]) -> PointLabels:
    semantic, instance = np.array(pairs, np.int64).reshape(-1, 2).T
    return PointLabels(semantic.astype(np.uint8), instance.astype(np.int32))


def test_the_devkit_reads_what_was_written(tmp_path: Path) -> None:
    data_io = pytest.importorskip("nuscenes.utils.data_io", reason="needs the extra `datasets`")
    given = labels((CAR, 999), (CAR, 0), (ROAD, 70_000), (NOISE, 3), (SemanticClass.VEGETATION, 0))
    path = write_nuscenes_panoptic(tmp_path, given, split="mini_val", token="abc", num_points=5)
    assert path == tmp_path / "panoptic" / "mini_val" / "abc_panoptic.npz"
    read = data_io.load_bin_file(str(path), type="panoptic")
    assert read.dtype == np.uint16
    assert read.tolist() == [4999, 4000, 11_000, 0, 16_000]
    assert (read // 1000).tolist() == given.semantic.tolist()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_submission_says_of_itself(tmp_path: Path) -> None:
    path = write_panoptic_task(tmp_path, split="val", uses_external_data=False)
    assert path == tmp_path / "val" / "submission.json"
    meta = json.loads(path.read_text())["meta"]
    assert meta.pop("task") == "segmentation"
    assert [name for name, used in meta.items() if used] == ["use_lidar"]
    assert len(meta) == 5


def test_no_points() -> None:
    assert len(panoptic_codes(labels(), num_points=0, frame="abc")) == 0


@pytest.mark.parametrize(
    ("num_points", "instance", "message"),
    [
        (3, 1, "frame abc: expected a label for each of 3 points, got 1 classes"),
        (1, 1000, r"frame abc: expected instance numbers within 0\.\.999"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, num_points: int, instance: int, message: str) -> None:
    with pytest.raises(SubmissionError, match=message):
        write_nuscenes_panoptic(tmp_path, labels((CAR, instance)), split="val", token="abc", num_points=num_points)
    assert not list(tmp_path.iterdir())
