"""Pictures of Open3D: what is drawn, tested without it, and the pictures themselves where it is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.drawing.frame_picture import PictureSize
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.mask_geometry import ground_picture, ground_quads
from bevseg.replay.open3d_pictures import RendererError, require_renderer, write_open3d
from bevseg.replay.open3d_scene import background, flats, line_layers
from bevseg.replay.pictures import Look, shown_of
from bevseg.replay.predictions import StoredPredictions
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.scene_cameras import Preset, eye_of
from bevseg.replay.scene_geometry import Arrows, SceneGeometry
from bevseg.results.scene import CellState, VisibilityMap

LOOK = Look("drive", size=PictureSize(640, 360))


@pytest.fixture
def frame(drive: Source, stored: Path) -> Frame:
    predict = StoredPredictions.find(stored, "drive").predict
    read = Recording(drive, (Predictor("stored", predict),)).read(1)
    assert isinstance(read, Frame)
    return read


def test_every_layer_has_lines_or_rectangles(frame: Frame) -> None:
    geometry = SceneGeometry.of(shown_of(frame, frame.predictions[0], LOOK))
    filled, lines = flats(geometry), line_layers(geometry)
    assert set(filled) == {"visible", "hidden", "ground"}
    assert len(lines["boxes"].segments) == len(lines["boxes"].colors) == 36
    assert len(lines["outlines"].segments) == len(lines["outlines"].colors) > 12
    assert len(lines["velocity"].segments) == len(lines["order"].segments) == 0
    off = SceneGeometry.of(replace(geometry.shown, layers=frozenset()))
    assert not any(len(layer.segments) for layer in line_layers(off).values())
    assert not any(len(flat.triangles) for flat in flats(off).values())


def test_an_arrow_is_a_shaft_and_two_strokes_from_its_tip(frame: Frame) -> None:
    geometry = SceneGeometry.of(shown_of(frame, frame.predictions[0], LOOK))
    arrow = Arrows(
        np.array([[1.0, 2.0, 0.0]], np.float32),
        np.array([[4.0, 0.0, 0.0]], np.float32),
        np.full((1, 3), 9, np.uint8),
        ("",),
    )
    geometry.__dict__["order"] = arrow
    lines = line_layers(geometry)["order"]
    np.testing.assert_allclose(lines.segments[0], [[1, 2, 0], [5, 2, 0]])
    np.testing.assert_allclose(lines.segments[1], [[5.0, 2.0, 0.0], [4.1, 2.45, 0.0]], atol=1e-6)
    assert lines.colors.shape == (3, 3)


def test_the_ground_as_rectangles(frame: Frame) -> None:
    grid = frame.predictions[0].scene.grid.coarser(64)
    state = np.full(grid.shape, CellState.FREE, np.uint8)
    state[0, 0] = CellState.HIDDEN
    flat = ground_quads(ground_picture(VisibilityMap(grid, state)), -1.8)
    assert len(flat.triangles) == 2 * (1 + grid.height)  # one cell, and a run in each row
    np.testing.assert_allclose(flat.vertices.min(axis=0), [-51.2, -51.2, -1.8], rtol=1e-6)
    assert len(background()) == 4


@pytest.mark.parametrize("preset", ["behind", "above", "side"])
def test_cameras_look_at_the_ground_before_the_vehicle(preset: Preset) -> None:
    eye = eye_of(preset, -1.8)
    along = eye.target - eye.place
    on_ground = eye.place + along * (-1.8 - eye.place[2]) / along[2]
    assert 5 < on_ground[0] < 15
    assert abs(on_ground[1]) < 1e-4
    assert abs(float(np.dot(eye.up, along) / np.linalg.norm(along))) < 0.6


def test_a_machine_that_cannot_draw_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bevseg.replay.open3d_pictures._PROBE", "raise RuntimeError('Failed to load vulkan library!')")
    with pytest.raises(RendererError, match=r"Failed to load vulkan library!.*apt-get install libvulkan1"):
        require_renderer()
    monkeypatch.setattr("bevseg.replay.open3d_pictures._PROBE", "import os; os.abort()")
    with pytest.raises(RendererError, match="it ended with -6"):
        require_renderer()


def test_without_open3d_nothing_is_written(frame: Frame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bevseg.replay.open3d_pictures._PROBE", "raise ModuleNotFoundError(\"No module named 'open3d'\")"
    )
    with pytest.raises(ModuleNotFoundError), write_open3d(tmp_path / "p", [frame], LOOK, None):
        pass
    assert not (tmp_path / "p").exists()


@pytest.mark.open3d
def test_a_folder_of_pictures(frame: Frame, tmp_path: Path) -> None:
    try:
        require_renderer()
    except RendererError as error:
        pytest.skip(str(error))
    with write_open3d(tmp_path / "p", [frame, BrokenFrame(2, 6, "cut off")], LOOK, None) as written:
        assert list(written) == [1, 2]
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["000001.png", "000002.png"]
    picture = cv2.imread(str(tmp_path / "p" / "000001.png"))
    assert picture.shape == (360, 640, 3)
    assert (picture.max(axis=2) > 60).mean() > 0.005
