"""The node's parameters: what each means, its range, whether it may change while the node runs, what they add up to.

Nothing here knows ROS: the node declares `PARAMETERS`, and `settings_from` judges a set of values before it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Literal, cast, get_args

from bevseg.results.classes import THING_CLASSES, ClassGroup, SemanticClass
from bevseg_ros.stream import StreamLimits

Value = bool | int | float | str | tuple[str, ...] | tuple[float, ...]
TransformSourceName = Literal["mount", "topic", "tf"]

CHECKPOINT_DEFAULT = -1.0
"""In place of a threshold: the checkpoint's own."""

_THINGS = tuple(thing.label for thing in THING_CLASSES)


class ParameterError(ValueError):
    """A value contradicts its meaning or another value."""


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


@dataclass(frozen=True)
class LiveSettings:
    """What may change while the node runs.

    Attributes:
        range_m: Points farther away are left out, None for no limit.
        ego_box_m: `(x_min, x_max, y_min, y_max, z_min, z_max)`, None for no box.
        classes: Of the objects that are published.
        min_score: For each `ClassGroup`; None for the checkpoint's own.
        stall_timeout_s: When the sensor has stalled.
        max_processing_ms: From where on a cloud is slow.
        max_delay_ms: From where on slow clouds are an error.
    """

    range_m: float | None
    ego_box_m: tuple[float, ...] | None
    classes: tuple[SemanticClass, ...]
    min_score: tuple[float | None, ...]
    stall_timeout_s: float
    max_processing_ms: float
    max_delay_ms: float


@dataclass(frozen=True)
class MountSettings:
    """The pose of a sensor that is fixed to the vehicle: metres and radians, in the base frame."""

    frame: str
    xyz_m: tuple[float, float, float]
    roll_pitch_yaw_rad: tuple[float, float, float]


@dataclass(frozen=True)
class Settings:
    """All parameters, judged; see `PARAMETERS` for what each means. None stands for "not set"."""

    checkpoint: str
    device: str
    threads: int | None
    warm_up_scans: int
    autostart: bool
    reliable_input: bool
    base_frame: str | None
    transform_source: TransformSourceName
    transform_timeout_s: float
    mount: MountSettings
    max_points: int
    intensity_full_scale: float | None
    with_time: bool
    limits: StreamLimits
    diagnostics_period_s: float
    live: LiveSettings


def settings_from(values: Mapping[str, Value]) -> Settings:
    """What a complete set of values adds up to.

    Raises:
        ParameterError: A value is outside of its range or choices, or contradicts another.
    """
    for spec in PARAMETERS:
        _check(spec, values[spec.name])
    base_frame, source, frame = (str(values[name]) for name in ("base_frame", "transform_source", "mount.frame"))
    if base_frame and source == "mount" and not frame:
        raise ParameterError(
            f"base_frame is '{base_frame}' and transform_source is 'mount': mount.frame must name the frame of the "
            "clouds that the mount pose holds for"
        )
    return Settings(
        checkpoint=str(values["checkpoint"]),
        device=str(values["device"]),
        threads=int(_number(values, "threads")) or None,
        warm_up_scans=int(_number(values, "warm_up_scans")),
        autostart=bool(values["autostart"]),
        reliable_input=bool(values["reliable_input"]),
        base_frame=base_frame or None,
        transform_source=cast(TransformSourceName, source),
        transform_timeout_s=_number(values, "transform_timeout_s"),
        mount=_mount(values),
        max_points=int(_number(values, "max_points")),
        intensity_full_scale=_number(values, "intensity_full_scale") or None,
        with_time=bool(values["with_time"]),
        limits=StreamLimits(_number(values, "clock_jump_back_s"), _number(values, "clock_jump_forward_s")),
        diagnostics_period_s=_number(values, "diagnostics_period_s"),
        live=_live(values),
    )


def refusal_of_change(name: str, *, configured: bool) -> str | None:
    """Why a parameter must not change now; None where it may."""
    if name not in SPECS or SPECS[name].live or not configured:
        return None
    return f"{name} is read when the node is configured: deactivate and clean up the node, set it, configure again"


def _live(values: Mapping[str, Value]) -> LiveSettings:
    box = cast(tuple[float, ...], values["ego_box"])
    scores = [_number(values, f"min_score.{group.label}") for group in ClassGroup]
    return LiveSettings(
        range_m=_number(values, "range_m") or None,
        ego_box_m=tuple(float(edge) for edge in box) if any(box) else None,
        classes=tuple(SemanticClass[name.upper()] for name in cast(tuple[str, ...], values["classes"])),
        min_score=tuple(None if score == CHECKPOINT_DEFAULT else score for score in scores),
        stall_timeout_s=_number(values, "stall_timeout_s"),
        max_processing_ms=_number(values, "max_processing_time_ms"),
        max_delay_ms=_number(values, "max_consecutive_delay_ms"),
    )


def _mount(values: Mapping[str, Value]) -> MountSettings:
    x, y, z = (_number(values, f"mount.{axis}") for axis in ("x", "y", "z"))
    roll, pitch, yaw = (_number(values, f"mount.{turn}") for turn in ("roll", "pitch", "yaw"))
    return MountSettings(str(values["mount.frame"]), (x, y, z), (roll, pitch, yaw))


def _check(spec: ParameterSpec, value: Value) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(spec, float(value))
    elif spec.choices:
        given = (value,) if isinstance(value, str) else cast(tuple[str, ...], value)
        unknown = [text for text in given if text not in spec.choices]
        if unknown:
            raise ParameterError(
                f"{spec.name} must be of {', '.join(spec.choices)}; got {', '.join(map(str, unknown))}"
            )
    elif spec.name == "ego_box":
        _check_box(cast(tuple[float, ...], value))


def _check_number(spec: ParameterSpec, value: float) -> None:
    low = -float("inf") if spec.low is None else spec.low
    high = float("inf") if spec.high is None else spec.high
    if not low <= value <= high:
        raise ParameterError(f"{spec.name} must lie within {low:g}..{high:g}, got {value:g}")
    if spec.name.startswith("min_score.") and CHECKPOINT_DEFAULT < value < 0:
        raise ParameterError(f"{spec.name} must be a score of 0..1, or -1 for the checkpoint's own; got {value:g}")


def _check_box(box: tuple[float, ...]) -> None:
    edges_fit = len(box) == 6 and (not any(box) or all(box[k] < box[k + 1] for k in (0, 2, 4)))
    if not edges_fit:
        raise ParameterError(
            f"ego_box must be x_min, x_max, y_min, y_max, z_min, z_max with each minimum below its maximum, or six "
            f"zeros; got {list(box)}"
        )


def _number(values: Mapping[str, Value], name: str) -> float:
    return float(cast(float, values[name]))
