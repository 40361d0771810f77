"""When the messages of a topic were recorded, read from a bag's own index without its payloads.

An MCAP file lists after each chunk the time of every message in it, and an SQLite file has the times in a column, so
that a bag of any size is indexed in a moment. An MCAP file without chunks has no index and is read through once.

Source: MCAP format specification, "Message Index" (https://mcap.dev/spec); rosbag2_storage_sqlite3.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from jaxtyping import Int64

from bevseg.datasets.labels import DatasetError

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.rosbag2.storage_mcap import McapReader

_MESSAGE_INDEX = 0x07
_RECORD_HEAD = struct.Struct("<BQ")
_INDEX_HEAD = struct.Struct("<HI")


def message_times(reader: AnyReader, topic: str) -> Int64[np.ndarray, "message"]:
    """The time at which each message of a topic was recorded, nanoseconds, in the order in which they are read.

    Args:
        reader: Open.
        topic: Its name.

    Raises:
        DatasetError: The bag's index is damaged.
    """
    times = [np.array(list(_times_in(storage, topic)), np.int64) for storage in _storages(reader)]
    joined = np.concatenate([np.zeros(0, np.int64), *times])
    return np.sort(joined, kind="stable")


def _storages(reader: AnyReader) -> list[Any]:
    """The files of a bag: one, or those of a folder."""
    storage: Any = reader.readers[0].storage  # type: ignore[union-attr]  # of a ROS 2 bag, which is all we open
    return list(getattr(storage, "storages", [storage]))


def _times_in(storage: Any, topic: str) -> Iterator[int]:
    from rosbags.rosbag2.storage_mcap import McapReader

    connections = [connection for connection in storage.connections if connection.topic == topic]
    if not isinstance(storage, McapReader):
        yield from _times_in_sqlite(Path(storage.path), topic)
    elif storage.chunks:
        with open(str(storage.path), "rb") as file:
            for connection in connections:
                yield from _times_in_chunks(storage, file, connection.id)
    else:
        for _, time_ns, _ in storage.messages(connections):
            yield time_ns


def _times_in_sqlite(path: Path, topic: str) -> Iterator[int]:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    try:
        query = "SELECT timestamp FROM messages JOIN topics ON topic_id = topics.id WHERE name = ? ORDER BY timestamp"
        for (time_ns,) in database.execute(query, (topic,)):
            yield time_ns
    finally:
        database.close()


def _times_in_chunks(storage: McapReader, file: BinaryIO, channel: int) -> Iterator[int]:
    for chunk in storage.chunks:
        offset = chunk.message_index_offsets.get(channel)
        if offset is None:
            continue
        file.seek(offset)
        head = file.read(_RECORD_HEAD.size + _INDEX_HEAD.size)
        if len(head) < _RECORD_HEAD.size + _INDEX_HEAD.size or head[0] != _MESSAGE_INDEX:
            raise DatasetError(f"{storage.path}: expected a message index at byte {offset}; `mcap recover` may mend it")
        found, size = _INDEX_HEAD.unpack_from(head, _RECORD_HEAD.size)
        entries = np.frombuffer(file.read(size), "<u8")
        if found != channel or len(entries) * 8 != size or size % 16:
            raise DatasetError(f"{storage.path}: the message index at byte {offset} is cut off or of another channel")
        yield from entries[::2].astype(np.int64).tolist()
