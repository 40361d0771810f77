"""How large and how fast a full page is, at its worst: 100 frames of 34,000 points in no order, and 60 objects.

`pytest tests/replay/web/test_page_speed.py --slow -s` prints the figures.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.frame_scores import Scoring
from bevseg.geometry.boxes import points_in_box
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.replay.frames import VIEW_GRID, Frame, Prediction
from bevseg.replay.web.pack import FramePacker
from bevseg.replay.web.page import MOST_FRAMES, Clip, bytes_of_frame, write_page
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap

if TYPE_CHECKING:
    from tests.conftest import Browser

POINTS, OBJECTS = 34_000, 60
SCRUB = """(async () => {
    const times = [], random = (k) => (k * 37 + 11) % store.length;
    for (let k = 0; k < store.length; k += 1) {
        const start = performance.now();
        await player.seek(random(k));
        times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const total = times.reduce((a, b) => a + b, 0);
    return { framesPerSecond: (1000 * times.length) / total, median: times[times.length >> 1], slowest: times.at(-1) };
})()"""
OPENED = """JSON.stringify({
    first_frame_ms: performance.getEntriesByName("first frame")[0].startTime,
    first_paint_ms: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    whole_ms: performance.getEntriesByType("navigation")[0].domComplete,
})"""


def _frame(index: int) -> Frame:
    rng = np.random.default_rng(index)
    xyz = rng.uniform([-51, -51, -2.2], [51, 51, 5], (POINTS, 3)).astype(np.float32)
    cloud = PointCloud.from_xyz(xyz, intensity=rng.random(POINTS).astype(np.float32))
    place, size = rng.uniform(-40, 40, (OBJECTS, 2)), rng.uniform([3, 1.5, 1.4], [9, 2.5, 3], (OBJECTS, 3))
    boxes = np.column_stack([place, np.full(OBJECTS, -1.0), size, rng.uniform(-3, 3, OBJECTS)]).astype(np.float32)
    label = rng.integers(1, 11, OBJECTS).astype(np.uint8)
    amodal = footprint_masks(boxes, VIEW_GRID)
    seen = rng.uniform(0.1, 1, OBJECTS).astype(np.float32)
    instances = replace(
        Instances.from_detections(
            label=label,
            score=rng.random(OBJECTS).astype(np.float32),
            boxes=boxes,
            velocity_mps=rng.normal(0, 5, (OBJECTS, 2)).astype(np.float32),
            amodal=amodal,
        ),
        visible=amodal.where(VIEW_GRID.centers_of(amodal.cells)[:, 0] < boxes[amodal.owner, 0] + 0.5),
        visible_fraction=seen,
    )
    near, far = rng.integers(0, OBJECTS, (2, 90)).astype(np.int32)
    hidden = rng.uniform(0.05, 0.9, 90).astype(np.float32)
    graph = OcclusionGraph(near, far, hidden, np.arange(OBJECTS, dtype=np.int32), seen)
    state = np.repeat(np.repeat(rng.integers(0, 4, (128, 128)), 4, axis=0), 4, axis=1).astype(np.uint8)
    semantic = (np.floor(xyz[:, :2] / 4).astype(np.int64) @ [3, 5] % 17).astype(np.uint8)
    instance = np.zeros(POINTS, np.int32)
    for k, box in enumerate(boxes):
        instance[points_in_box(xyz, box)] = k + 1
    labels = PointLabels(semantic, instance)
    scene = Scene(0, cloud.frame, instances, graph, VisibilityMap(VIEW_GRID, state), labels)
    trails = tuple(box[:2] + np.cumsum(rng.normal(0, 0.5, (24, 2)), axis=0) for box in boxes.astype(float))
    truth = Annotations.from_boxes(cloud, boxes + rng.normal(0, 0.3, boxes.shape).astype(np.float32), label)
    to_fixed = Transform(np.eye(4), "global", cloud.frame)
    return Frame(
        index, MOST_FRAMES, f"{index:06d}", index / 10, cloud, truth, (Prediction("net", scene, trails),), to_fixed
    )


@pytest.mark.slow
@pytest.mark.browser
def test_a_full_page_is_small_and_quick(browser: Browser, scoring: Scoring, tmp_path: Path) -> None:
    path = tmp_path / "full.html"
    packer = FramePacker(scoring, most_bytes=bytes_of_frame(MOST_FRAMES))
    with write_page(path, map(_frame, range(MOST_FRAMES)), packer, Clip("full"), workers=1) as packed:
        assert sum(1 for _ in packed) == MOST_FRAMES
    browser.open(path)
    browser.send("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
    opened = json.loads(browser.run(OPENED))
    passes = [browser.wait_for(SCRUB) for _ in range(2)]  # frames are opened in the first
    shown = browser.run("store.summaries.map((summary) => summary.points[0])")
    print(f"\n{path.stat().st_size / 1e6:.1f} MB; {min(shown)} points shown; opened {opened}; scrubbed {passes}")
    assert path.stat().st_size <= 25_000_000
    assert set(shown) == {POINTS}
    assert max(opened["first_frame_ms"], opened["first_paint_ms"]) < 2000
    assert min(scrubbed["framesPerSecond"] for scrubbed in passes) >= 10
    assert browser.complaints() == []
