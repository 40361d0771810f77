"""An account of every cloud that was received: published, superseded, unsubscribed, or dropped with a named reason."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from bevseg_ros.policies import DROP_REASONS, REMARKS

PUBLISHED, SUPERSEDED, UNSUBSCRIBED = "published", "superseded", "unsubscribed"

_GAPS_KEPT = 20
_GAPS_NEEDED = 5
_LOSS_FROM = 1.5
"""A gap of so many usual ones is taken for a loss."""


class AccountingError(RuntimeError):
    """A cloud was closed twice, or for a reason that is no policy."""


@dataclass(frozen=True)
class Account:
    """The counters at one moment.

    Attributes:
        received: Clouds that reached the node.
        published: Gave a result.
        superseded: A newer one came before their turn.
        unsubscribed: Nobody was subscribed to any result when their turn came.
        dropped: By reason, one of `DROP_REASONS`; reasons that never came up are left out.
        pending: Waiting or in work.
        remarks: How often each of `REMARKS` came up.
    """

    received: int
    published: int
    superseded: int
    unsubscribed: int
    dropped: Mapping[str, int]
    pending: int
    remarks: Mapping[str, int]

    @property
    def is_balanced(self) -> bool:
        """Whether every cloud is accounted for."""
        closed = self.published + self.superseded + self.unsubscribed + sum(self.dropped.values())
        return self.received == closed + self.pending

    def since(self, before: Account) -> Account:
        """What has come up since an earlier account."""
        return Account(
            received=self.received - before.received,
            published=self.published - before.published,
            superseded=self.superseded - before.superseded,
            unsubscribed=self.unsubscribed - before.unsubscribed,
            dropped=_grown(self.dropped, before.dropped),
            pending=self.pending - before.pending,
            remarks=_grown(self.remarks, before.remarks),
        )

    def as_text(self) -> str:
        """One line for the log; `parsed` reads it back."""
        counts = {
            "received": self.received,
            "published": self.published,
            "superseded": self.superseded,
            "unsubscribed": self.unsubscribed,
            **{f"dropped.{reason}": count for reason, count in self.dropped.items()},
            "pending": self.pending,
            **{f"remark.{remark}": count for remark, count in self.remarks.items()},
        }
        return " ".join(f"{name}={count}" for name, count in counts.items())

    @classmethod
    def parsed(cls, text: str) -> Account:
        """Reads `as_text` back; words without an equals sign are passed over."""
        pairs = [word.partition("=") for word in text.split() if "=" in word]
        counts = {name: int(count) for name, _, count in pairs}
        return cls(
            **{name: counts[name] for name in ("received", "published", "superseded", "unsubscribed", "pending")},
            dropped=_below("dropped.", counts),
            remarks=_below("remark.", counts),
        )


@dataclass
class Entry:
    """One cloud in the books; made by `Ledger.open`, closed once.

    Attributes:
        source: Whose cloud it is, where there are several LiDARs.
        outcome: What became of it, None while it is pending.
    """

    source: str = ""
    outcome: str | None = None


@dataclass
class Ledger:
    """Counts clouds, from any thread; at any moment the counters add up."""

    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _received: Counter[str] = field(default_factory=Counter)
    _outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _remarks: Counter[str] = field(default_factory=Counter)

    def open(self, source: str = "") -> Entry:
        """A cloud has arrived from a source, which is named where there are several."""
        with self._lock:
            self._received[source] += 1
        return Entry(source)

    def close(self, entry: Entry, outcome: str) -> None:
        """Says what became of a cloud.

        Args:
            entry: Of the cloud.
            outcome: `PUBLISHED`, `SUPERSEDED`, `UNSUBSCRIBED`, or one of `DROP_REASONS`.

        Raises:
            AccountingError: It is closed already, or there is no such outcome.
        """
        if outcome not in (PUBLISHED, SUPERSEDED, UNSUBSCRIBED) and outcome not in DROP_REASONS:
            raise AccountingError(f"no outcome is called '{outcome}'")
        with self._lock:
            if entry.outcome is not None:
                raise AccountingError(f"a cloud that was closed as '{entry.outcome}' cannot become '{outcome}'")
            entry.outcome = outcome
            self._outcomes[entry.source, outcome] += 1

    def remark(self, name: str) -> None:
        """Counts one of `REMARKS`.

        Raises:
            AccountingError: There is no such remark.
        """
        if name not in REMARKS:
            raise AccountingError(f"no remark is called '{name}'")
        with self._lock:
            self._remarks[name] += 1

    def account(self) -> Account:
        """All counters, taken at one moment."""
        with self._lock:
            outcomes: Counter[str] = Counter()
            for (_, outcome), count in self._outcomes.items():
                outcomes[outcome] += count
            remarks = {name: self._remarks[name] for name in REMARKS if self._remarks[name]}
            return _account(self._received.total(), outcomes, remarks)

    def account_of(self, source: str) -> Account:
        """The counters of one source; remarks are counted for all together."""
        with self._lock:
            outcomes = Counter({outcome: n for (whose, outcome), n in self._outcomes.items() if whose == source})
            return _account(self._received[source], outcomes, {})


@dataclass
class LossEstimate:
    """How many clouds were lost before they arrived, judged by gaps between stamps.

    A gap of 1.5 usual ones (the median of the last twenty) and more holds the clouds that would fill it. This is an
    estimate: a sensor that pauses looks the same.

    Attributes:
        lost: Clouds that seem to be missing so far.
    """

    lost: int = 0
    _gaps_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_GAPS_KEPT), repr=False)
    _stamp_ns: int | None = field(default=None, repr=False)

    def arrived(self, stamp_ns: int) -> None:
        """The next cloud of the stream, in the order of stamps; others are passed over."""
        gap_ns = 0 if self._stamp_ns is None else stamp_ns - self._stamp_ns
        if gap_ns < 0:
            return
        self._stamp_ns = stamp_ns
        if not gap_ns:
            return
        usual_ns = median(self._gaps_ns) if len(self._gaps_ns) >= _GAPS_NEEDED else 0
        if usual_ns and gap_ns >= _LOSS_FROM * usual_ns:
            self.lost += round(gap_ns / usual_ns) - 1
        self._gaps_ns.append(gap_ns)

    def restart(self) -> None:
        """Another stream begins: what came before says nothing about it."""
        self._gaps_ns.clear()
        self._stamp_ns = None

    @property
    def rate_hz(self) -> float:
        """Clouds a second by their stamps, 0 before there are enough."""
        return 1e9 / median(self._gaps_ns) if self._gaps_ns else 0.0


def _account(received: int, outcomes: Counter[str], remarks: Mapping[str, int]) -> Account:
    return Account(
        received=received,
        published=outcomes[PUBLISHED],
        superseded=outcomes[SUPERSEDED],
        unsubscribed=outcomes[UNSUBSCRIBED],
        dropped={reason: outcomes[reason] for reason in DROP_REASONS if outcomes[reason]},
        pending=received - outcomes.total(),
        remarks=remarks,
    )


def _grown(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Counters that grew, with how much."""
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def _below(prefix: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}
