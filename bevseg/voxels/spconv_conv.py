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
from jaxtyping import Float
from torch import Tensor

from bevseg.voxels.neighbour_table import KernelTable

_ALL_TAPS = [np.array([0xFFFFFFFF], dtype=np.uint32)]

_IMPORT_WARNINGS: tuple[tuple[type[Warning], str], ...] = (
    (FutureWarning, r".*torch\.cuda\.amp\.custom_"),
    (DeprecationWarning, r".*locale\.getdefaultlocale"),
    (DeprecationWarning, r"Use setlocale\(\), getencoding\(\) and getlocale\(\) instead"),  # the same in Python 3.11.2
)
"""What spconv 2.3 raises on import with current torch and Python; nothing that its user can act on."""


class SpconvMissingError(ImportError):
    """spconv was asked for and cannot be imported."""


@cache
def import_spconv() -> ModuleType:
    """`spconv.pytorch`, imported on first use.

    Raises:
        SpconvMissingError: It is not installed or does not load.
    """
    with warnings.catch_warnings():
        for category, message in _IMPORT_WARNINGS:
            warnings.filterwarnings("ignore", category=category, message=message)
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
    """Convolves by implicit GEMM on CUDA and by a product for each tap ("Native") on the CPU.

    The result has the dtype of the features. spconv's kernels have no bfloat16: such features are convolved in
    float16. On the CPU all are convolved in float32.
    """
    if not table.num_inputs or not table.num_outputs:
        # spconv refuses empty tensors; a product of no rows keeps the gradients defined.
        outputs = features.new_zeros(table.num_outputs, 1) @ (features.sum() + weight.sum((1, 2)))[None, :]
        return outputs if bias is None else outputs + bias
    # spconv reads only the number of taps, so they may lie along one axis whatever the kernel's shape.
    filters = weight[:, :, None, :].contiguous()
    convolve = _implicit_gemm if features.is_cuda else _native
    with torch.autocast(features.device.type, enabled=False):  # under autocast spconv casts to float16 by itself
        outputs = convolve(features.contiguous(), filters, table).to(features.dtype)
    return outputs if bias is None else outputs + bias


def _implicit_gemm(features: Tensor, filters: Tensor, table: KernelTable) -> Tensor:
    dtype = torch.float32 if features.dtype == torch.float32 else torch.float16
    forward, backward = table.implicit_pairs, table.inverse.implicit_pairs
    outputs: Tensor = import_spconv().functional.implicit_gemm(
        features.to(dtype),
        filters.to(dtype),
        forward.rows,
        backward.rows,
        [forward.masks],
        [backward.masks],
        [forward.order],
        [backward.order],
        table.num_outputs,
        _ALL_TAPS,
        torch.is_grad_enabled(),
        False,
    )
    return outputs


def _native(features: Tensor, filters: Tensor, table: KernelTable) -> Tensor:
    spconv, lists = import_spconv(), table.tap_lists
    outputs: Tensor = spconv.functional.indice_conv(
        features.float(), filters.float(), lists.pairs, lists.count, table.num_outputs, spconv.ConvAlgo.Native
    )
    return outputs
