"""From a point cloud to a scene: the whole flow on one screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bevseg.checkpoint import load_checkpoint
from bevseg.config import ModelConfig
from bevseg.instances.decode import decode
from bevseg.instances.panoptic import fuse_panoptic
from bevseg.instances.semantics import point_semantics, semantic_cells
from bevseg.network import BevSegNet, build_network, describe_points
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
    """

    def __init__(self, network: BevSegNet, config: ModelConfig) -> None:
        self.network = network
        self.config = config
        self._mapper = VisibilityMapper(config.grid)

    @torch.inference_mode()
    def segment(self, cloud: PointCloud) -> Scene:
        """Everything bevseg can say about one cloud, in the cloud's own frame (x forward)."""
        watch, config = Stopwatch(), self.config
        with watch.stage("ground"):
            ground = estimate_ground(cloud)
        with watch.stage("pillars"):
            described = describe_points(cloud, ground, config)
        with watch.stage("network"):
            output = self.network(described.cells)
        with watch.stage("decode"):
            instances = decode(output, ground, config.decode, with_velocity=cloud.num_sweeps > 1)
        with watch.stage("point_labels"):
            height_m = described.height_m.numpy()
            cells = semantic_cells(described.cells.point_to_pillar, described.height_m, config.head)
            semantic = point_semantics(output.semantics, cells)
            points = fuse_panoptic(cloud.xyz, height_m, semantic, instances, config.panoptic)
        with watch.stage("visibility"):
            observed = self._mapper.observe(cloud, height_m)
        with watch.stage("occlusion"):
            own_cells = hit_cells(instances, cloud.xyz, points.instance)
            origin = cloud.sensor_origins_m[0]
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
