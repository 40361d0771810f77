"""What goes from the input to the worker: a cloud, and those of other LiDARs that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

from bevseg.messages.input_types import PointCloud2
from bevseg_ros.accounting import Entry


@dataclass(frozen=True, eq=False)
class Arrived:
    """A cloud of one LiDAR, and its entry in the books.

    Attributes:
        message: As it came.
        entry: Its own.
        lidar: Its LiDAR's place among several; 0 is the reference.
        topic: That it came on.
    """

    message: PointCloud2
    entry: Entry
    lidar: int = 0
    topic: str = ""


@dataclass(frozen=True, eq=False)
class Job(Arrived):
    """A cloud on its way, with those that are merged with it.

    Attributes:
        partners: Of other LiDARs, in their order, all after this one.
        missing: Topics of the LiDARs of which no cloud came in time.
    """

    partners: tuple[Arrived, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def clouds(self) -> tuple[Arrived, ...]:
        """All of them, the first first."""
        return (self, *self.partners)
