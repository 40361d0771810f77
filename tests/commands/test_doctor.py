from __future__ import annotations

import json

import pytest

from bevseg import health
from bevseg.cli import main
from bevseg.health import Finding

_NUMPY = Finding("numpy", True, "core", "numpy 1.26.4")
_TORCH = Finding("torch", False, "core", "No module named [torch]", "pip install torch")
_OPEN3D = Finding("open3d", False, "optional", "No module named 'open3d'", "pip install 'bevseg[view]'")


def _find(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    monkeypatch.setattr(health, "examine", lambda: list(findings))


def test_a_fit_machine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _find(monkeypatch, _NUMPY, _OPEN3D)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "numpy 1.26.4" in shown
    assert "pip install 'bevseg[view]'" in shown
    assert "The core works." in shown


def test_an_unfit_machine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _find(monkeypatch, _NUMPY, _TORCH)
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "No module named [torch]" in shown
    assert "does not work" in shown


def test_for_machines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _find(monkeypatch, _TORCH)
    assert main(["doctor", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["fit"] is False
    assert answer["findings"] == [
        {
            "part": "torch",
            "present": False,
            "need": "core",
            "detail": "No module named [torch]",
            "remedy": "pip install torch",
        }
    ]
