"""Videos, folders and sheets: whole or not at all; frames that cannot be read become cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.drawing.frame_picture import PictureSize
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.replay.benchmark import benchmark_replay
from bevseg.replay.export import Tally, read_ahead, spread, tile_look, write_pictures, write_sheet, write_video
from bevseg.replay.frames import BrokenFrame, Frame, place_words
from bevseg.replay.pictures import FramePainter, Look, TilePainter, heading_of
from bevseg.replay.predictions import StoredPredictions
from bevseg.replay.recording import Predictor, Recording
from bevseg.results.scene import Scene

SCORING = Scoring(MatchRule(min_points=5))
LOOK = Look("drive", size=PictureSize(640, 360))


@pytest.fixture
def recording(drive: Source, stored: Path) -> Recording:
    predict = StoredPredictions.find(stored, "drive").predict
    return Recording(drive, (Predictor("stored", predict),), SCORING)


def test_frames_are_read_in_order_and_counted(recording: Recording) -> None:
    tally = Tally()
    frames = list(read_ahead(recording, [0, 1, 4], tally))
    assert [frame.index for frame in frames] == [0, 1, 4]
    assert (tally.frames, tally.broken, tally.without_result) == (3, [], [])
    assert [frame.index for frame in read_ahead(recording, iter(range(2)), Tally())] == [0, 1]
    assert list(read_ahead(recording, [], Tally())) == []


def test_what_is_missing_or_broken_is_counted(recording: Recording, stored: Path) -> None:
    results = stored / "predictions" / "drive"
    for end in (".json", ".npz"):
        (results / f"000002{end}").unlink()
    (results / "000003.json").write_text('{"schema_version": 99}')
    tally = Tally()
    frames = list(read_ahead(recording, range(5), tally))
    assert tally.without_result == ["000002"]
    assert [frame.index for frame in tally.broken] == [3]
    assert isinstance(frames[3], BrokenFrame)
    assert "schema version 99, this bevseg reads 1 and 2" in frames[3].reason


@pytest.mark.parametrize("workers", [1, 2])
def test_a_video_of_all_frames(recording: Recording, tmp_path: Path, workers: int) -> None:
    frames = [*read_ahead(recording, range(3), Tally()), BrokenFrame(3, 6, "the file is cut off")]
    path = tmp_path / "drive.mp4"
    painter = FramePainter(LOOK, SCORING)
    with write_video(path, frames, painter, frames_per_s=10.0, workers=workers) as drawn:
        assert list(drawn) == [1, 2, 3, 4]
        assert not path.exists()
    video = cv2.VideoCapture(str(path))
    assert [int(video.get(p)) for p in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FRAME_WIDTH)] == [4, 640]
    assert [file.name for file in tmp_path.glob("*.mp4")] == ["drive.mp4"]


def test_an_interrupted_export_leaves_nothing(recording: Recording, tmp_path: Path) -> None:
    def interrupted() -> Iterator[Frame | BrokenFrame]:
        yield from read_ahead(recording, range(2), Tally())
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    painter, tile = FramePainter(LOOK), TilePainter(tile_look(LOOK, 2))
    with (
        pytest.raises(KeyboardInterrupt),
        write_video(tmp_path / "a.mp4", interrupted(), painter, frames_per_s=10.0, workers=1) as drawn,
    ):
        list(drawn)
    with (
        pytest.raises(KeyboardInterrupt),
        write_pictures(tmp_path / "b", interrupted(), painter, workers=1) as drawn,
    ):
        list(drawn)
    with pytest.raises(KeyboardInterrupt), write_sheet(tmp_path / "c.png", interrupted(), tile, workers=1) as drawn:
        list(drawn)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_of_pictures(recording: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "pictures"
    with write_pictures(folder, read_ahead(recording, [1, 5], Tally()), FramePainter(LOOK), workers=1) as drawn:
        assert list(drawn) == [1, 2]
    assert sorted(path.name for path in folder.iterdir()) == ["000001.png", "000005.png"]
    with (
        pytest.raises(FileExistsError, match="name another folder"),
        write_pictures(folder, [], FramePainter(LOOK), workers=1),
    ):
        pass


def test_a_sheet(recording: Recording, tmp_path: Path) -> None:
    painter = TilePainter(tile_look(LOOK, 5), SCORING)
    frames = [*read_ahead(recording, range(4), Tally()), BrokenFrame(4, 6, "gone")]
    with write_sheet(tmp_path / "s.png", frames, painter, workers=1) as drawn:
        assert len(list(drawn)) == 5
    sheet = cv2.imread(str(tmp_path / "s.png"))
    assert sheet is not None
    assert sheet.shape[0] > 2 * 480
    assert sheet.shape[1] > 2 * 640


def test_a_sheet_needs_frames(recording: Recording, tmp_path: Path) -> None:
    painter = TilePainter(tile_look(LOOK, 1))
    with pytest.raises(ValueError, match="got none"), write_sheet(tmp_path / "s.png", [], painter, workers=1) as drawn:
        list(drawn)
    many: list[Frame | BrokenFrame] = [BrokenFrame(k, 99, "gone") for k in range(65)]
    with (
        pytest.raises(ValueError, match="got more"),
        write_sheet(tmp_path / "s.png", many, painter, workers=1) as drawn,
    ):
        list(drawn)


@pytest.mark.parametrize(
    ("total", "tiles", "chosen"), [(40, 4, (5, 15, 25, 35)), (3, 9, (0, 1, 2)), (1, 9, (0,)), (0, 9, ())]
)
def test_frames_are_spread_evenly(total: int, tiles: int, chosen: tuple[int, ...]) -> None:
    assert spread(total, tiles) == chosen


def test_two_results_are_drawn_side_by_side(drive: Source, right: Callable[[Sample], Scene]) -> None:
    pair = Recording(drive, (Predictor("a", right), Predictor("b", lambda sample: None)), SCORING)
    frame = pair.read(0)
    picture = FramePainter(LOOK, SCORING)(frame)
    assert picture.shape == (360, 640, 3)
    left, other = picture[:, :320].astype(int), picture[:, 320:].astype(int)
    assert np.abs(left - other).max() > 100


def test_frames_are_counted_as_they_are_named(recording: Recording) -> None:
    frame = recording.read(1)
    assert isinstance(frame, Frame)
    heading = heading_of(frame, frame.predictions[0], replace(LOOK, colors="colours are tracks"))
    assert heading.place == f"frame 1 of 0 to {frame.total - 1}  ·  {frame.time_s:.1f} s"
    assert heading.colors == "colours are tracks"
    assert place_words(BrokenFrame(3, 7, "cut off")) == "frame 3 of 0 to 6"


def test_layers_can_be_switched(recording: Recording) -> None:
    frame = recording.read(1)
    everything = FramePainter(LOOK, SCORING)(frame)
    without = FramePainter(replace(LOOK, layers=LOOK.layers - {"masks", "boxes"}), SCORING)(frame)
    assert (everything != without).any()


def test_the_benchmark_measures_what_it_says(recording: Recording, stored: Path, tmp_path: Path) -> None:
    speed = benchmark_replay(
        recording, FramePainter(LOOK, SCORING), stored=stored / "predictions" / "drive", scratch=tmp_path, workers=1
    )
    told = speed.as_json()
    assert (speed.frames, speed.objects, speed.points) == (6, 3.0, 360.0)
    assert 0 < speed.first_s <= speed.video_s
    assert list(told["stages_ms"]) == ["read", "compare", "draw", "encode"]  # type: ignore[call-overload]
    assert 0 < speed.stored_kb < 60
