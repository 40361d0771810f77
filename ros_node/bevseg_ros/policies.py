"""What the node does with each thing that can go wrong: one name, one counter, one level, one sentence for each.

A cloud that is dropped is dropped for one of `DROP_REASONS`; a cloud that is worth a remark but still gives a result is
counted as one of `REMARKS`; what concerns no single cloud is one of `CONDITIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType


class Level(IntEnum):
    """diagnostic_msgs/DiagnosticStatus' levels."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Policy:
    """What happens in one case.

    Attributes:
        level: Of the diagnostic while the case lies less than a diagnostic period back, or lasts.
        action: What the node does, as the README has it.
    """

    level: Level
    action: str


DROP_REASONS: Mapping[str, Policy] = MappingProxyType(
    {
        "no_transform": Policy(
            Level.ERROR,
            "Dropped: no transform from the cloud's frame to `base_frame` is known. Never taken as identity.",
        ),
        "late_transform": Policy(
            Level.WARN, "Dropped: after `transform_timeout_s` the newest transform is still older than the cloud."
        ),
        "future_transform": Policy(
            Level.WARN, "Dropped: all known transforms are newer than the cloud; the past is not guessed."
        ),
        "no_odometry": Policy(Level.ERROR, "Dropped: `deskew` or `sweeps` needs odometry, and none has arrived."),
        "late_odometry": Policy(
            Level.WARN,
            "Dropped: after `transform_timeout_s` odometry does not yet cover the cloud; motion is not guessed.",
        ),
        "future_odometry": Policy(Level.WARN, "Dropped: all known odometry is newer than the cloud."),
        "no_point_times": Policy(Level.ERROR, "Dropped: `deskew` is asked for, but the points have no times."),
        "missing_field": Policy(Level.ERROR, "Dropped: the cloud lacks x, y or z."),
        "duplicate_field": Policy(Level.ERROR, "Dropped: a field is there twice."),
        "bad_type": Policy(Level.ERROR, "Dropped: a field is of no known number type."),
        "bad_count": Policy(Level.ERROR, "Dropped: a field holds several numbers a point."),
        "field_outside_point": Policy(Level.ERROR, "Dropped: a field lies outside of `point_step`."),
        "bad_stamp": Policy(Level.ERROR, "Dropped: the stamp is none."),
        "bad_time": Policy(Level.ERROR, "Dropped: the times of points fit the stamp in no known unit."),
        "bad_intensity": Policy(
            Level.ERROR, "Dropped: the scale of intensities cannot be guessed; set `intensity_full_scale`."
        ),
        "no_finite_points": Policy(
            Level.ERROR, "Dropped: there are points, but none is a place (all NaN): a blind sensor sees no free road."
        ),
        "wrong_values": Policy(
            Level.ERROR, "Dropped: most coordinates are out of any sensor's reach, in either byte order."
        ),
        "wrong_endianness": Policy(
            Level.ERROR, "Dropped: coordinates make sense only in the byte order that the message denies."
        ),
        "bad_size": Policy(Level.ERROR, "Dropped: a size is negative, zero or beyond what any sensor sends."),
        "bad_data": Policy(Level.ERROR, "Dropped: data are no bytes."),
        "size_mismatch": Policy(
            Level.ERROR, "Dropped: width, height, point_step, row_step and data contradict each other."
        ),
        "truncated": Policy(Level.ERROR, "Dropped: data holds fewer bytes than height x row_step."),
        "absurd_size": Policy(Level.ERROR, "Dropped before anything is allocated: more points than `max_points`."),
        "duplicate_stamp": Policy(Level.WARN, "Dropped: the stamp is that of the cloud before."),
        "out_of_order": Policy(Level.WARN, "Dropped: older than the cloud before by less than `clock_jump_back_s`."),
        "late_partner": Policy(
            Level.WARN, "Dropped: came after the group of clouds that it belongs to was closed; see `merge.timeout_s`."
        ),
        "clock_apart": Policy(
            Level.ERROR,
            "Dropped: its stamp is farther than `clock_jump_back_s` from those of the LiDAR that rules the clock.",
        ),
        "required_missing": Policy(
            Level.ERROR, "Dropped: no usable cloud of a LiDAR in `merge.required` came with it; the log names it."
        ),
        "model_error": Policy(
            Level.ERROR,
            "Dropped: the model raised. The next cloud is tried; after three in a row the model is loaded anew.",
        ),
        "internal_error": Policy(Level.ERROR, "Dropped: a defect of the node itself; the traceback is in the log."),
        "deactivated": Policy(Level.OK, "Dropped: the node was deactivated or shut down before the cloud's turn came."),
    }
)
"""Why a cloud that was received gives no result."""

REMARKS: Mapping[str, Policy] = MappingProxyType(
    {
        "empty_cloud": Policy(Level.WARN, "Published: an explicit empty result, all ground unobserved."),
        "untracked": Policy(
            Level.WARN,
            "Published without track ids: `tracking` is by odometry, which does not cover the cloud. Tracks are kept.",
        ),
        "incomplete_group": Policy(
            Level.WARN, "Published with what is there: some LiDARs gave no usable cloud; `merge` names them."
        ),
        "frame_changed": Policy(
            Level.WARN,
            "Processed in the new frame (dropped as `no_transform` if that has no transform); losses count anew.",
        ),
        "clock_jump_back": Policy(
            Level.WARN, "Processed: a bag began anew; known transforms, odometry and tracks are forgotten."
        ),
        "clock_jump_forward": Policy(
            Level.WARN,
            "Processed: stamps went ahead of the clock by more than `clock_jump_forward_s`; losses count anew.",
        ),
    }
)
"""What is said of a cloud beside its result."""

CONDITIONS: Mapping[str, Policy] = MappingProxyType(
    {
        "sensor_stalled": Policy(Level.ERROR, "Reported: no cloud for `stall_timeout_s`; the node goes on waiting."),
        "overload": Policy(Level.WARN, "The newest cloud is taken, older ones are counted as superseded."),
        "slow": Policy(Level.WARN, "Reported: a cloud took longer than `max_processing_time_ms`."),
        "slow_for_long": Policy(Level.ERROR, "Reported: every cloud was slow for `max_consecutive_delay_ms`."),
        "name_taken": Policy(
            Level.ERROR, "A node refuses to configure where its name is taken; one that runs goes on and reports it."
        ),
        "incompatible_qos": Policy(Level.ERROR, "Reported: a publisher or subscriber cannot be connected."),
        "message_lost": Policy(Level.WARN, "Counted apart: the middleware lost clouds before they reached the node."),
    }
)
"""What lasts, or concerns no cloud that was received."""

MODEL_ERRORS_BEFORE_RELOAD = 3
"""So many errors of the model in a row make the node load it anew."""


class RefusedError(ValueError):
    """A cloud gives no result; `reason` is one of `DROP_REASONS`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        if reason not in DROP_REASONS:
            raise ValueError(f"reason must be one of {', '.join(DROP_REASONS)}, got '{reason}'")
        self.reason = reason
