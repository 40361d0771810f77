from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from bevseg.commands.dataset_part import add_part_arguments
from bevseg.commands.evaluated_sources import REAL_DATA, add_source_arguments
from bevseg.commands.source_notes import drives_of, note_sources, open_again
from bevseg.datasets.sample import Sample
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.corruptions import CorruptedSource, Corruption
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.source import SimulatedSource
from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

QUIET = Console(quiet=True)


def _args(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_source_arguments(parser)
    add_part_arguments(parser)
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class _Drives:
    drives: str
    name: str = "drives"
    has_poses: bool = False

    def __len__(self) -> int:
        return len(self.drives)

    def name_of(self, index: int) -> str:
        return str(index)

    def __getitem__(self, index: int) -> Sample:
        raise AssertionError("nothing is read to know the drives")

    def drive_of(self, index: int) -> str:
        return self.drives[index]


@dataclass(frozen=True)
class _Frames:
    name: str = "frames"

    def __len__(self) -> int:
        return 2

    def name_of(self, index: int) -> str:
        return str(index)

    def __getitem__(self, index: int) -> Sample:
        raise AssertionError("nothing is read to know the drives")


def test_drives_of_recordings_of_simulated_scenes_and_of_what_does_not_tell() -> None:
    fog = Corruption.parse("fog:0.5")
    assert drives_of(_Drives("aab")) == drives_of(CorruptedSource(_Drives("aab"), fog)) == ["a", "a", "b"]
    assert drives_of(_Frames()) is None
    assert drives_of(SimulatedSource(SimulationConfig(seed=1, frames=2))) == ["scene 0", "scene 1"]


def test_frames_made_anew_are_opened_as_they_were(tmp_path: Path) -> None:
    note_sources(tmp_path, _args("--simulated", "--frames", "3", "--simulated-seed", "9", "--corrupt", "fog:0.5"))
    opened = open_again(tmp_path, QUIET)
    assert not isinstance(opened, str)
    assert list(opened) == ["simulated"]
    source = opened["simulated"]
    assert isinstance(source, CorruptedSource)
    assert isinstance(source.source, SimulatedSource)
    assert (source.source.config.seed, len(source)) == (9, 3)


def test_a_dataset_is_opened_as_it_was(tmp_path: Path) -> None:
    street = SimulationConfig(seed=4, frames=2, sensors=("vlp-16",), range_m=20.0)
    write_semantic_kitti(DriveSource(DriveConfig(street)), tmp_path / "set")
    note_sources(tmp_path, _args("--data", str(tmp_path / "set")))
    opened = open_again(tmp_path, QUIET)
    assert not isinstance(opened, str)
    ((_, source),) = opened.items()
    assert len(source) == 2
    assert drives_of(source) == ["00", "00"]


def test_paths_are_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(REAL_DATA, "real")
    note_sources(tmp_path, _args("--data", "set", "--real", "--frozen", "../cold"))
    noted = json.loads((tmp_path / "sources.json").read_text())
    assert noted["data"] == str(tmp_path / "set")
    assert noted["real"] == str(tmp_path / "real")
    assert noted["frozen"] == str(tmp_path.parent / "cold")
    assert noted["simulated"] is None


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    def reason() -> str:
        opened = open_again(tmp_path, QUIET)
        assert isinstance(opened, str)
        return opened

    assert "has no sources.json" in reason()
    note_sources(tmp_path, _args("--frozen", str(tmp_path / "gone")))
    assert reason() == f"{tmp_path / 'gone'} is not there any more"
    note_sources(tmp_path, _args("--data", str(tmp_path / "gone")))
    assert "cannot be opened again" in reason()
    (tmp_path / "sources.json").write_text("{")
    assert "cannot be opened again" in reason()
