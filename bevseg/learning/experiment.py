"""One training run, from one YAML: which model, on which simulated streets, taught how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from bevseg.checkpoint import checkpoint_path, load_checkpoint
from bevseg.config import ModelConfig
from bevseg.datasets.sample import Sample
from bevseg.learning.augment import AugmentConfig, augment
from bevseg.learning.batch import Batch, Prepared, collate, prepare
from bevseg.learning.frames import FrameStore, SourceFrames
from bevseg.learning.losses import LossTerms
from bevseg.learning.objective import ObjectiveConfig, objective
from bevseg.learning.targets import TargetConfig
from bevseg.learning.trainer import TrainConfig, TrainOutcome, TrainTask, train
from bevseg.learning.validation import validate
from bevseg.network import BevSegNet, build_network
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import SimulatedSource


@dataclass(frozen=True)
class ExperimentConfig:
    """Everything a training run depends on.

    Attributes:
        train: Length, rates, seed.
        model: The network.
        simulation: Frames to train on, where no other store is given.
        validation: Frames of the learning curve; another seed than the training's.
        augment: Changes to each frame each time it is seen.
        targets: What is taught.
        objective: Weights of the parts of the loss.
        initial: Checkpoint whose weights the network starts with: one that ships, or a file; empty to start anew.
    """

    train: TrainConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    simulation: SimulationConfig = field(default_factory=lambda: SimulationConfig(seed=1, frames=1_000_000))
    validation: SimulationConfig = field(default_factory=lambda: SimulationConfig(seed=2, frames=24))
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    targets: TargetConfig = field(default_factory=TargetConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    initial: str = ""

    def __post_init__(self) -> None:
        if self.simulation.seed == self.validation.seed:
            raise ValueError(f"training and validation must not share the simulation seed {self.simulation.seed}")


def run_experiment(
    config: ExperimentConfig, folder: Path, *, frames: FrameStore | None = None, resume: bool = False
) -> TrainOutcome:
    """Trains into `folder`.

    Args:
        config: The experiment.
        folder: Takes states, checkpoints, curve and logs.
        frames: Stored frames; by default they are simulated on the way.
        resume: Go on with the run in `folder`.

    Raises:
        CheckpointError: The weights to start with cannot be read, or are of another network.
    """
    network = build_network(config.model)
    initial = load_checkpoint(checkpoint_path(config.initial)) if config.initial else None
    if initial is not None:
        initial.load_into(network)
    samples = [SimulatedSource(config.validation)[i] for i in range(config.validation.frames)]
    task: TrainTask[Prepared, Batch] = TrainTask(
        network=network,
        model_config=config.model,
        frames=frames or SourceFrames(SimulatedSource(config.simulation)),
        prepare=_Preparation(config),
        collate=collate,
        loss_of=partial(_loss_of, weights=config.objective),
        evaluate=partial(_evaluate, samples=samples),
        history=dict(initial.metadata) if initial else None,
    )
    return train(task, config.train, folder, resume=resume)


@dataclass(frozen=True)
class _Preparation:
    """Augments and prepares a frame; runs in the workers."""

    config: ExperimentConfig

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Prepared:
        changed = augment(sample, rng, self.config.augment)
        return prepare(changed, self.config.model, self.config.targets)


def _loss_of(network: nn.Module, batch: Batch, *, weights: ObjectiveConfig) -> LossTerms:
    return objective(network(batch.cells, len(batch)), batch, weights)


def _evaluate(network: nn.Module, *, samples: list[Sample]) -> Mapping[str, float]:
    if not isinstance(network, BevSegNet):
        raise TypeError(f"expected the averaged BevSegNet, got {type(network).__name__}")
    return validate(network, samples).scores()
