"""From a training run to the checkpoint that ships: half the size, with score thresholds and their provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bevseg.checkpoint import Checkpoint, WeightType, load_checkpoint, save_checkpoint
from bevseg.config import ModelConfig
from bevseg.datasets.sample import Sample
from bevseg.evaluation.calibration import fit_platt
from bevseg.evaluation.tables import json_number, json_rows, rows_of
from bevseg.instances.calibration import ScoreCalibration
from bevseg.learning.validation import VALIDATION_RULE, Validation, validate
from bevseg.network import BevSegNet, build_network
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass


@dataclass(frozen=True)
class ExportedCheckpoint:
    """What was written.

    Attributes:
        path: The safetensors file; `.yaml` (config) and `.json` (metadata) of the same name lie beside it.
        size_bytes: Of the safetensors file.
        validation: Scores of the weights as stored, at the thresholds stored with them.
    """

    path: Path
    size_bytes: int
    validation: Validation


def export_checkpoint(
    source: Path,
    destination: Path,
    *,
    samples: Sequence[Sample],
    samples_from: Mapping[str, Any],
    weight_type: WeightType = "float16",
) -> ExportedCheckpoint:
    """Stores the weights in half precision, with scores calibrated on the samples and thresholds of the best F1 there.

    The scores are those of the rounded weights, so that what ships is what was measured.

    Args:
        source: A checkpoint of a run.
        destination: Ends in `.safetensors`.
        samples: Simulated frames that the network was not trained on. Real frames have no place here: thresholds
            chosen on frames that measure the network flatter it.
        samples_from: What tells these samples from others (the simulation's config), for the metadata.
        weight_type: Of the matrices. float16 rounds eight times finer than bfloat16 at the same size.

    Raises:
        ValueError: There are no samples, or a weight is beyond the reach of `weight_type`.
        CheckpointError: `source` is no checkpoint, or does not fit the network of its own config.
    """
    if not samples:
        raise ValueError("score thresholds need simulated frames to be chosen on, got none")
    trained = load_checkpoint(source)
    network = _as_stored(trained, weight_type)
    plain = replace(network.config, decode=replace(network.config.decode, calibration=ScoreCalibration()))
    calibration = _fit_calibration(validate(network, samples, config=plain))
    config = replace(plain, decode=replace(plain.decode, calibration=calibration))
    validation = validate(network, samples, config=config)
    vehicle, pedestrian, two_wheeler, static = validation.thresholds
    decode = replace(config.decode, min_score=(vehicle, pedestrian, two_wheeler, static))
    destination.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(
        destination,
        trained.tensors,
        replace(config, decode=decode),
        metadata=_metadata(trained, validation, samples_from),
        weight_type=weight_type,
    )
    return ExportedCheckpoint(destination, destination.stat().st_size, validation)


def _as_stored(checkpoint: Checkpoint, weight_type: WeightType) -> BevSegNet:
    """The network with weights as they come back from a file of that type."""
    config = checkpoint.config_as(ModelConfig)
    network = build_network(config)
    with TemporaryDirectory() as folder:
        rounded = Path(folder) / "rounded.safetensors"
        save_checkpoint(rounded, checkpoint.tensors, config, metadata={}, weight_type=weight_type)
        stored = load_checkpoint(rounded)
    beyond = [name for name, tensor in stored.tensors.items() if not tensor.isfinite().all()]
    if beyond:
        raise ValueError(f"{checkpoint.path}: {', '.join(beyond)} cannot be stored as {weight_type}; take bfloat16")
    stored.load_into(network)
    return network.eval()


def _fit_calibration(uncalibrated: Validation) -> ScoreCalibration:
    things = [c for c in SemanticClass if c.is_thing]
    fits = {
        group: fit_platt(uncalibrated.judged, classes=[int(c) for c in things if GROUP_OF_CLASS[c] == group])
        for group in ClassGroup
    }
    vehicle, pedestrian, two_wheeler, static = (fits[group].slope for group in ClassGroup)
    return ScoreCalibration(
        slope=(vehicle, pedestrian, two_wheeler, static),
        offset=tuple(fits[ClassGroup(GROUP_OF_CLASS[c])].offset[int(c)] for c in things),
    )


def _metadata(trained: Checkpoint, validation: Validation, samples_from: Mapping[str, Any]) -> dict[str, Any]:
    """What the run knew of itself, then what was measured here; its own metrics, on other frames, are left out."""
    groups = [group.label for group in ClassGroup]
    rows = rows_of(validation.counts, groups, source="validation", iou_threshold=VALIDATION_RULE.iou_threshold)
    known = {name: value for name, value in trained.metadata.items() if name != "metrics"}
    return {
        **known,
        "metrics": {name: json_number(value) for name, value in validation.scores().items()},
        "validation": {
            "samples": dict(samples_from),
            "min_points": VALIDATION_RULE.min_points,
            "max_range_m": VALIDATION_RULE.max_range_m,
            "objects": json_rows(rows),
        },
        "calibration_error": {
            group: json_number(float(error)) for group, error in zip(groups, validation.reliability.error, strict=True)
        },
        "score_thresholds": {
            "values": dict(zip(groups, validation.thresholds, strict=True)),
            "chosen_by": "best F1 of each class group on the samples of `validation`; 0.5 where none of it is found",
        },
    }
