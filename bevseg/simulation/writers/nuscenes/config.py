"""What a dataset in the nuScenes schema is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from bevseg.simulation.config import SimulationConfig, refuse_reserved_seed

SCANS_A_KEYFRAME = 10
"""Scans come at 20 Hz; every tenth is a keyframe, those between are sweeps."""

TRAIN_SPLIT = "bevseg_train"
VAL_SPLIT = "bevseg_val"

MINI_TRAIN = (
    "scene-0061", "scene-0553", "scene-0655", "scene-0757", "scene-0796", "scene-1077", "scene-1094", "scene-1100",
)  # fmt: skip
MINI_VAL = ("scene-0103", "scene-0916")
"""The names that the devkit's fixed splits `mini_train` and `mini_val` list (nuscenes/utils/splits.py)."""

SceneNames = Literal["simulated", "mini"]


@dataclass(frozen=True)
class NuScenesWriterConfig:
    """One dataset of simulated drives.

    Scene k is a drive with seed `simulation.seed` + k; the last scenes are the validation split. The devkit's
    evaluators for boxes take the splits of `splits.json` ("bevseg_train", "bevseg_val"). Those for points know only
    the splits that are fixed in the devkit, and want every scene of the one they score: for them, `scene_names` "mini"
    gives validation scenes the names of `mini_val` (2 scenes) and the others those of `mini_train` (8 scenes).

    Attributes:
        simulation: Of all scenes; `seed` is that of the first, `frames` follows from `keyframes`, the first sensor is
            used, and `occlusion` must be on, since annotations say how much of each object is visible.
        scenes: Number of drives, each through a world of its own.
        keyframes: Annotated scans a scene, 0.5 s apart.
        speed_mps: Speed that the vehicle wants to drive at.
        val_share: Share of the scenes that are for validation, rounded to whole scenes; the others are for training.
        version: Name of the folder of tables, as the devkit is given it.
        scene_names: "simulated" counts from scene-2000 on; "mini" takes the names of the devkit's mini splits.

    Raises:
        ValueError: A field is out of its range, a seed is reserved for frozen test sets, or "mini" has too few names.
    """

    simulation: SimulationConfig = field(default_factory=lambda: SimulationConfig(sensors=("hdl-32e",)))
    scenes: int = 10
    keyframes: int = 40
    speed_mps: float = 7.0
    val_share: float = 0.2
    version: str = "v1.0-bevseg"
    scene_names: SceneNames = "simulated"

    def __post_init__(self) -> None:
        if self.scenes < 1 or self.keyframes < 1:
            raise ValueError(
                f"scenes and keyframes must be 1 or more, got scenes={self.scenes}, keyframes={self.keyframes}"
            )
        if not 0 <= self.val_share <= 1:
            raise ValueError(f"val_share must lie within 0..1, got {self.val_share}")
        if not re.fullmatch(r"v1\.0-[\w-]+", self.version):
            raise ValueError(f"version must be 'v1.0-' and a name of letters, digits, - and _, got '{self.version}'")
        if not self.simulation.occlusion:
            raise ValueError("simulation.occlusion must be on: each annotation says how much of its object is visible")
        if self.scene_names == "mini" and (self.num_val > len(MINI_VAL) or self.num_train > len(MINI_TRAIN)):
            raise ValueError(
                f"scene_names 'mini' has {len(MINI_TRAIN)} names for training and {len(MINI_VAL)} for validation, "
                f"got {self.num_train} and {self.num_val} scenes; change scenes or val_share"
            )
        for index in range(self.scenes):
            refuse_reserved_seed(replace(self.simulation, seed=self.simulation.seed + index))

    @property
    def num_val(self) -> int:
        return round(self.scenes * self.val_share)

    @property
    def num_train(self) -> int:
        return self.scenes - self.num_val

    @property
    def scans(self) -> int:
        """Scans a scene: it begins and ends with a keyframe."""
        return (self.keyframes - 1) * SCANS_A_KEYFRAME + 1
