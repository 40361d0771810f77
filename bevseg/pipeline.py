"""From a point cloud to a scene: the whole flow on one screen."""

from __future__ import annotations

from pathlib import Path

import torch

from bevseg.checkpoint import checkpoint_path, load_checkpoint
from bevseg.config import ModelConfig
from bevseg.instances.decode import decode
from bevseg.instances.panoptic import fuse_panoptic
from bevseg.instances.semantics import point_semantics, semantic_cells
from bevseg.network import BevSegNet, build_network, describe_points, for_inference
from bevseg.occlusion.plausibility import drop_unseen
from bevseg.occlusion.visibility import VisibilityMapper
from bevseg.occlusion.visible_masks import hit_cells, with_occlusion
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import estimate_ground
from bevseg.results.scene import Scene
from bevseg.stopwatch import Stopwatch


class BevSegmenter:
    """Segments clouds with one network.

    Attributes:
        network: In evaluation mode, fused, on its device.
        config: The configuration that the network was built from.
        precision: Arithmetic that the network computes in.
        device: Where the network computes; all else runs on the CPU.
    """

    def __init__(self, network: BevSegNet, config: ModelConfig | None = None) -> None:
        """Takes a trained network; `config` replaces the network's own where thresholds or policies differ."""
        self.network = for_inference(network)
        self.config = config = config or network.config
        self.precision = network.precision
        self.device = next(network.parameters()).device
        self._mapper = VisibilityMapper(config.grid)

    @classmethod
    def from_checkpoint(cls, checkpoint: str | Path = "bevseg-s", *, device: str = "cpu") -> BevSegmenter:
        """Loads a checkpoint that ships with the package, by name, or any other, by path.

        Raises:
            CheckpointError: There is no such checkpoint, or it does not fit its own config.
        """
        stored = load_checkpoint(checkpoint_path(checkpoint))
        network = build_network(stored.config_as(ModelConfig), device=device)
        stored.load_into(network)
        return cls(network)

    @torch.inference_mode()
    def segment(self, cloud: PointCloud) -> Scene:
        """Everything bevseg can say about one cloud, in the cloud's own frame (x forward)."""
        watch, config, origin = Stopwatch(), self.config, cloud.sensor_origins_m[0]
        with watch.stage("ground"):
            ground = estimate_ground(cloud)
        with watch.stage("pillars"):
            described = describe_points(cloud, ground, config)
        with watch.stage("network"):
            output = self.network(described.cells.to(self.device))
        with watch.stage("decode"):
            several = cloud.num_sweeps > 1
            instances = decode(output, ground, config.decode, sensor_xy_m=origin[:2], with_velocity=several)
        with watch.stage("visibility"):
            height_m = described.height_m.numpy()
            observed = self._mapper.observe(cloud, height_m)
            instances = drop_unseen(instances, cloud.newest_origins_m, observed.horizons, config.plausibility)
        with watch.stage("point_labels"):
            cells = semantic_cells(described.cells.point_to_pillar, described.height_m, config.head)
            semantic = point_semantics(output.semantics, cells)
            points = fuse_panoptic(cloud.xyz, height_m, semantic, instances, config.panoptic)
        with watch.stage("occlusion"):
            own_cells = hit_cells(instances, cloud.xyz, points.instance)
            occluded = with_occlusion(instances, origin, horizon=observed.horizon, own_cells=own_cells)
        return Scene(
            stamp_ns=cloud.stamp_ns,
            frame=cloud.frame,
            instances=occluded.instances,
            occlusion=occluded.occlusion,
            visibility=observed.visibility,
            points=points,
            timings_ms=watch.stages_ms,
        )
