"""The table way, spconv's kernels and torch's dense convolutions are one function, with one gradient."""

from __future__ import annotations

import importlib.util
import itertools
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from bevseg.voxels import spconv_conv, table_conv
from bevseg.voxels.neighbour_table import KernelTable, SparseLevel, Window
from bevseg.voxels.sparse_conv import (
    ResolvedBackend,
    SparseBasicBlock,
    SparseConv,
    SparseConvBlock,
    VoxelBatchNorm,
    fuse_batch_norm,
    resolve_backend,
)
from bevseg.voxels.voxelize import keys_of_coords

HAS_SPCONV = importlib.util.find_spec("spconv") is not None
BACKENDS = ["table", pytest.param("spconv", marks=pytest.mark.skipif(not HAS_SPCONV, reason="spconv not installed"))]
SHAPES = [(11, 6), (4, 9, 5)]
KINDS = ["submanifold", "strided", "inverse"]


@dataclass(frozen=True)
class _Case:
    """One convolution: its table, and where its inputs and outputs lie."""

    table: KernelTable
    inputs: SparseLevel
    outputs: SparseLevel


def _level(shape: tuple[int, ...], batch_size: int = 2, share: float = 0.3) -> SparseLevel:
    occupied = torch.rand(batch_size, *shape, generator=torch.Generator().manual_seed(1)) < share
    return SparseLevel(occupied.nonzero(), shape, batch_size)


def _case(kind: str, fine: SparseLevel) -> _Case:
    coarser = fine.coarser(Window.halving(fine.dims))
    match kind:
        case "submanifold":
            return _Case(fine.submanifold(), fine, fine)
        case "strided":
            return _Case(coarser.table, fine, coarser.level)
        case _:
            return _Case(coarser.table.inverse, coarser.level, fine)


def _dense_reference(kind: str, case: _Case, features: Tensor, conv: SparseConv) -> Tensor:
    """The same layer by torch's dense convolution over the scattered features."""
    at_inputs = tuple(case.inputs.coords.t())
    empty = features.new_zeros(*case.inputs.shape, features.shape[1])
    dense = empty.index_put(at_inputs, features).movedim(-1, 1)
    dims = case.inputs.dims
    if kind == "inverse":
        weight = conv.weight.movedim(-1, 0)
        transposed = nn.functional.conv_transpose2d if dims == 2 else nn.functional.conv_transpose3d
        rest = [
            size - ((coarse - 1) * 2 + 1)
            for size, coarse in zip(case.outputs.spatial_shape, case.inputs.spatial_shape, strict=True)
        ]
        result = transposed(dense, weight, conv.bias, stride=2, padding=1, output_padding=rest)
    else:
        stride = 1 if kind == "submanifold" else 2
        convolve = nn.functional.conv2d if dims == 2 else nn.functional.conv3d
        result = convolve(dense, conv.weight.movedim(-1, 1), conv.bias, stride=stride, padding=1)
    return result.movedim(1, -1)[tuple(case.outputs.coords.t())]


def _gradients(outputs: Tensor, features: Tensor, conv: SparseConv) -> list[Tensor]:
    weights = torch.linspace(-1.0, 1.0, outputs.numel()).view(outputs.shape)
    parameters = [conv.weight] if conv.bias is None else [conv.weight, conv.bias]
    return list(torch.autograd.grad((outputs * weights).sum(), [features, *parameters]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_equals_dense_convolution(backend: ResolvedBackend, kind: str, shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    case = _case(kind, _level(shape))
    conv = SparseConv(6, 8, (3,) * len(shape), bias=bias, backend=backend)
    features = torch.randn(len(case.inputs), 6, requires_grad=True)
    outputs, expected = conv(features, case.table), _dense_reference(kind, case, features, conv)
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
    for got, wanted in zip(_gradients(outputs, features, conv), _gradients(expected, features, conv), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("voxels", [0, 1])
def test_no_voxel_and_one_voxel(backend: ResolvedBackend, kind: str, voxels: int) -> None:
    coords = torch.tensor([[1, 2, 4, 3]])[:voxels]
    case = _case(kind, SparseLevel(coords, (5, 6, 7), 2))
    conv = SparseConv(3, 4, (3, 3, 3), bias=True, backend=backend)
    features = torch.ones(len(case.inputs), 3, requires_grad=True)
    outputs = conv(features, case.table)
    outputs.sum().backward()
    assert outputs.shape == (len(case.outputs), 4)
    assert conv.weight.grad is not None
    assert conv.weight.grad.isfinite().all()
    if voxels:
        torch.testing.assert_close(outputs, _dense_reference(kind, case, features, conv))


@pytest.mark.skipif(not HAS_SPCONV, reason="spconv not installed")
@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_and_coordinates_interchange_with_spconv_modules(shape: tuple[int, ...], strided: bool) -> None:
    spconv = spconv_conv.import_spconv()
    dims = len(shape)
    case = _case("strided" if strided else "submanifold", _level(shape))
    conv = SparseConv(6, 8, (3,) * dims, bias=True)
    kind = getattr(spconv, f"{'SparseConv' if strided else 'SubMConv'}{dims}d")
    theirs = kind(6, 8, 3, stride=1 + strided, padding=1, bias=True, algo=spconv.ConvAlgo.Native)
    theirs.load_state_dict(conv.state_dict())
    features = torch.randn(len(case.inputs), 6)
    coords = case.inputs.coords.int().contiguous()
    result = theirs(spconv.SparseConvTensor(features, coords, list(shape), case.inputs.batch_size))
    order = torch.argsort(keys_of_coords(result.indices.long(), case.outputs.shape))
    assert torch.equal(result.indices[order].long(), case.outputs.coords)
    torch.testing.assert_close(result.features[order], conv(features, case.table), rtol=1e-4, atol=1e-5)


def test_table_gradients_by_finite_differences() -> None:
    case = _case("strided", _level((6, 5), batch_size=1))
    conv = SparseConv(2, 3, (3, 3), bias=True).double()
    features = torch.randn(len(case.inputs), 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: conv(x, case.table), (features,))


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_do_not_change_the_result(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = _case(kind, _level((11, 6)))
    conv = SparseConv(6, 8, (3, 3), bias=True)
    features = torch.randn(len(case.inputs), 6, requires_grad=True)
    whole = conv(features, case.table)
    monkeypatch.setattr(table_conv, "_BLOCK_BYTES", {"cpu": 7 * 9 * 6 * 4})
    in_blocks = conv(features, case.table)
    torch.testing.assert_close(in_blocks, whole)
    for got, wanted in zip(_gradients(in_blocks, features, conv), _gradients(whole, features, conv), strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bfloat16_autocast_keeps_float32_gradients_of_weights(backend: ResolvedBackend) -> None:
    torch.manual_seed(0)
    level = _level((11, 6))
    conv = SparseConv(16, 8, (3, 3), backend=backend)
    features = torch.randn(len(level), 16, requires_grad=True)
    exact = conv(features, level.submanifold())
    with torch.autocast("cpu", torch.bfloat16):
        rounded = conv(features, level.submanifold())
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), exact, rtol=0.02, atol=0.02)
    got, wanted = _gradients(rounded.float(), features, conv), _gradients(exact, features, conv)
    assert got[1].dtype == torch.float32
    torch.testing.assert_close(got[0], wanted[0], rtol=0.02, atol=0.02)
    torch.testing.assert_close(got[1], wanted[1], rtol=0.02, atol=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_same_bits_on_every_run(backend: ResolvedBackend) -> None:
    level = _level((40, 30))
    conv = SparseConv(16, 16, (3, 3), backend=backend)
    features = torch.randn(len(level), 16, requires_grad=True)
    runs = [_gradients(conv(features, level.submanifold()), features, conv) for _ in range(3)]
    for first, second in itertools.pairwise(runs):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


class TestRejections:
    def test_table_of_another_kernel(self) -> None:
        with pytest.raises(ValueError, match="the kernel has 9 taps, the table 25"):
            SparseConv(3, 3, (3, 3))(torch.zeros(len(_level((11, 6))), 3), _level((11, 6)).submanifold(5))

    def test_features_of_another_level(self) -> None:
        with pytest.raises(ValueError, match=r"features must be \(\d+, 3\)"):
            SparseConv(3, 3, (3, 3))(torch.zeros(2, 3), _level((11, 6)).submanifold())


class TestResolveBackend:
    def test_auto_on_the_cpu_is_the_table(self) -> None:
        assert resolve_backend("auto", torch.device("cpu")) == "table"

    def test_missing_spconv_names_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(name: str) -> None:
            raise ImportError(f"No module named '{name}'")

        spconv_conv.import_spconv.cache_clear()
        monkeypatch.setattr("importlib.import_module", fail)
        assert resolve_backend("table", torch.device("cuda")) == "table"
        for backend, device in (("spconv", "cpu"), ("auto", "cuda")):
            with pytest.raises(spconv_conv.SpconvMissingError, match="pip install spconv-cu120"):
                resolve_backend(backend, torch.device(device))  # type: ignore[arg-type]


class TestBatchNorm:
    def test_one_voxel_is_normalised_by_running_statistics(self) -> None:
        norm = VoxelBatchNorm(2)
        outputs = norm(torch.tensor([[3.0, -1.0]]))
        torch.testing.assert_close(outputs, torch.tensor([[3.0, -1.0]]), rtol=1e-3, atol=1e-3)
        assert norm.running_mean is not None
        assert norm.running_mean.tolist() == [0.0, 0.0]
        assert norm(torch.zeros(0, 2)).shape == (0, 2)

    def test_two_voxels_change_the_statistics(self) -> None:
        norm = VoxelBatchNorm(1)
        torch.testing.assert_close(norm(torch.tensor([[2.0], [4.0]])), torch.tensor([[-1.0], [1.0]]), rtol=1e-3, atol=0)
        assert norm.running_mean is not None
        torch.testing.assert_close(norm.running_mean, torch.tensor([0.03]))


class _TwoLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(4, 6, bias=False), VoxelBatchNorm(6))
        self.down = SparseConvBlock(6, 8, (3, 3), backend="table")
        self.block = SparseBasicBlock(8, 2, backend="table")

    def forward(self, features: Tensor, level: SparseLevel) -> Tensor:
        coarser = level.coarser(Window.halving(2))
        down = self.down(self.stem(features), coarser.table)
        outputs: Tensor = self.block(down, coarser.level.submanifold())
        return outputs


class TestFuse:
    def test_fused_copy_computes_the_same(self) -> None:
        torch.manual_seed(0)
        level = _level((11, 6))
        network = _TwoLayers()
        for _ in range(20):
            network(torch.randn(len(level), 4) * 3 + 1, level)
        network.eval()
        fused = fuse_batch_norm(network)
        features = torch.randn(len(level), 4)
        assert not any(isinstance(part, VoxelBatchNorm) for part in fused.modules())
        assert sum(isinstance(part, VoxelBatchNorm) for part in network.modules()) == 4
        torch.testing.assert_close(fused(features, level), network(features, level), rtol=1e-4, atol=1e-5)

    def test_training_mode_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"call \.eval\(\)"):
            fuse_batch_norm(_TwoLayers())
