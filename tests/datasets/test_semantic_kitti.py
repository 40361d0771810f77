from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.semantic_kitti import SemanticKittiSource, instance_numbers
from bevseg.results.classes import SemanticClass


def packed(*labels: tuple[int, int]) -> np.ndarray:
    """Labels from (class, instance)."""
    return np.array([semantic | (instance << 16) for semantic, instance in labels], "<u4")


def scan_folder(folder: Path, labels: np.ndarray) -> Path:
    np.ones((len(labels), 4), "<f4").tofile(folder / "000000.bin")
    labels.tofile(folder / "000000.label")
    return folder


def test_classes_and_instances(tmp_path: Path) -> None:
    labels = packed((40, 0), (10, 9), (252, 2), (10, 9), (99, 0))
    truth = SemanticKittiSource(scan_folder(tmp_path, labels))[0].annotations
    assert truth.point_semantic is not None
    assert truth.point_instance is not None
    C = SemanticClass
    assert truth.point_semantic.tolist() == [C.DRIVEABLE_SURFACE, C.CAR, C.CAR, C.CAR, C.NOISE]
    assert truth.point_instance[[0, 4]].tolist() == [0, 0]
    assert truth.point_instance[1] == truth.point_instance[3] != truth.point_instance[2]
    assert len(truth) == 0


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        (packed(), []),
        (packed((40, 0), (48, 0)), [0, 0]),
        (packed((10, 5), (10, 7)), [1, 2]),
        (packed((10, 5), (30, 5), (40, 0)), [1, 2, 0]),
    ],
)
def test_instances_are_numbered_from_one(labels: np.ndarray, numbers: list[int]) -> None:
    assert instance_numbers(labels).tolist() == numbers


def test_an_empty_scan(tmp_path: Path) -> None:
    assert len(SemanticKittiSource(scan_folder(tmp_path, packed()))[0].cloud) == 0


def test_rejects_labels_that_do_not_fit(tmp_path: Path) -> None:
    source = SemanticKittiSource(scan_folder(tmp_path, packed((10, 1), (300, 0))))
    with pytest.raises(DatasetError, match="label 300 is outside"):
        source[0]
    (tmp_path / "000000.label").write_bytes(bytes(6))
    with pytest.raises(DatasetError, match="whole number of uint32"):
        source[0]
    (tmp_path / "000000.label").write_bytes(bytes(4))
    with pytest.raises(DatasetError, match="2 points, got 1"):
        source[0]
    (tmp_path / "000000.label").unlink()
    with pytest.raises(DatasetError, match="no such file"):
        source[0]
