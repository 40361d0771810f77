"""Writes frames into a bag, one after the other: alone, or beside all messages of the bag that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bevseg.datasets.bag import BagSource
from bevseg.datasets.labels import DatasetError
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.sensor_place import SensorPlace, sensor_place
from bevseg.processes import in_order
from bevseg.replay.bag.file import BagFile, unfinished_bag
from bevseg.replay.bag.inputs import BagInputs
from bevseg.replay.bag.messages import FrameMessages, Stamped
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import FramePainter
from bevseg.replay.recording import Recording


@contextmanager
def write_bag(
    path: Path,
    recording: Recording,
    frames: Iterable[Frame | BrokenFrame],
    painter: FramePainter,
    *,
    workers: int,
) -> Iterator[Iterator[int]]:
    """A bag of all frames, which appears when the `with` block ends well, or not at all.

    Args:
        path: A file .mcap, or a folder.
        recording: That the frames are of.
        frames: In order; of two results the first is written. One that cannot be read is left out.
        painter: Draws the pictures, on `workers` processes.
        workers: Processes that make the messages.

    Yields:
        An iterator to be run to its end, which writes one frame a step and counts them.

    Raises:
        FileExistsError: There is something of that name.
        ValueError: The name has another ending.
        DatasetError: At the end, that not one frame could be read; or that a scan was taken from elsewhere on the
            vehicle than the first, or from another vehicle.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """
    with unfinished_bag(path) as bag:
        yield _written(bag, _stamped(recording, frames), FrameMessages(painter), workers)


@contextmanager
def write_beside_inputs(
    path: Path,
    source: BagSource,
    scans: Sequence[int],
    frames: Iterable[Frame | BrokenFrame],
    painter: FramePainter,
    *,
    workers: int,
) -> Iterator[Iterator[int]]:
    """A bag with the input's messages as they are, and results as if the node had run; else as `write_bag`.

    Results bear the stamp and the frame of their scan's message, and are recorded when it was. Where sensors are is
    told by the transforms of the input, which are copied; there are none of ours.

    Args:
        path: A file .mcap, or a folder.
        source: The bag.
        scans: Places of the frames, ascending; before the first and after the last the bag is cut.
        frames: Those of `scans`.
        painter: As for `write_bag`.
        workers: Likewise.

    Raises:
        DatasetError: Also where the input holds results already, or cannot be copied.
    """
    with unfinished_bag(path) as bag, closing(BagInputs(source, scans)) as inputs:
        chosen = set(scans)
        coming = iter(frames)

        def pass_through() -> Iterator[Stamped]:
            for message in inputs.messages():
                bag.copy(message.connection, message.time_ns, message.data, inputs.types)
                if message.scan in chosen:
                    frame = next(coming)
                    is_broken = isinstance(frame, BrokenFrame)
                    header = HeaderFields() if is_broken else inputs.header_of(message)
                    yield Stamped(frame, header, message.time_ns)

        yield _written(bag, pass_through(), FrameMessages(painter), workers)


def _stamped(recording: Recording, frames: Iterable[Frame | BrokenFrame]) -> Iterator[Stamped]:
    """Frames with where they were taken: the sensors are where they are in the first that can be read."""
    with_poses = recording.has_poses()
    place: SensorPlace | None = None
    for frame in frames:
        if isinstance(frame, BrokenFrame):
            yield Stamped(frame, HeaderFields(), 0)
            continue
        is_first = place is None
        place = place or sensor_place(frame.cloud, frame.T_ego_from_cloud)
        if difference := place.difference(frame.cloud, frame.T_ego_from_cloud):
            raise DatasetError(
                f"frame {frame.name}: {difference}: a bag holds one vehicle, write each drive into its own "
                "(--drive NAME, where the dataset has drives)"
            )
        stamp_ns = recording.stamp_ns_of(frame)
        header = HeaderFields(TimeFields.from_ns(stamp_ns), place.cloud_frame)
        moving = (place.moving(frame.T_fixed_from_cloud),) if with_poses else ()
        yield Stamped(frame, header, stamp_ns, moving, place.static if is_first else ())


def _written(bag: BagFile, stamped: Iterable[Stamped], messages: FrameMessages, workers: int) -> Iterator[int]:
    """Writes the messages of each frame; no more frames are kept than the processes work on."""
    reasons: list[str] = []
    count = found = 0

    def watched() -> Iterator[Stamped]:
        for item in stamped:
            if isinstance(item.frame, BrokenFrame) and not reasons:
                reasons.append(item.frame.reason)
            yield item

    for count, made in enumerate(in_order(messages, watched(), workers), 1):
        for message in made:
            bag.add(message)
        found += bool(made)
        yield count
    if not found:
        raise DatasetError(f"none of {count} frames can be read: {reasons[0] if reasons else 'there is none'}")
