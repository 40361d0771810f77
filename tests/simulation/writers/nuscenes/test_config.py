from __future__ import annotations

from typing import Any

import pytest
from nuscenes.utils.splits import create_splits_scenes

from bevseg.simulation.config import RESERVED_SEEDS, SimulationConfig
from bevseg.simulation.writers.nuscenes.config import MINI_TRAIN, MINI_VAL, NuScenesWriterConfig


def test_the_usual_dataset_is_as_large_as_the_mini_split() -> None:
    config = NuScenesWriterConfig(scene_names="mini")
    assert (config.num_train, config.num_val) == (len(MINI_TRAIN), len(MINI_VAL))
    assert config.scans == 391


def test_names_of_the_mini_splits_are_those_of_the_devkit() -> None:
    splits = create_splits_scenes()
    assert (list(MINI_TRAIN), list(MINI_VAL)) == (splits["mini_train"], splits["mini_val"])


@pytest.mark.parametrize(("scenes", "val_share", "num_val"), [(1, 0.0, 0), (3, 0.4, 1), (5, 0.5, 2), (7, 1.0, 7)])
def test_scenes_are_divided(scenes: int, val_share: float, num_val: int) -> None:
    config = NuScenesWriterConfig(scenes=scenes, val_share=val_share)
    assert config.num_val == num_val
    assert config.num_train + config.num_val == scenes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scenes": 0}, "scenes and keyframes must be 1 or more, got scenes=0"),
        ({"keyframes": 0}, "keyframes=0"),
        ({"val_share": 1.1}, r"val_share must lie within 0\.\.1, got 1\.1"),
        ({"version": "samples"}, "version must be 'v1.0-'"),
        ({"version": "v1.0-a/b"}, "version must be 'v1.0-'"),
        ({"simulation": SimulationConfig(occlusion=False)}, "occlusion must be on"),
        ({"scene_names": "mini", "scenes": 11}, "8 names for training and 2 for validation, got 9 and 2"),
        ({"scene_names": "mini", "scenes": 3, "val_share": 1.0}, "got 0 and 3"),
        ({"simulation": SimulationConfig(seed=RESERVED_SEEDS.start - 5)}, "reserved for frozen test sets"),
    ],
)
def test_rejections(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NuScenesWriterConfig(**fields)
