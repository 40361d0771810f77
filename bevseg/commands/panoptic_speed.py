"""`bevseg bench --panoptic`: our panoptic counts and nuScenes' own on the same labels, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    import argparse

    import numpy as np

    from bevseg.datasets.sample import Sample
    from bevseg.results.scene import PointLabels

_SEED = 7
_SENSORS = ("hdl-64e", "pandar64")
_SCANS_A_SENSOR = 6
_POINTS = 35_000
"""Of a scan, as nuScenes has them; scans of these sensors are denser and are thinned to as many."""

_WRONG_CLASS = 0.08
_MERGED = 0.2


def measure_panoptic(args: argparse.Namespace) -> ExitCode:
    """Counts simulated labels, and a prediction made of them, `--repeats` times with each evaluator."""
    import numpy as np

    from bevseg.evaluation.panoptic_speed import benchmark_panoptic
    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.source import SimulatedSource

    sensors = tuple(args.sensor or _SENSORS)
    frames = _SCANS_A_SENSOR * len(sensors)
    config = SimulationConfig(seed=_SEED, frames=frames, sensors=sensors, density=(0.0, 0.4), occlusion=False)
    console(args).print(f"simulating {config.frames} scans ...", markup=False)
    source, rng = SimulatedSource(config), np.random.default_rng(_SEED)
    scans = [_predicted_and_true(source[index], rng) for index in range(len(source))]
    speed = benchmark_panoptic(scans, rounds=args.repeats)
    if args.json:
        print_json(speed.as_json())
    else:
        console(args).print(
            f"{speed.scans} scans of {speed.points:.0f} points, best of {speed.rounds} rounds: nuScenes' evaluator "
            f"{speed.official_ms:.3f} ms a scan, ours {speed.ours_ms:.3f} ms, {speed.ratio:.1f} times as fast; "
            f"counts are {'equal' if speed.equal else 'NOT equal'}",
            markup=False,
        )
    return ExitCode.OK if speed.equal else ExitCode.DEFECT


def _predicted_and_true(sample: Sample, rng: np.random.Generator) -> tuple[PointLabels, PointLabels]:
    """The truth of a scan, and what a network might say: some points of another class, some objects merged."""
    import numpy as np

    from bevseg.results.classes import NUM_CLASSES
    from bevseg.results.scene import PointLabels

    truth = sample.annotations
    assert truth.point_semantic is not None
    assert truth.point_instance is not None
    kept = np.sort(rng.permutation(len(sample.cloud))[:_POINTS])
    semantic, instance = truth.point_semantic[kept], truth.point_instance[kept].astype(np.int32)
    wrong = rng.random(len(kept)) < _WRONG_CLASS
    other = rng.integers(1, NUM_CLASSES, len(kept), dtype=np.uint8)
    number = np.arange(len(truth) + 1, dtype=np.int32)
    merged = np.where(rng.random(len(number)) < _MERGED, np.maximum(number - 1, 0), number)
    predicted = PointLabels(np.where(wrong, other, semantic), np.where(wrong, 0, merged[instance]))
    return predicted, PointLabels(semantic, instance)
