"""The same sparse convolution on spconv's kernels, the fast way on CUDA. Nothing else imports spconv.

Only the kernels are spconv's: which voxel meets which comes from our tables, so that coordinates have one order and
one origin whichever way runs.
"""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor

from bevseg.voxels.neighbour_table import KernelTable

_BITS = 32
_ALL_TAPS = [np.array([0xFFFFFFFF], dtype=np.uint32)]


class SpconvMissingError(ImportError):
    """spconv was asked for and cannot be imported."""


@cache
def import_spconv() -> ModuleType:
    """`spconv.pytorch`, imported on first use.

    Raises:
        SpconvMissingError: It is not installed or does not load.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, message=r".*torch\.cuda\.amp\.custom_")
        try:
            return importlib.import_module("spconv.pytorch")
        except ImportError as error:
            raise SpconvMissingError(
                f"the backend 'spconv' needs the package spconv, which does not import here ({error}); "
                "install it with `pip install spconv-cu120` (Python 3.10, 3.11) or `pip install spconv-cu126` (3.12), "
                "or choose the backend 'table'"
            ) from error


def spconv_conv(
    features: Float[Tensor, "in channel"],
    weight: Float[Tensor, "out_channel tap channel"],
    bias: Float[Tensor, "out_channel"] | None,
    table: KernelTable,
) -> Float[Tensor, "out out_channel"]:
    """Convolves by implicit GEMM on CUDA and by a product for each tap ("Native", float32 only) on the CPU."""
    if not table.num_inputs or not table.num_outputs:
        # spconv refuses empty tensors; a product of no rows keeps the gradients defined.
        return features.new_zeros(table.num_outputs, 1) @ (features.sum() + weight.sum((1, 2)))[None, :]
    # spconv reads only the extents of the kernel's axes, whose product counts here, so the taps may lie on one axis.
    filters = weight[:, :, None, :].contiguous()
    outputs = _implicit_gemm(features, filters, table) if features.is_cuda else _native(features, filters, table)
    return outputs if bias is None else outputs + bias


def _implicit_gemm(features: Tensor, filters: Tensor, table: KernelTable) -> Tensor:
    forward, backward = _tap_masks(table.inputs, table.num_inputs), _tap_masks(table.outputs, table.num_outputs)
    outputs: Tensor = import_spconv().functional.implicit_gemm(
        features.contiguous(),
        filters,
        _pairs(table.inputs, table.num_inputs),
        _pairs(table.outputs, table.num_outputs),
        [forward[0]],
        [backward[0]],
        [forward[1]],
        [backward[1]],
        table.num_outputs,
        _ALL_TAPS,
        torch.is_grad_enabled(),
        False,
    )
    return outputs


def _pairs(inputs: Int32[Tensor, "out tap"], num_inputs: int) -> Int32[Tensor, "tap out"]:
    return torch.where(inputs < num_inputs, inputs, -1).t().contiguous()


def _tap_masks(
    inputs: Int32[Tensor, "out tap"], num_inputs: int
) -> tuple[Int32[Tensor, "out word"], Int32[Tensor, "out"]]:
    """Which taps of each output meet a voxel, as bits in ascending order, and the outputs in that order.

    spconv skips a tap where no output of a tile meets a voxel, so outputs with like neighbours should stand together.
    """
    met = (inputs < num_inputs).long()
    words = []
    for first in range(0, met.shape[1], _BITS):
        taps = met[:, first : first + _BITS]
        words.append((taps << torch.arange(taps.shape[1], device=met.device)).sum(1))
    order = torch.argsort(words[0], stable=True)
    masks = torch.stack(words, dim=1)[order]
    signed = torch.where(masks >= 2 ** (_BITS - 1), masks - 2**_BITS, masks)
    return signed.int().contiguous(), order.int()


def _native(features: Tensor, filters: Tensor, table: KernelTable) -> Tensor:
    pairs, count = _pairs_by_tap(table)
    spconv = import_spconv()
    outputs: Tensor = spconv.functional.indice_conv(
        features.float().contiguous(), filters.float(), pairs, count, table.num_outputs, spconv.ConvAlgo.Native
    )
    return outputs


def _pairs_by_tap(table: KernelTable) -> tuple[Int32[Tensor, "side tap most"], Int32[Tensor, "tap"]]:
    """(input, output) of every pair listed tap by tap and padded with -1, and how many each tap has."""
    met = table.inputs < table.num_inputs
    taps = table.inputs.shape[1]
    pairs = torch.full((2, taps, max(table.num_inputs, table.num_outputs)), -1, dtype=torch.int32)
    for tap in range(taps):
        outputs = torch.nonzero(met[:, tap]).squeeze(1)
        pairs[0, tap, : len(outputs)] = table.inputs[outputs, tap]
        pairs[1, tap, : len(outputs)] = outputs.int()
    return pairs, met.sum(0).int()
