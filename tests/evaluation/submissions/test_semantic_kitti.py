from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.semantic_kitti import SemanticKittiSource
from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.evaluation.submissions.semantic_kitti import packed_labels, write_semantic_kitti_labels
from bevseg.results.classes import NUM_CLASSES
from bevseg.results.classes import SemanticClass as C
from bevseg.results.scene import PointLabels

WITHOUT_A_NUMBER = {C.BARRIER, C.TRAFFIC_CONE, C.TRAILER, C.CONSTRUCTION_VEHICLE}


def test_our_reader_reads_what_was_written(tmp_path: Path) -> None:
    semantic = np.arange(NUM_CLASSES, dtype=np.uint8)
    given = PointLabels(semantic, np.arange(NUM_CLASSES)[::-1] * 4000)
    path = write_semantic_kitti_labels(tmp_path, given, sequence="08", frame="000007", num_points=NUM_CLASSES)
    assert path == tmp_path / "sequences" / "08" / "predictions" / "000007.label"
    np.zeros((NUM_CLASSES, 4), np.float32).tofile(path.with_suffix(".bin"))
    truth = SemanticKittiSource(path.parent)[0].annotations
    assert truth.point_semantic is not None
    assert truth.point_instance is not None
    assert truth.point_semantic.tolist() == [0 if C(c) in WITHOUT_A_NUMBER else c for c in range(NUM_CLASSES)]
    packed = np.fromfile(path, "<u4")
    assert (packed >> 16).tolist() == [0, *range(60_000, 20_000, -4000), *[0] * 6]
    assert (truth.point_instance > 0).tolist() == [C(c).is_thing for c in range(NUM_CLASSES)]


def test_no_points() -> None:
    none = PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int64))
    assert len(packed_labels(none, num_points=0, frame="f")) == 0


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    one = PointLabels(np.array([C.CAR], np.uint8), np.array([65_536]))
    with pytest.raises(SubmissionError, match=r"frame 08/000007: expected instance numbers within 0\.\.65535"):
        write_semantic_kitti_labels(tmp_path, one, sequence="08", frame="000007", num_points=1)
    with pytest.raises(SubmissionError, match="frame 08/000007: expected a label for each of 2 points"):
        write_semantic_kitti_labels(tmp_path, one, sequence="08", frame="000007", num_points=2)
    assert not list(tmp_path.iterdir())
