"""What the node says of itself on /diagnostics, as plain values; the key names of processing times are Autoware's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bevseg_ros.accounting import Account
from bevseg_ros.following import FollowingState
from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS, Level
from bevseg_ros.timing import RecentTimes
from bevseg_ros.transforms import Arrivals, TransformHistory


@dataclass(frozen=True)
class Status:
    """One diagnostic_msgs/DiagnosticStatus, without the node's name."""

    name: str
    level: Level
    message: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InputState:
    """What is known of the stream of clouds.

    Attributes:
        topic: Of the clouds.
        frame: Of the last cloud.
        rate_hz: By stamps, 0 where it is not known.
        age_s: Since the last cloud arrived; None before the first.
        waiting_s: Since the last cloud, or since the node was activated.
        stalls: How often the sensor stalled.
        lost_by_stamps: Estimate of the clouds that were lost before they arrived.
        lost_by_middleware: What the middleware says that it lost.
        incompatible_qos: Publishers that cannot be connected.
    """

    topic: str
    frame: str
    rate_hz: float
    age_s: float | None
    waiting_s: float
    stalls: int
    lost_by_stamps: int
    lost_by_middleware: int
    incompatible_qos: int


def input_status(state: InputState, *, active: bool, stall_timeout_s: float, lost_before: int) -> Status:
    """Whether clouds come; `lost_before` is `lost_by_middleware` of the status before."""
    level, message = Level.OK, "clouds arrive" if active else "not active"
    if active and state.waiting_s > stall_timeout_s:
        level = CONDITIONS["sensor_stalled"].level
        message = f"no cloud on {state.topic} for {state.waiting_s:.2f} s: is the sensor running, with a QoS that fits?"
    elif state.incompatible_qos:
        level = CONDITIONS["incompatible_qos"].level
        message = f"a publisher on {state.topic} offers a QoS that a subscription for sensor data cannot take"
    elif state.lost_by_middleware > lost_before:
        level = CONDITIONS["message_lost"].level
        message = f"the middleware lost {state.lost_by_middleware - lost_before} clouds"
    return Status(
        "input",
        level,
        message,
        {
            "topic": state.topic,
            "frame_id": state.frame,
            "input_rate_hz": f"{state.rate_hz:.2f}",
            "age_s": "never" if state.age_s is None else f"{state.age_s:.3f}",
            "stalls": str(state.stalls),
            "lost_before_arrival_by_stamps": str(state.lost_by_stamps),
            "lost_before_arrival_by_middleware": str(state.lost_by_middleware),
            "incompatible_qos": str(state.incompatible_qos),
        },
    )


def accounting_status(account: Account, before: Account, *, points_clipped: int, last_error: str) -> Status:
    """What became of the clouds; the level is that of what came up since the account `before`."""
    new = account.since(before)
    levels = [DROP_REASONS[reason].level for reason in new.dropped] + [REMARKS[name].level for name in new.remarks]
    messages = [f"{count} x {name}" for name, count in {**new.dropped, **new.remarks}.items()]
    if new.superseded:
        levels.append(CONDITIONS["overload"].level)
        messages.append(f"{new.superseded} superseded: clouds come faster than they are worked on")
    if not account.is_balanced:
        levels.append(Level.ERROR)
        messages.append("the counters do not add up: a defect of the node")
    values = {
        "received": account.received,
        "published": account.published,
        "superseded": account.superseded,
        "unsubscribed": account.unsubscribed,
        **{f"dropped.{reason}": account.dropped.get(reason, 0) for reason in DROP_REASONS},
        "pending": account.pending,
        **{f"remark.{name}": account.remarks.get(name, 0) for name in REMARKS},
        "points_clipped": points_clipped,
    }
    return Status(
        "accounting",
        max(levels, default=Level.OK),
        "; ".join(messages) or "every cloud is accounted for",
        {**{name: str(value) for name, value in values.items()}, "last_error": last_error},
    )


def processing_time_status(
    times: RecentTimes, *, now_s: float, max_processing_ms: float, max_delay_ms: float
) -> Status:
    """Autoware's task of that name, with its keys."""
    last_ms = 0.0 if times.last is None else times.last.total_ms
    slow_ms = times.slow_for_ms(now_s)
    in_range, delay_in_range = last_ms <= max_processing_ms, slow_ms <= max_delay_ms
    level, message = Level.OK, "OK"
    if not delay_in_range:
        level, message = CONDITIONS["slow_for_long"].level, f"every cloud was slow for {slow_ms:.0f} ms"
    elif not in_range:
        level, message = CONDITIONS["slow"].level, f"the last cloud took {last_ms:.0f} ms"
    return Status(
        "processing_time_status",
        level,
        message,
        {
            "is_processing_time_ms_in_expected_range": str(in_range),
            "processing_time_ms": f"{last_ms:.3f}",
            "is_consecutive_processing_delay_in_range": str(delay_in_range),
            "consecutive_processing_delay_ms": f"{slow_ms:.3f}",
        },
    )


def latency_status(times: RecentTimes) -> Status:
    """p50 and p99 of each stage over the last clouds."""
    values = {}
    for name, (p50, p99) in times.percentiles().items():
        values[f"{name}.p50"], values[f"{name}.p99"] = f"{p50:.3f}", f"{p99:.3f}"
    return Status("latency", Level.OK, "milliseconds, last 200 clouds" if values else "no cloud yet", values)


def transform_status(
    base_frame: str | None, source: str, *, error: str, failing: bool, arrivals: Arrivals | None = None
) -> Status:
    """Whether the sensor's place is known.

    Args:
        base_frame: Of the results; None where they are in the frame of the clouds.
        source: Who tells the transform.
        error: Why the last cloud that had none did not, empty for none.
        failing: Whether that was the last cloud.
        arrivals: What has come on the topic of transforms, where that is the source.
    """
    values = {"base_frame": base_frame or "", "source": source if base_frame else "none", "last_error": error}
    values |= {} if arrivals is None else arrivals.values()
    if base_frame is None:
        return Status("transform", Level.OK, "none needed: results are in the frame of the clouds", values)
    if failing:
        return Status("transform", Level.ERROR, error, values)
    return Status("transform", Level.OK, "known" if not error else "known again", values)


def odometry_status(odometry: TransformHistory) -> Status:
    """Whether poses of the vehicle come; what becomes of a cloud without one, `accounting` and `tracking` say."""
    arrivals = odometry.arrivals()
    values = {"base_frame": odometry.src, "odometry_frame": odometry.base_frame, **arrivals.values()}
    if arrivals.newest_ns is not None:
        return Status("odometry", Level.OK, f"{arrivals.taken} poses have arrived", values)
    if arrivals.taken:
        return Status("odometry", Level.OK, "no pose has arrived since the clock jumped back", values)
    others = f"; {arrivals.ignored} lead elsewhere, the last from {arrivals.last_ignored}" if arrivals.ignored else ""
    message = f"no pose of '{odometry.src}' in '{odometry.base_frame}' has arrived{others}"
    return Status("odometry", Level.OK, message, values)


def outputs_status(subscribers: Mapping[str, int]) -> Status:
    """Who takes results: nothing is computed that nobody is subscribed to."""
    taken = sum(count > 0 for count in subscribers.values())
    message = f"{taken} of {len(subscribers)} topics have subscribers" if taken else "nobody is subscribed"
    return Status("outputs", Level.OK, message, {topic: str(count) for topic, count in subscribers.items()})


def tracking_status(tracking: str, state: FollowingState) -> Status:
    """Whether objects are followed, by what, and how many are remembered."""
    values = {
        "source": tracking,
        "tracks": str(state.tracks),
        "begun_anew": str(state.begun_anew),
        "last_error": state.error,
    }
    if tracking == "none":
        return Status("tracking", Level.OK, "off: objects have no track ids", values)
    if state.failing:
        return Status("tracking", REMARKS["untracked"].level, state.error, values)
    return Status("tracking", Level.OK, f"{state.tracks} objects are followed", values)


def model_status(state: str, description: str, *, errors_in_a_row: int, reloads: int, error: str) -> Status:
    """The lifecycle's state, and what the model is; `error` is why it failed last, empty where it did not."""
    values = {
        "lifecycle_state": state,
        "model": description,
        "errors_in_a_row": str(errors_in_a_row),
        "reloads": str(reloads),
        "last_error": error,
    }
    if errors_in_a_row or (error and not description):
        return Status("model", Level.ERROR, error, values)
    return Status("model", Level.OK, description or state, values)


def process_status(*, memory_mb: float, peak_memory_mb: float, same_name: int) -> Status:
    """The process itself, and whether other nodes have its name."""
    values = {
        "memory_mb": f"{memory_mb:.1f}",
        "peak_memory_mb": f"{peak_memory_mb:.1f}",
        "nodes_of_this_name": str(same_name),
    }
    if same_name > 1:
        message = f"{same_name} nodes have this name: their results mix on one topic; end or rename all but one"
        return Status("process", CONDITIONS["name_taken"].level, message, values)
    return Status("process", Level.OK, "OK", values)
