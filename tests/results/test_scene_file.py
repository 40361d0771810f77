import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg.results.scene_file import SCHEMA_VERSION, SceneFileError, read_scene, scene_to_json, write_scene

GRID = BevGrid(x_min_m=4.0, y_min_m=-2.1, cell_m=0.2, width=70, height=31)

Document = dict[str, Any]


def _empty_scene() -> Scene:
    return Scene(
        stamp_ns=1_531_883_530_449_377_123,
        frame="base_link",
        instances=replace(Instances.empty(GRID), visible_fraction_source="estimated"),
        occlusion=OcclusionGraph.empty(),
        visibility=VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8)),
        points=PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int32)),
    )


def _scene() -> Scene:
    rng = np.random.default_rng(7)
    boxes = rng.uniform(0.1, 4, (3, 7)).astype(np.float32) + np.array([5, 0, 0, 0, 0, 0, 0], np.float32)
    fractions = rng.random(3).astype(np.float32)
    amodal = footprint_masks(boxes, GRID)
    instances = Instances(
        id=np.array([7, 2, 9], np.int32),
        label=np.array([SemanticClass.CAR, SemanticClass.TRAFFIC_CONE, SemanticClass.CONSTRUCTION_VEHICLE], np.uint8),
        score=rng.random(3).astype(np.float32),
        boxes=boxes,
        velocity_mps=np.array([[1 / 3, -0.1], [np.nan, np.nan], [0, 0]], np.float32),
        amodal=amodal,
        visible=amodal.where(rng.random(len(amodal.cells)) < 0.5),
        visible_fraction=fractions,
        visible_fraction_source="estimated",
    )
    graph = OcclusionGraph(
        occluder=np.array([0, 2, 1], np.int32),
        occluded=np.array([1, 1, 2], np.int32),
        hidden_fraction=np.array([0.1, 0.7, 1 / 3], np.float32),
        rank=np.array([0, 1, 1], np.int32),
        visible_fraction=fractions,
        cycles=((1, 2),),
    )
    return replace(
        _empty_scene(),
        instances=instances,
        occlusion=graph,
        visibility=VisibilityMap(GRID, rng.integers(0, 4, GRID.shape).astype(np.uint8)),
        points=PointLabels(rng.integers(0, 17, 50).astype(np.uint8), rng.integers(0, 10, 50).astype(np.int32)),
        timings_ms={"pillars": 0.1, "network": 1 / 3},
        T_output_from_input=Transform.from_yaw(0.3, np.array([0.1, 0.2, 1 / 3]), dst="base_link", src="lidar_top"),
    )


def _assert_same(got: Any, expected: Any) -> None:
    """Every array of a result equal to the last bit, with its type."""
    assert type(got) is type(expected)
    if isinstance(expected, np.ndarray):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
    elif hasattr(expected, "__dataclass_fields__"):
        for name in expected.__dataclass_fields__:
            _assert_same(getattr(got, name), getattr(expected, name))
    else:
        assert got == expected


@pytest.mark.parametrize("scene", [_scene(), _empty_scene()], ids=["full", "empty"])
def test_a_scene_is_read_as_it_was_written(tmp_path: Path, scene: Scene) -> None:
    stem = tmp_path / "drive.7" / "000012"

    write_scene(stem, scene)

    _assert_same(read_scene(stem), scene)
    assert sorted(p.name for p in stem.parent.iterdir()) == ["000012.json", "000012.npz"]


def test_a_scene_without_occlusion_is_read_as_it_was_written(tmp_path: Path) -> None:
    scene = _scene()
    opened = replace(
        scene.instances, visible_fraction=np.full(3, np.nan, np.float32), visible_fraction_source="unknown"
    )
    scene = replace(scene, instances=opened, occlusion=OcclusionGraph.empty(3))

    write_scene(tmp_path / "a", scene)

    _assert_same(read_scene(tmp_path / "a"), scene)


def test_the_document_has_exactly_the_described_keys() -> None:
    document = scene_to_json(_scene())

    assert set(document) == {
        "schema_version",
        "frame",
        "stamp_ns",
        "num_points",
        "timings_ms",
        "grid",
        "T_output_from_input",
        "visible_fraction_source",
        "objects",
        "occlusion",
    }
    assert set(document["grid"]) == {"x_min_m", "y_min_m", "cell_m", "width", "height"}
    assert set(document["T_output_from_input"]) == {"dst", "src", "matrix"}
    assert set(document["occlusion"]) == {"edges", "cycles"}
    assert set(document["occlusion"]["edges"][0]) == {"occluder", "occluded", "hidden_fraction"}
    for stored in document["objects"]:
        assert set(stored) == {
            "id",
            "class",
            "score",
            "box",
            "mask_amodal",
            "mask_visible",
            "visible_fraction",
            "occluded_by",
            "rank",
        }
        assert set(stored["box"]) == {"center_m", "size_lwh_m", "yaw_rad", "velocity_mps"}
        assert set(stored["mask_amodal"]) == set(stored["mask_visible"]) == {"size", "counts"}


def test_the_document_speaks_of_ids_and_of_null() -> None:
    document = scene_to_json(_scene())
    second = document["objects"][1]

    assert document["schema_version"] == SCHEMA_VERSION
    assert document["num_points"] == 50
    assert second["class"] == "traffic_cone"
    assert second["occluded_by"] == [9, 7], "the one that hides most first"
    assert second["box"]["velocity_mps"] is None
    assert document["objects"][2]["box"]["velocity_mps"] == [0.0, 0.0]
    assert document["occlusion"]["cycles"] == [[2, 9]]
    assert [(e["occluder"], e["occluded"]) for e in document["occlusion"]["edges"]] == [(7, 2), (9, 2), (2, 9)]
    assert second["mask_amodal"]["size"] == [31, 70]
    json.dumps(document, allow_nan=False)


def test_writing_again_replaces_the_scene(tmp_path: Path) -> None:
    write_scene(tmp_path / "a", _scene())
    write_scene(tmp_path / "a", _empty_scene())

    assert len(read_scene(tmp_path / "a").instances) == 0


def test_a_number_that_is_not_finite_is_not_stored(tmp_path: Path) -> None:
    scene = _scene()
    scene.instances.boxes[1, 2] = np.nan

    with pytest.raises(SceneFileError, match="not finite"):
        write_scene(tmp_path / "a", scene)
    assert list(tmp_path.iterdir()) == []


def test_two_visible_fractions_are_not_stored(tmp_path: Path) -> None:
    scene = _scene()
    other = replace(scene.occlusion, visible_fraction=np.ones(3, np.float32))

    with pytest.raises(SceneFileError, match="with_occlusion"):
        write_scene(tmp_path / "a", replace(scene, occlusion=other))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_scene(tmp_path / "a", _empty_scene())

    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="No space"):
        write_scene(tmp_path / "a", _empty_scene())
    assert len(read_scene(tmp_path / "a").instances) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.npz"]


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    write_scene(tmp_path / "a", _scene())
    (tmp_path / f"a{suffix}").unlink()

    with pytest.raises(SceneFileError, match=rf"a\{suffix}.*pair of files"):
        read_scene(tmp_path / "a")


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("keep", [0, 100, -40])
def test_a_cut_file_is_damaged(tmp_path: Path, suffix: str, keep: int) -> None:
    write_scene(tmp_path / "a", _scene())
    path = tmp_path / f"a{suffix}"
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(SceneFileError, match="damaged"):
        read_scene(tmp_path / "a")


def test_an_array_file_of_another_kind_is_damaged(tmp_path: Path) -> None:
    write_scene(tmp_path / "a", _scene())
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros(3))

    with pytest.raises(SceneFileError, match="damaged"):
        read_scene(tmp_path / "a")


@pytest.mark.parametrize("version", [3, "1", True, None])
def test_another_version_is_rejected(tmp_path: Path, version: object) -> None:
    _write_changed(tmp_path, {"schema_version": version})

    with pytest.raises(SceneFileError, match=f"schema version {version}, this bevseg reads 1 and 2"):
        read_scene(tmp_path / "a")


@pytest.mark.parametrize("scene", [_scene(), _empty_scene()], ids=["full", "empty"])
def test_a_scene_of_version_1_is_read_as_it_was_written(tmp_path: Path, scene: Scene) -> None:
    write_scene(tmp_path / "a", scene)
    document = json.loads((tmp_path / "a.json").read_text()) | {"schema_version": 1}
    source = document["visible_fraction_source"]
    for k, stored in enumerate(document["objects"]):
        stored["visible_fraction_source"] = source
        stored["score"] = float(scene.instances.score[k])  # with all digits of the float64
        stored["box"]["center_m"] = scene.instances.boxes[k, :3].tolist()
    (tmp_path / "a.json").write_text(json.dumps(document))

    _assert_same(read_scene(tmp_path / "a"), scene)


def test_a_frame_of_60_objects_and_34000_points_takes_60_kb_at_most(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    grid = BevGrid.square(half_extent_m=51.2, cell_m=0.2)
    boxes = rng.normal([0, 0, -1, 4.5, 1.9, 1.6, 0], [20, 20, 0.2, 0.5, 0.2, 0.2, 2], (60, 7)).astype(np.float32)
    amodal = footprint_masks(boxes, grid)
    fractions = rng.random(60).astype(np.float32)
    instances = replace(
        Instances.from_detections(
            label=np.full(60, SemanticClass.CAR, np.uint8),
            score=fractions,
            boxes=boxes,
            velocity_mps=boxes[:, :2],
            amodal=amodal,
        ),
        visible=amodal.where(boxes[amodal.owner, 0] < grid.centers_of(amodal.cells)[:, 0]),
        visible_fraction=fractions,
    )
    azimuth = np.arctan2(*np.moveaxis(grid.centers_of(np.arange(grid.num_cells)), -1, 0))
    rays = rng.integers(0, 4, 180)[((azimuth + np.pi) / (2 * np.pi) * 179).astype(int)].reshape(grid.shape)
    scene = replace(
        _empty_scene(),
        instances=instances,
        occlusion=replace(OcclusionGraph.empty(60), visible_fraction=fractions),
        visibility=VisibilityMap(grid, rays.astype(np.uint8)),
        points=PointLabels(
            np.repeat(rng.integers(0, 17, 3400), 10).astype(np.uint8),
            np.repeat(rng.integers(0, 61, 3400), 10).astype(np.int32),
        ),
    )

    write_scene(tmp_path / "a", scene)

    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 60_000
    _assert_same(read_scene(tmp_path / "a"), scene)


@pytest.mark.parametrize("text", ["[]", "3"])
def test_json_that_is_no_scene_is_rejected(tmp_path: Path, text: str) -> None:
    write_scene(tmp_path / "a", _scene())
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(SceneFileError, match="schema version None"):
        read_scene(tmp_path / "a")


def test_files_of_two_scans_are_rejected(tmp_path: Path) -> None:
    _write_changed(tmp_path, {"stamp_ns": 5})

    with pytest.raises(SceneFileError, match="different scans"):
        read_scene(tmp_path / "a")


@pytest.mark.parametrize(
    "changed",
    [
        {"objects": None},
        {"objects": [{"id": 1}]},
        {"num_points": 49},
        {"grid": {"x_min_m": 0.0}},
        {"grid": {"x_min_m": 0.0, "y_min_m": 0.0, "cell_m": 1.0, "width": 31, "height": 70}},
        {"occlusion": {"edges": [{"occluder": 1, "occluded": 2, "hidden_fraction": 1}], "cycles": []}},
        {"occlusion": []},
        {"T_output_from_input": {"dst": "a", "src": "b", "matrix": [[1]]}},
    ],
)
def test_a_changed_field_is_rejected(tmp_path: Path, changed: Document) -> None:
    _write_changed(tmp_path, changed)

    with pytest.raises(SceneFileError, match=r"a\.json is not a scene of schema version 2"):
        read_scene(tmp_path / "a")


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"class": "tram"}, "object 7: expected one of the classes barrier, .*got 'tram'"),
        ({"visible_fraction_source": "guessed"}, "must be one of counted, estimated, unknown"),
        ({"id": 2}, r"expected one object for each id, got several with \[2\]"),
        ({"mask_visible": {"size": [31, 71], "counts": "0"}}, "object 7, mask_visible: a mask of size"),
    ],
)
def test_a_changed_object_is_rejected(tmp_path: Path, changed: Document, complaint: str) -> None:
    objects = scene_to_json(_scene())["objects"]
    _write_changed(tmp_path, {"objects": [objects[0] | changed, *objects[1:]]})

    with pytest.raises(SceneFileError, match=f"is not a scene.*{complaint}"):
        read_scene(tmp_path / "a")


def _write_changed(folder: Path, changed: Document) -> None:
    write_scene(folder / "a", _scene())
    path = folder / "a.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
