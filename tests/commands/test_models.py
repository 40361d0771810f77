"""From the options of a command to a model."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from bevseg.commands.models import add_model_arguments, find_device, load_segmenter, use_threads
from bevseg.pipeline import BevSegmenter


def _options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_model_arguments(parser)
    return parser.parse_args(given)


def test_the_checkpoint_decides_unless_an_option_does(tiny_checkpoint: Path) -> None:
    stored = BevSegmenter.from_checkpoint(tiny_checkpoint).config
    plain = load_segmenter(_options("--checkpoint", str(tiny_checkpoint), "--precision", "fp32"))
    assert plain.config == stored
    changed = load_segmenter(
        _options("--checkpoint", str(tiny_checkpoint), "--precision", "bf16", "--threads", "1"),
        policy="instance-priority",
        min_score=(0.1, 0.2, 0.3, 0.4),
    )
    assert changed.config.panoptic.policy == "instance-priority"
    assert changed.config.decode.min_score == (0.1, 0.2, 0.3, 0.4)
    assert changed.config.decode.max_objects == stored.decode.max_objects
    assert changed.precision == "bf16"
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16"), (False, "fp32")])
def test_the_machine_decides_the_precision_by_default(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, native: bool, precision: str
) -> None:
    monkeypatch.setattr("bevseg.network.has_native_bf16", lambda device: native)
    assert load_segmenter(_options("--checkpoint", str(tiny_checkpoint))).precision == precision


def test_threads_are_left_alone_or_at_least_one() -> None:
    before = torch.get_num_threads()
    use_threads(None)
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="1 or more, got 0"):
        use_threads(0)


def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert find_device("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(ValueError, match="1 CUDA devices"):
        find_device("cuda:1")
    for name in ("gpu", "meta", ""):
        with pytest.raises(ValueError, match="--device must be"):
            find_device(name)
