from __future__ import annotations

import numpy as np

from bevseg.results.track_labels import TrackLabels, TrackState


def test_labels_follow_the_objects_that_are_asked_for() -> None:
    labels = TrackLabels(np.array([7, 3, 400]), np.array([70_001, 2, 5]), np.array([2, 1, 2], np.uint8))
    asked = labels.of(np.array([400, 8, 7], np.int32))
    assert asked.instance.tolist() == [400, 8, 7]
    assert asked.track.tolist() == [5, 0, 70_001]
    assert asked.state.tolist() == [TrackState.CONFIRMED, TrackState.UNTRACKED, TrackState.CONFIRMED]


def test_nothing_is_known_of_nothing() -> None:
    assert TrackLabels.none().of(np.array([3, 4])).track.tolist() == [0, 0]
    assert len(TrackLabels.none().of(np.zeros(0, np.int64)).track) == 0
