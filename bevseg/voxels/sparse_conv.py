"""Sparse convolution layers: one set of weights, run by spconv's kernels or by plain torch.

A layer is told where its outputs lie by the `KernelTable` it is given, so one class serves submanifold
(`level.submanifold()`), strided (`level.coarser(window).table`) and inverse convolutions
(`level.coarser(window).table.inverse`). Under `torch.autocast` layers compute in its dtype, as torch's own do.
"""

from __future__ import annotations

import copy
import math
from typing import Literal, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bevseg.voxels.neighbour_table import KernelTable
from bevseg.voxels.spconv_conv import import_spconv, spconv_conv
from bevseg.voxels.table_conv import table_conv

Module = TypeVar("Module", bound=nn.Module)

Backend = Literal["auto", "spconv", "table"]
"""How sparse layers run; "auto" is spconv on CUDA and the table way elsewhere."""

ResolvedBackend = Literal["spconv", "table"]


def resolve_backend(backend: Backend, device: torch.device) -> ResolvedBackend:
    """The way that layers on `device` will run.

    Raises:
        SpconvMissingError: That way is spconv, and it does not import.
    """
    resolved: ResolvedBackend = ("spconv" if device.type == "cuda" else "table") if backend == "auto" else backend
    if resolved == "spconv":
        import_spconv()
    return resolved


class SparseConv(nn.Module):
    """A convolution over the voxels that a `KernelTable` names.

    The weight has spconv's layout (out channel, *kernel, in channel), so checkpoints pass between both ways and spconv.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, ...],
        *,
        bias: bool = False,
        backend: ResolvedBackend = "table",
    ) -> None:
        super().__init__()
        self.backend = backend
        self.weight = nn.Parameter(torch.empty(out_channels, *kernel, in_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self._initialize()

    def forward(self, features: Float[Tensor, "in channel"], table: KernelTable) -> Float[Tensor, "out out_channel"]:
        """Features of the table's outputs from those of its inputs."""
        self._check(features, table)
        device = features.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        weight = self.weight.to(dtype).flatten(1, -2)
        bias = None if self.bias is None else self.bias.to(dtype)
        match self.backend:
            case "table":
                return table_conv(features.to(dtype), weight, bias, table)
            case "spconv":
                return spconv_conv(features.to(dtype), weight, bias, table)

    def extra_repr(self) -> str:
        out_channels, *kernel, in_channels = self.weight.shape
        return f"{in_channels}, {out_channels}, kernel={tuple(kernel)}, backend={self.backend!r}"

    def _check(self, features: Tensor, table: KernelTable) -> None:
        taps = math.prod(self.weight.shape[1:-1])
        if table.inputs.shape[1] != taps:
            raise ValueError(f"the kernel has {taps} taps, the table {table.inputs.shape[1]}: it is for another kernel")
        if features.shape != (table.num_inputs, self.weight.shape[-1]):
            raise ValueError(
                f"features must be ({table.num_inputs}, {self.weight.shape[-1]}) for this table and layer, "
                f"got {tuple(features.shape)}"
            )

    def _initialize(self) -> None:
        # As torch's dense convolutions and spconv's: uniform, variance 1 / (3 fan-in).
        bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)


class SparseConvBlock(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: tuple[int, ...], *, backend: ResolvedBackend
    ) -> None:
        super().__init__()
        self.conv = SparseConv(in_channels, out_channels, kernel, backend=backend)
        self.norm: nn.Module = VoxelBatchNorm(out_channels)

    def forward(self, features: Float[Tensor, "in channel"], table: KernelTable) -> Float[Tensor, "out out_channel"]:
        """Features of the table's outputs."""
        normed: Tensor = self.norm(self.conv(features, table))
        return normed.relu_()


class SparseBasicBlock(nn.Module):
    """The residual block of two submanifold convolutions (He et al., CVPR 2016)."""

    def __init__(self, channels: int, dims: int, *, backend: ResolvedBackend) -> None:
        super().__init__()
        kernel = (3,) * dims
        self.first = SparseConvBlock(channels, channels, kernel, backend=backend)
        self.conv = SparseConv(channels, channels, kernel, backend=backend)
        self.norm: nn.Module = VoxelBatchNorm(channels)

    def forward(self, features: Float[Tensor, "voxel channel"], table: KernelTable) -> Float[Tensor, "voxel channel"]:
        """Features on the same voxels; `table` is their submanifold table."""
        normed: Tensor = self.norm(self.conv(self.first(features, table), table))
        return (normed + features).relu_()


class VoxelBatchNorm(nn.BatchNorm1d):
    """Batch norm over voxels, with SECOND's settings: statistics over some hundred steps, room for constant channels.

    A training batch with fewer than two voxels has no variance; it is normalised by the running statistics and does
    not change them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def forward(self, features: Float[Tensor, "voxel channel"]) -> Float[Tensor, "voxel channel"]:
        """Normalised features."""
        if self.training and len(features) < 2:
            return nn.functional.batch_norm(
                features, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
            )
        return super().forward(features)


def fuse_batch_norm(module: Module) -> Module:
    """A copy for inference in which each sparse convolution has taken in the batch norm that follows it.

    So has each linear layer in an `nn.Sequential`.

    Raises:
        ValueError: The module is in training mode.
    """
    if module.training:
        raise ValueError("only a module in eval mode can be fused; call .eval() first")
    fused = copy.deepcopy(module)
    for part in fused.modules():
        if isinstance(part, SparseConvBlock | SparseBasicBlock) and isinstance(part.norm, VoxelBatchNorm):
            _fold(part.conv, part.norm)
            part.norm = nn.Identity()
        if isinstance(part, nn.Sequential):
            _fold_linear(part)
    return fused


def _fold(conv: SparseConv, norm: VoxelBatchNorm) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * scale
        bias = shift if conv.bias is None else shift + conv.bias * scale
        conv.weight.mul_(scale.view(-1, *[1] * (conv.weight.ndim - 1)))
        conv.bias = nn.Parameter(bias)


def _fold_linear(sequence: nn.Sequential) -> None:
    for i in range(len(sequence) - 1):
        linear, norm = sequence[i], sequence[i + 1]
        if isinstance(linear, nn.Linear) and isinstance(norm, VoxelBatchNorm):
            sequence[i] = torch.nn.utils.fusion.fuse_linear_bn_eval(linear, norm)
            sequence[i + 1] = nn.Identity()
