"""What happens to a cloud: decode, segment, publish, and an entry in the books whatever happens."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels
from bevseg_ros.accounting import PUBLISHED, UNSUBSCRIBED, Ledger
from bevseg_ros.following import Following, FollowingState
from bevseg_ros.jobs import Job
from bevseg_ros.merging import Usable, left_out, merged, usable_of
from bevseg_ros.model import LoadModel, Model
from bevseg_ros.motion import Motion
from bevseg_ros.outputs import Output, Outputs
from bevseg_ros.policies import DROP_REASONS, MODEL_ERRORS_BEFORE_RELOAD, REMARKS, Level, RefusedError
from bevseg_ros.preparation import Prepared
from bevseg_ros.selection import only_classes
from bevseg_ros.settings import Settings
from bevseg_ros.timing import CloudTimes, RecentTimes
from bevseg_ros.transforms import TransformSource

_TRANSFORM_REASONS = ("no_transform", "late_transform", "future_transform")
_LOG_EVERY_S = 5.0
"""The same reason is logged no more often."""


class Log(Protocol):
    """A logger of rclpy, or of the standard library."""

    def warning(self, message: str) -> Any: ...
    def error(self, message: str) -> Any: ...


@dataclass(frozen=True)
class Tools:
    """What a processor works with.

    Attributes:
        ledger: The books.
        outputs: Where results go.
        transforms: Who knows where the sensor is; None where results stay in the frame of the clouds.
        motion: The vehicle's, where clouds are moved by it.
        load_model: Makes the model anew after repeated errors.
        report_times: Is told the times of every cloud that was published.
        now_ns: The node's clock.
        log: Where refusals are told.
        following: Follows objects, where they are followed.
        topics: Of all LiDARs, where several are merged, the reference first.
    """

    ledger: Ledger
    outputs: Outputs
    transforms: TransformSource | None
    motion: Motion | None
    load_model: LoadModel
    report_times: Callable[[CloudTimes], None]
    now_ns: Callable[[], int]
    log: Log
    following: Following | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """What diagnostics want to know of the work so far.

    Attributes:
        times: A copy that nobody changes.
        points_clipped: Of the last cloud.
        last_error: Why the last cloud that was dropped gave no result, empty for none.
        transform_error: The same of the last one without a transform.
        transform_failing: Whether that was the last cloud.
        model_error: What the model said last when it failed.
        model_errors_in_a_row: Until now.
        reloads: How often the model was loaded anew.
        following: How objects are followed.
        left_out: LiDARs that the last result, or the last group that gave none, lacks, and why.
    """

    times: RecentTimes = field(default_factory=RecentTimes)
    points_clipped: int = 0
    last_error: str = ""
    transform_error: str = ""
    transform_failing: bool = False
    model_error: str = ""
    model_errors_in_a_row: int = 0
    reloads: int = 0
    following: FollowingState = field(default_factory=FollowingState)
    left_out: tuple[str, ...] = ()


class Processor:
    """Works on one cloud at a time; `work` is for the worker's thread, the rest for any."""

    def __init__(self, settings: Settings, model: Model, tools: Tools) -> None:
        self.settings = settings
        self.model = model
        self._tools = tools
        self._lock = threading.Lock()
        self._progress = Progress()
        self._published_s: float | None = None
        self._logged_s: dict[str, float] = {}

    def work(self, job: Job) -> None:
        """Takes a cloud, and those that go with it, through all stages and closes their entries, whatever happens."""
        refused: Mapping[int, RefusedError] = {}
        dropped_for, start_s = "", time.perf_counter()
        try:
            wanted, outcome = self._tools.outputs.wanted(), UNSUBSCRIBED
            if wanted:
                usable = usable_of(job, self.settings, self._tools.transforms, self._tools.motion)
                refused, outcome = usable.refused, PUBLISHED
                self._note_left_out(left_out(job, usable))
                if usable.clouds:
                    self._publish_result(job, usable, wanted, start_s)
        except RefusedError as error:
            outcome, dropped_for = error.reason, str(error)
        except Exception as error:
            outcome, dropped_for = "internal_error", f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        self._close(job, outcome, refused)
        if dropped_for:
            self._dropped(outcome, dropped_for)

    def take_settings(self, settings: Settings) -> None:
        """Uses other settings from the next cloud on."""
        self.model.set_min_score(settings.live.min_score)
        self.settings = settings

    def begin(self) -> None:
        """The node becomes active: what was seen before is another drive. Not while a cloud is in work."""
        if self._tools.following is not None:
            self._tools.following.begin_anew()

    def progress(self) -> Progress:
        """How it stands."""
        with self._lock:
            return replace(self._progress, times=self._progress.times.copy())

    def _publish_result(self, job: Job, usable: Usable, wanted: list[Output], start_s: float) -> None:
        settings = self.settings
        prepared = merged(usable, settings, self._tools.motion, self._tools.topics)
        marks = [start_s, time.perf_counter()]
        scene = self._segmented(prepared)
        marks.append(time.perf_counter())
        waited_s = time.perf_counter() - marks[0]
        scene, tracks = self._followed(scene, usable.stamp_ns, max(0.0, settings.transform_timeout_s - waited_s))
        self._publish(wanted, only_classes(scene, settings.live.classes), prepared, usable.stamp_ns, tracks)
        marks.append(time.perf_counter())
        self._published(usable.stamp_ns, prepared, [(end - start) * 1e3 for start, end in pairwise(marks)])
        if left_out(job, usable):
            self._tools.ledger.remark("incomplete_group")

    def _close(self, job: Job, outcome: str, refused: Mapping[int, RefusedError]) -> None:
        """Those that were refused by themselves keep their own reason."""
        for cloud in job.clouds:
            error = refused.get(cloud.lidar)
            self._tools.ledger.close(cloud.entry, outcome if error is None else error.reason)
            if error is not None:
                told = f"{cloud.topic}: {error}" if self.settings.merge is not None else str(error)
                self._dropped(error.reason, told)

    def _note_left_out(self, lidars: tuple[str, ...]) -> None:
        with self._lock:
            self._progress = replace(self._progress, left_out=lidars)

    def _segmented(self, prepared: Prepared) -> Scene:
        try:
            scene = self.model.segment(prepared.cloud)
        except Exception as error:  # whatever a model may raise, the node goes on
            raise RefusedError("model_error", self._model_failed(error)) from error
        with self._lock:
            self._progress = replace(self._progress, model_errors_in_a_row=0)
        return scene

    def _model_failed(self, error: Exception) -> str:
        """Counts the error and mends what can be mended; returns what is to be said of it."""
        text = f"the model raised {type(error).__name__}: {error}"
        with self._lock:
            in_a_row = self._progress.model_errors_in_a_row + 1
            self._progress = replace(self._progress, model_error=text, model_errors_in_a_row=in_a_row)
        if in_a_row % MODEL_ERRORS_BEFORE_RELOAD:
            return text
        try:
            self.model = self._tools.load_model(self.settings)
        except Exception as again:  # the old model stays, and the next cloud is tried
            return f"{text}; loading it anew failed: {again}"
        with self._lock:
            self._progress = replace(self._progress, reloads=self._progress.reloads + 1)
        return f"{text}; it was loaded anew after {in_a_row} errors in a row"

    def _followed(self, scene: Scene, stamp_ns: int, timeout_s: float) -> tuple[Scene, TrackLabels | None]:
        """The scene with its tracks; objects are worth more without ids than none at all."""
        following, tracks, error = self._tools.following, None, ""
        if following is None:
            return scene, None
        try:
            scene, tracks = following.follow(scene, stamp_ns, timeout_s)
        except RefusedError as refused:
            error = str(refused)
            self._tools.ledger.remark("untracked")
            self._log("untracked", f"published without track ids: {error}", REMARKS["untracked"].level)
        with self._lock:
            last_error = error or self._progress.following.error
            state = following.state(error=last_error, failing=bool(error))
            self._progress = replace(self._progress, following=state)
        return scene, tracks

    def _publish(
        self, wanted: list[Output], scene: Scene, prepared: Prepared, stamp_ns: int, tracks: TrackLabels | None
    ) -> None:
        """Results carry the stamp of the message and the frame of the cloud that was segmented."""
        header = HeaderFields(TimeFields.from_ns(stamp_ns), prepared.cloud.frame)
        self._tools.outputs.publish(wanted, scene, prepared.cloud, header, tracks)

    def _published(self, stamp_ns: int, prepared: Prepared, stages_ms: list[float]) -> None:
        now_s, latency_ms = time.monotonic(), (self._tools.now_ns() - stamp_ns) / 1e6
        cyclic_ms = None if self._published_s is None else (now_s - self._published_s) * 1e3
        self._published_s = now_s
        preprocess_ms, inference_ms, postprocess_ms = stages_ms
        times = CloudTimes(preprocess_ms, inference_ms, postprocess_ms, latency_ms, cyclic_ms)
        if prepared.remark is not None:
            self._tools.ledger.remark(prepared.remark)
        with self._lock:
            self._progress.times.add(times, now_s=now_s, max_processing_ms=self.settings.live.max_processing_ms)
            self._progress = replace(self._progress, points_clipped=prepared.clipped, transform_failing=False)
        self._tools.report_times(times)

    def _dropped(self, reason: str, text: str) -> None:
        failing = reason in _TRANSFORM_REASONS
        with self._lock:
            self._progress = replace(
                self._progress,
                last_error=f"{reason}: {text}",
                transform_failing=failing,
                transform_error=f"{reason}: {text}" if failing else self._progress.transform_error,
            )
        self._log(reason, f"cloud dropped ({reason}): {text}", DROP_REASONS[reason].level)

    def _log(self, reason: str, text: str, level: Level) -> None:
        now_s = time.monotonic()
        if now_s - self._logged_s.get(reason, -_LOG_EVERY_S) < _LOG_EVERY_S:
            return
        self._logged_s[reason] = now_s
        # Two lines, as rclpy's logger allows a line one severity for ever.
        if level == Level.ERROR:
            self._tools.log.error(text)
        else:
            self._tools.log.warning(text)
