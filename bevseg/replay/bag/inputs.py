"""The messages of a bag that go through to another one, and which of them are the scans that have results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bevseg.datasets.bag import POINTS_TYPE, BagSource
from bevseg.datasets.bag_messages import open_bag
from bevseg.datasets.labels import DatasetError
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.pointcloud2 import stamp_of
from bevseg.replay.bag.messages import NODE, TF_STATIC_TOPIC, TYPE_OF_TOPIC

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.typesys.store import Typestore


@dataclass(frozen=True, eq=False)
class InputMessage:
    """A message of the input.

    Attributes:
        connection: Its topic and type.
        time_ns: When it was recorded.
        data: As it lies in the bag.
        scan: Its place among the scans; None where it is none of them.
    """

    connection: Connection
    time_ns: int
    data: bytes
    scan: int | None = None


class BagInputs:
    """All messages of a bag between two of its scans.

    Args:
        source: The scans of the bag.
        scans: Places of those that have results, ascending: the bag is cut where these begin and end; all of it is
            taken where the first and the last scan are among them.

    Raises:
        DatasetError: The bag holds results already, or a topic whose definition is not known.
    """

    def __init__(self, source: BagSource, scans: Sequence[int]) -> None:
        self._source = source
        self._first, self._last = scans[0], scans[-1]
        self._reader = open_bag(source.path)
        try:
            self._check()
        except DatasetError:
            self.close()
            raise

    def close(self) -> None:
        """Closes the files of the bag."""
        self._reader.close()

    def messages(self) -> Iterator[InputMessage]:
        """In the order of their times."""
        times = self._source.times_ns
        start = None if self._first == 0 else int(times[self._first])
        stop = None if self._last == len(times) - 1 else int(times[self._last]) + 1
        if start is not None:
            yield from self._latched_before(start)
        scan = -1 if start is None else int((times < start).sum()) - 1
        for connection, time_ns, data in self._reader.messages(start=start, stop=stop):
            if connection.topic == self._source.topic and connection.msgtype == POINTS_TYPE:
                scan += 1
                yield InputMessage(connection, time_ns, data, scan)
            else:
                yield InputMessage(connection, time_ns, data)

    @property
    def types(self) -> Typestore:
        """The types of its messages."""
        return self._reader.typestore

    def header_of(self, message: InputMessage) -> HeaderFields:
        """Stamp and frame of a scan, which its results carry, too."""
        scan: Any = self._reader.deserialize(message.data, message.connection.msgtype)
        header = scan.header
        return HeaderFields(TimeFields.from_ns(stamp_of(header)), header.frame_id)

    def _latched_before(self, start_ns: int) -> Iterator[InputMessage]:
        """Where sensors are holds from when it was sent on, and goes in front where a bag is cut."""
        connections = [c for c in self._reader.connections if c.topic == TF_STATIC_TOPIC]
        if connections:  # rosbags takes no connection for all
            for connection, _, data in self._reader.messages(connections, stop=start_ns):
                yield InputMessage(connection, start_ns, data)

    def _check(self) -> None:
        """Refuses a bag whose topics cannot stand beside ours."""
        taken = sorted({c.topic for c in self._reader.connections} & {t for t in TYPE_OF_TOPIC if t.startswith(NODE)})
        if taken:
            raise DatasetError(f"{self._source.path}: holds results already, on {', '.join(taken)}; give the recording")
        known = self._reader.typestore.fielddefs
        unknown = sorted({f"{c.topic} ({c.msgtype})" for c in self._reader.connections if c.msgtype not in known})
        if unknown:
            raise DatasetError(
                f"{self._source.path}: does not hold the definition of {', '.join(unknown)}, so that these cannot be "
                "copied; `ros2 bag convert` on the machine that recorded the bag adds it, or leave the topic out"
            )
