"""Markers of a scene: that each stands where its object is, in its colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.messages.fields import HeaderFields, MarkerFields
from bevseg.messages.markers import markers
from bevseg.results.colors import object_color
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels


def by_namespace(made: tuple[MarkerFields, ...]) -> dict[str, list[MarkerFields]]:
    found: dict[str, list[MarkerFields]] = {}
    for marker in made:
        found.setdefault(marker.ns, []).append(marker)
    return found


def test_old_markers_vanish_first(scene: Scene, empty_scene: Scene, header: HeaderFields) -> None:
    for made in (markers(scene, header), markers(empty_scene, header)):
        assert made[0].action == 3
        assert all(marker.action == 0 for marker in made[1:])
    assert len(markers(empty_scene, header)) == 1


def test_one_marker_of_lines_a_namespace_and_one_text_an_object(scene: Scene, header: HeaderFields) -> None:
    found = by_namespace(markers(scene, header))
    assert {name: len(group) for name, group in found.items()} == {
        "": 1,
        "outlines": 1,
        "hidden": 1,
        "boxes": 1,
        "order": 1,
        "ids": 4,
    }
    for name in ("outlines", "hidden", "boxes", "order"):
        (lines,) = found[name]
        assert len(lines.points) == len(lines.colors)
        assert len(lines.points) % 2 == 0
        assert lines.header == header
        assert (lines.colors.values >= 0).all()
        assert (lines.colors.values <= 1).all()
    assert [marker.id for marker in found["ids"]] == [7, 3, 12, 400]
    assert [marker.text for marker in found["ids"]] == [
        "car 7",
        "truck 3 75% hidden",
        "pedestrian 12 25% hidden",
        "traffic_cone 400",
    ]


def test_words_and_colors_are_those_of_tracks(scene: Scene, header: HeaderFields) -> None:
    tracks = TrackLabels(scene.instances.id[::-1].astype(np.int64), np.arange(90, 94), np.full(4, 2, np.uint8))
    found = by_namespace(markers(scene, header, tracks))
    assert [(marker.id, marker.text.split()[1]) for marker in found["ids"]] == [
        (93, "93"),
        (92, "92"),
        (91, "91"),
        (90, "90"),
    ]
    (hidden,) = found["hidden"]
    assert tuple(np.rint(hidden.colors.values[0, :3] * 255)) == object_color(93)


def test_boxes_have_twelve_edges_and_a_stroke_ahead(scene: Scene, header: HeaderFields) -> None:
    (lines,) = by_namespace(markers(scene, header))["boxes"]
    points = lines.points.values.reshape(4, 26, 3)
    low, high = points[:, :24].min(axis=1), points[:, :24].max(axis=1)
    np.testing.assert_allclose((low + high) / 2, scene.instances.boxes[:, :3], atol=1e-5)
    np.testing.assert_allclose((high - low)[:, 2], scene.instances.boxes[:, 5], atol=1e-5)
    np.testing.assert_allclose((high - low)[0, :2], [1.9, 4.6], atol=1e-5)  # the car stands across
    np.testing.assert_allclose(points[0, 25] - points[0, 24], [0, 0.18 * 4.6, 0], atol=1e-5)


def test_only_what_was_not_seen_is_hatched(scene: Scene, header: HeaderFields) -> None:
    (lines,) = by_namespace(markers(scene, header))["hidden"]
    cell = scene.grid.cell_m
    middles = lines.points.values.reshape(-1, 2, 3).mean(axis=1)
    truck = middles[middles[:, 1] > -5]
    assert len(truck) > 3
    assert (truck[:, 0] > 19 - cell).all()
    assert np.allclose(truck[:, 2], scene.instances.boxes[1, 2] - scene.instances.boxes[1, 5] / 2)
    ends = lines.points.values.reshape(-1, 2, 3)
    along = ends[:, 1, :2] - ends[:, 0, :2]
    np.testing.assert_allclose(along[:, 0], -along[:, 1], atol=1e-9)
    assert (along[:, 0] > 0).all()
    assert tuple(np.rint(lines.colors.values[0, :3] * 255)) == object_color(7)
    assert lines.colors.repeats is not None
    assert lines.colors.repeats[[0, 2]].tolist() == [0, 0]


def test_arrows_lead_from_the_object_in_front_to_the_hidden_one(scene: Scene, header: HeaderFields) -> None:
    (lines,) = by_namespace(markers(scene, header))["order"]
    arrows = lines.points.values.reshape(-1, 6, 3)
    assert len(arrows) == 2  # what hides less than a fifth has none
    start, tip = arrows[0, 0], arrows[0, 1]
    assert np.hypot(*(start[:2] - [14.0, 0.0])) < np.hypot(*(tip[:2] - [14.0, 0.0]))
    assert np.hypot(*(tip[:2] - [21.0, 0.4])) < 4.2
    np.testing.assert_array_equal(arrows[0, 3], tip)


def test_what_there_is_not_has_no_marker(scene: Scene, header: HeaderFields) -> None:
    plain = replace(
        scene,
        occlusion=OcclusionGraph.empty(4),
        instances=replace(scene.instances, visible=scene.instances.amodal),
    )
    assert set(by_namespace(markers(plain, header))) == {"", "outlines", "boxes", "ids"}


def test_objects_on_one_spot_have_an_arrow_all_the_same(scene: Scene, header: HeaderFields) -> None:
    boxes = np.repeat(scene.instances.boxes[:1], 4, axis=0)
    piled = replace(scene, instances=replace(scene.instances, boxes=boxes))
    (lines,) = by_namespace(markers(piled, header))["order"]
    assert np.isfinite(lines.points.values).all()
    assert lines.lifetime.sec == pytest.approx(1)
