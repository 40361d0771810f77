from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from bevseg.evaluation.failure_kinds import FailureKind, Failures, FrameFailures
from bevseg.evaluation.failure_tally import WORST_KEPT, FailureTally, failure_tables, tally_frame
from bevseg.results.classes import ClassGroup, SemanticClass


def frame(*failures: tuple[FailureKind, SemanticClass, float]) -> FrameFailures:
    """Each failure accounts for one missed object; false alarms for one wrong prediction."""
    kind, label, severity = zip(*failures, strict=True) if failures else ((), (), ())
    number = np.arange(len(failures))
    alarm = np.array([k == FailureKind.FALSE_ALARM for k in kind], bool)
    return FrameFailures(
        Failures(
            kind=np.array(kind, np.int64),
            truth=np.where(alarm, -1, number),
            prediction=np.where(alarm, number, -1),
            label=np.array(label, np.int64),
            xy_m=np.full((len(failures), 2), [3.0, -4.0]),
            range_m=np.full(len(failures), 5.0),
            severity=np.array(severity, np.float64),
        ),
        of_truth=np.where(alarm, -1, number),
        of_prediction=np.where(alarm, number, -1),
    )


OTHER, ALARM = FailureKind.MISSED_OTHER, FailureKind.FALSE_ALARM
CAR, PEDESTRIAN = SemanticClass.CAR, SemanticClass.PEDESTRIAN


def _added(tallies: Sequence[FailureTally]) -> FailureTally:
    return sum(tallies, start=FailureTally.zero())


def test_counts_by_kind_and_group() -> None:
    tally = tally_frame(frame((OTHER, CAR, 0.5), (OTHER, PEDESTRIAN, 0.25), (ALARM, CAR, 0.9)), "one")
    assert tally.num_frames == 1
    assert tally.count[OTHER].tolist() == [1, 1, 0, 0]
    assert tally.count[ALARM, ClassGroup.VEHICLE] == 1
    assert (tally.missed[OTHER], tally.wrong[OTHER]) == (2, 0)
    assert (tally.missed[ALARM], tally.wrong[ALARM]) == (0, 1)
    assert tally.mean_severity[OTHER] == 0.375
    assert np.isnan(tally.mean_severity[FailureKind.HALO])


def test_frames_may_be_added_in_any_order_and_grouping() -> None:
    rng = np.random.default_rng(0)
    tallies = [
        tally_frame(frame(*[(OTHER, CAR, round(float(s), 1)) for s in rng.random(7)], (ALARM, CAR, 0.3)), f"{i:03d}")
        for i in range(12)
    ]
    whole = _added(tallies)
    shuffled = _added([tallies[i] for i in rng.permutation(12)])
    halves = _added(tallies[:5]) + _added(tallies[5:])
    assert whole.as_json() == shuffled.as_json() == halves.as_json()
    assert whole.total[OTHER] == 84
    assert (whole.worst.kind == OTHER).sum() == WORST_KEPT  # the rest is forgotten


def test_the_worst_come_first_with_their_frames() -> None:
    tally = tally_frame(frame((OTHER, CAR, 0.2), (ALARM, PEDESTRIAN, 0.7)), "a") + tally_frame(
        frame((OTHER, CAR, 0.6)), "b"
    )
    stored = json.loads(json.dumps(tally.as_json(), allow_nan=False))
    assert [f["frame"] for f in stored["missed_other"]["worst"]] == ["b", "a"]
    assert stored["missed_other"]["by_group"]["vehicle"] == 2
    assert stored["false_alarm"]["worst"] == [
        {
            "frame": "a",
            "severity": 0.7,
            "class": "pedestrian",
            "x_m": 3.0,
            "y_m": -4.0,
            "range_m": 5.0,
            "truth": -1,
            "prediction": 1,
        }
    ]
    assert stored["halo"] == {
        "count": 0,
        "by_group": dict.fromkeys((g.label for g in ClassGroup), 0),
        "missed_objects": 0,
        "wrong_predictions": 0,
        "mean_severity": None,
        "worst": [],
    }


def test_tables_and_nothing_at_all() -> None:
    tally = tally_frame(frame((OTHER, CAR, 0.2), (ALARM, PEDESTRIAN, 0.7)), "a")
    counts, worst = failure_tables(tally, {"vehicle": tally.count[:, ClassGroup.VEHICLE]}, title="here")
    assert list(counts.columns[0].cells) == [*(kind.label for kind in FailureKind), "sum"]
    assert list(counts.columns[1].cells)[OTHER] == "1"
    assert [list(column.cells)[-1] for column in counts.columns[1:]] == ["1", "2", "1", "1", "-"]
    assert [list(column.cells) for column in worst.columns[:2]] == [["missed_other", "false_alarm"], ["a", "a"]]
    empty = tally_frame(frame(), "none")
    assert empty.total.sum() == 0
    assert failure_tables(empty, {}, title="")[1].row_count == 0
