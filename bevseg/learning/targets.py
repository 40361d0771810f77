"""What the network should say about a labelled scan: the truth in the form of the head's maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float16, Int, Int64, UInt8

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.instances.decode import coarse_cells
from bevseg.instances.heads.output import FIRST_THING, NUM_GROUPS
from bevseg.points.ground import GroundModel
from bevseg.results.classes import GROUP_OF_CLASS, NUM_CLASSES

IGNORE = -1
"""Marks cells of `heat` and `foreground` that say nothing about right or wrong."""


@dataclass(frozen=True)
class TargetConfig:
    """Which objects are taught, and how sharply.

    Attributes:
        min_points: Objects with fewer points are neither taught nor punished, those without any are not there.
        sigma_per_length: Spread of the heat along and across a box, as a share of its length and width.
        min_sigma_m: Least spread, metres.
        center_reach_m: Cells this close to a centre (and inside the box) learn its box and class.
    """

    min_points: int = 4
    sigma_per_length: float = 0.1
    min_sigma_m: float = 0.2
    center_reach_m: float = 0.6


@dataclass(frozen=True, eq=False)
class ObjectTargets:
    """Truth of one scan for the label-then-cluster head; flat indices are into one (y, x) map.

    Attributes:
        heat: 1 at centres, falling off around them, `IGNORE` where nothing is known (fine grid).
        foreground: 1 where an object of the group covers the cell, else 0 or `IGNORE` (fine grid).
        cell: Coarse cells that hold fine cells covered by an object, one entry for each of those.
        cell_offset_m: From the centre of each such coarse cell to the centre of its object.
        cell_weight: 1 over the number of entries of the object, so that small and large objects count alike.
        center: Coarse cells that learn a box, one entry for each pair of cell and object.
        center_class: Channel of the thing class there.
        center_box: `BOX_CHANNELS` there; velocity is NaN where the truth has none.
        center_weight: 1 over the number of such cells of the object.
    """

    heat: Float16[np.ndarray, "4 y x"]
    foreground: Int[np.ndarray, "4 y x"]
    cell: Int64[np.ndarray, "m"]
    cell_offset_m: Float[np.ndarray, "m 2"]
    cell_weight: Float[np.ndarray, "m"]
    center: Int64[np.ndarray, "c"]
    center_class: Int64[np.ndarray, "c"]
    center_box: Float[np.ndarray, "c 10"]
    center_weight: Float[np.ndarray, "c"]


def object_targets(sample: Sample, ground: GroundModel, grid: BevGrid, config: TargetConfig) -> ObjectTargets:
    """Rasterises the annotations of a sample onto the grid."""
    truth = sample.annotations
    heat = np.zeros((NUM_GROUPS, *grid.shape), np.float32)
    foreground = np.zeros((NUM_GROUPS, *grid.shape), np.int8)
    taught = _taught(truth, grid, config)
    unsure = (truth.num_points < config.min_points) & (truth.num_points > 0) | truth.ignored
    for k in np.flatnonzero(unsure & ~taught):
        _mark_ignored(heat, foreground, footprint_cells(truth.boxes[k], grid), int(GROUP_OF_CLASS[truth.label[k]]))
    footprints = []
    for k in np.flatnonzero(taught):
        group = int(GROUP_OF_CLASS[truth.label[k]])
        _draw_center(heat[group], truth.boxes[k], grid, config)
        cells = footprint_cells(truth.boxes[k], grid)
        foreground[group].reshape(-1)[cells] = 1
        footprints.append(cells)
    boxes, label = truth.boxes[taught], truth.label[taught]
    owner = np.repeat(np.arange(len(footprints)), [len(f) for f in footprints]).astype(np.int64)
    coarse = grid.coarser(2)
    cell = coarse_cells(np.concatenate(footprints) if footprints else np.zeros(0, np.int64), grid)
    centers = _center_cells(boxes, coarse, config)
    return ObjectTargets(
        heat=heat.astype(np.float16),
        foreground=foreground,
        cell=cell,
        cell_offset_m=(boxes[owner, :2] - coarse.centers_of(cell)).astype(np.float32),
        cell_weight=_shares(owner),
        center=centers.cell,
        center_class=label[centers.of_object].astype(np.int64) - FIRST_THING,
        center_box=_box_channels(boxes, truth.velocity_mps[taught], ground)[centers.of_object],
        center_weight=_shares(centers.of_object),
    )


def semantic_targets(
    point_semantic: UInt8[np.ndarray, "n"], cell_of_point: Int64[np.ndarray, "n"], num_cells: int
) -> Int64[np.ndarray, "cells"]:
    """The class that most labelled points of each (pillar, layer) cell have, 0 where none is labelled.

    Args:
        point_semantic: `SemanticClass` of each point, 0 unlabelled.
        cell_of_point: Which cell each point falls into, -1 for none.
        num_cells: Number of cells.
    """
    known = (point_semantic > 0) & (cell_of_point >= 0)
    keys, votes = np.unique(cell_of_point[known] * NUM_CLASSES + point_semantic[known], return_counts=True)
    cell, semantic = np.divmod(keys, NUM_CLASSES)
    fewest_first = np.lexsort((-semantic, votes))  # of equal votes the lower class wins
    majority = np.zeros(num_cells, np.int64)
    majority[cell[fewest_first]] = semantic[fewest_first]  # the last write to a cell stands
    return majority


def _taught(truth: Annotations, grid: BevGrid, config: TargetConfig) -> Bool[np.ndarray, "k"]:
    inside = grid.contains(truth.boxes[:, :2]) & truth.view.contains(truth.boxes[:, :2])
    return inside & (truth.num_points >= config.min_points) & ~truth.ignored & (GROUP_OF_CLASS[truth.label] >= 0)


def _shares(owner: Int[np.ndarray, "m"]) -> Float[np.ndarray, "m"]:
    """1 over the number of entries with the same owner."""
    return (1 / np.bincount(owner)[owner]).astype(np.float32)


def _mark_ignored(
    heat: Float[np.ndarray, "4 y x"], foreground: Int[np.ndarray, "4 y x"], cells: Int[np.ndarray, "m"], group: int
) -> None:
    groups = range(NUM_GROUPS) if group < 0 else [group]
    for g in groups:
        heat[g].reshape(-1)[cells] = IGNORE
        foreground[g].reshape(-1)[cells] = IGNORE


def _draw_center(
    heat: Float[np.ndarray, "y x"], box: Float[np.ndarray, "7"], grid: BevGrid, config: TargetConfig
) -> None:
    """Raises the heat around a centre to an oriented Gaussian, exactly 1 in the centre's own cell."""
    sigma = np.maximum(box[3:5] * config.sigma_per_length, config.min_sigma_m)
    reach = int(np.ceil(3 * sigma.max() / grid.cell_m))
    row, column = grid.cells_of(box[None, :2])[0]
    rows = np.arange(max(row - reach, 0), min(row + reach + 1, grid.height))
    columns = np.arange(max(column - reach, 0), min(column + reach + 1, grid.width))
    # Measured from the centre of the centre's cell, so that the peak is 1 and symmetric about it.
    dx, dy = (columns - column)[None, :] * grid.cell_m, (rows - row)[:, None] * grid.cell_m
    cos, sin = np.cos(box[6]), np.sin(box[6])
    along, across = (cos * dx + sin * dy) / sigma[0], (cos * dy - sin * dx) / sigma[1]
    gaussian = np.exp(-(along**2 + across**2) / 2)
    window = heat[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    np.maximum(window, np.where(gaussian > 0.01, gaussian, window), out=window)


@dataclass(frozen=True, eq=False)
class _CenterCells:
    cell: Int64[np.ndarray, "c"]
    of_object: Int64[np.ndarray, "c"]


def _center_cells(boxes: Float[np.ndarray, "k 7"], coarse: BevGrid, config: TargetConfig) -> _CenterCells:
    """Coarse cells around each centre; the centre's own is always among them, however small the object."""
    own = coarse.flat_cells_of(boxes[:, :2])
    cells, objects = [own], [np.arange(len(boxes))]
    for k, box in enumerate(boxes):
        near = footprint_cells(box, coarse)
        distance = np.linalg.norm(coarse.centers_of(near) - box[:2], axis=1)
        near = near[(distance <= config.center_reach_m) & (near != own[k])]
        cells.append(near)
        objects.append(np.full(len(near), k))
    return _CenterCells(np.concatenate(cells).astype(np.int64), np.concatenate(objects).astype(np.int64))


def _box_channels(
    boxes: Float[np.ndarray, "k 7"], velocity_mps: Float[np.ndarray, "k 2"], ground: GroundModel
) -> Float[np.ndarray, "k 10"]:
    """`BOX_CHANNELS` of each box."""
    z = boxes[:, 2] - ground.height_at(boxes[:, :2])
    yaw = boxes[:, 6]
    angles = [np.cos(yaw), np.sin(yaw), np.cos(2 * yaw), np.sin(2 * yaw)]
    return np.stack([z, *np.log(boxes[:, 3:6].T), *angles, *velocity_mps.T], axis=1).astype(np.float32)
