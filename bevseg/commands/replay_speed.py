"""`bevseg bench --replay`: a video of a simulated drive with stored results, stage by stage and as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json
from bevseg.processes import usable_cores

if TYPE_CHECKING:
    import argparse

    from bevseg.datasets.sample import Sample
    from bevseg.replay.benchmark import ReplaySpeed
    from bevseg.replay.truth import TruthScenes
    from bevseg.results.scene import Scene

_SEED, _FRAMES, _SENSOR = 7, 40, "hdl-32e"
_OBJECTS = 60


def measure_replay(args: argparse.Namespace) -> ExitCode:
    """Simulates a drive, stores a result for each of its scans, and replays them on all cores."""
    from bevseg.datasets.stored import StoredSource
    from bevseg.evaluation.frame_scores import SIMULATED
    from bevseg.replay.benchmark import benchmark_replay
    from bevseg.replay.pictures import FramePainter, Look
    from bevseg.replay.predictions import StoredPredictions
    from bevseg.replay.recording import Predictor, Recording

    screen = console(args)
    screen.print(f"simulating a drive of {_FRAMES} scans ...", markup=False)
    with TemporaryDirectory(prefix="bevseg-bench-") as scratch:
        drive, stored = Path(scratch) / "drive", Path(scratch) / "results"
        _write_drive(drive, stored, sensor=(args.sensor or [_SENSOR])[0])
        predictor = Predictor("stored", StoredPredictions(stored).predict)
        recording = Recording(StoredSource(drive), (predictor,), SIMULATED)
        painter = FramePainter(Look("drive"), SIMULATED)
        speed = benchmark_replay(recording, painter, stored=stored, scratch=Path(scratch), workers=usable_cores())
    if args.json:
        print_json(speed.as_json())
    else:
        screen.print(_sentence(speed), markup=False)
    return ExitCode.OK


def _write_drive(drive: Path, stored: Path, *, sensor: str) -> None:
    from bevseg.datasets.sample_file import write_sample
    from bevseg.replay.truth import TruthScenes
    from bevseg.results.scene_file import write_scene
    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.drive import DriveConfig, DriveSource

    config = SimulationConfig(seed=_SEED, frames=_FRAMES, sensors=(sensor,), density=(0.7, 1.0))
    source, truth = DriveSource(DriveConfig(config)), TruthScenes()
    for sample in (source[index] for index in range(len(source))):
        write_sample(drive / f"{sample.name}.npz", sample)
        write_scene(stored / sample.name, _result(sample, truth))


def _result(sample: Sample, truth: TruthScenes) -> Scene:
    """The nearest of the true objects, as a network would find them."""
    import numpy as np

    from bevseg.results.occlusion_graph import OcclusionGraph

    scene = truth.predict(sample)
    instances = scene.instances
    nearest = np.sort(np.argsort(np.hypot(instances.boxes[:, 0], instances.boxes[:, 1]))[:_OBJECTS])
    place = np.full(len(instances), -1)
    place[nearest] = np.arange(len(nearest))
    graph = scene.occlusion
    kept = (place[graph.occluder] >= 0) & (place[graph.occluded] >= 0)
    return replace(
        scene,
        instances=instances[nearest],
        occlusion=OcclusionGraph(
            occluder=place[graph.occluder[kept]].astype(np.int32),
            occluded=place[graph.occluded[kept]].astype(np.int32),
            hidden_fraction=graph.hidden_fraction[kept],
            rank=graph.rank[nearest],
            visible_fraction=graph.visible_fraction[nearest],
        ),
    )


def _sentence(speed: ReplaySpeed) -> str:
    stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in speed.stages_ms.items())
    return (
        f"{speed.frames} frames of {speed.points:,.0f} points and {speed.objects:.0f} objects, "
        f"{speed.stored_kb:.0f} KB a stored result at most; CPU time of a frame: {stages}. "
        f"As a video of 1280x720 on {speed.workers} processes: {speed.frames_per_s:.1f} frames a second, "
        f"the first after {speed.first_s:.1f} s, all after {speed.video_s:.1f} s"
    )
