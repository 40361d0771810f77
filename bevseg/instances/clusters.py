"""proto"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.instances.rectangles import Rectangle, complete, fit_rectangle
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import estimate_ground
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks


@dataclass(frozen=True)
class ClusterConfig:
    cell_m: float = 0.2
    far_m: float = 20.0
    low_m: float = 0.25
    tall_m: float = 2.2
    fit_top_m: float = 1.1
    min_points: int = 15
    car_l: float = 4.5
    car_w: float = 1.85
    max_residual: float = 0.4
    min_h: float = 0.8
    min_long: float = 1.5
    max_long: float = 6.5
    max_short: float = 2.6
    max_gap: float = 0.8
    min_score: float = 0.0
    drop_tall: bool = True
    nms: float = 0.1


def segment_clusters(cloud: PointCloud, grid: BevGrid, config: ClusterConfig) -> Instances:
    ground = estimate_ground(cloud)
    height = cloud.xyz[:, 2] - ground.height_at(cloud.xyz[:, :2])
    cg = BevGrid.square(half_extent_m=56.0, cell_m=config.cell_m)
    cell = cg.flat_cells_of(cloud.xyz[:, :2])
    origin = cloud.sensor_origins_m[0, :2].astype(float)
    rng = np.hypot(cloud.xyz[:, 0] - origin[0], cloud.xyz[:, 1] - origin[1])
    ok = (cell >= 0) & (height > config.low_m) & (height < 6.0) & (rng > 1.5)
    cell, height, xyz = cell[ok], height[ok], cloud.xyz[ok].astype(float)
    top = np.zeros(cg.num_cells); np.maximum.at(top, cell, height)
    body = height < config.tall_m
    occupied = np.bincount(cell[body], minlength=cg.num_cells) > 0
    if config.drop_tall:
        occupied &= top < config.tall_m
    occ2 = occupied.reshape(cg.shape)
    centers = cg.centers_of(np.arange(cg.num_cells))
    far = (np.hypot(centers[:, 0], centers[:, 1]) > config.far_m).reshape(cg.shape)
    grown = occ2 | ndimage.binary_dilation(occ2 & far, np.ones((3, 3)))
    label, n = ndimage.label(grown, np.ones((3, 3)))
    label = np.where(occ2, label, 0).ravel()
    near_tall = ndimage.maximum_filter((top * (top >= config.tall_m)).reshape(cg.shape), 3).ravel()
    of = label[cell]
    use = (of > 0) & body
    of, height, xyz, cell = of[use], height[use], xyz[use], cell[use]
    order = np.argsort(of, kind='stable'); of, height, xyz, cell = of[order], height[order], xyz[order], cell[order]
    starts = np.searchsorted(of, np.arange(1, n + 2))
    boxes, labels, scores = [], [], []
    for a, b in zip(starts[:-1], starts[1:]):
        if b - a < config.min_points:
            continue
        r = judge(xyz[a:b], height[a:b], near_tall[cell[a:b]], origin, config)
        if r is not None:
            boxes.append(r[0]); labels.append(r[1]); scores.append(r[2])
    boxes = np.array(boxes).reshape(-1, 7)
    if len(boxes):
        xyz0 = boxes[:, :2]
        boxes[:, 2] += ground.height_at(xyz0.astype(np.float32))
    masks = BevMasks.from_cells(grid, [footprint_cells(b, grid) for b in boxes])
    inst = Instances.from_detections(label=np.array(labels, np.int64), score=np.array(scores, float), boxes=boxes, velocity_mps=np.full((len(boxes), 2), np.nan), amodal=masks)
    keep = []
    iou = masks.iou(masks)
    for i in np.argsort(-inst.score, kind='stable'):
        if masks.area_cells[i] and all(iou[i, j] < config.nms for j in keep):
            keep.append(int(i))
    return inst[np.array(keep, dtype=np.int64)]


def judge(xyz, h, tall, origin, c):
    top = np.quantile(h, 0.98)
    rect_xy = xyz[h < c.fit_top_m, :2]
    if len(rect_xy) < 5:
        rect_xy = xyz[:, :2]
    q = np.unique(np.round(rect_xy / 0.1).astype(int), axis=0) * 0.1
    r = fit_rectangle(q)
    long, short = r.size_m.max(), r.size_m.min()
    tall_share = (tall > 0).mean()
    n = len(xyz)
    if top >= c.min_h and c.min_long <= long <= c.max_long and short <= c.max_short and r.residual_m < c.max_residual and tall_share < 0.3:
        axis = heading_axis(r, origin)
        size = np.full(2, c.car_w); size[axis] = c.car_l
        center, size = complete(r, size_m=size, sensor_xy_m=origin)
        yaw = r.yaw_rad + axis * np.pi / 2
        score = min(1.0, n / 100) * (1 - tall_share)
        return np.array([center[0], center[1], top / 2, size[axis], size[1 - axis], top, yaw]), SemanticClass.CAR, score
    if 1.2 <= top <= 2.1 and long <= 1.1 and tall_share < .1 and n>=10:
        center, size = complete(r, size_m=np.full(2, 0.7), sensor_xy_m=origin)
        return np.array([*center, top / 2, *size, top, r.yaw_rad]), SemanticClass.PEDESTRIAN, 0.5
    if .9 <= top <= 2.0 and 1.1 <= long <= 2.2 and short<.9 and tall_share < .1 and n>=10:
        axis = int(r.size_m.argmax())
        size = np.full(2, .7); size[axis] = 1.8
        center, size = complete(r, size_m=size, sensor_xy_m=origin)
        return np.array([*center, top / 2, size[axis], size[1-axis], top, r.yaw_rad + axis * np.pi / 2]), SemanticClass.BICYCLE, 0.5
    return None


def heading_axis(r, origin):
    big = int(r.size_m.argmax())
    if r.size_m[big] > 2.3:
        return big
    # the longer seen side is the width
    return 1 - big
