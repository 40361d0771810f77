from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.points.cloud import PointCloud
from bevseg.replay.frames import Frame, Prediction, nothing_found
from bevseg.replay.recording import Predictor, Recording
from bevseg.results.scene import Scene


def test_a_frame_can_be_pickled(drive: Source, right: Callable[[Sample], Scene]) -> None:
    frame = Recording(drive, (Predictor("right", right),)).read(0)
    assert isinstance(frame, Frame)
    again = pickle.loads(pickle.dumps(frame))
    np.testing.assert_array_equal(
        again.predictions[0].scene.instances.boxes, frame.predictions[0].scene.instances.boxes
    )


def test_trails_are_one_an_object(drive: Source, right: Callable[[Sample], Scene]) -> None:
    with pytest.raises(ValueError, match="expected a trail for each of 3 objects, got 1"):
        Prediction("right", right(drive[0]), trails=(np.zeros((1, 2)),))


def test_a_result_of_another_scan_is_refused(drive: Source) -> None:
    sample = drive[0]
    prediction = Prediction("other", nothing_found(sample.cloud[:7]))
    with pytest.raises(ValueError, match="other labels 7 points, the scan has 360"):
        Frame(0, 1, "a", 0.0, sample.cloud, None, (prediction,), sample.T_global_from_ego)


def test_nothing_found_fits_an_empty_scan() -> None:
    scene = nothing_found(PointCloud.empty())
    assert (len(scene.instances), len(scene.points.semantic), int(scene.visibility.state.max())) == (0, 0, 0)
