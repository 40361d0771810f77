"""What this machine can show."""

from __future__ import annotations

import os

import pytest

from bevseg.replay.display import has_display, refusal_of_open3d, stdout_to_stderr


def test_a_display_is_found_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert has_display({"WAYLAND_DISPLAY": "wayland-0"})
    assert has_display({"DISPLAY": ":0"})
    assert not has_display({"DISPLAY": ""})
    assert not has_display({})
    monkeypatch.setattr("sys.platform", "darwin")
    assert has_display({})


def test_what_a_trial_of_open3d_says() -> None:
    assert refusal_of_open3d("pass") is None
    assert refusal_of_open3d("raise RuntimeError('no driver')") == "RuntimeError: no driver"
    assert refusal_of_open3d("import sys; sys.exit(3)") == "it ended with 3"
    with pytest.raises(ModuleNotFoundError):
        refusal_of_open3d("raise ModuleNotFoundError(\"No module named 'open3d'\")")


def test_stdout_is_kept_for_results(capfd: pytest.CaptureFixture[str]) -> None:
    with stdout_to_stderr():
        os.write(1, b"a library talks\n")
    print("a result")
    told = capfd.readouterr()
    assert (told.out, told.err) == ("a result\n", "a library talks\n")
