from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bevseg.evaluation.frame_scores import Scoring
from bevseg.points.cloud import PointCloud
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.web.columns import Block, numbers_of, read_block
from bevseg.replay.web.pack import FramePacker, PackedFrame


def _opened(packed: PackedFrame) -> Block:
    return read_block(base64.b64decode(packed.text))


def test_a_frame_with_results_and_truth(make: Callable[..., Frame], scoring: Scoring) -> None:
    packed = pickle.loads(pickle.dumps(FramePacker(scoring)))(make(1, (0, 1)))
    assert packed.summary == {
        "index": 1, "total": 4, "name": "000001", "time": 0.1, "results": ["net"], "objects": [2], "points": [260, 260],
        "sights": {"missed": [1], "hidden": [1], "low-score": [1]},
    }  # fmt: skip
    header: Any = _opened(packed).header
    assert header["points"] == {"origin": header["points"]["origin"], "step": 0.02, "shown": 260, "total": 260}
    assert header["truth"]["track"] == [70, 30, 120]
    assert header["results"][0]["name"] == "net"


def test_the_map_comes_back_cell_by_cell(make: Callable[..., Frame]) -> None:
    frame = make(0, (0,))
    block = _opened(FramePacker()(frame))
    state = np.repeat(block.columns["states0"], numbers_of(block.columns["runs0"]))
    visibility = frame.predictions[0].scene.visibility
    np.testing.assert_array_equal(state.reshape(visibility.grid.shape), visibility.state)
    header: Any = block.header
    assert header["results"][0]["grid"] == {"x": 2.0, "y": -16.0, "cell": 0.2, "width": 200, "height": 120}


def test_without_truth_and_without_points(
    make: Callable[..., Frame], empty_cloud: PointCloud, scoring: Scoring
) -> None:
    packed = FramePacker(scoring)(make(0, (), cloud=empty_cloud, has_truth=False))
    assert packed.summary["sights"] == {}
    assert packed.summary["points"] == [0, 0]
    assert _opened(packed).header["truth"] is None


def test_two_results(compared: Frame) -> None:
    packed = FramePacker()(compared)
    assert packed.summary["results"] == ["net", "other"]
    assert packed.summary["sights"] == {"hidden": [1, 0], "low-score": [1, 0], "broken": [0, 1]}
    block = _opened(packed)
    header: Any = block.header
    assert [result["name"] for result in header["results"]] == ["net", "other"]
    assert header["results"][1]["note"] == "no result for frame 000000"
    assert numbers_of(block.columns["owner0"]).max() == 3
    assert numbers_of(block.columns["owner1"]).max() == 0


def test_a_frame_that_cannot_be_read() -> None:
    packed = FramePacker()(BrokenFrame(4, 9, "cut off", "000004"))
    told = {"index": 4, "total": 9, "name": "000004", "broken": "cut off", "sights": {"broken": [1]}}
    assert packed == PackedFrame("", told)


def test_points_are_left_out_until_it_fits(make: Callable[..., Frame], cloud: Callable[..., PointCloud]) -> None:
    frame = make(0, (0, 1), cloud=cloud(ground=20_000))
    whole = FramePacker()(frame)
    packed = FramePacker(most_bytes=len(whole.text) // 2)(frame)
    assert len(whole.text) // 4 < len(packed.text) <= len(whole.text) // 2
    points: Any = packed.summary["points"]
    shown, total = points
    assert 0 < shown < total == 20_060
    assert numbers_of(_opened(packed).columns["strips"]).sum() == shown


def test_what_cannot_fit_is_refused(make: Callable[..., Frame]) -> None:
    with pytest.raises(ValueError, match=r"frame 3 takes 0\.0\d MB without its points.*choose fewer frames"):
        FramePacker(most_bytes=500)(make(3, (0, 1)))
