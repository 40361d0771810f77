"""A bag that is being written: it appears under its name when it is whole, or not at all.

FILE.mcap is one file that Foxglove and `ros2 bag` open as it is; a name without an ending is a rosbag2 folder with
`metadata.yaml` (version 9, which ROS 2 Jazzy and later read). Chunks are compressed with zstd, as `ros2 bag` does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.replay.bag.messages import GRID_TOPIC, LATCHED, TYPE_OF_TOPIC, Serialized, message_types
from bevseg.whole_files import remove_abandoned

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, Qos
    from rosbags.rosbag2 import Writer
    from rosbags.typesys.store import Typestore

SUFFIX = ".mcap"


@dataclass
class BagFile:
    """Takes messages, those that we make and copies of others.

    Attributes:
        writer: Of `rosbags`, open.
    """

    writer: Writer
    _own: dict[str, Connection] = field(default_factory=dict)
    _copied: dict[tuple[str, str], Connection] = field(default_factory=dict)
    _grid: bytes = b""

    def add(self, message: Serialized) -> None:
        """Writes a message of ours; the grid only where it is another than before."""
        if message.topic == GRID_TOPIC:
            if message.data == self._grid:
                return
            self._grid = message.data
        if message.topic not in self._own:
            self._own[message.topic] = self.writer.add_connection(
                message.topic,
                TYPE_OF_TOPIC[message.topic],
                typestore=message_types(),
                offered_qos_profiles=[reliable(latched=message.topic in LATCHED)],
            )
        self.writer.write(self._own[message.topic], message.time_ns, message.data)

    def copy(self, connection: Connection, time_ns: int, data: bytes, types: Typestore) -> None:
        """Writes a message of another bag as it is; `types` are those of that bag."""
        key = connection.topic, connection.msgtype
        if key not in self._copied:
            self._copied[key] = self._like(connection, types)
        self.writer.write(self._copied[key], time_ns, data)

    def _like(self, connection: Connection, types: Typestore) -> Connection:
        from rosbags.interfaces import ConnectionExtRosbag2, MessageDefinitionFormat

        how = connection.ext
        if not isinstance(how, ConnectionExtRosbag2):
            raise TypeError(f"expected a topic of a ROS 2 bag, got {connection.topic} of {type(how).__name__}")
        as_it_is = connection.msgdef.format == MessageDefinitionFormat.MSG and connection.digest
        return self.writer.add_connection(
            connection.topic,
            connection.msgtype,
            typestore=None if as_it_is else types,  # bags older than ROS 2 Iron hold no definitions
            msgdef=connection.msgdef.data if as_it_is else None,
            rihs01=connection.digest if as_it_is else None,
            serialization_format=how.serialization_format,
            offered_qos_profiles=how.offered_qos_profiles,
        )


@contextmanager
def unfinished_bag(path: Path) -> Iterator[BagFile]:
    """A bag to write to, under a name beside `path`, which it becomes at the end; it is removed if the writing fails.

    Raises:
        FileExistsError: There is something of that name.
        ValueError: `path` has an ending that is not .mcap.
        OSError: It cannot be written; names `path` where the system names no file.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    if path.suffix not in (SUFFIX, ""):
        raise ValueError(f"a bag is a file {SUFFIX}, or a folder whose name has no ending, got '{path}'")
    if path.exists():
        raise FileExistsError(f"{path} exists already: name another bag, or remove it")
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    remove_abandoned(path)
    part = scratch / path.stem  # a bag's file has the name of its folder, and its metadata say so
    try:
        writer = Writer(part, version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with writer:
            yield BagFile(writer)
        (part / f"{part.name}{SUFFIX}" if path.suffix else part).replace(path)
    except OSError as error:
        if error.filename is None:  # as of a write to a full disk
            error.filename = str(path)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def reliable(*, latched: bool) -> Qos:
    """How the node offers its topics."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=QosTime(0, 0),
        lifespan=QosTime(0, 0),
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=QosTime(0, 0),
        avoid_ros_namespace_conventions=False,
    )
