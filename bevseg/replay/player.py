"""Playing: which frame is shown when. A pure state machine, which any window, page or export can drive.

Every action gives a new state. A view asks for `frame` and tells how much time has passed (`advanced`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Playback:
    """Where a replay stands.

    Attributes:
        total: Frames of the recording, 1 or more; grows where a folder is followed.
        frame: The one that is shown, from 0.
        playing: Whether time moves.
        loop: Whether the first frame follows the last.
        speed: Of the playing: 1 is as it was recorded.
        period_s: Time between two frames as recorded, seconds.
        waited_s: How long the frame has been shown, in the recording's time.
    """

    total: int
    frame: int = 0
    playing: bool = False
    loop: bool = False
    speed: float = 1.0
    period_s: float = 0.1
    waited_s: float = 0.0

    def __post_init__(self) -> None:
        if self.total < 1 or not 0 <= self.frame < self.total:
            raise ValueError(f"expected a frame in 0..{self.total - 1} of 1 or more, got {self.frame} of {self.total}")
        if not self.speed > 0 or not self.period_s > 0:
            raise ValueError(f"speed and period_s must be above 0, got {self.speed} and {self.period_s}")

    @property
    def at_end(self) -> bool:
        """Whether nothing comes after the frame."""
        return not self.loop and self.frame == self.total - 1

    def played(self) -> Playback:
        """Time moves on; from the end it begins anew."""
        start = 0 if self.at_end else self.frame
        return replace(self, playing=True, frame=start, waited_s=0.0)

    def paused(self) -> Playback:
        """Time stands still."""
        return replace(self, playing=False, waited_s=0.0)

    def toggled(self) -> Playback:
        """Play where it stood still, pause where it played."""
        return self.paused() if self.playing else self.played()

    def stepped(self, frames: int = 1) -> Playback:
        """So many frames on (back where negative), standing still; over the ends where it loops."""
        target = self.frame + frames
        target = target % self.total if self.loop else min(max(target, 0), self.total - 1)
        return replace(self.paused(), frame=target)

    def sought(self, frame: int) -> Playback:
        """At a frame; negative ones count from the end. Playing goes on.

        Raises:
            IndexError: There is no such frame.
        """
        if not -self.total <= frame < self.total:
            raise IndexError(f"there is no frame {frame}: the recording has {self.total}, from 0 to {self.total - 1}")
        return replace(self, frame=frame % self.total, waited_s=0.0)

    def looped(self, loop: bool) -> Playback:
        """With or without a beginning after the end."""
        return replace(self, loop=loop)

    def at_speed(self, speed: float) -> Playback:
        """At another speed."""
        return replace(self, speed=speed)

    def faster(self, steps: int = 1) -> Playback:
        """The next of `SPEEDS`, or one before where negative."""
        nearest = min(range(len(SPEEDS)), key=lambda k: abs(SPEEDS[k] - self.speed))
        return self.at_speed(SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)])

    def paced(self, period_s: float) -> Playback:
        """With another time to the next frame, by the stamps of a recording whose frames do not come evenly."""
        return replace(self, period_s=period_s)

    def grown(self, total: int) -> Playback:
        """With the frames that have come meanwhile."""
        return replace(self, total=max(total, self.total))

    def advanced(self, elapsed_s: float) -> Playback:
        """After some time of the clock; frames that the clock passed over are left out."""
        if not self.playing or elapsed_s <= 0:
            return self
        waited_s = self.waited_s + elapsed_s * self.speed
        passed = int(waited_s / self.period_s + 1e-9)
        if not passed:
            return replace(self, waited_s=waited_s)
        target = self.frame + passed
        if not self.loop and target >= self.total - 1:
            return replace(self.paused(), frame=self.total - 1)
        return replace(self, frame=target % self.total, waited_s=max(waited_s - passed * self.period_s, 0.0))

    def upcoming(self, count: int) -> tuple[int, ...]:
        """The frames that playing shows next, to be read ahead."""
        stride = max(1, round(self.speed)) if self.playing else 1
        places = (self.frame + stride * k for k in range(1, count + 1))
        if self.loop:
            return tuple(dict.fromkeys(place % self.total for place in places))
        return tuple(place for place in places if place < self.total)


def frame_at_time(time_s: float, total: int, time_of: Callable[[int], float]) -> int:
    """The last frame that is not later than a time; the first where all are.

    Args:
        time_s: Since the first frame, seconds.
        total: Frames of the recording.
        time_of: Time of a frame; asked for a few of them alone, as times grow.

    Raises:
        LookupError: It is later than the last frame, by more than the time between two.
    """
    last_s = time_of(total - 1)
    if time_s > last_s + (last_s - time_of(0)) / max(total - 1, 1):
        raise LookupError(f"there is no frame at {time_s:g} s, the last is at {last_s:.1f} s")
    low, high = 0, total - 1
    while low < high:
        middle = (low + high + 1) // 2
        if time_of(middle) <= time_s:
            low = middle
        else:
            high = middle - 1
    return low


def frame_of_token(token: str, names: Iterator[str]) -> int:
    """The frame of that name, or the only one whose name begins so.

    Raises:
        LookupError: There is none, or there are several.
    """
    begun: list[int] = []
    for index, name in enumerate(names):
        if name == token:
            return index
        if name.startswith(token):
            begun.append(index)
    if len(begun) == 1:
        return begun[0]
    what = f"{len(begun)} frames begin with '{token}'" if begun else f"no frame is named '{token}'"
    raise LookupError(f"{what}; give its whole name, or its place from 0")
