"""The node with a model that fails, or takes its time, when the stamp of a cloud says so; tests run it as a process.

All else is the real node with the real model: the whole second of a cloud's stamp, modulo 10, says what is to happen.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene
from bevseg_ros.main import run
from bevseg_ros.model import SegmenterModel, load_model
from bevseg_ros.settings import Settings

FINE, FAILS, SLOW = 0, 1, 2
GOES_ON_S = 1.0
"""So long a slow cloud is in work after it was let go: time for the node to be ended."""


@dataclass
class FaultyModel(SegmenterModel):
    """The model, but for clouds of certain stamps."""

    def segment(self, cloud: PointCloud) -> Scene:
        fault = cloud.stamp_ns // 1_000_000_000 % 10
        if fault == FAILS:
            raise FloatingPointError("a fault of the test")
        if fault == SLOW:
            sys.stderr.write("slow cloud begun\n")
            sys.stderr.flush()
            while not gate().exists():
                time.sleep(0.01)
            time.sleep(GOES_ON_S)
        return super().segment(cloud)


def gate() -> Path:
    """The file that lets a slow cloud go on."""
    return Path(sys.argv[1]).with_name("gate")


def load(settings: Settings) -> FaultyModel:
    """Loads the real model; a file beside the log makes the first attempt end with an error that nobody expects."""
    trap = Path(sys.argv[1])
    if trap.exists():
        trap.unlink()
        raise LookupError("a defect of the test")
    model = load_model(settings)
    assert isinstance(model, SegmenterModel)
    return FaultyModel(model.segmenter, model.segmenter.config.decode.min_score)


if __name__ == "__main__":
    sys.exit(run(load_model=load))
