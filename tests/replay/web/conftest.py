"""A clip by hand: a car that hides most of a second one, a pedestrian beside them; and what can go wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.replay.frames import BrokenFrame, Frame, Prediction
from bevseg.replay.web.pack import FramePacker
from bevseg.replay.web.page import Clip, write_page
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks, footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap

if TYPE_CHECKING:
    from tests.conftest import Browser

HELPERS = """
async function settled() {
    for (let k = 0; k < 2 || player.running; k += 1) await new Promise((done) => requestAnimationFrame(done));
    return player.shown;
}
function pixels({ width, height }) {
    const pen = element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
    pen.drawImage(arguments[0], 0, 0);
    return pen.getImageData(0, 0, width, height).data;
}"""
"""What tests ask of a page: its frame once nothing is under way, and the pixels of a canvas."""

GRID = BevGrid(x_min_m=2.0, y_min_m=-16.0, cell_m=0.2, width=200, height=120)
"""Not centred: x from 2 to 42, y from -16 to 8."""

CAR, PEDESTRIAN = int(SemanticClass.CAR), int(SemanticClass.PEDESTRIAN)
BOXES = np.array(
    [
        [14.0, 0.0, -0.9, 4.6, 1.9, 1.6, 0.0],
        [21.0, 0.4, -0.9, 4.4, 1.8, 1.6, 0.3],
        [12.0, -9.0, -0.8, 0.9, 0.9, 1.8, np.pi / 2],
        [30.0, -8.0, -0.9, 4.4, 1.8, 1.6, 0.0],
    ],
    np.float32,
)
"""Near car, hidden car, pedestrian; the last one is not there in truth."""
IDS, LABELS = np.array([7, 3, 12, 9], np.int32), np.array([CAR, CAR, PEDESTRIAN, CAR], np.uint8)
POINTS_EACH = 20
TOTAL = 4


def make_cloud(*, with_intensity: bool = True, ground: int = 200) -> PointCloud:
    """So many points on each true object, then a ring of ground."""
    rng = np.random.default_rng(4)
    on_objects = BOXES[:3, None, :3] + rng.uniform(-0.3, 0.3, (3, POINTS_EACH, 3))
    angle = rng.uniform(-np.pi, np.pi, ground)
    ring = np.stack([9 * np.cos(angle), 9 * np.sin(angle), np.full(ground, -1.8)], axis=1)
    xyz = np.concatenate([on_objects.reshape(-1, 3), ring]).astype(np.float32)
    return PointCloud.from_xyz(xyz, intensity=rng.random(len(xyz)).astype(np.float32) if with_intensity else None)


def make_scene(cloud: PointCloud, found: Sequence[int]) -> Scene:
    """A result that holds these of the boxes; of the second car 38 % is seen, if it is there with the first."""
    places, boxes = np.array(found, np.int64), BOXES[list(found)].reshape(-1, 7)
    k = len(boxes)
    amodal = footprint_masks(boxes, GRID)
    fraction = np.where(places == 1, 0.38, 1.0).astype(np.float32)
    hides = [(found.index(0), found.index(1))] if 0 in found and 1 in found else []
    far_side = np.array([GRID.centers_of(amodal.cells)[:, 1] > 0.4], bool).ravel() | (places[amodal.owner] != 1)
    instances = Instances(
        id=IDS[places],
        label=LABELS[places],
        score=np.array([0.91, 0.35, 0.7, 0.6], np.float32)[places],
        boxes=boxes,
        velocity_mps=np.array([[6.0, -1.0], [np.nan, np.nan], [0.0, 1.2], [0, 0]], np.float32)[places],
        amodal=amodal,
        visible=amodal.where(far_side) if k else BevMasks.empty(GRID),
        visible_fraction=fraction,
        visible_fraction_source="estimated",
    )
    graph = OcclusionGraph(
        occluder=np.array([near for near, _ in hides], np.int32),
        occluded=np.array([far for _, far in hides], np.int32),
        hidden_fraction=np.full(len(hides), 0.62, np.float32),
        rank=np.arange(k, dtype=np.int32),
        visible_fraction=fraction,
    )
    state = np.full(GRID.shape, CellState.FREE, np.uint8)
    state[:, 100:] = CellState.HIDDEN
    instance = np.zeros(len(cloud), np.int32)
    for place in [p for p in found if p < 3 and len(cloud)]:
        instance[place * POINTS_EACH : (place + 1) * POINTS_EACH] = IDS[place]
    semantic = np.where(instance > 0, CAR, int(SemanticClass.DRIVEABLE_SURFACE)).astype(np.uint8)
    labels = PointLabels(semantic, instance)
    return Scene(0, cloud.frame, instances, graph, VisibilityMap(GRID, state), labels)


def make_frame(index: int, found: Sequence[int], *, cloud: PointCloud | None = None, has_truth: bool = True) -> Frame:
    """A frame in which these of the boxes were found."""
    cloud = make_cloud() if cloud is None else cloud
    truth = Annotations.from_boxes(cloud, BOXES[:3], LABELS[:3], track_id=np.array([70, 30, 120]))
    scene = make_scene(cloud, found)
    trails = tuple(
        box[:2] + np.array([[-2.0, 0.5], [-1.0, 0.2], [0.0, 0.0]]) for box in BOXES[list(found)].astype(float)
    )
    return Frame(
        index=index,
        total=TOTAL,
        name=f"{index:06d}",
        time_s=0.1 * index,
        cloud=cloud,
        truth=truth if has_truth else None,
        predictions=(Prediction("net", scene, trails),),
        T_fixed_from_cloud=Transform(np.eye(4), "global", cloud.frame),
    )


@pytest.fixture
def scoring() -> Scoring:
    """Everything with five points counts."""
    return Scoring(MatchRule(min_points=5, max_range_m=50.0))


@pytest.fixture
def make() -> Callable[..., Frame]:
    """`make_frame(index, found, cloud=..., has_truth=...)`."""
    return make_frame


@pytest.fixture
def cloud() -> Callable[..., PointCloud]:
    """`make_cloud(with_intensity=..., ground=...)`."""
    return make_cloud


@pytest.fixture
def empty_cloud() -> PointCloud:
    """A scan without points."""
    return PointCloud.from_xyz(np.zeros((0, 3), np.float32), intensity=np.zeros(0, np.float32))


@pytest.fixture(scope="session")
def clip() -> list[Frame | BrokenFrame]:
    """All found; the pedestrian missed; cannot be read; a false alarm."""
    return [
        make_frame(0, (0, 1, 2)),
        make_frame(1, (0, 1)),
        BrokenFrame(2, TOTAL, "cut off after 12 bytes; copy </script> it again"),
        make_frame(3, (0, 1, 2, 3)),
    ]


@pytest.fixture
def compared() -> Frame:
    """Two results: one finds all, the other has nothing for this frame."""
    frame = make_frame(0, (0, 1, 2))
    other = Prediction("other", make_scene(frame.cloud, ()), note="no result for frame 000000")
    return replace(frame, predictions=(frame.predictions[0], other))


@pytest.fixture
def show(browser: Browser, scoring: Scoring, tmp_path: Path) -> Callable[[list[Frame | BrokenFrame]], None]:
    """Writes a page of these frames and opens it in the browser, dark and 1280 x 800."""

    def write_and_open(frames: list[Frame | BrokenFrame]) -> None:
        path = tmp_path / "clip.html"
        with write_page(path, frames, FramePacker(scoring), Clip("drive <1>", 20.0), workers=1) as packed:
            list(packed)
        browser.open(path)
        browser.send("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        browser.run(HELPERS)
        assert browser.wait_for("settled()") == 0

    return write_and_open


@pytest.fixture
def page(
    browser: Browser, show: Callable[[list[Frame | BrokenFrame]], None], clip: list[Frame | BrokenFrame]
) -> Iterator[Browser]:
    """The clip in the browser, which has nothing to complain of and asks for nothing."""
    show(clip)
    yield browser
    assert browser.complaints() == []
    assert browser.requests() == []
