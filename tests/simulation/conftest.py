"""Comparing bytes with recorded ones, where that makes sense."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

_RECORDED_WITH = "7c63d4be073df9fcdb808bdf1aef3aefeb958fb844eeefaa517dee56d175f4d9"


@pytest.fixture(scope="session")
def _same_last_bits() -> bool:
    return _last_bits() == _RECORDED_WITH


@pytest.fixture
def exact(_same_last_bits: bool) -> None:
    """Skips the test where sines, powers and ray casting have other last bits than where its bytes were recorded."""
    if not _same_last_bits:
        pytest.skip("this processor's maths has other last bits than that with which the bytes were recorded")


def _last_bits() -> str:
    """What the libraries below the simulator give for some fixed numbers."""
    x = np.linspace(-60.0, 60.0, 5003)
    single = np.abs(x).astype(np.float32)
    values = [np.sin(x), np.cos(x), np.arctan2(x, 1 + x[::-1]), np.hypot(x, x[::-1]), np.exp(x / 9), np.abs(x) ** 0.85]
    values += [
        np.log1p(-single / 61),
        np.sqrt(single),
        np.stack([x, x, 1 - x], axis=1) @ np.array([[0.8], [0.6], [0.1]]),
    ]
    corners = np.stack([9 + np.cos(x), 3 * np.sin(2 * x), 3 * np.sin(7 * x)], axis=1).astype(np.float32)
    scene = EmbreeScene()
    mesh = TriangleMesh(scene, corners, np.arange(5001, dtype=np.int32).reshape(-1, 3))
    rays = np.stack([np.ones(5003), x / 200, x[::-1] ** 2 / 9000], axis=1).astype(np.float32)
    found = scene.run(np.zeros_like(rays), rays, output=True)
    del mesh
    met = found["primID"] >= 0
    values += [found["primID"], found["tfar"][met], found["Ng"][met]]
    digest = hashlib.sha256()
    for array in values:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
