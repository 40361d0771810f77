"""The model as the node holds it: loaded, warmed up, with thresholds that may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene
from bevseg_ros.settings import Settings

if TYPE_CHECKING:
    from bevseg.pipeline import BevSegmenter

_WARM_UP_POINTS = 20_000


class Model(Protocol):
    """What the node asks of a model."""

    @property
    def grid(self) -> BevGrid: ...
    @property
    def description(self) -> str: ...
    def segment(self, cloud: PointCloud) -> Scene: ...
    def set_min_score(self, min_score: Sequence[float | None]) -> None: ...


LoadModel = Callable[[Settings], Model]
"""Makes a model ready to use, or raises with the reason."""


@dataclass
class SegmenterModel:
    """`BevSegmenter` behind the node's words."""

    segmenter: BevSegmenter
    _own_min_score: tuple[float, ...]

    @property
    def grid(self) -> BevGrid:
        return self.segmenter.config.grid

    @property
    def description(self) -> str:
        """Which model computes where and how."""
        config = self.segmenter.config
        return f"{config.name} on {self.segmenter.device} in {self.segmenter.precision}"

    def segment(self, cloud: PointCloud) -> Scene:
        """See `BevSegmenter.segment`."""
        return self.segmenter.segment(cloud)

    def set_min_score(self, min_score: Sequence[float | None]) -> None:
        """Takes other thresholds from the next cloud on, one for each `ClassGroup`; None for the checkpoint's own."""
        pairs = zip(min_score, self._own_min_score, strict=True)
        vehicle, pedestrian, two_wheeler, static = (own if score is None else score for score, own in pairs)
        config = self.segmenter.config
        decode = replace(config.decode, min_score=(vehicle, pedestrian, two_wheeler, static))
        self.segmenter.config = replace(config, decode=decode)


def load_model(settings: Settings) -> Model:
    """Loads the checkpoint and sends made-up scans through it, so that the first real one is as fast as the rest.

    Raises:
        ValueError: The checkpoint cannot be read, or does not fit (`CheckpointError`, `ConfigError`).
        RuntimeError: The device cannot be used.
    """
    import torch  # takes seconds: the node is to answer before

    from bevseg.pipeline import BevSegmenter

    if settings.device.startswith("cuda") and not torch.cuda.is_available():
        raise RuntimeError(
            f"device is '{settings.device}', but PyTorch {torch.__version__} finds no usable GPU; set it to 'cpu'"
        )
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    segmenter = BevSegmenter.from_checkpoint(settings.checkpoint, device=settings.device)
    model = SegmenterModel(segmenter, segmenter.config.decode.min_score)
    model.set_min_score(settings.live.min_score)
    for seed in range(settings.warm_up_scans):
        model.segment(_made_up_scan(seed))
    return model


def _made_up_scan(seed: int) -> PointCloud:
    """Points on a plane, denser near the sensor, as real ones are."""
    rng = np.random.default_rng(seed)
    distance, angle = 60 * rng.random(_WARM_UP_POINTS) ** 2 + 2, rng.uniform(0, 2 * np.pi, _WARM_UP_POINTS)
    xyz = np.column_stack([distance * np.cos(angle), distance * np.sin(angle), rng.normal(-1.8, 0.02, _WARM_UP_POINTS)])
    return PointCloud.from_xyz(xyz.astype(np.float32))
