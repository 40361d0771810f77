"""Tests of `bevseg.learning.experiment`: what a run starts with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bevseg.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from bevseg.config import ModelConfig
from bevseg.geometry.grid import BevGrid
from bevseg.learning.experiment import ExperimentConfig, run_experiment
from bevseg.learning.trainer import TrainConfig
from bevseg.network import build_network
from bevseg.simulation.config import SimulationConfig

SMALL = replace(ModelConfig(), grid=BevGrid(-12.8, -6.4, 0.2, 128, 64))
CONFIG = ExperimentConfig(
    train=TrainConfig(steps=1, batch_size=1, workers=0, lr=1e-12, weight_decay=0.0, eval_every=5, ema_decay=0.0),
    model=SMALL,
    simulation=SimulationConfig(seed=1, frames=1),
    validation=SimulationConfig(seed=2, frames=0),
)


def test_the_initial_weights_are_where_training_starts_and_their_history_is_kept(tmp_path: Path) -> None:
    torch.manual_seed(3)
    weights = build_network(SMALL).state_dict()
    initial = tmp_path / "initial.safetensors"
    save_checkpoint(initial, weights, SMALL, metadata={"frames_seen": 77})
    outcome = run_experiment(replace(CONFIG, initial=str(initial)), tmp_path / "run")
    trained = load_checkpoint(outcome.checkpoint)
    for name, _ in build_network(SMALL).named_parameters():
        assert torch.allclose(trained.tensors[name], weights[name], atol=1e-6), name
    assert trained.metadata["started_from"] == {"frames_seen": 77}
    assert trained.metadata["frames_seen"] == 1


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other = replace(SMALL, head=replace(SMALL.head, channels=SMALL.head.channels // 2))
    initial = tmp_path / "other.safetensors"
    save_checkpoint(initial, build_network(other).state_dict(), other, metadata={})
    with pytest.raises(CheckpointError, match="does not fit this network"):
        run_experiment(replace(CONFIG, initial=str(initial)), tmp_path / "run")
