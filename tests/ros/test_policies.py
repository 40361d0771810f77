from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bevseg.messages.pointcloud2 import RefusalReason
from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS, Level, RefusedError

README = Path(__file__).parents[2] / "ros_node" / "README.md"


def test_every_refusal_of_the_decoder_has_a_policy() -> None:
    assert set(get_args(RefusalReason)) <= set(DROP_REASONS)


def test_names_are_used_once() -> None:
    names = [*DROP_REASONS, *REMARKS, *CONDITIONS]
    assert len(set(names)) == len(names)


def test_a_refusal_has_a_reason_that_is_a_policy() -> None:
    assert RefusedError("truncated", "too short").reason == "truncated"
    with pytest.raises(ValueError, match="reason must be one of"):
        RefusedError("tired", "no")


def test_the_readme_states_every_policy_as_the_code_does() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    stated = [line for line in lines if line.startswith("| `") and line.count("|") == 4]
    expected = [
        f"| `{name}` | {Level(policy.level).name} | {policy.action} |"
        for policies in (DROP_REASONS, REMARKS, CONDITIONS)
        for name, policy in policies.items()
    ]
    assert [line for line in expected if line not in stated] == []
