"""Tests of `bevseg.learning.schedule`."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bevseg.learning.schedule import MovingAverage, build_optimizer, learning_rate


def rate(step: int, *, steps: int = 100, warmup_steps: int = 10) -> float:
    return learning_rate(step, steps=steps, warmup_steps=warmup_steps, peak=2.0, final_share=0.1)


def test_the_rate_rises_to_its_peak_and_falls_to_its_end() -> None:
    assert rate(0) == pytest.approx(0.2)
    assert rate(9) == pytest.approx(2.0)
    assert rate(10) == pytest.approx(2.0)
    assert rate(55) == pytest.approx(2.0 * 0.55)
    assert rate(100) == pytest.approx(0.2)
    assert rate(500) == pytest.approx(0.2)
    assert all(rate(step) > rate(step + 1) for step in range(10, 99))


def test_a_run_without_or_within_the_warm_up_has_a_rate() -> None:
    assert rate(0, warmup_steps=0) == pytest.approx(2.0)
    assert rate(3, steps=4, warmup_steps=10) == pytest.approx(0.8)
    assert rate(10, steps=5, warmup_steps=10) == pytest.approx(2.0)


def test_only_matrices_are_decayed() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    network[0].bias.requires_grad_(False)
    groups = build_optimizer(network, lr=0.1, weight_decay=0.5).param_groups
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [(1, 0.5), (2, 0.0)]


def test_a_network_of_vectors_alone_has_an_optimizer() -> None:
    groups = build_optimizer(nn.BatchNorm1d(3), lr=0.1, weight_decay=0.5).param_groups
    assert len(groups) == 1


def linear_with(value: float) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(2)
    with torch.no_grad():
        layer.weight.fill_(value)
    assert layer.running_mean is not None
    layer.running_mean.fill_(10 * value)
    return layer


def test_the_average_follows_weights_and_running_statistics_and_copies_counters() -> None:
    average = MovingAverage(linear_with(0.0), decay=0.9)
    network = linear_with(1.0)
    assert network.num_batches_tracked is not None
    network.num_batches_tracked.fill_(7)
    average.update(network, step=1_000_000)
    state = average.network.state_dict()
    torch.testing.assert_close(state["weight"], torch.full((2,), 0.1))
    torch.testing.assert_close(state["running_mean"], torch.full((2,), 1.0))
    assert int(state["num_batches_tracked"]) == 7
    assert not average.network.training
    assert not any(p.requires_grad for p in average.network.parameters())


def test_the_average_forgets_its_start_fast() -> None:
    average = MovingAverage(linear_with(0.0), decay=0.999)
    network = linear_with(1.0)
    for step in range(1, 51):
        average.update(network, step=step)
    left = 1 - float(average.network.state_dict()["weight"][0])
    expected = math.prod((1 + step) / (10 + step) for step in range(1, 51))
    assert left == pytest.approx(expected, rel=0.1, abs=1e-6)
    assert left < 1e-4


def test_the_average_does_not_change_the_network() -> None:
    network = linear_with(1.0)
    average = MovingAverage(network, decay=0.5)
    average.update(linear_with(3.0), step=100)
    assert float(network.weight.detach()[0]) == 1.0
