from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bevseg.results.classes import THING_CLASSES, SemanticClass
from bevseg_ros.parameter_files import (
    PARAMETER_FILE,
    README_FILE,
    SCHEMA_FILE,
    main,
    parameters_text,
    readme_table,
    schema_text,
    with_table,
)
from bevseg_ros.parameters import PARAMETERS, SPECS, Value, refusal_of_change
from bevseg_ros.settings import MountSettings, ParameterError, settings_from

PACKAGE = Path(__file__).parents[2] / "ros_node"
DEFAULTS: dict[str, Value] = {spec.name: spec.default for spec in PARAMETERS}


MERGED: dict[str, Value] = {
    "base_frame": "base_link",
    "mount.frame": "roof",
    "merge.topics": ("/left", "/right"),
    "merge.frames": ("left", "right"),
    "merge.mounts": (1, 2, 3, 0.1, 0.2, 0.3, 4, 5, 6, 0.4, 0.5, 0.6),
}


def test_defaults_fit_each_other_and_leave_all_open() -> None:
    settings = settings_from(DEFAULTS)
    assert (settings.base_frame, settings.threads, settings.intensity_full_scale) == (None, None, None)
    assert (settings.live.range_m, settings.live.ego_box_m) == (None, None)
    assert settings.live.classes == THING_CLASSES
    assert settings.live.min_score == (None,) * 4


def test_values_arrive_where_they_belong() -> None:
    changes: dict[str, Value] = {
        "base_frame": "base_link",
        "mount.frame": "roof",
        "mount.y": 2.0,
        "mount.pitch": 0.1,
        "min_score.pedestrian": 0.0,
        "ego_box": (-1, 2, -3, 4, 0, 1),
        "classes": ("bus",),
        "range_m": 30.0,
    }
    settings = settings_from({**DEFAULTS, **changes})
    assert settings.mount.xyz_m == (0.0, 2.0, 0.0)
    assert settings.mount.roll_pitch_yaw_rad == (0.0, 0.1, 0.0)
    assert settings.live.min_score == (None, 0.0, None, None)
    assert settings.live.ego_box_m == (-1.0, 2.0, -3.0, 4.0, 0.0, 1.0)
    assert (settings.live.classes, settings.live.range_m) == ((SemanticClass.BUS,), 30.0)


def test_several_lidars() -> None:
    assert settings_from(DEFAULTS).merge is None
    merge = settings_from({**DEFAULTS, **MERGED, "merge.required": ("/right",)}).merge
    assert merge is not None
    assert (merge.topics, merge.required) == (("/left", "/right"), ("/right",))
    assert (merge.offsets_s, merge.tolerance_s, merge.timeout_s) == ((0.0, 0.0), 0.05, 0.08)
    assert merge.mounts[1] == MountSettings("right", (4.0, 5.0, 6.0), (0.4, 0.5, 0.6))
    told = settings_from({**DEFAULTS, **MERGED, "transform_source": "tf", "merge.frames": ("",)}).merge
    assert told is not None
    assert told.mounts == ()
    offsets = settings_from({**DEFAULTS, **MERGED, "merge.offsets_s": (0.0, 0.05)}).merge
    assert offsets is not None
    assert offsets.offsets_s == (0.0, 0.05)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"range_m": 301.0}, r"range_m must lie within 0\.\.300, got 301"),
        ({"range_m": float("nan")}, "range_m must lie within"),
        ({"device": "tpu"}, "device must be of cpu, cuda"),
        ({"classes": ("car", "boat", "plane")}, "got boat, plane"),
        ({"min_score.static": -0.3}, "-1 for the checkpoint's own; got -0.3"),
        ({"ego_box": (0.0, 1.0)}, "x_min, x_max"),
        ({"ego_box": (2.0, 1.0, 0.0, 1.0, 0.0, 1.0)}, "each minimum below its maximum"),
        ({"base_frame": "base_link"}, r"mount\.frame must name the frame"),
        ({"tracking": "odometry"}, "For a sensor that never moves set tracking to 'fixed'"),
        ({"tracking": "off"}, "tracking must be of none, odometry, fixed; got off"),
        ({"merge.topics": ("/left",), "transform_source": "topic"}, "merge.topics needs base_frame"),
        ({**MERGED, "merge.topics": ("/left", "/left")}, "must differ from each other"),
        ({**MERGED, "merge.topics": ("/left", "~/input/pointcloud")}, "must differ from each other"),
        ({**MERGED, "merge.frames": ("left",)}, r"frame of each of merge\.topics \(2\)"),
        ({**MERGED, "merge.frames": ("left", "roof")}, "all different and not mount.frame"),
        ({**MERGED, "merge.mounts": (0.0,) * 6}, "12 numbers, got 6"),
        ({**MERGED, "merge.offsets_s": (0.1,)}, r"one for each of merge\.topics \(2\)"),
        ({**MERGED, "merge.required": ("/rear",)}, r"got \['/rear'\]"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Value], reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        settings_from({**DEFAULTS, **changes})


def test_only_what_is_safe_changes_while_configured() -> None:
    assert refusal_of_change("range_m", configured=True) is None
    assert refusal_of_change("checkpoint", configured=False) is None
    assert refusal_of_change("use_sim_time", configured=True) is None
    assert "clean up the node" in str(refusal_of_change("checkpoint", configured=True))


def test_defaults_are_within_their_own_ranges_and_lists_have_a_type() -> None:
    for spec in PARAMETERS:
        assert spec.description.endswith("."), spec.name
        assert spec.default != (), spec.name
        if isinstance(spec.default, int | float) and not isinstance(spec.default, bool):
            assert spec.low is not None, spec.name
            assert spec.high is not None, spec.name
            assert spec.low <= spec.default <= spec.high, spec.name


def test_files_are_what_the_declarations_make_of_them(tmp_path: Path) -> None:
    assert (PACKAGE / SCHEMA_FILE).read_text() == schema_text(), "run `python -m bevseg_ros.parameter_files ros_node`"
    assert (PACKAGE / PARAMETER_FILE).read_text() == parameters_text(), "as above"
    (tmp_path / "schema").mkdir()
    (tmp_path / "params").mkdir()
    (tmp_path / README_FILE).write_text("Above.\n\n" + readme_table()[:-9] + "\n\nBelow.\n")
    main(tmp_path)
    assert (tmp_path / SCHEMA_FILE).read_text() == schema_text()
    assert (tmp_path / README_FILE).read_text() == f"Above.\n\n{readme_table()}\nBelow.\n"
    with pytest.raises(ValueError, match="expected one table of parameters"):
        with_table("no table")


def test_the_parameter_file_holds_the_defaults_and_fits_the_schema() -> None:
    values = yaml.safe_load(parameters_text())["/**"]["ros__parameters"]
    definition = json.loads(schema_text())["definitions"]["bevseg"]
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat.update(
            {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
        )
    assert flat == {
        name: list(spec.default) if isinstance(spec.default, tuple) else spec.default for name, spec in SPECS.items()
    }
    assert [type(value) for value in flat.values()] == [
        list if isinstance(spec.default, tuple) else type(spec.default) for spec in PARAMETERS
    ]
    assert definition["required"] == list(values)
    assert definition["properties"]["mount"]["properties"]["x"]["minimum"] == -100
