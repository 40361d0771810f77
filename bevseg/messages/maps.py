"""A scene as maps of the ground.

Maps are row-major with x fastest; row 0 is at y_min and column 0 at x_min, as nav_msgs/OccupancyGrid has it. So an
image of the grid shows x to the right and y downwards: flip its rows to see it with y upwards.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Integer

from bevseg.geometry.grid import BevGrid
from bevseg.messages.fields import (
    HeaderFields,
    ImageFields,
    MapMetaDataFields,
    OccupancyGridFields,
    PoseFields,
    PositionFields,
    TimeFields,
)
from bevseg.results.scene import CellState, Scene

_OCCUPANCY_OF = {CellState.UNOBSERVED: -1, CellState.FREE: 0, CellState.OCCUPIED: 100, CellState.HIDDEN: -1}
_OCCUPANCY = np.array([_OCCUPANCY_OF[state] for state in CellState], np.int8)
_MOST_MONO16 = 65535


def instance_map(scene: Scene, header: HeaderFields) -> ImageFields:
    """mono16: the id of the object whose amodal mask covers a cell, the nearest where masks overlap; 0 for none.

    Raises:
        ValueError: An id does not fit 16 bits.
    """
    largest = int(scene.instances.id.max(initial=0))
    if largest > _MOST_MONO16:
        raise ValueError(
            f"ids of an instance map of 16 bits are 1..{_MOST_MONO16}, got {largest}: number the objects anew"
        )
    return _image(_painted(scene, scene.instances.id).astype("<u2"), "mono16", header)


def class_map(scene: Scene, header: HeaderFields) -> ImageFields:
    """mono8: the `SemanticClass` of the object that `instance_map` shows in a cell; 0 for none."""
    return _image(_painted(scene, scene.instances.label).astype(np.uint8), "mono8", header)


def grid_metadata(grid: BevGrid, *, z_m: float = 0.0) -> MapMetaDataFields:
    """Where the cells of maps and mask tiles lie: cell (row 0, column 0) has its lower corner at `origin`.

    Args:
        grid: Of the scene.
        z_m: Height at which the grid is to be shown; that of the ground, where it is known.
    """
    return MapMetaDataFields(
        map_load_time=TimeFields(),
        resolution=float(grid.cell_m),
        width=grid.width,
        height=grid.height,
        origin=PoseFields(PositionFields(float(grid.x_min_m), float(grid.y_min_m), float(z_m))),
    )


def visibility_grid(scene: Scene, header: HeaderFields, *, z_m: float = 0.0) -> OccupancyGridFields:
    """0 where the ground is free, 100 where something stands, -1 where it is hidden or was not observed."""
    state = scene.visibility.state
    return OccupancyGridFields(header, grid_metadata(scene.visibility.grid, z_m=z_m), _OCCUPANCY[state.ravel()])


def _painted(scene: Scene, values: Integer[np.ndarray, "k"]) -> Integer[np.ndarray, "height width"]:
    """The value of the object that covers each cell, far objects painted first; 0 where there is none."""
    amodal = scene.instances.amodal
    far_first = np.argsort(-scene.occlusion.rank[amodal.owner].astype(np.int64), kind="stable")
    painted = np.zeros(scene.grid.num_cells, values.dtype)
    painted[amodal.cells[far_first]] = values[amodal.owner[far_first]]
    return painted.reshape(scene.grid.shape)


def _image(values: Integer[np.ndarray, "height width"], encoding: str, header: HeaderFields) -> ImageFields:
    """An image without padding between its rows, in the byte order of the array."""
    height, width = values.shape
    bytes_of_values = values.reshape(-1).view(np.uint8)
    return ImageFields(header, height, width, encoding, 0, values.strides[0], bytes_of_values)
