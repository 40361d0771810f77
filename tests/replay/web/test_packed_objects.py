from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bevseg.drawing.difference import Outcome
from bevseg.evaluation.frame_scores import Scoring
from bevseg.replay.difference import with_differences
from bevseg.replay.frames import Frame
from bevseg.replay.web.packed_objects import hex_color, pack_prediction, pack_truth
from bevseg.results.outlines import mask_outlines


def test_objects_are_told_in_whole_numbers(make: Callable[..., Frame]) -> None:
    prediction = make(0, (1, 0, 2)).predictions[0]
    told: Any = pack_prediction(prediction)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["id"], told["score"], told["rank"]) == ([3, 7, 12], [350, 910, 700], [0, 1, 2])
    assert told["box"][0] == [2100, 40, -90, 440, 180, 160, 300]
    assert told["velocity"] == [[None, None], [600, -100], [0, 120]]
    assert told["visible"] == [380, 1000, 1000]
    assert told["edges"] == [[1, 0, 620]]
    assert told["trails"][1] == [1200, 50, 100, -30, 100, -20]
    assert told["outcome"] is None
    assert told["marks"] == []


def test_masks_are_outlines_and_the_seen_one_is_left_out_where_it_is_the_whole(make: Callable[..., Frame]) -> None:
    instances = make(0, (0, 1)).predictions[0].scene.instances
    told: Any = pack_prediction(make(0, (0, 1)).predictions[0])
    assert told["seen"][0] is None
    for masks, outlines in ((instances.amodal, told["amodal"][1]), (instances.visible, told["seen"][1])):
        expected = mask_outlines(masks.cells_of(1), instances.grid)
        assert len(outlines) == len(expected) == 1
        places = np.cumsum(np.array(outlines[0]).reshape(-1, 2), axis=0) / 100
        np.testing.assert_allclose(places, expected[0], atol=0.0051)


def test_edges_that_hide_next_to_nothing_are_left_out(make: Callable[..., Frame]) -> None:
    prediction = make(0, (0, 1)).predictions[0]
    graph = replace(prediction.scene.occlusion, hidden_fraction=np.array([0.004], np.float32))
    told: Any = pack_prediction(replace(prediction, scene=replace(prediction.scene, occlusion=graph)))
    assert told["edges"] == []


def test_nothing_found(make: Callable[..., Frame]) -> None:
    told: Any = pack_prediction(make(0, ()).predictions[0])
    assert told["id"] == told["box"] == told["amodal"] == told["edges"] == told["trails"] == told["velocity"] == []


def test_marks_tell_what_failed_and_where(make: Callable[..., Frame], scoring: Scoring) -> None:
    told: Any = pack_prediction(with_differences(make(1, (0, 1)), scoring).predictions[0])
    assert told["outcome"] == [Outcome.FOUND, Outcome.FOUND]
    assert told["truthOutcome"] == [Outcome.FOUND, Outcome.FOUND, Outcome.MISSED]
    (mark,) = told["marks"]
    assert mark[:5] == [int(Outcome.MISSED), 1200, -900, 2, -1]
    assert mark[5].startswith("missed")
    assert mark[7:] == ["20 points", []]


def test_truth(make: Callable[..., Frame]) -> None:
    frame = make(0, ())
    assert frame.truth is not None
    told = pack_truth(frame.truth)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["track"] == [70, 30, 120]
    assert told["visible"] == [None, None, None]
    assert told["points"] == [20, 20, 20]


def test_colors() -> None:
    assert hex_color((255, 0, 10)) == "#ff000a"
