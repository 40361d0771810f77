"""What the node says of several LiDARs on /diagnostics: how each one's stream is, and how they come together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bevseg_ros.accounting import Account
from bevseg_ros.diagnostics import InputState, Status, input_status
from bevseg_ros.gathering import GroupCounts
from bevseg_ros.policies import DROP_REASONS, REMARKS, Level


@dataclass(frozen=True)
class LidarReport:
    """One LiDAR.

    Attributes:
        stream: Its stream.
        lost_before: `lost_by_middleware` of the status before.
        account: What became of its clouds.
        before: The same at the status before.
    """

    stream: InputState
    lost_before: int
    account: Account
    before: Account


def lidars_status(
    reports: Sequence[LidarReport], groups: GroupCounts, *, active: bool, stall_timeout_s: float
) -> Status:
    """The status `input` of several LiDARs: the worst level, and the values of each under its topic."""
    level, messages = Level.OK, []
    values: dict[str, str] = {}
    for number, report in enumerate(reports):
        lost = report.lost_before
        own = input_status(report.stream, active=active, stall_timeout_s=stall_timeout_s, lost_before=lost)
        state, own_level, message = _state(report, own, is_apart=active and number in groups.apart)
        level = max(level, own_level)
        if own_level != Level.OK:
            messages.append(message)
        values |= {f"{report.stream.topic}.{key}": value for key, value in own.values.items() if key != "topic"}
        values |= {f"{report.stream.topic}.{key}": value for key, value in _books(report.account).items()}
        values[f"{report.stream.topic}.state"] = state
    fine = f"clouds of {len(reports)} LiDARs arrive" if active else "not active"
    return Status("input", level, "; ".join(messages) or fine, values)


def merge_status(
    topics: Sequence[str], groups: GroupCounts, *, left_out: Sequence[str], new: Mapping[str, int], active: bool
) -> Status:
    """How clouds of several LiDARs come together.

    Args:
        topics: Of the LiDARs.
        groups: How their groups were.
        left_out: LiDARs that the last group lacks, and why.
        new: What has come up since the status before, by the names of drop reasons and remarks.
        active: Whether clouds are taken.
    """
    values = {
        "groups": str(groups.closed),
        "complete": str(groups.complete),
        **{f"missing.{topic}": str(count) for topic, count in zip(topics, groups.missing, strict=True)},
        "last_left_out": "; ".join(left_out),
        "last_spread_ms": f"{groups.last_spread_ms:.3f}",
        "last_wait_ms": f"{groups.last_wait_ms:.3f}",
    }
    level, message = Level.OK, "clouds of all LiDARs come together" if active else "not active"
    if new.get("required_missing"):
        level = DROP_REASONS["required_missing"].level
        message = f"no result without a LiDAR of merge.required; the last group lacks: {'; '.join(left_out)}"
    elif new.get("incomplete_group"):
        level = REMARKS["incomplete_group"].level
        lack = "; ".join(left_out) or "none: all are there again"
        message = f"{new['incomplete_group']} results lack LiDARs; the last one: {lack}"
    elif new.get("late_partner"):
        level = DROP_REASONS["late_partner"].level
        message = f"{new['late_partner']} clouds came after their group was closed: see merge.timeout_s"
    return Status("merge", level, message, values)


def _state(report: LidarReport, own: Status, *, is_apart: bool) -> tuple[str, Level, str]:
    """In a word how a LiDAR is, its level, and a sentence."""
    topic, new = report.stream.topic, report.account.since(report.before).dropped
    if own.level == Level.ERROR:
        return ("incompatible_qos" if report.stream.incompatible_qos else "stalled"), own.level, own.message
    if is_apart:
        return "clock_apart", DROP_REASONS["clock_apart"].level, f"{topic} is on another clock than the other LiDARs"
    if new:
        worst = max(new, key=lambda reason: DROP_REASONS[reason].level)
        told = ", ".join(f"{count} x {reason}" for reason, count in new.items())
        return worst, DROP_REASONS[worst].level, f"{topic}: {told}"
    if own.level != Level.OK:
        return "message_lost", own.level, f"{topic}: {own.message}"
    return ("inactive" if own.message == "not active" else "arrives"), Level.OK, own.message


def _books(account: Account) -> dict[str, str]:
    return {
        "received": str(account.received),
        "published": str(account.published),
        "superseded": str(account.superseded),
        "dropped": " ".join(f"{reason}={count}" for reason, count in account.dropped.items()),
    }
