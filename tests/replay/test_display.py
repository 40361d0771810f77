"""Whether there is a display."""

from __future__ import annotations

import pytest

from bevseg.replay.display import has_display


def test_a_display_is_found_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert has_display({"WAYLAND_DISPLAY": "wayland-0"})
    assert has_display({"DISPLAY": ":0"})
    assert not has_display({"DISPLAY": ""})
    assert not has_display({})
    monkeypatch.setattr("sys.platform", "darwin")
    assert has_display({})
