"""What moves the weights: learning rate over the steps, the optimiser, and the running average that is kept."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn


def learning_rate(step: int, *, steps: int, warmup_steps: int, peak: float, final_share: float) -> float:
    """Rises linearly to `peak` over the warm-up, then falls along half a cosine to `final_share * peak`.

    Args:
        step: From 0; beyond `steps` the rate stays at its end.
        steps: All steps of the run.
        warmup_steps: Steps until the peak.
        peak: Highest rate.
        final_share: Rate at the end as a share of the peak.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = min((step - warmup_steps) / max(steps - warmup_steps, 1), 1.0)
    return peak * (final_share + (1 - final_share) * (1 + math.cos(math.pi * progress)) / 2)


def build_optimizer(network: nn.Module, *, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019); vectors (norms, biases) are not decayed."""
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr, fused=True)


class MovingAverage:
    """A second network whose weights are the exponential moving average of the trained one's.

    Buffers of running statistics are averaged alike, so that they belong to the averaged weights; counters are copied.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, *, step: int) -> None:
        """Takes in the weights after `step` steps; early on it forgets faster, so that the start leaves no trace."""
        decay = min(self._decay, (1 + step) / (10 + step))
        mine, theirs = self.network.state_dict(), network.state_dict()
        floating = [name for name, tensor in theirs.items() if tensor.is_floating_point()]
        averaged: list[Tensor] = [mine[name] for name in floating]
        torch._foreach_lerp_(averaged, [theirs[name] for name in floating], 1 - decay)
        for name in theirs.keys() - set(floating):
            mine[name].copy_(theirs[name])
