"""What a view gets for one frame: the scan, what was found in it, the truth, and how the two differ.

Every view (video, sheet, and those with a window, a page or a file to export) draws from a `Frame` alone. All of it is
in the cloud's frame: x forward, y left, z up, metres; `T_fixed_from_cloud` leads from there into a frame that does not
move with the vehicle, where the recording knows how the vehicle moved. Frames can be pickled.

A frame that cannot be read is a `BrokenFrame`, which says why: a view shows the words and goes on with the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from bevseg.datasets.sample import Annotations
from bevseg.drawing.difference import Difference
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap

VIEW_GRID = BevGrid.square(half_extent_m=51.2, cell_m=0.2)
"""Of masks and maps where no result brings its own."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one method says of a frame.

    Attributes:
        name: Of the method, for headings: a checkpoint, a run, "truth".
        scene: What was found. Its ids are steady over the drive where objects are followed.
        trails: Where each object was in the frames before, oldest first, now at the end; in the cloud's frame.
        difference: Against the truth; None where there is none.
        note: What has to be said about it, such as that there is no result for this frame; mostly empty.
    """

    name: str
    scene: Scene
    trails: tuple[Float[np.ndarray, "_ 2"], ...] = ()
    difference: Difference | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.trails and len(self.trails) != len(self.scene.instances):
            raise ValueError(
                f"expected a trail for each of {len(self.scene.instances)} objects, got {len(self.trails)}"
            )


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a recording.

    Attributes:
        index: Its place, from 0.
        total: How many frames there are.
        name: Unique within the recording; a token where the set has tokens.
        time_s: Since the first frame of the recording, seconds.
        cloud: The scan.
        truth: None where it is not asked for, or where the set has none.
        predictions: One, or two that are compared. Where the truth alone is shown it is the prediction.
        T_fixed_from_cloud: The pose of the cloud's frame.
        T_ego_from_cloud: Where that frame is on the vehicle; the identity where the two are one, or it is not known.
    """

    index: int
    total: int
    name: str
    time_s: float
    cloud: PointCloud
    truth: Annotations | None
    predictions: tuple[Prediction, ...]
    T_fixed_from_cloud: Transform
    T_ego_from_cloud: Transform = field(default_factory=lambda: Transform(np.eye(4), "ego", "lidar"))

    def __post_init__(self) -> None:
        for prediction in self.predictions:
            labelled = len(prediction.scene.points.semantic)
            if labelled != len(self.cloud):
                raise ValueError(f"{prediction.name} labels {labelled} points, the scan has {len(self.cloud)}")


@dataclass(frozen=True)
class BrokenFrame:
    """A frame that cannot be shown.

    Attributes:
        index: Its place, from 0.
        total: How many frames there are.
        reason: What is wrong with it, and what to do.
        name: As of a `Frame`; empty where the recording does not tell it.
    """

    index: int
    total: int
    reason: str
    name: str = ""


def place_words(frame: Frame | BrokenFrame) -> str:
    """Where a frame lies among all, counted from 0 as frames are named and files are numbered."""
    return f"frame {frame.index} of 0 to {frame.total - 1}"


def nothing_found(cloud: PointCloud, grid: BevGrid = VIEW_GRID) -> Scene:
    """The scene that stands for a result that is missing: no object, no class for any point, no ground observed."""
    none = np.zeros(len(cloud), np.uint8)
    return Scene(
        stamp_ns=cloud.stamp_ns,
        frame=cloud.frame,
        instances=Instances.empty(grid),
        occlusion=OcclusionGraph.empty(),
        visibility=VisibilityMap(grid, np.full(grid.shape, CellState.UNOBSERVED, np.uint8)),
        points=PointLabels(none, none.astype(np.int32)),
    )
