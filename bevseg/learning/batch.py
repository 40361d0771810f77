"""From labelled scans to what one training step takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int8, Int64
from torch import Tensor

from bevseg.config import ModelConfig
from bevseg.datasets.sample import Sample
from bevseg.instances.semantics import semantic_cells
from bevseg.learning.targets import ObjectTargets, TargetConfig, object_targets, semantic_targets
from bevseg.network import describe_points
from bevseg.points.ground import estimate_ground
from bevseg.voxels.cells import CellFeatures


@dataclass(frozen=True, eq=False)
class Prepared:
    """One scan, ready to be batched."""

    name: str
    cells: CellFeatures
    objects: ObjectTargets
    semantic: Int64[Tensor, "cells"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Several scans: the fields of `CellFeatures` and `ObjectTargets` with a batch dimension or index in front.

    Flat cell indices count through the batch: `scan * coarse_cells + cell`.
    """

    names: tuple[str, ...]
    cells: CellFeatures
    heat: Float[Tensor, "batch 4 y x"]
    foreground: Int8[Tensor, "batch 4 y x"]
    cell: Int64[Tensor, "m"]
    cell_offset_m: Float[Tensor, "m 2"]
    cell_weight: Float[Tensor, "m"]
    center: Int64[Tensor, "c"]
    center_class: Int64[Tensor, "c"]
    center_box: Float[Tensor, "c 10"]
    center_weight: Float[Tensor, "c"]
    semantic: Int64[Tensor, "cells"]

    def __len__(self) -> int:
        return len(self.names)


def prepare(sample: Sample, model: ModelConfig, targets: TargetConfig) -> Prepared:
    """Network input and targets of one scan."""
    ground = estimate_ground(sample.cloud)
    described = describe_points(sample.cloud, ground, model)
    semantic_cell = semantic_cells(described.cells.point_to_pillar, described.height_m, model.head)
    truth = sample.annotations.point_semantic
    num_cells = described.cells.num_pillars * model.head.semantic_layers
    semantic = (
        torch.zeros(num_cells, dtype=torch.int64)
        if truth is None
        else torch.from_numpy(semantic_targets(truth, semantic_cell.numpy(), num_cells))
    )
    return Prepared(sample.name, described.cells, object_targets(sample, ground, model.grid, targets), semantic)


def collate(scans: Sequence[Prepared]) -> Batch:
    """Joins scans into one batch; coordinates and cell indices get the scan's place in it."""
    objects = [scan.objects for scan in scans]
    coarse_cells = objects[0].heat[0].size // 4
    return Batch(
        names=tuple(scan.name for scan in scans),
        cells=_join([scan.cells for scan in scans]),
        heat=torch.stack([torch.from_numpy(o.heat) for o in objects]),
        foreground=torch.stack([torch.from_numpy(o.foreground) for o in objects]),
        cell=torch.cat([torch.from_numpy(o.cell) + i * coarse_cells for i, o in enumerate(objects)]),
        cell_offset_m=torch.cat([torch.from_numpy(o.cell_offset_m) for o in objects]),
        cell_weight=torch.cat([torch.from_numpy(o.cell_weight) for o in objects]),
        center=torch.cat([torch.from_numpy(o.center) + i * coarse_cells for i, o in enumerate(objects)]),
        center_class=torch.cat([torch.from_numpy(o.center_class) for o in objects]),
        center_box=torch.cat([torch.from_numpy(o.center_box) for o in objects]),
        center_weight=torch.cat([torch.from_numpy(o.center_weight) for o in objects]),
        semantic=torch.cat([scan.semantic for scan in scans]),
    )


def _join(scans: Sequence[CellFeatures]) -> CellFeatures:
    coords, points, pillars_before = [], [], 0
    for i, scan in enumerate(scans):
        moved = scan.coords.clone()
        moved[:, 0] = i
        coords.append(moved)
        points.append(torch.where(scan.point_to_pillar >= 0, scan.point_to_pillar + pillars_before, -1))
        pillars_before += scan.num_pillars
    features = torch.cat([scan.features for scan in scans])
    return CellFeatures(features, torch.cat(coords), torch.cat(points), pillars_before)
