"""The messages of a bag's topic, one by one; what `rosbags` cannot read is told as a DatasetError with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from bevseg.datasets.bag_index import message_times
from bevseg.datasets.labels import DatasetError

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection

BAG_SUFFIXES = (".mcap", ".db3")

_FIRST = 10
"""Messages of a topic that are tried until one can be read, where any will do."""


@dataclass(frozen=True, eq=False)
class StoredMessages:
    """The messages of one topic.

    Attributes:
        reader: Of the bag, open.
        path: The bag, which errors name.
        connections: All of the topic, several where a bag was recorded in parts; none stand for a topic without
            messages.
        times_ns: When each message was recorded, nanoseconds since the epoch, ascending.
    """

    reader: AnyReader
    path: Path
    connections: Sequence[Connection]
    times_ns: Int64[np.ndarray, "message"]

    @classmethod
    def of(cls, reader: AnyReader, path: Path, connections: Sequence[Connection]) -> StoredMessages:
        """Those of a topic, by the bag's index.

        Raises:
            DatasetError: The index is damaged.
        """
        times_ns = message_times(reader, connections[0].topic) if connections else np.zeros(0, np.int64)
        return cls(reader, path, connections, times_ns)

    @property
    def topic(self) -> str:
        return self.connections[0].topic

    def __len__(self) -> int:
        return len(self.times_ns)

    def __getitem__(self, index: int) -> Any:
        """One message, by its place in the index; of several at one time they come in the order of the index.

        Raises:
            DatasetError: It is damaged, or not in the bag.
        """
        where = f"{self.path}: message {index} of {self.topic}"
        time_ns = int(self.times_ns[index])
        place = index - int(np.searchsorted(self.times_ns, time_ns))
        with _told(where):
            found = self.reader.messages(self.connections, start=time_ns, stop=time_ns + 1)
            for connection, _, data in islice(found, place, None):
                return self.reader.deserialize(data, connection.msgtype)
        raise DatasetError(f"{where} is in the index but not in the bag")

    def first(self) -> Any:
        """The first message that can be read.

        Raises:
            DatasetError: None of the first ten can.
        """
        tried = min(len(self), _FIRST)
        for index in range(tried):
            with suppress(DatasetError):
                return self[index]
        try:
            return self[0]
        except DatasetError as error:
            raise DatasetError(f"{error} (nor can any other of the first {tried})") from error

    def between(self, start_ns: int, end_ns: int) -> list[Any]:
        """Those recorded from one time to another, both included.

        Raises:
            DatasetError: One is damaged.
        """
        with _told(f"{self.path}: a message of {self.topic} between {start_ns} and {end_ns} ns"):
            found = self.reader.messages(self.connections, start=start_ns, stop=end_ns + 1)
            return [self.reader.deserialize(data, connection.msgtype) for connection, _, data in found]


def all_messages(reader: AnyReader, path: Path, connections: Sequence[Connection]) -> Iterator[Any]:
    """Every message of some connections, in the order of their times.

    Raises:
        DatasetError: One is damaged.
    """
    if connections:  # rosbags takes no connection for all
        with _told(f"{path}: a message of {connections[0].topic}"):
            for connection, _, data in reader.messages(connections):
                yield reader.deserialize(data, connection.msgtype)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Says of damaged bytes where they lie.

    Whatever `rosbags` raises is about the bag: errors of its own, of SQLite, and of the libraries that decompress. They
    have no base in common.
    """
    try:
        yield
    except Exception as error:
        raise DatasetError(f"{where} cannot be read, it may be damaged: {error}") from error


def open_bag(path: Path) -> AnyReader:
    """A bag to be read, which whoever opens it closes.

    Raises:
        DatasetError: It cannot be read.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """
    from rosbags.highlevel import AnyReader, AnyReaderError
    from rosbags.typesys import Stores, get_typestore

    if not path.exists() or (path.is_file() and path.suffix not in BAG_SUFFIXES):
        raise DatasetError(f"{path}: expected the folder of a ROS 2 bag, or its file {' or '.join(BAG_SUFFIXES)}")
    try:
        # Bags older than ROS 2 Iron do not hold the definitions of their messages; these have not changed since.
        reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY))
        reader.open()
    except (AnyReaderError, FileNotFoundError) as error:
        raise DatasetError(
            f"{path}: cannot be read as a ROS 2 bag: {error} A recording that was cut off may be mended: "
            "`mcap recover`, or `sqlite3 FILE .recover`, then `ros2 bag reindex`"
        ) from error
    return reader
