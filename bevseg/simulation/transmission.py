"""How much of the light goes through what lets some of it pass: glass, wire and spokes, leaves and hedges."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY
from bevseg.simulation.raycast import RayScene

_STEP_M = 1e-3
"""How far behind a surface the next one is looked for."""
_MOST_SURFACES = 24


def transmitted_share(
    scene: RayScene,
    origin_m: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "n 3"],
    start_m: Float[np.ndarray, "n"],
    end_m: Float[np.ndarray, "n"],
    *,
    least: float,
) -> Float[np.ndarray, "n"]:
    """Share of the beams that get from `start_m` to `end_m` on each ray.

    Surfaces multiply; in a medium, from the hull where the ray enters it to the next one, where it leaves it again, the
    share falls by the law of Beer and Lambert. A ray of which less than `least` is left is not followed farther.
    """
    depth = np.zeros(len(directions))  # the share is exp(-depth)
    entered = np.full(len(directions), np.inf)
    free_path = np.ones(len(directions))
    ray, at = np.arange(len(directions)), start_m
    for _ in range(_MOST_SURFACES):
        hits = scene.nearest(origin_m, directions.take(ray, axis=0), at, end_m[ray]).of_rays(ray)
        if not len(hits):
            break
        ray, material = hits.ray, hits.material
        medium, inside = FREE_PATH_M[material] > 0, np.isfinite(entered[ray])
        leaves, enters, passes = medium & inside, medium & ~inside, ~medium
        depth[ray[leaves]] += (hits.distance_m[leaves] - entered[ray[leaves]]) / free_path[ray[leaves]]
        with np.errstate(divide="ignore"):
            depth[ray[passes]] -= np.log(PASS_PROBABILITY[material[passes]])
        entered[ray[medium]] = np.where(enters[medium], hits.distance_m[medium], np.inf)
        free_path[ray[enters]] = FREE_PATH_M[material[enters]]
        on = np.flatnonzero(depth[ray] <= -np.log(least))
        ray, at = ray[on], hits.distance_m[on] + _STEP_M
    still = np.flatnonzero(np.isfinite(entered))  # the way ends in a medium
    depth[still] += (end_m[still] - entered[still]) / free_path[still]
    return np.exp(-depth)
