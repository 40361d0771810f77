from __future__ import annotations

import json

import numpy as np
import pytest

from bevseg.evaluation.panoptic_speed import PanopticSpeed, benchmark_panoptic
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import PointLabels

pytest.importorskip("nuscenes.eval.panoptic", reason="needs the extra `datasets`")


def scan(points: int) -> tuple[PointLabels, PointLabels]:
    semantic = np.full(points, SemanticClass.CAR, np.uint8)
    truth = PointLabels(semantic, np.arange(points) // 30)
    return PointLabels(semantic, np.maximum(truth.instance - 1, 0)), truth


def test_both_count_the_same_in_some_time() -> None:
    speed = benchmark_panoptic([scan(300), scan(900)], rounds=2)
    assert (speed.scans, speed.points, speed.rounds, speed.equal) == (2, 600.0, 2, True)
    assert speed.official_ms > 0
    assert speed.ours_ms > 0


def test_plain_values() -> None:
    speed = PanopticSpeed(scans=3, points=35_000.0, rounds=5, official_ms=6.0, ours_ms=0.4, equal=True)
    assert speed.ratio == pytest.approx(15.0)
    assert json.loads(json.dumps(speed.as_json())) == {
        "scans": 3,
        "points": 35_000.0,
        "rounds": 5,
        "official_ms": 6.0,
        "ours_ms": 0.4,
        "equal": True,
        "ratio": pytest.approx(15.0),
    }


@pytest.mark.parametrize(("scans", "rounds"), [([], 1), ([scan(5)], 0)])
def test_nothing_to_measure_is_an_error(scans: list[tuple[PointLabels, PointLabels]], rounds: int) -> None:
    with pytest.raises(ValueError, match="at least one scan and one round"):
        benchmark_panoptic(scans, rounds=rounds)
