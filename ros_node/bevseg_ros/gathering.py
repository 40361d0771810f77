"""Makes jobs of the clouds of several LiDARs: closes groups in time, and the books on what does not come to work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bevseg_ros.accounting import SUPERSEDED, Ledger
from bevseg_ros.groups import Group, Grouping, GroupLimits, Member, Step
from bevseg_ros.jobs import Arrived, Job
from bevseg_ros.settings import MergeSettings
from bevseg_ros.worker import NewestWorker


@dataclass(frozen=True)
class GroupCounts:
    """How the groups were so far.

    Attributes:
        closed: How many there were.
        complete: How many of them had a cloud of every LiDAR.
        missing: How often each LiDAR had none in a group.
        apart: LiDARs whose clock is not that of the one that rules.
        last_missing: LiDARs that the last group lacks.
        last_spread_ms: From the oldest to the newest stamp of the last group, offsets taken off.
        last_wait_ms: How long the first cloud of the last group waited.
    """

    closed: int = 0
    complete: int = 0
    missing: tuple[int, ...] = ()
    apart: frozenset[int] = frozenset()
    last_missing: tuple[int, ...] = ()
    last_spread_ms: float = 0.0
    last_wait_ms: float = 0.0


class Gathering:
    """For the executor's thread; nothing here waits: whoever uses it calls `end_waits` when `next_due_s` is there.

    Attributes:
        last_opened_s: When the first cloud of the group that was closed last arrived; 0 before there was one.
    """

    def __init__(self, merge: MergeSettings, topics: Sequence[str], apart_s: float, ledger: Ledger) -> None:
        """Takes the topics of all LiDARs, the reference first, and from where on stamps are of different clocks."""
        limits = GroupLimits(round(merge.tolerance_s * 1e9), merge.timeout_s, round(apart_s * 1e9))
        self._grouping: Grouping[Arrived] = Grouping(limits)
        self._offsets_ns = [0, *(round(offset_s * 1e9) for offset_s in merge.offsets_s)]
        self._topics, self._ledger = tuple(topics), ledger
        self._closed = self._complete = 0
        self.last_opened_s = 0.0
        self._missing: Counter[int] = Counter()
        self._last = GroupCounts()

    @property
    def next_due_s(self) -> float | None:
        """When the next group's time is up, on the clock of arrivals; None where none is open."""
        return self._grouping.next_due_s

    def take(
        self, cloud: Arrived, stamp_ns: int, now_s: float, *, alive: Collection[int], worker: NewestWorker[Job]
    ) -> None:
        """A cloud has arrived; `alive` are the LiDARs that have not stalled."""
        member = Member(cloud.lidar, stamp_ns - self._offsets_ns[cloud.lidar], now_s, cloud)
        step = self._grouping.take(member, alive)
        if step.drop is not None:
            self._ledger.close(cloud.entry, step.drop)
        self._hand_over(step, now_s, worker)

    def end_waits(self, now_s: float, worker: NewestWorker[Job]) -> None:
        """Closes the groups whose time is up."""
        self._hand_over(self._grouping.end_waits(now_s), now_s, worker)

    def stop(self) -> None:
        """The node was deactivated: what waits is not worked on."""
        for member in self._grouping.clear():
            self._ledger.close(member.payload.entry, "deactivated")

    def counts(self) -> GroupCounts:
        """How the groups were so far."""
        missing = tuple(self._missing[lidar] for lidar in range(len(self._topics)))
        last = self._last
        return GroupCounts(
            self._closed,
            self._complete,
            missing,
            self._grouping.apart,
            last.last_missing,
            last.last_spread_ms,
            last.last_wait_ms,
        )

    def _hand_over(self, step: Step[Arrived], now_s: float, worker: NewestWorker[Job]) -> None:
        for member in step.superseded:
            self._ledger.close(member.payload.entry, SUPERSEDED)
        if step.closed is None:
            return
        missing = self._note(step.closed, now_s)
        first, *partners = (member.payload for member in step.closed.in_order())
        job = Job(
            first.message,
            first.entry,
            first.lidar,
            first.topic,
            tuple(partners),
            tuple(self._topics[lidar] for lidar in missing),
        )
        superseded = worker.put(job)
        for cloud in superseded.clouds if superseded is not None else ():
            self._ledger.close(cloud.entry, SUPERSEDED)

    def _note(self, group: Group[Arrived], now_s: float) -> tuple[int, ...]:
        """Counts a group; returns the LiDARs that it lacks."""
        missing = tuple(lidar for lidar in range(len(self._topics)) if lidar not in group.lidars)
        self._closed += 1
        self.last_opened_s = group.opened_s
        self._complete += not missing
        self._missing.update(missing)
        self._last = GroupCounts(
            last_missing=missing,
            last_spread_ms=group.spread_ns / 1e6,
            last_wait_ms=(now_s - group.opened_s) * 1e3,
        )
        return missing
