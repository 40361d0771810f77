"""In which arithmetic a network runs."""

from __future__ import annotations

import platform

import pytest
import torch

from bevseg.network import has_native_bf16, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("native", [True, False])
def test_a_stated_precision_is_kept(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr("bevseg.network.has_native_bf16", lambda device: native)
    assert resolve_precision("bf16", CPU) == "bf16"
    assert resolve_precision("fp32", CPU) == "fp32"


def test_auto_takes_bf16_where_the_device_has_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bevseg.network.has_native_bf16", lambda device: True)
    assert resolve_precision("auto", CPU) == "bf16"
    assert not caplog.records


def test_auto_says_when_it_takes_fp32(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("bevseg.network.has_native_bf16", lambda device: False)
    assert resolve_precision("auto", CPU) == "fp32"
    assert "CPU has no bf16 instructions" in caplog.text


@pytest.mark.parametrize(
    ("machine", "avx512_bf16", "onednn", "expected"),
    [
        ("x86_64", True, True, True),
        ("x86_64", False, True, False),  # AVX-512 alone: oneDNN would emulate
        ("AMD64", False, True, False),
        ("aarch64", False, True, True),
        ("aarch64", False, False, False),
    ],
)
def test_emulated_bf16_does_not_count(
    monkeypatch: pytest.MonkeyPatch, machine: str, avx512_bf16: bool, onednn: bool, expected: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16, raising=False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    assert has_native_bf16(CPU) is expected


def test_a_torch_that_cannot_tell_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert not has_native_bf16(CPU)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_a_gpu_computes_in_bf16_from_ampere_on(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_native_bf16(torch.device("cuda")) is expected
