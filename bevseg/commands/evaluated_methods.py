"""The methods that `bevseg eval` scores, as it opens them in each of its processes."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.models import load_segmenter

if TYPE_CHECKING:
    from bevseg.datasets.sample import Sample
    from bevseg.evaluation.frame_scores import Segmentation
    from bevseg.evaluation.mask_scores import See
    from bevseg.evaluation.run import Method
    from bevseg.points.cloud import PointCloud
    from bevseg.results.scene import Scene


@dataclass(frozen=True)
class NetworkMethod:
    """A checkpoint.

    Attributes:
        args: The options of the model.
        store: Folder that the scenes go to, one folder a source; those that are there are taken from there. None to
            keep none.
    """

    args: argparse.Namespace
    store: Path | None

    def __call__(self) -> Method:
        return _Segmenting(load_segmenter(self.args).segment, self.store, labels_points=True)

    def about(self) -> dict[str, object]:
        """What the scores depend on."""
        from bevseg.checkpoint import checkpoint_path, load_checkpoint
        from bevseg.config import ModelConfig
        from bevseg.results.classes import ClassGroup

        path = checkpoint_path(self.args.checkpoint)
        stored = load_checkpoint(path)
        config = stored.config_as(ModelConfig)
        known = stored.metadata
        return {
            "checkpoint": self.args.checkpoint,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "model": config.name,
            "precision": self.args.precision,
            **{name: known[name] for name in ("step", "frames_seen", "seed") if name in known},
            "score_thresholds": {group.label: config.decode.min_score[group] for group in ClassGroup},
        }

    def config(self) -> object:
        """The whole config of the model."""
        from bevseg.checkpoint import checkpoint_path, load_checkpoint
        from bevseg.config import ModelConfig

        return load_checkpoint(checkpoint_path(self.args.checkpoint)).config_as(ModelConfig)


@dataclass(frozen=True)
class ClustersMethod:
    """The geometric baseline; `store` as for a network."""

    store: Path | None

    def __call__(self) -> Method:
        from bevseg.baseline import ClusterSegmenter
        from bevseg.evaluation.matching import EVALUATION_GRID

        return _Segmenting(ClusterSegmenter(EVALUATION_GRID).segment, self.store, labels_points=False)

    def about(self) -> dict[str, object]:
        """Its name says it all: its numbers are part of the version."""
        return {"head": "clusters"}

    def config(self) -> object:
        """Its numbers."""
        from bevseg.instances.clusters import ClusterConfig

        return ClusterConfig()


@dataclass(frozen=True)
class _Segmenting:
    """Segments, unless the scene is stored already."""

    segment: Callable[[PointCloud], Scene]
    store: Path | None
    labels_points: bool

    def __call__(self, source: str, sample: Sample) -> Segmentation:
        from bevseg.evaluation.frame_scores import Segmentation
        from bevseg.results.scene_file import read_scene, write_scene

        stem = self.store and self.store / source / sample.name
        if stem and stem.with_name(f"{stem.name}.json").is_file():
            scene = read_scene(stem)
        else:
            scene = self.segment(sample.cloud)
            if stem:
                write_scene(stem, scene)
        found = Segmentation.of_scene(scene)
        return found if self.labels_points else replace(found, points=None)


def open_sight() -> See:
    """What a sensor sees of true objects, on the grid of the evaluation."""
    from bevseg.evaluation.matching import EVALUATION_GRID
    from bevseg.occlusion.truth import observed_truth
    from bevseg.occlusion.visibility import VisibilityMapper

    mapper = VisibilityMapper(EVALUATION_GRID)
    return lambda sample: observed_truth(sample, mapper)


def as_json(about: Mapping[str, object], corruption: str | None) -> dict[str, object]:
    """What was scored, for `metrics.json`."""
    return {**about, **({"corruption": corruption} if corruption else {})}
