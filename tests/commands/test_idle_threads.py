"""Tests of `bevseg.commands.idle_threads`."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from bevseg.commands.idle_threads import brief_idle_threads, calm_idle_threads


def test_the_environment_is_calm_and_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    calm_idle_threads()
    assert (os.environ["GOMP_SPINCOUNT"], os.environ["OMP_WAIT_POLICY"]) == ("7", "active")
    monkeypatch.delenv("OMP_WAIT_POLICY")
    calm_idle_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that the fixture puts back what was there before


def test_idle_threads_spin_briefly_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    brief_idle_threads()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    brief_idle_threads()
    assert int(os.environ["GOMP_SPINCOUNT"]) > 0
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that the fixture puts back what was there before


def test_too_late_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "0")
    monkeypatch.setenv("OMP_WAIT_POLICY", "")
    monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setitem(sys.modules, "torch", sys)
    with caplog.at_level(logging.WARNING):
        calm_idle_threads()
    assert "OMP_WAIT_POLICY=passive" in caplog.text


def test_it_imports_no_torch() -> None:
    code = "import sys, bevseg.commands.idle_threads; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
