from __future__ import annotations

from typing import get_args

import pytest

from bevseg.messages.pointcloud2 import RefusalReason
from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS, RefusedError


def test_every_refusal_of_the_decoder_has_a_policy() -> None:
    assert set(get_args(RefusalReason)) <= set(DROP_REASONS)


def test_names_are_used_once() -> None:
    names = [*DROP_REASONS, *REMARKS, *CONDITIONS]
    assert len(set(names)) == len(names)


def test_a_refusal_has_a_reason_that_is_a_policy() -> None:
    assert RefusedError("truncated", "too short").reason == "truncated"
    with pytest.raises(ValueError, match="reason must be one of"):
        RefusedError("tired", "no")
