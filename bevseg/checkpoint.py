"""Checkpoints: weights and the config that made them in one safetensors file. Loading one never runs code from it.

The config (YAML text) and what is known of the training (JSON) travel in the file's metadata, and are written beside it
as `<name>.yaml` and `<name>.json` for people to read; only the safetensors file is read back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from bevseg.configuration import dump_yaml, parse_yaml_as

FORMAT = "bevseg-checkpoint-1"
SHIPPED = Path(__file__).parent / "checkpoints"
"""Where the checkpoints that come with the package lie."""

_SHOWN = 5
"""Names listed of each kind of mismatch."""

Config = TypeVar("Config")
WeightType = Literal["float32", "bfloat16", "float16"]


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or its tensors do not fit the network."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        path: Where it was read from, for messages.
        config_yaml: The complete config, as text.
        tensors: Weights by name, on the CPU, in the type they were stored in.
        metadata: What is known of the training: seed, step, frames seen, metrics.
    """

    path: Path
    config_yaml: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, Any]

    def config_as(self, cls: type[Config]) -> Config:
        """The config as its dataclass.

        Raises:
            ConfigError: It was written by a version whose config differs.
        """
        return parse_yaml_as(cls, self.config_yaml, origin=f"the config inside {self.path}")

    def load_into(self, network: nn.Module) -> None:
        """Copies the weights into a network of the same config; half-precision weights become the network's type.

        Raises:
            CheckpointError: A tensor is missing, unknown or of another shape; the network is left as it was.
        """
        expected = network.state_dict()
        missing = [name for name in expected if name not in self.tensors]
        unexpected = [name for name in self.tensors if name not in expected]
        misshapen = [
            f"{name} {tuple(tensor.shape)} instead of {tuple(expected[name].shape)}"
            for name, tensor in self.tensors.items()
            if name in expected and tensor.shape != expected[name].shape
        ]
        faults = _listed("missing", missing) + _listed("unexpected", unexpected) + _listed("wrong shape", misshapen)
        if faults:
            raise CheckpointError(
                "\n".join([f"{self.path} does not fit this network:", *faults])
                + "\nBuild the network from the checkpoint's own config (Checkpoint.config_as), or train anew."
            )
        network.load_state_dict(dict(self.tensors))


def checkpoint_path(name_or_path: str | Path) -> Path:
    """The file of a checkpoint: text without a folder and an ending names one that ships, anything else is a path.

    Raises:
        CheckpointError: No checkpoint of that name ships.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix or len(path.parts) != 1:
        return path
    shipped = SHIPPED / f"{name_or_path}.safetensors"
    if not shipped.is_file():
        names = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.safetensors"))) or "none"
        raise CheckpointError(
            f"no checkpoint called '{name_or_path}' ships with bevseg (there are: {names}); "
            "one of your own is given by its path, which ends in .safetensors"
        )
    return shipped


def save_checkpoint(
    path: Path,
    tensors: Mapping[str, Tensor],
    config: object,
    *,
    metadata: Mapping[str, Any],
    weight_type: WeightType = "float32",
) -> None:
    """Writes weights, config and metadata; a crash midway leaves the file that was there before.

    Args:
        path: Ends in `.safetensors`.
        tensors: A network's `state_dict()`.
        config: The dataclass that the network is built from.
        metadata: What JSON can hold; NaN is not among it.
        weight_type: Type of the stored weights. Vectors (norms, biases) stay float32: they are small and sensitive.

    Raises:
        ValueError: The path has another ending, or a value of `metadata` is not JSON.
        OSError: The file cannot be written.
    """
    if path.suffix != ".safetensors":
        raise ValueError(f"a checkpoint's name must end in .safetensors, got {path.name}")
    config_yaml = dump_yaml(config)
    notes = json.dumps(dict(metadata), indent=2, allow_nan=False)
    stored = {name: _stored(tensor, weight_type) for name, tensor in tensors.items()}
    partial = path.with_name(path.name + ".partial")
    save_file(stored, partial, {"format": FORMAT, "config": config_yaml, "metadata": notes})
    partial.chmod(0o644)  # safetensors writes for the owner's eyes alone; an installed checkpoint is for all
    os.replace(partial, path)
    path.with_suffix(".yaml").write_text(config_yaml, encoding="utf-8")
    path.with_suffix(".json").write_text(notes + "\n", encoding="utf-8")


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        CheckpointError: There is no such file, it is no safetensors file, or it is not one of ours.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}: expected a .safetensors file")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not readable as safetensors ({error}). Files of pickled weights (.pt, .pth, .ckpt) are not "
            "loaded, as that may run code from them; a cut-off file has to be fetched again."
        ) from error
    if header.get("format") != FORMAT or "config" not in header:
        raise CheckpointError(
            f"{path} holds tensors but no bevseg config (expected format '{FORMAT}', got {header.get('format')!r}): "
            "weights alone do not say which network they belong to. `bevseg export` writes a checkpoint from a run."
        )
    return Checkpoint(path, header["config"], tensors, json.loads(header.get("metadata", "{}")))


def _stored(tensor: Tensor, weight_type: WeightType) -> Tensor:
    kept = tensor.detach().to("cpu", copy=True).contiguous()
    is_matrix = kept.is_floating_point() and kept.ndim >= 2
    return kept.to(getattr(torch, weight_type)) if is_matrix else kept


def _listed(kind: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"  {kind}: {', '.join(names[:_SHOWN])}{rest}"]
