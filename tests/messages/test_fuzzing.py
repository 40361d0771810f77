"""A small share of the fuzz campaign, and what it found before."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

_TOOL = Path(__file__).parents[2] / "tools" / "fuzz_pointcloud2.py"
_CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(_TOOL.stem, _TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def message_of(stored: Path) -> tuple[str, SimpleNamespace]:
    """The outcome and the message of one file of the corpus."""
    record = json.loads(stored.read_text(encoding="utf-8"))
    outcome, header = record.pop("outcome"), record["header"]
    record["header"] = SimpleNamespace(stamp=SimpleNamespace(**header["stamp"]), frame_id=header["frame_id"])
    record["fields"] = [SimpleNamespace(**field) for field in record["fields"]]
    record["data"] = bytes.fromhex(record["data"])
    return outcome, SimpleNamespace(**record)


@pytest.mark.parametrize("stored", _CORPUS, ids=lambda path: path.stem)
def test_known_messages_end_as_they_did(tool: ModuleType, stored: Path) -> None:
    outcome, message = message_of(stored)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tool.outcome_of(message) == outcome
    assert tool.to_json(message) | {"outcome": outcome} == json.loads(stored.read_text(encoding="utf-8"))


def test_mutated_messages_are_decoded_or_refused(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(_TOOL),
        "--count",
        "3000",
        "--seed",
        "7",
        "--failure",
        str(tmp_path / "failure.json"),
    ]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=_TOOL.parents[1])
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert sum(report["outcomes"].values()) == report["messages"] == 3000
    assert len(report["outcomes"]) == 15  # decoded, with and without points, and each reason to refuse


def test_a_message_that_breaks_the_decoder_is_kept(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(message: SimpleNamespace, **_: object) -> None:
        raise KeyError(message.width)

    monkeypatch.setattr(tool, "decode_pointcloud2", broken)
    monkeypatch.setattr(tool.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(tool.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--count", "1", "--failure", str(tmp_path / "failure.json")])
    with pytest.raises(KeyError), warnings.catch_warnings():
        tool.main()
    assert (tmp_path / "failure.json").exists()
