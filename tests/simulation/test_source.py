"""The simulated source: same bytes in any order, truth that agrees with its own points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.boxes import points_in_box
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.frozen_set import sample_hash
from bevseg.simulation.source import SimulatedSource

CONFIG = SimulationConfig(seed=7, frames=4, sensors=("vlp-16",), tilt_deg=0.0, range_m=40.0)

DENSE = SimulationConfig(seed=21, frames=2, sensors=("vlp-32c",), density=(0.9, 1.0))
DECOYS = SimulationConfig(seed=22, frames=2, sensors=("vlp-16",), decoys=0.8)
RECORDED = (
    (DENSE, 0, "b533a79bfed8ea5039106877aaf44237b72a92de7b4bc1cbfb170c77148881ad"),
    (DENSE, 1, "e2c5b874b8e671842a4d4c7c7f67d0263a25e55e3abcf50dd9cf1b13c85815f7"),
    (DECOYS, 0, "a975270664b36971300855a8fe8f8bf15ccb11981dddabec2e8383d753944892"),
    (DECOYS, 1, "46fdc225c57642b8bb3b8188402df685c7f3321710eb753183874a66163cd433"),
)
"""Recorded 2026-11-21 with version 5 of the simulator, before it was made faster: the same bytes in less time.

In the first frame one beam meets the edge between two triangles exactly, so that any other order of triangles in
Embree's tree shows.
"""


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    return SimulatedSource(CONFIG)


def test_same_bytes_in_any_order(source: SimulatedSource) -> None:
    later = source[2]
    again = SimulatedSource(CONFIG)[2]
    other = source[1]
    assert later.cloud.xyz.tobytes() == again.cloud.xyz.tobytes()
    assert later.annotations.boxes.tobytes() == again.annotations.boxes.tobytes()
    assert later.cloud.xyz.tobytes() != other.cloud.xyz.tobytes()


def test_seeds_differ() -> None:
    other = SimulatedSource(replace(CONFIG, seed=8))
    assert other[0].cloud.xyz.tobytes() != SimulatedSource(CONFIG)[0].cloud.xyz.tobytes()


def test_points_of_an_object_lie_in_its_box(source: SimulatedSource) -> None:
    sample = source[0]
    truth = sample.annotations
    assert truth.point_instance is not None
    assert truth.point_semantic is not None
    seen = np.flatnonzero(truth.num_points >= 5)
    assert len(seen)
    for k in seen:
        points = sample.cloud.xyz[truth.point_instance == k + 1]
        assert points_in_box(points, truth.boxes[k], margin_m=0.25).mean() > 0.95
        assert (truth.point_semantic[truth.point_instance == k + 1] == truth.label[k]).all()
        assert truth.num_points[k] == len(points)


def test_occlusion_is_consistent_with_points(source: SimulatedSource) -> None:
    truth = source[0].annotations
    fraction = truth.visible_fraction
    known = np.isfinite(fraction)
    assert ((fraction[known] >= 0) & (fraction[known] <= 1)).all()
    assert ((fraction > 0) == (truth.num_points > 0))[known].all()
    graph = truth.occlusion
    assert graph is not None
    hidden = np.bincount(graph.occluded, graph.hidden_fraction, minlength=len(truth))
    assert (hidden[known] <= 1 - fraction[known] + 1e-5).all()


def test_fast_mode_gives_the_same_points(source: SimulatedSource) -> None:
    fast = SimulatedSource(replace(CONFIG, occlusion=False))[1]
    assert fast.cloud.xyz.tobytes() == source[1].cloud.xyz.tobytes()
    assert fast.annotations.occlusion is None
    assert np.isnan(fast.annotations.visible_fraction).all()


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(("config", "index", "sha256"), RECORDED)
def test_frames_have_the_bytes_that_they_always_had(config: SimulationConfig, index: int, sha256: str) -> None:
    assert sample_hash(SimulatedSource(config)[index]) == sha256


def test_position_outside_is_rejected(source: SimulatedSource) -> None:
    with pytest.raises(IndexError, match="frame 4 of a source of 4"):
        source[4]
    with pytest.raises(IndexError):
        source[-1]
