"""Evaluations of a street with known failures; and a headless Chromium.

Chromium is driven over its own debugging pipe: no driver, no port, no network.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.frame_scores import SIMULATED, Scores, Segmentation, score_frame
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.evaluation.run import EvaluatedSource, Method
from bevseg.evaluation.summary import SourceScores, Summary
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.scene import PointLabels

_PATIENCE_S = 60.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class BrowserError(Exception):
    """The browser did not do what it was told."""


@dataclass(eq=False)
class Browser:
    """One tab. What it logs and asks of the network since `open` is kept.

    The pipe carries one JSON message after the other, each ended by a zero byte (Chrome DevTools Protocol).
    """

    commands: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _received: bytes = b""
    _last_id: int = 0

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Gives one command and waits for its answer; events that come meanwhile are kept."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._last_id:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def open(self, path: Path) -> None:
        """Loads a file in a new tab and waits until it is there."""
        self.session = ""
        tab = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + _PATIENCE_S
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            if time.monotonic() > deadline:
                raise BrowserError(f"{path} did not load within {_PATIENCE_S:g} s")
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Errors and warnings of the page: exceptions, the console, and what the browser itself says of it."""
        self.run("0")  # what was logged before is here when this has been answered
        said = []
        for event in self.events:
            params = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    said.append(str(params["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                    said.append(str(params["args"]))
                case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                    said.append(str(params["entry"]))
        return said

    def requests(self) -> list[str]:
        """All that was asked for, the page itself and what lies in it (`data:`) apart."""
        urls = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in urls[1:] if not url.startswith("data:")]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            if not select.select([self.answers], [], [], _PATIENCE_S)[0]:
                raise BrowserError(f"no answer within {_PATIENCE_S:g} s")
            chunk = os.read(self.answers, 1 << 20)
            if not chunk:
                raise BrowserError("the browser has ended")
            self._received += chunk
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))


@dataclass(frozen=True)
class Street:
    """Scans of a road with three cars and a pedestrian, each with points on it."""

    name: str
    frames: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        return street_sample(self.frames[index])


BOXES = np.array(
    [
        [12.0, 3.0, 0.0, 4.6, 1.9, 1.6, 0.3],
        [20.0, -4.0, 0.0, 4.6, 1.9, 1.6, 0.0],
        [-9.0, 6.0, 0.0, 4.6, 1.9, 1.6, 1.0],
        [8.0, -3.0, 0.0, 0.8, 0.8, 1.7, 0.0],
    ],
    np.float32,
)
LABELS = np.array([SemanticClass.CAR, SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN], np.uint8)


def street_sample(name: str) -> Sample:
    """Forty points in each box."""
    inside = np.random.default_rng(0).uniform(-0.3, 0.3, (len(BOXES), 40, 3))
    cloud = PointCloud.from_xyz((BOXES[:, None, :3] + inside).reshape(-1, 3).astype(np.float32))
    truth = Annotations.from_boxes(cloud, BOXES, LABELS, point_semantic=np.repeat(LABELS, 40))
    poses = (Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego"))
    return Sample(name, cloud, truth, *poses)


def street_result(sample: Sample) -> Segmentation:
    """One car right, one shifted, the truck called a car, the pedestrian missed, and a car where there is none."""
    boxes = BOXES[[0, 1, 2, 3]] + np.array([[0.0] * 7, [0, 1.2, 0, 0, 0, 0, 0], [0.0] * 7, [-20.0, 9, 0, 3.8, 1, 0, 0]])
    found = Instances.from_detections(
        label=np.full(4, SemanticClass.CAR, np.uint8),
        score=np.array([0.95, 0.85, 0.75, 0.65], np.float32),
        boxes=boxes.astype(np.float32),
        velocity_mps=np.zeros((4, 2), np.float32),
        amodal=footprint_masks(boxes.astype(np.float32), EVALUATION_GRID),
    )
    semantic = np.full(len(sample.cloud), SemanticClass.CAR, np.uint8)
    points = PointLabels(semantic, np.zeros(len(semantic), np.int32))
    return Segmentation(found, points, timings_ms={"network": 40.0, "total": 50.0})


def street_method() -> Method:
    """Says `street_result` of every frame but those called missing."""
    return lambda source, sample: None if "missing" in sample.name else street_result(sample)


@dataclass(frozen=True)
class Scored:
    """An evaluation that is done."""

    sources: tuple[EvaluatedSource, ...]
    method: Callable[[], Method]
    summary: Summary


def _score(frames: Mapping[str, Sequence[str]]) -> Scored:
    sources = tuple(
        EvaluatedSource(name, partial(Street, name, tuple(each)), SIMULATED) for name, each in frames.items()
    )
    method = street_method()
    parts = []
    for source in sources:
        counted = Scores.zero()
        opened = source.open()
        for sample in (opened[index] for index in range(len(opened))):
            result = method(source.name, sample)
            counted += score_frame(result, sample, source.scoring, name=f"{source.name}/{sample.name}")
        parts.append(SourceScores(source.name, source.scoring, counted))
    return Scored(sources, street_method, Summary(tuple(parts)))


@pytest.fixture(scope="session")
def score_streets() -> Callable[[Mapping[str, Sequence[str]]], Scored]:
    """Scores streets: names of the frames of each source. Frames called missing have no result."""
    return _score


@pytest.fixture(scope="session")
def browser(chromium_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, started once; only tests marked `browser` may ask for it."""
    profile = tmp_path_factory.mktemp("chromium")
    to_child, commands = os.pipe()
    answers, from_child = os.pipe()
    # Chromium reads commands from 3 and answers to 4; a shell puts the pipes there
    shell = f'exec "$@" 3<&{to_child} 4>&{from_child}'
    process = subprocess.Popen(
        ["bash", "-c", shell, "chromium", chromium_program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(to_child, from_child),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    os.close(to_child)
    os.close(from_child)
    chromium = Browser(commands, answers)
    try:
        yield chromium
        chromium.session = ""
        chromium.send("Browser.close")
    finally:
        os.close(commands)
        os.close(answers)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
