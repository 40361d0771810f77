"""A simulated drive as a ROS 2 bag: what a vehicle with this sensor would have recorded, and the truth beside it.

| topic | type | holds |
|---|---|---|
| `/clock` | rosgraph_msgs/Clock | the stamp of the scan |
| `/tf_static` | tf2_msgs/TFMessage | base_link -> lidar, once (transient local, as latching is called) |
| `/tf` | tf2_msgs/TFMessage | odom -> base_link, exact |
| `/odom` | nav_msgs/Odometry | the same pose, with the twist in base_link |
| `/truth/boxes` | visualization_msgs/MarkerArray | every object as a cube in the frame lidar |
| `/lidar/points` | sensor_msgs/PointCloud2 | the scan in the frame lidar |

All that belongs to one scan bears its stamp, in the header and in the bag, and lies in the bag in this order. Frames
are those of REP-103 and REP-105: x forward, y left, z up, metres; base_link lies on the ground below the rear axle;
odom is the drive's global frame and never drifts.

`/lidar/points` has the fields of Velodyne's driver, 22 bytes a point without padding: x, y, z in metres, intensity
0..255, all float32; ring, uint16, 0 the lowest beam; time, float32, seconds after the stamp: 0 or negative, as the
stamp is the end of the turn. With the shutters "instant" and "deskewed" the whole scan is seen from where the vehicle
is at its stamp: undistorting it by these times would distort it. With "distorted" each point is seen from where the
sensor was at its time, as a driver gives it.

A simulated vehicle sways on its wheels. A bag's mounting pose is one, so base_link sways here: base_link -> lidar is
that of the first scan, odom -> base_link is what makes the two together the lidar's exact pose at every scan. The
twist is the steady motion that leads from each pose to the next, the last scan's that from the pose before it; that of
a single scan is 0. With a rolling shutter it is the steady motion of the turn that ends at the stamp, which is what
undistorts the scan: a point of time t was seen from base_link's pose at the stamp times exp(t twist). Poses between
two entries of `/tf` do not, as the vehicle sways between scans and not during them. Covariances are 0: nothing is
uncertain.

In `/truth/boxes` each array first deletes the boxes of the scan before. A box's namespace is its class, its id the
track id, its text a JSON object with visible_fraction (null where it was not counted), num_points and velocity_mps
(over ground, along the lidar's x and y).

The bag is in MCAP with metadata of version 9, which ROS 2 Jazzy and later read. Until it is whole, the messages of each
scan are kept in files beside it, which several processes write and an interrupted run goes on from; so while the bag is
put together, a drive needs twice its room.

Source: REP-103, REP-105, the definitions of the messages in ROS 2 Jazzy, and velodyne_pointcloud's PointXYZIRT.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from bevseg.datasets.sample import Sample
from bevseg.geometry.frames import Transform
from bevseg.simulation.dataset_folder import (
    GenerationError,
    Progress,
    ScanFiles,
    claimed,
    drive_manifest,
    require_same,
    write_frames,
)
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.rosbag_messages import TOPICS, Messages, Moment, Place, moments, moments_of_turns

if TYPE_CHECKING:
    from rosbags.interfaces import Qos
    from rosbags.rosbag2 import Writer
    from rosbags.typesys.store import Typestore

_LAYOUT = "rosbag2-1"
_MANIFEST_KEY = "bevseg_simulation"
_KEPT = {"/truth/boxes": ".boxes", "/lidar/points": ".points"}
"""Topics whose messages are kept scan by scan, and the endings of their files."""


def write_rosbag(drive: DriveSource, file: Path, workers: int = 1, *, progress: Progress | None = None) -> None:
    """Records the drive as a bag, which appears under its name only when it is whole.

    Args:
        drive: The drive.
        file: The bag: as ROS 2 has it, a folder with `metadata.yaml` and one `.mcap` of the folder's name. One that is
            there already and holds this very drive is kept. Until it is whole, `.<name>.unfinished` beside it holds
            what is done.
        workers: Processes that share the scans; the bytes do not depend on how many.
        progress: Called with the number of scans done and of all scans.

    Raises:
        GenerationError: There is a file of that name, or a bag of another configuration or version of the simulator.
        DiskFullError: There is no room on the disk.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """
    import rosbags.rosbag2  # noqa: F401 (that it is missing shall be known now, not scans later)

    wanted = drive_manifest(drive.config, _LAYOUT)
    scratch = file.with_name(f".{file.name}.unfinished")
    if file.exists() and not _is_empty_folder(file):
        require_same(_manifest_in(file), wanted, where=file)
        if progress:
            progress(len(drive), len(drive))
    else:
        with claimed(scratch, wanted):
            write_frames(drive, scratch, ScanFiles(_names, _encode), workers, progress=progress)
            _join(scratch, drive, json.dumps(wanted), file)
    shutil.rmtree(scratch, ignore_errors=True)


def _names(index: int) -> tuple[str, ...]:
    return tuple(f"scans/{index:06d}{ending}" for ending in (*_KEPT.values(), ".place"))


def _encode(sample: Sample) -> tuple[bytes, ...]:
    store = _message_types()
    messages = Messages(store).of_scan(sample)
    kept = [bytes(store.serialize_cdr(messages[topic], TOPICS[topic])) for topic in _KEPT]
    poses = np.stack([sample.T_ego_from_lidar.matrix, sample.T_global_from_ego.matrix])
    return (*kept, f"{sample.cloud.stamp_ns} {' '.join(map(repr, poses.ravel().tolist()))}\n".encode())


def _read_place(path: Path) -> Place:
    stamp, *values = path.read_text().split()
    mount, pose = np.array(values, np.float64).reshape(2, 4, 4)
    return Place(int(stamp), Transform(mount, "ego", "lidar"), Transform(pose, "global", "ego"))


def _join(scratch: Path, drive: DriveSource, manifest: str, file: Path) -> None:
    """Puts the kept messages into a bag; what fails leaves them and no part of a bag."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    # The names inside a bag are made of its own, so it is written under that name in a folder to be thrown away.
    part = scratch / "bag"
    shutil.rmtree(part, ignore_errors=True)
    try:
        with Writer(part / file.name, version=9, storage_plugin=StoragePlugin.MCAP) as bag:
            bag.set_custom_data(_MANIFEST_KEY, manifest)
            _record(scratch, drive, bag)
        (part / file.name).replace(file)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _record(scratch: Path, drive: DriveSource, bag: Writer) -> None:
    store = _message_types()
    connections = {
        topic: bag.add_connection(topic, kind, typestore=store, offered_qos_profiles=[_qos(latched="static" in topic)])
        for topic, kind in TOPICS.items()
    }
    for stamp_ns, topic, data in _recorded(scratch, drive, store):
        bag.write(connections[topic], stamp_ns, data)


def _recorded(scratch: Path, drive: DriveSource, store: Typestore) -> Iterator[tuple[int, str, bytes | memoryview]]:
    """Stamp, topic and bytes of every message, scan by scan in the order of `TOPICS`."""
    make = Messages(store)
    for index, moment in enumerate(_moments(scratch, drive)):
        messages = make.of_moment(moment, first=index == 0)
        for topic, kind in TOPICS.items():
            if topic in _KEPT:
                yield moment.stamp_ns, topic, (scratch / f"scans/{index:06d}{_KEPT[topic]}").read_bytes()
            elif topic in messages:
                yield moment.stamp_ns, topic, store.serialize_cdr(messages[topic], kind)


def _moments(scratch: Path, drive: DriveSource) -> list[Moment]:
    places = [_read_place(scratch / _names(index)[-1]) for index in range(len(drive))]
    if drive.config.scene.shutter == "instant":
        return moments(places)
    before = [drive.ego_pose_before(index, drive.turn_s) for index in range(len(drive))]
    return moments_of_turns(places, before, drive.turn_s)


@lru_cache(maxsize=1)
def _message_types() -> Typestore:
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_JAZZY)


def _qos(*, latched: bool) -> Qos:
    """Reliable, so that every subscriber is served when the bag is played."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=QosTime(0, 0),
        lifespan=QosTime(0, 0),
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=QosTime(0, 0),
        avoid_ros_namespace_conventions=False,
    )


def _manifest_in(bag: Path) -> dict[str, Any]:
    try:
        information = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
        return dict(json.loads(information["custom_data"][_MANIFEST_KEY]))
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise GenerationError(f"{bag} exists and is no bag of a simulated drive; choose another name") from error


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
