"""Recordings that are made long: each is what it is said to be, to its last frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.commands.long_recordings import LAYOUTS, MOST_FRAMES, Layout, write_long
from bevseg.datasets.nuscenes_tables import NuScenesSource
from bevseg.datasets.open import OpenOptions, open_source
from bevseg.datasets.swept import DriveRecording

FRAMES = 43  # no multiple of 40: nuScenes' scenes have to be shorter


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_frame_can_be_read(tmp_path: Path, layout: Layout) -> None:
    if layout in ("mcap", "db3"):
        pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    opened = open_source(write_long(layout, FRAMES, tmp_path))
    assert opened.kind == ("rosbag" if layout in ("mcap", "db3") else layout)
    assert len(opened.source) == FRAMES
    first, last = opened.source[0], opened.source[FRAMES - 1]
    assert len(first.cloud) == len(last.cloud) > 1000
    assert len(first.annotations) == len(last.annotations)
    assert (len(first.annotations) > 10) == (layout in ("bevseg-frames", "kitti-object", "kitti-tracking", "nuscenes"))


@pytest.mark.parametrize("layout", ["kitti-tracking", "semantic-kitti", "mcap"])
def test_drives_get_on(tmp_path: Path, layout: Layout) -> None:
    if layout == "mcap":
        pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    source = open_source(write_long(layout, 11, tmp_path)).source
    assert isinstance(source, DriveRecording)
    assert source.has_poses
    first, last = (source[k].T_global_from_ego.translation_m for k in (0, 10))
    assert np.linalg.norm(last - first) == pytest.approx(7.0, rel=0.01)
    assert source[10].cloud.stamp_ns - source[0].cloud.stamp_ns == 1_000_000_000


def test_scenes_of_a_set_are_told_apart_and_have_their_sweeps(tmp_path: Path) -> None:
    source = open_source(write_long("nuscenes", 82, tmp_path), OpenOptions(sweeps=3)).source
    assert isinstance(source, NuScenesSource)
    assert len({source.name_of(k) for k in range(82)}) == 82
    drives = [source.drive_of(k) for k in range(82)]
    assert [drives.count(drive) for drive in dict.fromkeys(drives)] == [2] * 41
    assert [len(np.unique(source[k].cloud.sweep)) for k in (2, 81)] == [1, 3]
    tracks = [set(source[k].annotations.track_id.tolist()) for k in (0, 1, 2)]
    assert tracks[0] == tracks[1]
    assert not tracks[0] & tracks[2]


@pytest.mark.parametrize("frames", [0, MOST_FRAMES + 1])
def test_counts_that_cannot_be_made_are_refused(tmp_path: Path, frames: int) -> None:
    with pytest.raises(ValueError, match=f"expected 1 to {MOST_FRAMES} frames, got {frames}"):
        write_long("points", frames, tmp_path)
    assert not list(tmp_path.iterdir())
