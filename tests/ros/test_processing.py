"""What becomes of a cloud, with outputs that keep what is published in place of topics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.outputs import OutputSpec
from bevseg.messages.point_records import cloud_of_records
from bevseg.points.cloud import PointCloud
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg_ros.accounting import Account, Ledger
from bevseg_ros.following import Following, StandingFrame
from bevseg_ros.jobs import Arrived, Job
from bevseg_ros.model import Model
from bevseg_ros.outputs import Output, Outputs, found_packages
from bevseg_ros.parameters import PARAMETERS, Value
from bevseg_ros.policies import RefusedError
from bevseg_ros.processing import Processor, Tools
from bevseg_ros.settings import Settings, settings_from
from bevseg_ros.timing import CloudTimes

GRID = BevGrid(0.0, -4.0, 0.5, 8, 16)
SETTINGS = settings_from({spec.name: spec.default for spec in PARAMETERS})


@dataclass
class NoObjects:
    """A model that finds nothing, or fails."""

    failures: int = 0
    grid: BevGrid = GRID
    description: str = "finds nothing"
    min_scores: list[Any] = field(default_factory=list)

    def segment(self, cloud: PointCloud) -> Scene:
        if self.failures:
            self.failures -= 1
            raise FloatingPointError("not today")
        labels = PointLabels(np.zeros(len(cloud), np.uint8), np.zeros(len(cloud), np.int32))
        visibility = VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8))
        return Scene(cloud.stamp_ns, cloud.frame, Instances.empty(GRID), OcclusionGraph.empty(), visibility, labels)

    def set_min_score(self, min_score: Any) -> None:
        self.min_scores.append(min_score)


@dataclass
class Kept:
    """A publisher that keeps what it is given."""

    subscribers: int = 1
    messages: list[Any] = field(default_factory=list)

    def publish(self, message: Any) -> None:
        self.messages.append(message)

    def get_subscription_count(self) -> int:
        return self.subscribers


class Plain:
    """The log of a test."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, message: str) -> None:
        self.lines.append(f"warning: {message}")

    def error(self, message: str) -> None:
        self.lines.append(f"error: {message}")


class PatientPlaces(StandingFrame):
    """Knows a place or does not, and how long it may be waited for."""

    def __init__(self) -> None:
        self.are_known = True
        self.timeouts_s: list[float] = []

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        self.timeouts_s.append(timeout_s)
        if not self.are_known:
            raise RefusedError("late_odometry", "nobody knows")
        return super().T_base_from_sensor(frame, stamp_ns, timeout_s)


@dataclass
class Bench:
    """A processor with all that it needs."""

    processor: Processor
    ledger: Ledger
    kept: Kept
    outputs: Outputs
    log: Plain
    times: list[CloudTimes]
    loaded: list[Model]

    def work(self) -> Account:
        records = np.ones(20, np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")]))
        message = cloud_of_records(records, HeaderFields(TimeFields(7, 5), "roof"), is_dense=True)
        self.processor.work(Job(message, self.ledger.open()))
        account = self.ledger.account()
        assert account.is_balanced
        return account


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("bevseg_ros.outputs.make_message", lambda fields: fields)
    kept, log, ledger = Kept(), Plain(), Ledger()
    spec = OutputSpec("headers", "std_msgs/msg/Header", lambda scene, cloud, header, tracks=None: header)
    outputs = Outputs([Output(spec, kept)])
    times: list[CloudTimes] = []
    loaded: list[Model] = []

    def load(settings: Settings) -> Model:
        loaded.append(NoObjects())
        return loaded[-1]

    tools = Tools(ledger, outputs, None, None, load, times.append, lambda: 8_000_000_005, log)
    return Bench(Processor(SETTINGS, NoObjects(), tools), ledger, kept, outputs, log, times, loaded)


def test_a_result_carries_the_stamp_and_frame_of_its_cloud(bench: Bench) -> None:
    assert bench.work().published == 1
    assert bench.kept.messages == [HeaderFields(TimeFields(7, 5), "roof")]
    assert bench.times[0].pipeline_latency_ms == pytest.approx(1000)
    assert bench.times[0].cyclic_ms is None
    bench.work()
    assert bench.times[1].cyclic_ms is not None
    assert bench.processor.progress().times.last == bench.times[1]


def test_all_clouds_of_a_group_share_its_fate(bench: Bench) -> None:
    bench.processor.model = NoObjects(failures=1)
    records = np.ones(20, np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")]))
    message = cloud_of_records(records, HeaderFields(TimeFields(7, 5), "roof"), is_dense=True)
    merging: dict[str, Value] = {
        "merge.topics": ("/left",),
        "merge.frames": ("left",),
        "base_frame": "roof",
        "mount.frame": "roof",
    }
    bench.processor.settings = settings_from({**{spec.name: spec.default for spec in PARAMETERS}, **merging})
    for _ in range(2):
        partner = Arrived(message, bench.ledger.open("/left"), 1, "/left")
        bench.processor.work(Job(message, bench.ledger.open("/top"), 0, "/top", (partner,)))
    broken = Arrived(replace(message, fields=()), bench.ledger.open("/left"), 1, "/left")
    bench.processor.work(Job(message, bench.ledger.open("/top"), 0, "/top", (broken,)))
    account = bench.ledger.account()
    assert (account.published, dict(account.dropped)) == (3, {"model_error": 2, "missing_field": 1})
    assert (account.pending, dict(account.remarks)) == (0, {"incomplete_group": 1})
    assert bench.processor.progress().left_out == ("/left (missing_field)",)
    assert bench.processor.progress().last_error.startswith("missing_field: /left: ")


def test_nothing_is_done_for_nobody(bench: Bench) -> None:
    bench.kept.subscribers = 0
    assert bench.work().unsubscribed == 1
    assert bench.times == []


def test_the_model_is_loaded_anew_after_three_errors_in_a_row(bench: Bench) -> None:
    bench.processor.model = NoObjects(failures=2)
    bench.work()
    bench.work()
    assert bench.processor.progress().model_errors_in_a_row == 2
    bench.work()
    assert bench.processor.progress().model_errors_in_a_row == 0
    bench.processor.model = NoObjects(failures=5)
    for _ in range(3):
        account = bench.work()
    assert dict(account.dropped) == {"model_error": 5}
    progress = bench.processor.progress()
    assert (progress.reloads, len(bench.loaded)) == (1, 1)
    assert bench.processor.model is bench.loaded[0]
    assert bench.work().published == 2
    assert [line for line in bench.log.lines if "FloatingPointError: not today" in line]
    assert len(bench.log.lines) == 1


def test_a_model_that_cannot_be_loaded_anew_stays(bench: Bench) -> None:
    def fail(settings: Settings) -> Model:
        raise OSError("the disk is gone")

    tools = replace(bench.processor._tools, load_model=fail)
    bench.processor = processor = Processor(SETTINGS, NoObjects(failures=3), tools)
    for _ in range(3):
        bench.work()
    assert "loading it anew failed: the disk is gone" in processor.progress().last_error
    assert processor.progress().reloads == 0
    assert bench.work().published == 1


def test_a_cloud_that_ends_after_the_node_was_deactivated(bench: Bench) -> None:
    bench.outputs.enabled = False
    assert dict(bench.work().dropped) == {"deactivated": 1}
    assert bench.kept.messages == []


def test_a_defect_is_told_and_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bevseg_ros.processing.only_classes", lambda scene, classes: scene.nothing)
    assert dict(bench.work().dropped) == {"internal_error": 1}
    assert "Traceback" in bench.log.lines[0]


def test_objects_are_published_with_their_tracks_or_without(bench: Bench) -> None:
    given: list[Any] = []
    spec = OutputSpec("tracks", "std_msgs/msg/Header", lambda scene, cloud, header, tracks=None: given.append(tracks))
    places = PatientPlaces()
    tools = replace(bench.processor._tools, outputs=Outputs([Output(spec, bench.kept)]), following=Following(places))
    bench.processor = processor = Processor(SETTINGS, NoObjects(), tools)
    bench.work()
    assert len(given[0].track) == 0
    assert 0 < places.timeouts_s[0] < SETTINGS.transform_timeout_s
    assert processor.progress().following.error == ""
    places.are_known = False
    account = bench.work()
    assert (account.published, account.remarks["untracked"], given[1]) == (2, 1, None)
    assert bench.log.lines == ["warning: published without track ids: nobody knows"]
    assert processor.progress().following.failing
    places.are_known = True
    bench.work()
    following = processor.progress().following
    assert (following.failing, following.error) == (False, "nobody knows")
    processor.begin()
    bench.work()
    assert processor.progress().following.begun_anew == 1


def test_settings_reach_the_model(bench: Bench) -> None:
    bench.processor.take_settings(SETTINGS)
    model = bench.processor.model
    assert isinstance(model, NoObjects)
    assert model.min_scores == [(None,) * 4]


def test_found_packages_are_those_with_code() -> None:
    found = found_packages()
    assert set(found) >= {"bevseg_msgs", "vision_msgs", "autoware_perception_msgs", "sensor_msgs", "tf2_ros"}
    assert not found["bevseg_msgs"]  # definitions alone, until colcon has built them
