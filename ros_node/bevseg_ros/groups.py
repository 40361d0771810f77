"""Which clouds of several LiDARs belong together, by their stamps and arrivals. Knows nothing of ROS or of points.

A group is open from its first cloud until every LiDAR that is awaited has given one, or its time is up. Of several that
are open the newest that is closed wins: older ones are superseded. What comes for a group that is closed is late.

The first LiDAR that sends rules the clock: one whose stamps lie far from its is on another clock and joins nothing.
Source of the scheme: Autoware's concatenate_and_time_synchronize_node (autoware_pointcloud_preprocessor), whose groups
have a timeout and an offset and a window for each LiDAR; the ruling clock and the books are ours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Payload = TypeVar("Payload")


@dataclass(frozen=True)
class GroupLimits:
    """What belongs together.

    Attributes:
        tolerance_ns: Stamps of one group lie no farther apart.
        timeout_s: A group is closed so long after its first cloud arrived.
        apart_ns: A LiDAR whose stamps are farther from those of the ruling one is on another clock.
    """

    tolerance_ns: int
    timeout_s: float
    apart_ns: int


@dataclass(frozen=True, eq=False)
class Member(Generic[Payload]):
    """A cloud.

    Attributes:
        lidar: Its place among the LiDARs; 0 is the reference.
        stamp_ns: Of the cloud, less the offset of its LiDAR.
        arrival_s: On a clock that never jumps.
        payload: What is to be kept of it.
    """

    lidar: int
    stamp_ns: int
    arrival_s: float
    payload: Payload


@dataclass(eq=False)
class Group(Generic[Payload]):
    """Clouds that belong together, of different LiDARs."""

    members: list[Member[Payload]]

    @property
    def lidars(self) -> set[int]:
        return {member.lidar for member in self.members}

    @property
    def first_ns(self) -> int:
        """The oldest stamp."""
        return min(member.stamp_ns for member in self.members)

    @property
    def spread_ns(self) -> int:
        """From the oldest stamp to the newest."""
        return max(member.stamp_ns for member in self.members) - self.first_ns

    @property
    def opened_s(self) -> float:
        return self.members[0].arrival_s

    def in_order(self) -> list[Member[Payload]]:
        """By LiDAR, the reference first."""
        return sorted(self.members, key=lambda member: member.lidar)


@dataclass(frozen=True, eq=False)
class Step(Generic[Payload]):
    """What the arrival of a cloud, or the end of a wait, leads to.

    Attributes:
        drop: Why the cloud that came joins nothing; None where it does.
        closed: The group that is to be worked on.
        superseded: Clouds of older groups, which will not be.
    """

    drop: Literal["late_partner", "clock_apart"] | None = None
    closed: Group[Payload] | None = None
    superseded: tuple[Member[Payload], ...] = ()


@dataclass
class Grouping(Generic[Payload]):
    """The groups that are open; for one thread."""

    limits: GroupLimits
    _open: list[Group[Payload]] = field(default_factory=list, repr=False)
    _closed: Group[Payload] | None = field(default=None, repr=False)
    _last: dict[int, tuple[int, float]] = field(default_factory=dict, repr=False)
    _apart: set[int] = field(default_factory=set, repr=False)

    @property
    def apart(self) -> frozenset[int]:
        """LiDARs on another clock than the ruling one."""
        return frozenset(self._apart)

    @property
    def next_due_s(self) -> float | None:
        """When the next group's time is up; None where none is open."""
        if not self._open:
            return None
        return min(group.opened_s for group in self._open) + self.limits.timeout_s

    def take(self, member: Member[Payload], alive: Collection[int]) -> Step[Payload]:
        """A cloud has arrived.

        Args:
            member: The cloud; stamps of one LiDAR rise, but where its clock jumps.
            alive: The LiDARs that have not stalled; no others are waited for.
        """
        ruler = min([lidar for lidar in self._last if lidar in alive] + [member.lidar])
        before = self._last.get(member.lidar)
        self._last[member.lidar] = (member.stamp_ns, member.arrival_s)
        superseded: tuple[Member[Payload], ...] = ()
        if member.lidar != ruler:
            if self._is_apart(member, self._last[ruler]):
                self._apart.add(member.lidar)
                return Step(drop="clock_apart")
        elif self._begins_anew(member, before):
            superseded = tuple(self.clear())
        self._apart.discard(member.lidar)
        group = self._group_of(member)
        if group is None:
            return Step(drop="late_partner", superseded=superseded)
        if set(alive) - self._apart <= group.lidars:
            step = self._close(group)
            return Step(closed=group, superseded=(*superseded, *step.superseded))
        return Step(superseded=superseded)

    def end_waits(self, now_s: float) -> Step[Payload]:
        """Closes the newest group whose time is up, whoever is missing."""
        due = [group for group in self._open if group.opened_s + self.limits.timeout_s <= now_s]
        return self._close(max(due, key=lambda group: group.first_ns)) if due else Step()

    def clear(self) -> list[Member[Payload]]:
        """Begins anew.

        Returns:
            The clouds that waited.
        """
        waited = [member for group in self._open for member in group.members]
        self._open, self._closed = [], None
        return waited

    def _is_apart(self, member: Member[Payload], ruling: tuple[int, float]) -> bool:
        """Whether a cloud is far from the last of the ruling LiDAR, whether that has gone on since or stands still."""
        ahead_ns = member.stamp_ns - ruling[0]
        since_ns = round((member.arrival_s - ruling[1]) * 1e9)
        return min(abs(ahead_ns), abs(ahead_ns - since_ns)) > self.limits.apart_ns

    def _begins_anew(self, member: Member[Payload], before: tuple[int, float] | None) -> bool:
        """Whether the ruling clock has gone back, or another one rules: what is open is of another time."""
        known = [group.first_ns for group in [*self._open, self._closed] if group is not None]
        if before is not None:
            known.append(before[0])
        return bool(known) and max(known) - member.stamp_ns > self.limits.apart_ns

    def _group_of(self, member: Member[Payload]) -> Group[Payload] | None:
        """The group that a cloud joined or opened; None where it is late."""
        fitting = [group for group in self._open if self._fits(member, group)]
        if fitting:
            nearest = min(fitting, key=lambda group: abs(member.stamp_ns - group.first_ns))
            nearest.members.append(member)
            return nearest
        closed = self._closed
        if closed is not None and member.lidar not in closed.lidars and self._is_no_newer(member, closed):
            return None
        opened = Group([member])
        self._open.append(opened)
        return opened

    def _fits(self, member: Member[Payload], group: Group[Payload]) -> bool:
        first_ns, last_ns = group.first_ns, group.first_ns + group.spread_ns
        spread_ns = max(last_ns, member.stamp_ns) - min(first_ns, member.stamp_ns)
        return member.lidar not in group.lidars and spread_ns <= self.limits.tolerance_ns

    def _is_no_newer(self, member: Member[Payload], group: Group[Payload]) -> bool:
        return member.stamp_ns - group.first_ns <= self.limits.tolerance_ns

    def _close(self, group: Group[Payload]) -> Step[Payload]:
        older = [other for other in self._open if other.first_ns < group.first_ns]
        self._open = [other for other in self._open if other is not group and other not in older]
        self._closed = group
        return Step(closed=group, superseded=tuple(member for other in older for member in other.members))
