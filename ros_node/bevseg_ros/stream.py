"""Whether a cloud follows the one before: stamps that repeat, go back or jump, and frames that change."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StreamLimits:
    """From where on a step of the stamps is a jump of the clock.

    Attributes:
        back_s: A step back of so much and more is a bag that begins anew; a smaller one is a cloud out of order.
        forward_s: Stamps that go ahead of the time between arrivals by so much and more jumped forward.
    """

    back_s: float = 1.0
    forward_s: float = 5.0


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a cloud.

    Attributes:
        drop: The reason to drop it, one of `policies.DROP_REASONS`; None to go on with it.
        remarks: Of `policies.REMARKS`.
        restart: Whether what is known of the stream so far (gaps, transforms) says nothing any more.
    """

    drop: str | None = None
    remarks: tuple[str, ...] = ()
    restart: bool = False


@dataclass
class Stream:
    """What came before on one topic."""

    limits: StreamLimits = field(default_factory=StreamLimits)
    _stamp_ns: int | None = field(default=None, repr=False)
    _arrival_s: float = field(default=0.0, repr=False)
    _frame: str = field(default="", repr=False)

    def judge(self, stamp_ns: int, frame: str, arrival_s: float) -> Verdict:
        """Takes the next cloud as it arrives.

        Args:
            stamp_ns: Of its header.
            frame: Of its header.
            arrival_s: When it arrived, on a clock that never jumps (`time.monotonic`).
        """
        before_ns, elapsed_s = self._stamp_ns, arrival_s - self._arrival_s
        if before_ns is None:
            self._take(stamp_ns, frame, arrival_s)
            return Verdict()
        step_s = (stamp_ns - before_ns) / 1e9
        if step_s == 0:
            return Verdict(drop="duplicate_stamp")
        if -self.limits.back_s < step_s < 0:
            return Verdict(drop="out_of_order")
        remarks = []
        if step_s < 0:
            remarks.append("clock_jump_back")
        elif step_s - elapsed_s > self.limits.forward_s:
            remarks.append("clock_jump_forward")
        restart = bool(remarks) or frame != self._frame
        if frame != self._frame:
            remarks.append("frame_changed")
        self._take(stamp_ns, frame, arrival_s)
        return Verdict(remarks=tuple(remarks), restart=restart)

    def _take(self, stamp_ns: int, frame: str, arrival_s: float) -> None:
        self._stamp_ns, self._frame, self._arrival_s = stamp_ns, frame, arrival_s
