"""Tests of `bevseg.checkpoint`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bevseg.checkpoint import SHIPPED, CheckpointError, WeightType, checkpoint_path, load_checkpoint, save_checkpoint
from bevseg.config import ModelConfig
from bevseg.configuration import ConfigError, load_yaml_as
from bevseg.learning.experiment import ExperimentConfig


@dataclass(frozen=True)
class NetConfig:
    width: int = 3
    name: str = "Größe"


@dataclass(frozen=True)
class OtherConfig:
    depth: int = 2


def network(width: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, width), nn.BatchNorm1d(width))


def saved(folder: Path, weight_type: WeightType = "float32") -> Path:
    path = folder / "model.safetensors"
    metadata = {"seed": 7, "metrics": {"pq": 0.5}}
    save_checkpoint(path, network().state_dict(), NetConfig(), metadata=metadata, weight_type=weight_type)
    return path


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(saved(tmp_path))
    assert checkpoint.config_as(NetConfig) == NetConfig()
    assert checkpoint.metadata == {"seed": 7, "metrics": {"pq": 0.5}}
    other = network()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    checkpoint.load_into(other)
    assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in network().state_dict().items())


def test_config_and_notes_lie_beside_it_for_people(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert load_yaml_as(NetConfig, path.with_suffix(".yaml")) == NetConfig()
    assert json.loads(path.with_suffix(".json").read_text())["seed"] == 7
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".json", ".safetensors", ".yaml"]


@pytest.mark.parametrize("weight_type", ["bfloat16", "float16"])
def test_half_precision_halves_matrices_only(tmp_path: Path, weight_type: WeightType) -> None:
    checkpoint = load_checkpoint(saved(tmp_path, weight_type))
    assert checkpoint.tensors["0.weight"].dtype == getattr(torch, weight_type)
    assert checkpoint.tensors["1.running_var"].dtype == torch.float32
    assert checkpoint.tensors["1.num_batches_tracked"].dtype == torch.int64
    other = network()
    checkpoint.load_into(other)
    weight = other.state_dict()["0.weight"]
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, network().state_dict()["0.weight"], rtol=1e-2, atol=0)


def test_shared_and_strided_tensors_are_saved(tmp_path: Path) -> None:
    tensor = torch.arange(6.0).view(2, 3)
    save_checkpoint(tmp_path / "a.safetensors", {"a": tensor, "b": tensor.t()}, NetConfig(), metadata={})
    tensors = load_checkpoint(tmp_path / "a.safetensors").tensors
    assert torch.equal(tensors["b"], tensor.t())


def test_a_name_is_of_a_shipped_checkpoint_and_the_rest_are_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bevseg.checkpoint.SHIPPED", tmp_path)
    (tmp_path / "tiny.safetensors").touch()
    assert checkpoint_path("tiny") == tmp_path / "tiny.safetensors"
    for path in ("tiny.safetensors", "runs/tiny", "./tiny.safetensors", Path("tiny")):
        assert checkpoint_path(path) == Path(path)
    with pytest.raises(CheckpointError, match=r"'huge' ships with bevseg \(there are: tiny\)"):
        checkpoint_path("huge")
    assert SHIPPED.name == "checkpoints"


def test_no_tensors_is_a_checkpoint_too(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", {}, NetConfig(), metadata={})
    assert load_checkpoint(tmp_path / "a.safetensors").tensors == {}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(path, {}, NetConfig(), metadata={"pq": float("nan")})
    assert path.read_bytes() == before


def test_the_name_must_say_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.safetensors, got model\.pt"):
        save_checkpoint(tmp_path / "model.pt", {}, NetConfig(), metadata={})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*none\.safetensors"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_pickles_and_torn_files_are_refused(tmp_path: Path) -> None:
    pickled = tmp_path / "model.pt"
    torch.save(network().state_dict(), pickled)
    with pytest.raises(CheckpointError, match="not readable as safetensors"):
        load_checkpoint(pickled)
    whole = saved(tmp_path)
    for length in (0, 5, 100, len(whole.read_bytes()) - 1):
        torn = tmp_path / "torn.safetensors"
        torn.write_bytes(whole.read_bytes()[:length])
        with pytest.raises(CheckpointError, match="cut-off file"):
            load_checkpoint(torn)


def test_weights_without_a_config_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "bare.safetensors")
    with pytest.raises(CheckpointError, match="no bevseg config"):
        load_checkpoint(tmp_path / "bare.safetensors")


def test_a_config_of_another_kind_names_the_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"inside .*model\.safetensors"):
        load_checkpoint(saved(tmp_path)).config_as(OtherConfig)


def test_a_misfit_lists_names_and_changes_nothing(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(saved(tmp_path))
    other = nn.Sequential(nn.Linear(5, 4), nn.Identity(), *(nn.Linear(1, 1) for _ in range(4)))
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load_into(other)
    message = str(caught.value)
    assert "missing: 2.weight, 2.bias, 3.weight, 3.bias, 4.weight and 3 more" in message
    assert "unexpected: 1.bias" in message
    assert "0.weight (3, 5) instead of (4, 5)" in message
    assert "Build the network from the checkpoint's own config" in message
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())


def test_what_ships_is_what_its_config_trains() -> None:
    trained = load_yaml_as(ExperimentConfig, Path(__file__).parents[1] / "configs" / "bevseg-s.yaml").model
    shipped = load_checkpoint(checkpoint_path("bevseg-s")).config_as(ModelConfig)
    as_trained = replace(shipped.decode, min_score=trained.decode.min_score, calibration=trained.decode.calibration)
    assert replace(shipped, decode=as_trained) == trained == ModelConfig()
