"""Which object a click meets, and which it is in the next frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.drawing.difference import Outcome
from bevseg.drawing.shown import LAYERS, Shown
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.geometry.frames import Transform
from bevseg.replay.difference import judge
from bevseg.replay.scene_picking import Picked, Ray, first_met, follow, found_again, picked, ray_through
from bevseg.results.scene import Scene

STILL = Transform(np.eye(4), "fixed", "lidar")


def _towards(x: float, y: float, z: float) -> Ray:
    along = np.array([x, y, z])
    return Ray(np.zeros(3), along / np.linalg.norm(along))


def _shown(drive: Source, make: Callable[..., Scene], index: int = 0, objects: int = 3) -> Shown:
    sample = drive[index]
    truth = sample.annotations
    scene = make(sample, truth.boxes[:objects], truth.label[:objects])
    difference = judge(scene.instances, truth, scoring=Scoring(MatchRule(min_points=5)))
    return Shown(sample.cloud, scene, truth=truth, difference=difference)


def test_a_ray_through_a_pixel() -> None:
    """A camera at (1, 2, 3) that looks along +x with z up, with a vertical field of view of 90 degrees."""
    view = np.array([[0.0, -1, 0, 2], [0, 0, 1, -3], [-1, 0, 0, 1], [0, 0, 0, 1]])
    near, far = 0.5, 100.0
    depth = [(far + near) / (near - far), 2 * far * near / (near - far)]
    projection = np.array([[0.5, 0, 0, 0], [0, 1, 0, 0], [0, 0, *depth], [0, 0, -1, 0]])
    ahead = ray_through(200.0, 100.0, size=(400, 200), view=view, projection=projection)
    np.testing.assert_allclose(ahead.origin_m, [1, 2, 3], atol=1e-9)
    np.testing.assert_allclose(ahead.direction, [1, 0, 0], atol=1e-9)
    corner = ray_through(400.0, 0.0, size=(400, 200), view=view, projection=projection)  # to the right, and up
    np.testing.assert_allclose(corner.direction, np.array([1, -2, 1]) / np.sqrt(6), atol=1e-9)


def test_the_first_box_on_a_ray() -> None:
    boxes = np.array([[20.0, 0, 0, 4, 2, 2, 0.0], [10, 0, 0, 4, 2, 2, np.pi / 2], [-5, 0, 0, 4, 2, 2, 0]])
    met = first_met(boxes, _towards(1, 0, 0))
    assert met is not None
    assert met[0] == 1
    assert met[1] == pytest.approx(9.0, abs=0.07)
    assert first_met(boxes, _towards(0, 1, 0)) is None
    assert first_met(boxes[:0], _towards(1, 0, 0)) is None
    assert first_met(boxes, Ray(np.array([10.0, 0, 0]), np.array([0.0, 0, 1]))) == (1, 0.0)  # from inside


def test_the_object_that_is_clicked(drive: Source, make: Callable[..., Scene]) -> None:
    shown = _shown(drive, make)
    assert picked(shown, _towards(10.5, 3.2, -0.8)) == Picked("result", 0)
    assert picked(shown, _towards(8.0, -7.0, -0.9)) == Picked("result", 2)
    assert picked(shown, _towards(-1.0, 0.0, 0.0)) is None


def test_a_true_object_that_was_missed(drive: Source, make: Callable[..., Scene]) -> None:
    shown = _shown(drive, make, objects=1)
    assert shown.compared is not None
    assert shown.compared.truth.tolist()[1:] == [Outcome.MISSED, Outcome.MISSED]
    pedestrian = _towards(8.0, -7.0, -0.9)
    assert picked(shown, pedestrian) == Picked("truth", 2)
    assert picked(shown, _towards(10.5, 3.2, -0.8)) == Picked("result", 0)
    alone = replace(shown, difference=None)
    assert picked(alone, pedestrian) == Picked("truth", 2)
    assert picked(replace(alone, layers=LAYERS - {"truth"}), pedestrian) is None
    assert picked(replace(alone, truth=None), pedestrian) is None


def test_an_object_is_found_again(drive: Source, make: Callable[..., Scene]) -> None:
    now, then = _shown(drive, make), _shown(drive, make, index=2)
    assert found_again(then, follow(now, Picked("result", 0), STILL), STILL) == Picked("result", 0)  # 2 m farther
    renumbered = replace(
        then, scene=replace(then.scene, instances=replace(then.scene.instances, id=np.array([7, 8, 9], np.int32)))
    )
    assert found_again(renumbered, follow(now, Picked("result", 1), STILL), STILL) == Picked("result", 1)
    lost = follow(now, Picked("result", 1), Transform.from_yaw(0.0, np.array([50.0, 0, 0]), dst="fixed", src="lidar"))
    assert found_again(now, lost, STILL) is None
    assert found_again(then, follow(now, Picked("truth", 2), STILL), STILL) == Picked("truth", 2)
    assert found_again(replace(then, truth=None), follow(now, Picked("truth", 2), STILL), STILL) is None
