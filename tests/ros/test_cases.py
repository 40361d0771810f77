"""Each case that has a policy has a test in which it comes up: live, or where the wire cannot carry it, without."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS

LIVE: dict[str, str] = {
    "no_transform": "test_live_transforms.test_transforms_that_are_missing_early_late_and_in_time",
    "late_transform": "test_live_transforms.test_transforms_that_are_missing_early_late_and_in_time",
    "future_transform": "test_live_transforms.test_transforms_that_are_missing_early_late_and_in_time",
    "no_odometry": "test_live_motion.test_clouds_that_odometry_does_not_cover_are_dropped_by_name",
    "late_odometry": "test_live_motion.test_clouds_that_odometry_does_not_cover_are_dropped_by_name",
    "future_odometry": "test_live_motion.test_clouds_that_odometry_does_not_cover_are_dropped_by_name",
    "no_point_times": "test_live_transforms.test_clouds_are_joined_by_odometry_and_never_without",
    "missing_field": "test_live_policies.BROKEN",
    "duplicate_field": "test_live_policies.BROKEN",
    "bad_type": "test_live_policies.BROKEN",
    "bad_count": "test_live_policies.BROKEN",
    "field_outside_point": "test_live_policies.BROKEN",
    "bad_stamp": "test_live_policies.BROKEN",
    "bad_time": "test_live_policies.BROKEN",
    "bad_intensity": "test_live_policies.BROKEN",
    "no_finite_points": "test_live_policies.BROKEN",
    "wrong_values": "test_live_policies.BROKEN",
    "wrong_endianness": "test_live_policies.BROKEN",
    "bad_size": "test_live_policies.BROKEN",
    "size_mismatch": "test_live_policies.BROKEN",
    "truncated": "test_live_policies.BROKEN",
    "absurd_size": "test_live_policies.BROKEN",
    "late_partner": "test_live_lidars.test_a_partner_that_comes_too_late_is_dropped_by_name",
    "clock_apart": "test_live_lidars.test_a_lidar_whose_clock_jumps_joins_nothing_until_it_is_back",
    "required_missing": "test_live_lidars.test_offsets_and_lidars_without_which_there_is_no_result",
    "duplicate_stamp": "test_live_policies.test_stamps_that_do_not_follow",
    "out_of_order": "test_live_policies.test_stamps_that_do_not_follow",
    "model_error": "test_live_endings.test_errors_of_the_model_and_an_error_at_configure",
    "deactivated": "test_live_endings.test_ended_in_the_middle_of_a_cloud",
    "empty_cloud": "test_live_policies.test_an_empty_cloud_gives_an_explicit_empty_result",
    "untracked": "test_live_motion.test_without_odometry_objects_are_published_without_tracks",
    "incomplete_group": "test_live_lidars.test_a_missing_partner_is_named_and_the_others_are_published",
    "frame_changed": "test_live_policies.test_results_follow_a_change_of_frame",
    "clock_jump_back": "test_live_policies.test_stamps_that_do_not_follow",
    "clock_jump_forward": "test_live_policies.test_stamps_that_do_not_follow",
    "sensor_stalled": "test_live_policies.test_a_stalled_sensor_is_an_error_until_clouds_come_again",
    "overload": "test_live_policies.test_under_overload_the_newest_cloud_is_taken",
    "slow": "test_live_node.test_slow_clouds_are_reported",
    "slow_for_long": "test_live_node.test_slow_clouds_are_reported",
    "name_taken": "test_live_endings.test_two_nodes_of_one_name",
    "incompatible_qos": "test_live_policies.test_a_publisher_with_another_quality_of_service_is_reported",
}

WITHOUT_A_WIRE: dict[str, str] = {
    "bad_data": "test_preparation.test_data_that_are_no_bytes",  # rclpy has no way to send them
    "internal_error": "test_processing.test_a_defect_is_told_and_counted",
    "message_lost": "test_diagnostics.test_the_stream_of_clouds",  # cannot be brought about at will
}


def test_every_case_has_a_test() -> None:
    assert sorted([*LIVE, *WITHOUT_A_WIRE]) == sorted([*DROP_REASONS, *REMARKS, *CONDITIONS])


@pytest.mark.parametrize(("case", "place"), [*LIVE.items(), *WITHOUT_A_WIRE.items()])
def test_the_test_is_there(case: str, place: str) -> None:
    module, _, name = place.partition(".")
    text = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    named: dict[str, ast.stmt] = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    named |= {ast.unparse(node.target): node for node in tree.body if isinstance(node, ast.AnnAssign)}
    assert name in named
    assert ("pytestmark = pytest.mark.ros" in text) == (case in LIVE)
    if case in LIVE and case not in CONDITIONS and case != "deactivated":
        assert f'"{case}"' in ast.unparse(named[name]).replace("'", '"')
