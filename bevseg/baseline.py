"""From a point cloud to a scene without a network: clusters in place of a head, all else as in the pipeline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from bevseg.geometry.grid import BevGrid
from bevseg.instances.clusters import ClusterConfig, segment_clusters
from bevseg.instances.panoptic import PanopticConfig, fuse_panoptic
from bevseg.occlusion.visibility import VisibilityMapper
from bevseg.occlusion.visible_masks import hit_cells, with_occlusion
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import estimate_ground
from bevseg.results.classes import GROUP_OF_CLASS, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.scene import PointLabels, Scene
from bevseg.stopwatch import Stopwatch


class ClusterSegmenter:
    """Segments clouds by geometry alone: the baseline, and what there is where no checkpoint is.

    Attributes:
        grid: Of masks and maps.
        config: How points become objects.
        min_score: Objects below are dropped, in the order of `ClassGroup`: vehicle, pedestrian, two-wheeler, static.
    """

    def __init__(
        self,
        grid: BevGrid | None = None,
        config: ClusterConfig | None = None,
        *,
        min_score: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
    ) -> None:
        """Without a grid, that of the models: 51.2 m each way in cells of 0.2 m."""
        self.grid = grid or BevGrid.square(half_extent_m=51.2, cell_m=0.2)
        self.config = config or ClusterConfig()
        self.min_score = min_score
        self._mapper = VisibilityMapper(self.grid)

    def segment(self, cloud: PointCloud) -> Scene:
        """Objects, occlusion and visibility of one cloud; points of no object have no class (0)."""
        watch, origin = Stopwatch(), cloud.sensor_origins_m[0]
        with watch.stage("clusters"):
            found = segment_clusters(cloud, self.grid, self.config)
            found = found[found.score >= np.array(self.min_score)[GROUP_OF_CLASS[found.label]]]
            instances = replace(found, id=np.arange(1, len(found) + 1, dtype=np.int32))
        with watch.stage("ground"):
            height_m = estimate_ground(cloud).height_above(cloud.xyz)
        with watch.stage("point_labels"):
            points = _labels_of_objects(cloud, height_m, instances)
        with watch.stage("visibility"):
            observed = self._mapper.observe(cloud, height_m)
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


def _labels_of_objects(cloud: PointCloud, height_m: Float[np.ndarray, "n"], instances: Instances) -> PointLabels:
    """The points of each object with its class: all that stand in its mask, as nothing else is known of them."""
    unknown = np.full(len(cloud), SemanticClass.MANMADE, np.uint8)
    policy = PanopticConfig(policy="instance-priority")
    points = fuse_panoptic(cloud.xyz, height_m, unknown, instances, policy)
    return PointLabels(np.where(points.instance > 0, points.semantic, 0).astype(np.uint8), points.instance)
