"""Maps of a scene on a grid that is not centred: rows, columns, and who wins where masks overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.messages.fields import HeaderFields, ImageFields
from bevseg.messages.maps import class_map, grid_metadata, instance_map, visibility_grid
from bevseg.results.scene import Scene


def pixels(image: ImageFields) -> np.ndarray:
    kind = {"mono8": "u1", "mono16": "<u2"}[image.encoding]
    assert len(image.data) == image.height * image.step
    return image.data.view(kind).reshape(image.height, image.width)


def test_ids_and_classes_lie_where_the_masks_are(scene: Scene, header: HeaderFields) -> None:
    ids, classes = pixels(instance_map(scene, header)), pixels(class_map(scene, header))
    assert ids.shape == (60, 100)
    assert set(np.unique(ids)) == {0, 3, 7, 12, 400}
    row, column = scene.grid.cells_of(np.array([[21.0, 0.4]]))[0]
    assert (ids[row, column], classes[row, column]) == (3, 10)
    row, column = scene.grid.cells_of(np.array([[30.0, -12.0]]))[0]
    assert (row, column) == (10, 65)
    assert (ids[row, column], classes[row, column]) == (400, 8)
    np.testing.assert_array_equal(ids > 0, classes > 0)
    assert instance_map(scene, header).header == header


def test_the_nearest_wins_where_masks_overlap(scene: Scene, header: HeaderFields) -> None:
    everywhere = replace(scene.instances, amodal=scene.instances.amodal[np.array([1, 1, 1, 3])])
    for ranks, winner in (([0, 1, 2, 3], 7), ([2, 0, 1, 3], 3), ([2, 1, 0, 3], 12)):
        graph = replace(scene.occlusion, rank=np.array(ranks, np.int32))
        ids = pixels(instance_map(replace(scene, instances=everywhere, occlusion=graph), header))
        assert set(np.unique(ids)) == {0, winner, 400}


def test_ids_that_do_not_fit_are_refused(scene: Scene, header: HeaderFields) -> None:
    many = replace(scene, instances=replace(scene.instances, id=np.array([1, 2, 3, 65_536], np.int32)))
    with pytest.raises(ValueError, match=r"1\.\.65535, got 65536"):
        instance_map(many, header)


def test_the_grid_begins_at_its_lower_corner(scene: Scene) -> None:
    info = grid_metadata(scene.grid, z_m=-1.8)
    assert (info.width, info.height, info.resolution) == (100, 60, 0.4)
    assert (info.origin.position.x, info.origin.position.y, info.origin.position.z) == (4.0, -16.0, -1.8)
    assert info.origin.orientation.w == 1.0


def test_visibility(scene: Scene, header: HeaderFields) -> None:
    message = visibility_grid(scene, header)
    occupancy = message.data.reshape(60, 100)
    assert (occupancy[0, 0], occupancy[0, 50], occupancy[0, 99]) == (0, -1, -1)
    row, column = scene.grid.cells_of(np.array([[14.0, 0.0]]))[0]
    assert occupancy[row, column] == 100
    assert message.info == grid_metadata(scene.grid)


def test_maps_of_nothing(empty_scene: Scene, header: HeaderFields) -> None:
    assert not pixels(instance_map(empty_scene, header)).any()
    assert not pixels(class_map(empty_scene, header)).any()
    assert (visibility_grid(empty_scene, header).data == -1).all()
