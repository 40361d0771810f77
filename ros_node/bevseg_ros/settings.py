"""What the values of all parameters add up to, or why they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg_ros.parameters import (
    CHECKPOINT_DEFAULT,
    PARAMETERS,
    REFERENCE_TOPIC,
    ParameterSpec,
    TrackingName,
    TransformSourceName,
    Value,
)
from bevseg_ros.stream import StreamLimits


class ParameterError(ValueError):
    """A value contradicts its meaning or another value."""


class ContradictionError(ParameterError):
    """Two values contradict each other; each alone would do."""


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
class MergeSettings:
    """Several LiDARs; lists have an entry for each further one.

    Attributes:
        topics: Of the further LiDARs.
        mounts: Where they are; empty where a topic or tf tells.
        offsets_s: How much later their stamps are than those of the reference.
        required: Topics without whose cloud there is no result.
        tolerance_s: Stamps of one group lie no farther apart.
        timeout_s: How long a group waits.
    """

    topics: tuple[str, ...]
    mounts: tuple[MountSettings, ...]
    offsets_s: tuple[float, ...]
    required: tuple[str, ...]
    tolerance_s: float
    timeout_s: float


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
    merge: MergeSettings | None
    deskew: bool
    sweeps: int
    tracking: TrackingName
    odometry_frame: str
    max_points: int
    intensity_full_scale: float | None
    with_time: bool
    limits: StreamLimits
    diagnostics_period_s: float
    live: LiveSettings


def settings_from(values: Mapping[str, Value]) -> Settings:
    """What a complete set of values adds up to.

    Raises:
        ParameterError: A value is outside of its range or choices.
        ContradictionError: A value contradicts another.
    """
    for spec in PARAMETERS:
        _check(spec, values[spec.name])
    base_frame, source, frame = (str(values[name]) for name in ("base_frame", "transform_source", "mount.frame"))
    if base_frame and source == "mount" and not frame:
        raise ContradictionError(
            f"base_frame is '{base_frame}' and transform_source is 'mount': mount.frame must name the frame of the "
            "clouds that the mount pose holds for"
        )
    if not base_frame and (values["deskew"] or values["sweeps"] != 1):
        raise ContradictionError("deskew and sweeps need odometry, which says where base_frame is: set base_frame, too")
    if not base_frame and values["tracking"] == "odometry":
        raise ContradictionError(
            "tracking by odometry needs to know where base_frame is: set base_frame, too; without odometry an object "
            "that stands would seem to move as the vehicle does. For a sensor that never moves set tracking to 'fixed'"
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
        merge=_merge(values),
        deskew=bool(values["deskew"]),
        sweeps=int(_number(values, "sweeps")),
        tracking=cast(TrackingName, values["tracking"]),
        odometry_frame=str(values["odometry_frame"]),
        max_points=int(_number(values, "max_points")),
        intensity_full_scale=_number(values, "intensity_full_scale") or None,
        with_time=bool(values["with_time"]),
        limits=StreamLimits(_number(values, "clock_jump_back_s"), _number(values, "clock_jump_forward_s")),
        diagnostics_period_s=_number(values, "diagnostics_period_s"),
        live=_live(values),
    )


def moves_clouds(settings: Settings) -> bool:
    """Whether clouds are moved by the vehicle's own motion."""
    return settings.deskew or settings.sweeps > 1


def needs_odometry(settings: Settings) -> bool:
    """Whether anything asks how the vehicle moves."""
    return moves_clouds(settings) or settings.tracking == "odometry"


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


def _merge(values: Mapping[str, Value]) -> MergeSettings | None:
    topics, frames, required = (_names(values, f"merge.{key}") for key in ("topics", "frames", "required"))
    if not topics:
        return None
    numbers, given_s = (cast(tuple[float, ...], values[f"merge.{key}"]) for key in ("mounts", "offsets_s"))
    offsets_s = tuple(float(offset) for offset in given_s) if any(given_s) else (0.0,) * len(topics)
    by_mount = values["transform_source"] == "mount"
    merge = MergeSettings(
        topics=topics,
        mounts=_mounts(topics, str(values["mount.frame"]), frames, numbers) if by_mount else (),
        offsets_s=offsets_s,
        required=required,
        tolerance_s=_number(values, "merge.tolerance_s"),
        timeout_s=_number(values, "merge.timeout_s"),
    )
    _check_merge(merge, str(values["base_frame"]))
    return merge


def _check_merge(merge: MergeSettings, base_frame: str) -> None:
    topics, count = merge.topics, len(merge.topics)
    if not base_frame:
        raise ContradictionError("merge.topics needs base_frame: clouds of several LiDARs are merged in one frame")
    if len({REFERENCE_TOPIC, *topics}) != count + 1:
        raise ParameterError(f"merge.topics must differ from each other and {REFERENCE_TOPIC}, got {list(topics)}")
    if len(merge.offsets_s) != count:
        raise ContradictionError(f"merge.offsets_s must have one for each of merge.topics ({count}), or be a single 0")
    if not set(merge.required) <= {REFERENCE_TOPIC, *topics}:
        raise ContradictionError(
            f"merge.required must be of {REFERENCE_TOPIC} and merge.topics, got {list(merge.required)}"
        )


def _mounts(
    topics: tuple[str, ...], reference: str, frames: tuple[str, ...], numbers: tuple[float, ...]
) -> tuple[MountSettings, ...]:
    count = len(topics)
    if len(frames) != count or len({reference, *frames}) != count + 1:
        raise ContradictionError(
            f"merge.frames must name the frame of each of merge.topics ({count}), all different and not mount.frame, "
            f"got {list(frames)}"
        )
    if len(numbers) != 6 * count:
        raise ContradictionError(
            f"merge.mounts must have x, y, z, roll, pitch, yaw for each of merge.topics: {6 * count} numbers, "
            f"got {len(numbers)}"
        )
    mounts = []
    for k, frame in enumerate(frames):
        x, y, z, roll, pitch, yaw = (float(number) for number in numbers[6 * k : 6 * k + 6])
        mounts.append(MountSettings(frame, (x, y, z), (roll, pitch, yaw)))
    return tuple(mounts)


def _names(values: Mapping[str, Value], name: str) -> tuple[str, ...]:
    """A list of texts without the empty one that stands for none."""
    return tuple(text for text in cast(tuple[str, ...], values[name]) if text)


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
