from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import logit
from torch import Tensor

from bevseg.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from bevseg.config import ModelConfig
from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.calibration import JudgedScores, count_reliability
from bevseg.evaluation.panoptic import SemanticCounts
from bevseg.evaluation.scores import MatchCounts
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.learning.export import export_checkpoint
from bevseg.learning.validation import Validation, validate
from bevseg.network import BevSegNet, build_network
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass

CONFIG = replace(ModelConfig(), grid=BevGrid(2.0, -6.4, 0.2, 128, 64))
THRESHOLDS = (0.2, 0.35, 0.5, 0.95)
SAMPLES_FROM = {"simulator": "simulated", "seed": 2}


def _sample() -> Sample:
    """A road with a car on it."""
    rng = np.random.default_rng(0)
    road = np.column_stack([rng.uniform(2, 27, 2000), rng.uniform(-6, 6, 2000), np.full(2000, -1.8)])
    car = np.column_stack([rng.uniform(8, 12, 200), rng.uniform(1, 3, 200), rng.uniform(-1.6, -0.3, 200)])
    cloud = PointCloud.from_xyz(np.concatenate([road, car]).astype(np.float32))
    semantic = np.array([SemanticClass.DRIVEABLE_SURFACE] * 2000 + [SemanticClass.CAR] * 200, np.uint8)
    box = np.array([[10.0, 2.0, -1.0, 4.2, 2.2, 1.6, 0.0]], np.float32)
    annotations = Annotations.from_boxes(cloud, box, np.array([SemanticClass.CAR], np.uint8), point_semantic=semantic)
    return Sample(
        "one", cloud, annotations, Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego")
    )


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "step_00000004.safetensors"
    known = {"step": 4, "frames_seen": 16, "seed": 7, "metrics": {"pq_vehicle": 0.99}}
    save_checkpoint(path, build_network(CONFIG).state_dict(), CONFIG, metadata=known)
    return path


def _as_if_validated(network: BevSegNet, samples: object, *, config: ModelConfig) -> Validation:
    """Vehicles whose scores are too high: of those with 0.5 four in five are wrong."""
    assert not network.training
    one = np.array([1, 0, 0, 0])
    counts = MatchCounts(one, one, 2 * one, 0.8 * one)
    score, right = np.repeat([0.2, 0.5, 0.8], 200), np.tile(np.arange(200), 3) < np.repeat([10, 40, 130], 200)
    judged = JudgedScores(np.zeros(600, np.int64), np.full(600, int(SemanticClass.CAR)), score, right)
    return Validation(counts, SemanticCounts.zero(), THRESHOLDS, count_reliability(judged, num_categories=4), (judged,))


def test_thresholds_and_where_they_come_from_travel_with_the_weights(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bevseg.learning.export.validate", _as_if_validated)
    target = tmp_path / "shipped" / "small.safetensors"
    exported = export_checkpoint(trained, target, samples=[_sample()], samples_from=SAMPLES_FROM)
    stored = load_checkpoint(target)
    config = stored.config_as(ModelConfig)
    calibration = config.decode.calibration
    expected = replace(CONFIG, decode=replace(CONFIG.decode, min_score=THRESHOLDS, calibration=calibration))
    assert config == expected
    cars = np.full(3, int(SemanticClass.CAR))
    np.testing.assert_allclose(calibration.scores(logit([0.2, 0.5, 0.8]), cars), [0.05, 0.2, 0.65], atol=0.05)
    assert calibration.slope[1:] == (1.0, 1.0, 1.0)  # of the other groups nothing is known
    assert exported.path == target
    assert exported.size_bytes == target.stat().st_size < 0.6 * trained.stat().st_size
    known = json.loads(target.with_suffix(".json").read_text())
    assert known == stored.metadata
    assert (known["step"], known["frames_seen"], known["seed"]) == (4, 16, 7)
    assert known["metrics"]["pq_vehicle"] == pytest.approx(0.8 / 2.5)
    assert known["metrics"]["pq_static"] is None
    assert known["score_thresholds"]["values"]["static"] == 0.95
    assert known["calibration_error"]["vehicle"] == pytest.approx((0.15 + 0.3 + 0.15) / 3)
    assert known["calibration_error"]["pedestrian"] is None
    assert known["validation"]["samples"] == SAMPLES_FROM
    assert known["validation"]["objects"][0]["num_truth"] == 3


def test_what_is_measured_is_what_ships(trained: Path, tmp_path: Path) -> None:
    target, samples = tmp_path / "small.safetensors", [_sample()]
    exported = export_checkpoint(trained, target, samples=samples, samples_from=SAMPLES_FROM)
    stored = load_checkpoint(target)
    assert all(t.dtype == (torch.float16 if t.ndim >= 2 else t.dtype) for t in stored.tensors.values())
    network = build_network(stored.config_as(ModelConfig))
    stored.load_into(network)
    again = validate(network.eval(), samples)
    assert again.thresholds == exported.validation.thresholds
    assert np.array_equal(again.semantic.confusion, exported.validation.semantic.confusion)
    scene = BevSegmenter.from_checkpoint(target).segment(samples[0].cloud)
    assert scene.instances.grid == CONFIG.grid


def test_without_frames_nothing_is_chosen(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got none"):
        export_checkpoint(trained, tmp_path / "a.safetensors", samples=[], samples_from={})
    assert not (tmp_path / "a.safetensors").exists()


def test_weights_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    path, tensors = tmp_path / "wild.safetensors", dict[str, Tensor](build_network(CONFIG).state_dict())
    name = next(name for name, tensor in tensors.items() if tensor.ndim >= 2)
    save_checkpoint(path, {**tensors, name: tensors[name] + 1e6}, CONFIG, metadata={})
    with pytest.raises(ValueError, match=f"{name} cannot be stored as float16"):
        export_checkpoint(path, tmp_path / "a.safetensors", samples=[_sample()], samples_from={})


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        export_checkpoint(tmp_path / "b.safetensors", tmp_path / "a.safetensors", samples=[_sample()], samples_from={})
