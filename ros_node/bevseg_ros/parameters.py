"""The node's parameters: what each means, its range, and whether it may change while the node runs.

Nothing here knows ROS: the node declares `PARAMETERS`, and `settings.settings_from` judges their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Literal, get_args

from bevseg.results.classes import THING_CLASSES, ClassGroup

Value = bool | int | float | str | tuple[str, ...] | tuple[float, ...]
TransformSourceName = Literal["mount", "topic", "tf"]
TrackingName = Literal["none", "odometry", "fixed"]

CHECKPOINT_DEFAULT = -1.0
"""In place of a threshold: the checkpoint's own."""

REFERENCE_TOPIC = "~/input/pointcloud"
"""Of the clouds; where several LiDARs are merged, of the first of them."""

_THINGS = tuple(thing.label for thing in THING_CLASSES)


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter.

    Attributes:
        name: With dots, as ROS has it.
        default: Its type is the parameter's; lists are never empty, since an empty list has no type in ROS.
        description: What it means, with its unit.
        low: Least value of a number.
        high: Largest value of a number.
        choices: All values of a text, where they are known.
        live: Whether it may change in every state; others only while the node is unconfigured.
    """

    name: str
    default: Value
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False


PARAMETERS: tuple[ParameterSpec, ...] = (
    ParameterSpec("checkpoint", "bevseg-s", "Name of a checkpoint that ships, or path of a .safetensors file."),
    ParameterSpec("device", "cpu", "Where the network computes.", choices=("cpu", "cuda", "cuda:0", "cuda:1")),
    ParameterSpec("threads", 0, "Threads of the network on the CPU; 0 leaves the choice to PyTorch.", 0, 256),
    ParameterSpec("warm_up_scans", 2, "Made-up scans that go through the model at configure.", 0, 20),
    ParameterSpec(
        "autostart", False, "Configure and activate without being asked; end with an error where that fails."
    ),
    ParameterSpec(
        "reliable_input", False, "Ask for clouds to be sent again when they are lost; for bags, not for sensors."
    ),
    ParameterSpec(
        "base_frame", "", "Frame of all results; empty: that of each cloud. Where it is set, a transform is needed."
    ),
    ParameterSpec(
        "transform_source",
        "mount",
        "Who knows the transform: the mount.* parameters, ~/input/transform, or tf (needs tf2_ros).",
        choices=get_args(TransformSourceName),
    ),
    ParameterSpec("transform_timeout_s", 0.1, "How long a cloud waits for its transform, seconds.", 0.0, 5.0),
    ParameterSpec(
        "mount.frame", "", "Frame of the clouds that the mount pose holds for; needed where that pose is used."
    ),
    *(
        ParameterSpec(f"mount.{axis}", 0.0, f"The sensor's {axis} in base_frame, metres.", -100.0, 100.0)
        for axis in ("x", "y", "z")
    ),
    *(
        ParameterSpec(f"mount.{turn}", 0.0, f"The sensor's {turn} in base_frame, radians; order as in URDF.", -pi, pi)
        for turn in ("roll", "pitch", "yaw")
    ),
    ParameterSpec(
        "merge.topics",
        ("",),
        "Topics of further LiDARs, whose clouds are merged with those of ~/input/pointcloud; one empty name: none.",
    ),
    ParameterSpec(
        "merge.frames", ("",), "Frames of the clouds of merge.topics, one each, where transform_source is mount."
    ),
    ParameterSpec(
        "merge.mounts",
        (0.0,) * 6,
        "Where those sensors are in base_frame: x, y, z, roll, pitch, yaw of each, one after the other, as mount.* is.",
    ),
    ParameterSpec(
        "merge.offsets_s",
        (0.0,),
        "How much later the stamps of each of merge.topics are than those they belong to on ~/input/pointcloud, "
        "seconds; a single 0: none are.",
    ),
    ParameterSpec(
        "merge.required",
        ("",),
        "Topics, of merge.topics or ~/input/pointcloud, without whose cloud a group is dropped; one empty name: none.",
    ),
    ParameterSpec(
        "merge.tolerance_s",
        0.05,
        "Stamps of clouds that are merged lie no farther apart, offsets taken off, seconds; at most half the time of a "
        "turn.",
        0.0,
        1.0,
    ),
    ParameterSpec(
        "merge.timeout_s",
        0.08,
        "How long the first cloud of a group waits for those of the other LiDARs, seconds; less than a turn.",
        0.001,
        5.0,
    ),
    ParameterSpec("deskew", False, "Take the vehicle's motion during the turn out of each cloud; needs odometry."),
    ParameterSpec(
        "sweeps", 1, "Clouds that are joined, the newest and those before it; more than 1 needs odometry.", 1, 10
    ),
    ParameterSpec(
        "tracking",
        "none",
        "Give objects ids that last: by odometry, or fixed where the frame of the results never moves (a sensor beside "
        "the road; on a vehicle that drives, ids would break).",
        choices=get_args(TrackingName),
    ),
    ParameterSpec("odometry_frame", "odom", "Frame that ~/input/odometry gives the pose of base_frame in."),
    ParameterSpec("max_points", 2_000_000, "Clouds with more points are refused as absurd.", 1, 100_000_000),
    ParameterSpec(
        "intensity_full_scale", 0.0, "Intensity that stands for 1; 0: guessed from the field's type.", 0.0, 1e6
    ),
    ParameterSpec("with_time", True, "Read times of points; off for a field of that name that holds something else."),
    ParameterSpec(
        "range_m", 0.0, "Points farther from the frame's origin are left out, metres; 0: none.", 0.0, 300.0, live=True
    ),
    ParameterSpec(
        "ego_box",
        (0.0,) * 6,
        "Points in this box are the vehicle's own and left out: x_min, x_max, y_min, y_max, z_min, z_max in the frame "
        "of the results, metres; all 0: none.",
        live=True,
    ),
    ParameterSpec("classes", _THINGS, "Classes of objects that are published.", choices=_THINGS, live=True),
    *(
        ParameterSpec(
            f"min_score.{group.label}",
            CHECKPOINT_DEFAULT,
            f"Objects of the group {group.label} below this score are left out, 0..1; -1: the checkpoint's own value.",
            -1.0,
            1.0,
            live=True,
        )
        for group in ClassGroup
    ),
    ParameterSpec(
        "clock_jump_back_s", 1.0, "A step back of stamps by this much is a bag that began anew, seconds.", 0.001, 3600.0
    ),
    ParameterSpec(
        "clock_jump_forward_s", 5.0, "Stamps that run ahead of arrivals by this much jumped, seconds.", 0.001, 3600.0
    ),
    ParameterSpec(
        "stall_timeout_s",
        0.5,
        "The sensor has stalled when no cloud comes for so long, seconds.",
        0.01,
        600.0,
        live=True,
    ),
    ParameterSpec(
        "max_processing_time_ms", 200.0, "A cloud that takes longer is slow, milliseconds.", 1.0, 60_000.0, live=True
    ),
    ParameterSpec(
        "max_consecutive_delay_ms",
        1000.0,
        "Slow clouds for longer than this are an error, milliseconds.",
        1.0,
        600_000.0,
        live=True,
    ),
    ParameterSpec("diagnostics_period_s", 1.0, "Time between two diagnostics, seconds.", 0.05, 60.0),
)
"""All parameters, in the order of the parameter file."""

SPECS: Mapping[str, ParameterSpec] = {spec.name: spec for spec in PARAMETERS}


def refusal_of_change(name: str, *, configured: bool) -> str | None:
    """Why a parameter must not change now; None where it may."""
    if name not in SPECS or SPECS[name].live or not configured:
        return None
    return f"{name} is read when the node is configured: deactivate and clean up the node, set it, configure again"
