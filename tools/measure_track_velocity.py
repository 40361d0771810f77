"""How far the velocities of tracks are off, on simulated drives where the true ones are known.

    python tools/measure_track_velocity.py --checkpoint bevseg-s --drives 3 --scans 40

Objects are found by the checkpoint, followed with exact odometry, and held against the nearest true object within a
metre. Printed in metres a second, by how often the track was found and whether its object moves.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

import numpy as np
from jaxtyping import Float

from bevseg.pipeline import BevSegmenter
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.tracking.labelling import follow_objects
from bevseg.tracking.tracker import Tracker

AGES = {"3 to 5 scans": (3, 6), "6 to 10 scans": (6, 11), "11 scans and more": (11, 1_000_000)}
NEAR_M, MOVING_MPS = 1.0, 0.3


def errors_on(drive: DriveSource, segmenter: BevSegmenter) -> Float[np.ndarray, "_ 3"]:
    """For each object with a velocity, in each scan: error and true speed (metres a second), scans of the track."""
    tracker, rows = Tracker(), [np.zeros((0, 3))]
    for index in range(len(drive)):
        sample = drive[index]
        pose = sample.T_global_from_ego @ sample.T_ego_from_lidar
        scene, _ = follow_objects(tracker, segmenter.segment(sample.cloud), pose)
        found, truth = scene.instances, sample.annotations
        if not len(found) or not len(truth):
            continue
        distance_m = np.hypot(*np.moveaxis(found.boxes[:, None, :2] - truth.boxes[None, :, :2], -1, 0))
        nearest = distance_m.argmin(axis=1)
        true_mps = truth.velocity_mps[nearest]
        error_mps = np.hypot(*(found.velocity_mps - true_mps).T)
        scans = tracker.tracks.scans[: len(found)]
        known = (distance_m.min(axis=1) <= NEAR_M) & np.isfinite(error_mps)
        rows.append(np.column_stack([error_mps, np.hypot(*true_mps.T), scans])[known])
    return np.concatenate(rows)


def report(rows: Float[np.ndarray, "_ 3"]) -> str:
    """Median and p90 of the error in each group."""
    error_mps, speed_mps, scans = rows.T
    groups = defaultdict[str, list[str]](list)
    for age, (low, high) in AGES.items():
        of_age = (scans >= low) & (scans < high)
        for kind, chosen in (("all", of_age), ("moving", of_age & (speed_mps >= MOVING_MPS))):
            if chosen.any():
                p50, p90 = np.percentile(error_mps[chosen], [50, 90])
                groups[age].append(f"{kind}: p50 {p50:.2f}, p90 {p90:.2f} m/s of {np.count_nonzero(chosen)}")
    return "\n".join(f"{age}: {'; '.join(texts)}" for age, texts in groups.items())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", default="bevseg-s")
    parser.add_argument("--drives", type=int, default=3)
    parser.add_argument("--scans", type=int, default=40)
    args = parser.parse_args(arguments)
    segmenter = BevSegmenter.from_checkpoint(args.checkpoint)
    rows = []
    for seed in range(11, 11 + args.drives):
        scene = SimulationConfig(
            seed=seed, frames=args.scans, sensors=("hdl-32e",), density=(0.4, 0.4), occlusion=False
        )
        rows.append(errors_on(DriveSource(DriveConfig(scene, speed_mps=8.0)), segmenter))
    sys.stdout.write(report(np.concatenate(rows)) + "\n")


if __name__ == "__main__":
    main()
