"""A dataset on disk: complete, resumed, the same for any number of workers, never of two configurations."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bevseg.simulation.config import SIMULATOR_VERSION, SimulationConfig
from bevseg.simulation.dataset_folder import GenerationError
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes
from bevseg.simulation.writers.nuscenes.table_files import TABLES

SIMULATION = SimulationConfig(seed=3, sensors=("vlp-16",), density=(0.1, 0.1), range_m=20.0)
CONFIG = NuScenesWriterConfig(SIMULATION, scenes=2, keyframes=2, val_share=0.5)

LOG = f"drive-v{SIMULATOR_VERSION}-3"


class StoppedError(Exception):
    """Stands for whatever ends a run before its end."""


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nuscenes")
    write_nuscenes(CONFIG, folder)
    return folder


def test_every_file_is_there(dataset: Path) -> None:
    files = contents(dataset)
    folders = {
        "samples/LIDAR_TOP": 4,
        "sweeps/LIDAR_TOP": 18,
        "lidarseg/v1.0-bevseg": 4,
        "panoptic/v1.0-bevseg": 4,
        "maps": 2,
        "v1.0-bevseg": len(TABLES) + 1,
    }
    assert len(TABLES) == 15
    assert {name: sum(file.startswith(f"{name}/") for file in files) for name in folders} == folders
    assert json.loads((dataset / "v1.0-bevseg" / "splits.json").read_text()) == {
        "bevseg_train": ["scene-2000"],
        "bevseg_val": ["scene-2001"],
    }


def test_two_workers_write_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_nuscenes(CONFIG, tmp_path, 2, progress=lambda done, total: seen.append((done, total)))
    assert contents(tmp_path) == contents(dataset)
    assert seen == [(done, 22) for done in range(23)]


def test_goes_on_where_it_was_interrupted(dataset: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 13:
            raise StoppedError

    with pytest.raises(StoppedError):
        write_nuscenes(CONFIG, tmp_path, progress=interrupt)
    assert not (tmp_path / CONFIG.version).exists()
    first = next((tmp_path / "samples" / "LIDAR_TOP").iterdir())
    made_at = first.stat().st_mtime_ns
    (first.parent / ".left-over.pcd.bin.1.tmp").write_bytes(b"half")
    seen: list[int] = []
    write_nuscenes(CONFIG, tmp_path, progress=lambda done, total: seen.append(done))
    assert seen == list(range(13, 23))
    assert first.stat().st_mtime_ns == made_at
    assert contents(tmp_path) == contents(dataset)


def test_makes_again_what_was_deleted_and_nothing_else(dataset: Path, tmp_path: Path) -> None:
    write_nuscenes(CONFIG, tmp_path)
    deleted = [
        next((tmp_path / folder).rglob(f"*{suffix}"))
        for folder, suffix in (("samples", ".bin"), ("sweeps", ".bin"), ("panoptic", ".npz"), ("maps", ".png"))
    ]
    deleted += [tmp_path / "scan_records" / LOG / "000004.npz", tmp_path / CONFIG.version / "sample.json"]
    for path in deleted:
        path.unlink()
    own_file = tmp_path / CONFIG.version / "image_annotations.json"
    own_file.write_text("[]")
    write_nuscenes(CONFIG, tmp_path)
    assert own_file.exists()
    own_file.unlink()
    assert contents(tmp_path) == contents(dataset)


def test_a_complete_dataset_is_left_alone(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in dataset.rglob("*") if path.is_file()}

    def simulate(source: DriveSource, index: int) -> None:
        raise AssertionError(f"scan {index} is made again")

    monkeypatch.setattr(DriveSource, "__getitem__", simulate)
    for workers in (1, 2):
        write_nuscenes(CONFIG, dataset, workers)
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("other", "different"),
    [
        (replace(CONFIG, simulation=replace(SIMULATION, seed=4)), "seed"),
        (replace(CONFIG, keyframes=3), "keyframes"),
        (replace(CONFIG, version="v1.0-other"), "version"),
    ],
)
def test_another_configuration_is_refused(dataset: Path, other: NuScenesWriterConfig, different: str) -> None:
    with pytest.raises(GenerationError, match=rf"different: {different}\)"):
        write_nuscenes(other, dataset)


def test_errors_of_workers_arrive(tmp_path: Path) -> None:
    write_nuscenes(replace(CONFIG, keyframes=1), tmp_path)
    (tmp_path / "scan_records" / LOG / "000000.npz").write_bytes(b"no record")
    (tmp_path / "maps" / f"{LOG}.png").unlink()
    with pytest.raises(ValueError, match="is cut off, damaged or no sample file"):
        write_nuscenes(replace(CONFIG, keyframes=1), tmp_path, 2)
