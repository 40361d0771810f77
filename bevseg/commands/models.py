"""Which model a command runs, and how: the options that several commands share."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from bevseg.commands.idle_threads import brief_idle_threads

if TYPE_CHECKING:
    import torch

    from bevseg.instances.panoptic import PanopticPolicy
    from bevseg.pipeline import BevSegmenter


def add_model_arguments(parser: argparse.ArgumentParser, *, checkpoint: str | None = "bevseg-s") -> None:
    """Adds the checkpoint, the precision and the threads; without a default `checkpoint` no model runs unless named."""
    group = parser.add_argument_group("model")
    default = f" (default: {checkpoint})" if checkpoint else ""
    group.add_argument(
        "--checkpoint", default=checkpoint, metavar="NAME|FILE", help=f"one that ships, or a file{default}"
    )
    group.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16"),
        default="auto",
        help="arithmetic of the network; auto, the default, is bf16 where the CPU has instructions for it, else fp32",
    )
    group.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N: where the network runs (default: cpu)")
    group.add_argument("--threads", type=int, metavar="N", help="CPU threads of the network (default: torch's choice)")


def load_segmenter(
    args: argparse.Namespace,
    *,
    policy: PanopticPolicy | None = None,
    min_score: tuple[float, float, float, float] | None = None,
) -> BevSegmenter:
    """The model that the options name; `policy` and `min_score` replace the checkpoint's own where they are given.

    Raises:
        CheckpointError: There is no such checkpoint, or it does not fit its own config.
        ConfigError: Its config is not one of this version.
        ValueError: `--threads` is below 1, or there is no such `--device` here.
    """
    brief_idle_threads()
    from bevseg.checkpoint import checkpoint_path, load_checkpoint
    from bevseg.config import ModelConfig
    from bevseg.network import build_network
    from bevseg.pipeline import BevSegmenter

    use_threads(args.threads)
    stored = load_checkpoint(checkpoint_path(args.checkpoint))
    config = replace(stored.config_as(ModelConfig), precision=args.precision)
    if policy is not None:
        config = replace(config, panoptic=replace(config.panoptic, policy=policy))
    if min_score is not None:
        config = replace(config, decode=replace(config.decode, min_score=min_score))
    network = build_network(config, device=find_device(args.device))
    stored.load_into(network)
    return BevSegmenter(network)


def find_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        ValueError: It is none that the network can run on, or not in this machine.
    """
    import torch

    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ValueError(f"--device must be cpu, cuda or cuda:N, got '{name}'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"--device {name}: there are {torch.cuda.device_count()} CUDA devices here; `bevseg doctor` says why"
        )
    return device


def use_threads(threads: int | None) -> None:
    """Gives torch so many threads; None leaves the number as it is.

    Raises:
        ValueError: Fewer than one.
    """
    if threads is None:
        return
    if threads < 1:
        raise ValueError(f"--threads must be 1 or more, got {threads}")
    import torch

    torch.set_num_threads(threads)
