"""From the messages of a job to the one cloud for the model: each is prepared, all are moved to one time and merged.

What cannot be used of one LiDAR is refused by its own name, and the others go on without it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bevseg.messages.pointcloud2 import stamp_of
from bevseg.points.sensors import merge_sensors
from bevseg_ros.jobs import Arrived, Job
from bevseg_ros.motion import Motion
from bevseg_ros.parameters import REFERENCE_TOPIC
from bevseg_ros.policies import RefusedError
from bevseg_ros.preparation import Prepared, prepare
from bevseg_ros.settings import MergeSettings, Settings
from bevseg_ros.transforms import TransformSource


@dataclass(frozen=True, eq=False)
class Usable:
    """What can be used of a job.

    Attributes:
        stamp_ns: Of the first cloud that can be used; the results carry it.
        clouds: Those that can be used, in the order of LiDARs, seen from where the vehicle was at `stamp_ns`.
        prepared: What each became.
        refused: Why the others cannot, by LiDAR.
    """

    stamp_ns: int
    clouds: tuple[Arrived, ...]
    prepared: tuple[Prepared, ...]
    refused: Mapping[int, RefusedError]


def usable_of(job: Job, settings: Settings, transforms: TransformSource | None, motion: Motion | None) -> Usable:
    """Prepares each cloud of a job; all of them wait for their transforms together, not one after the other."""
    end_s = time.monotonic() + settings.transform_timeout_s
    kept: list[tuple[Arrived, Prepared]] = []
    refused: dict[int, RefusedError] = {}

    def prepared_at(stamp_ns: int, cloud: Arrived) -> Prepared | RefusedError:
        try:
            prepared = prepare(cloud.message, settings, transforms, max(0.0, end_s - time.monotonic()))
            return prepared if motion is None else _at_stamp(prepared, motion, stamp_of(cloud.message.header), stamp_ns)
        except RefusedError as error:
            return error

    for cloud in job.clouds:
        first = kept[0][0] if kept else cloud
        found = prepared_at(stamp_of(first.message.header), cloud)
        if isinstance(found, RefusedError):
            refused[cloud.lidar] = found
        else:
            kept.append((cloud, found))
    stamp_ns = stamp_of((kept[0][0] if kept else job).message.header)
    return Usable(stamp_ns, tuple(cloud for cloud, _ in kept), tuple(prepared for _, prepared in kept), refused)


def merged(usable: Usable, settings: Settings, motion: Motion | None, topics: Sequence[str]) -> Prepared:
    """One cloud of all that can be used, joined with the sweeps before it; at least one must be usable.

    Args:
        usable: What there is.
        settings: Of the node.
        motion: The vehicle's, where sweeps are joined by it.
        topics: Of all LiDARs as they are resolved, the reference first.

    Raises:
        RefusedError: A LiDAR that is required is not there (`required_missing`), or odometry does not cover the cloud.
    """
    if settings.merge is None:
        (whole,) = usable.prepared
    else:
        refuse_incomplete(settings.merge, [cloud.lidar for cloud in usable.clouds], topics)
        sensors = [cloud.lidar for cloud in usable.clouds]
        cloud = merge_sensors([prepared.cloud for prepared in usable.prepared], sensors)
        clipped = sum(prepared.clipped for prepared in usable.prepared)
        is_empty = all(prepared.remark is not None for prepared in usable.prepared)
        whole = Prepared(cloud, clipped, "empty_cloud" if is_empty else None)
    if motion is None:
        return whole
    return Prepared(motion.joined(whole.cloud, usable.stamp_ns), whole.clipped, whole.remark)


def refuse_incomplete(merge: MergeSettings, there: Sequence[int], topics: Sequence[str]) -> None:
    """Raises where a LiDAR that is required is not among those that are there (`required_missing`)."""
    numbers = {name: number for number, name in enumerate((REFERENCE_TOPIC, *merge.topics))}
    missing = [topics[numbers[name]] for name in merge.required if numbers[name] not in there]
    if missing:
        raise RefusedError("required_missing", f"no usable cloud of {', '.join(missing)}, which merge.required names")


def left_out(job: Job, usable: Usable) -> tuple[str, ...]:
    """The LiDARs that a result lacks, and why, in words."""
    nothing = [f"{topic} (no cloud in time)" for topic in job.missing]
    useless = [f"{c.topic} ({usable.refused[c.lidar].reason})" for c in job.clouds if c.lidar in usable.refused]
    blind = [
        f"{cloud.topic} (no points)"
        for cloud, prepared in zip(usable.clouds, usable.prepared, strict=True)
        if prepared.remark == "empty_cloud" and len(usable.clouds) > 1
    ]
    return (*nothing, *useless, *blind)


def _at_stamp(prepared: Prepared, motion: Motion, own_stamp_ns: int, stamp_ns: int) -> Prepared:
    return Prepared(motion.at_stamp(prepared.cloud, own_stamp_ns, stamp_ns), prepared.clipped, prepared.remark)
