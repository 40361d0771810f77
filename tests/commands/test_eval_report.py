"""`bevseg eval --output` writes a page; what stands in it is tested with `bevseg.evaluation.report`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.cli import main
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.sample_file import write_sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.generate import frame_path

BOXES = np.array([[10.0, -2.0, -1.0, 4.6, 1.9, 1.6, 0.0], [12.0, 8.0, -1.0, 4.6, 1.9, 1.6, 0.0]], np.float32)


@pytest.fixture
def frames(street: PointCloud, tmp_path: Path) -> Path:
    """A car that is there, and one that nobody could find."""
    labels = np.full(2, SemanticClass.CAR, np.uint8)
    unseen = np.array([[12.0, 8.0, -1.0]] * 9, np.float32)
    cloud = PointCloud.from_xyz(np.concatenate([street.xyz, unseen]))
    poses = (Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego"))
    folder = tmp_path / "frames"
    path = frame_path(folder, 0)
    path.parent.mkdir(parents=True)
    write_sample(path, Sample("one", cloud, Annotations.from_boxes(cloud, BOXES, labels), *poses))
    return folder


def test_a_page_beside_the_figures(frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["eval", "--head", "clusters", "--simulated", str(frames), "--workers", "1", "--output"]
    assert main([*arguments, str(tmp_path / "a")]) == 0
    assert "report.html" in capsys.readouterr().out
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert 'data-kind="missed small"' in page
    assert page.count("data:image/jpeg;base64,") == 5 * page.count("<article")
    assert "the whole config" in page
    assert main([*arguments, str(tmp_path / "b"), "--no-report"]) == 0
    assert not (tmp_path / "b" / "report.html").exists()
    assert (tmp_path / "b" / "metrics.json").is_file()
