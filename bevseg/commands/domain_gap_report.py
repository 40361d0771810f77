"""`bevseg simulate --compare`: real and simulated scans side by side, set by set, in figures and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    import argparse

    from rich.table import Table

    from bevseg.datasets.source import Source
    from bevseg.evaluation.domain_gap import Gap
    from bevseg.simulation.config import SimulationConfig

_SENSOR_OF_SET = {
    "nuscenes": "hdl-32e",
    "nuscenes_lidarseg": "hdl-32e",
    "kitti": "hdl-64e",
    "kitti_tracking": "hdl-64e",
    "semantic_kitti": "hdl-64e",
    "pandaset": "pandar64",
}
"""Argoverse is left out: its clouds are of two sensors, one on the other."""


@dataclass(frozen=True, eq=False)
class _SetReport:
    """What one real set was found to be like beside simulated scans of its sensor."""

    name: str
    sensor: str
    num_real: int
    num_simulated: int
    gaps: tuple[Gap, ...]
    picture: Path

    def as_json(self) -> dict[str, object]:
        rows = [
            {
                "name": gap.name,
                "ks": None if np.isnan(gap.distance) else round(gap.distance, 4),
                "num_real": len(gap.real),
                "num_simulated": len(gap.simulated),
            }
            for gap in self.gaps
        ]
        return {
            "set": self.name,
            "sensor": self.sensor,
            "scans": {"real": self.num_real, "simulated": self.num_simulated},
            "distributions": rows,
            "picture": self.picture.name,
        }


def compare_with_real(args: argparse.Namespace, config: SimulationConfig) -> ExitCode:
    """Writes report.json and one picture for each set into `--out`, and prints the distances.

    Raises:
        DatasetError: There are no real frames in the folder.
    """
    from bevseg.datasets.real_frames import open_real_frames

    screen = console(args)
    sources = [source for source in open_real_frames(args.compare) if source.name in _SENSOR_OF_SET]
    args.out.mkdir(parents=True, exist_ok=True)
    reports = []
    for source in sources:
        screen.print(f"{source.name}: {min(len(source), args.frames)} real and {args.frames} simulated scans ...")
        reports.append(_compare(source, config, args.out))
    content = {"seed": config.seed, "sets": [report.as_json() for report in reports]}
    (args.out / "report.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if args.json:
        print_json(content)
    else:
        screen.print(_table(reports))
        screen.print(f"Pictures and report.json are in {args.out}", markup=False)
    return ExitCode.OK


def _compare(source: Source, config: SimulationConfig, folder: Path) -> _SetReport:
    from bevseg.drawing.image_file import write_png
    from bevseg.drawing.side_by_side import Distribution, draw_side_by_side
    from bevseg.evaluation.domain_gap import gaps, profile_scans
    from bevseg.simulation.source import SimulatedSource

    sensor = _SENSOR_OF_SET[source.name]
    simulated = SimulatedSource(replace(config, sensors=(sensor,), occlusion=False))
    chosen = np.unique(np.linspace(0, len(source) - 1, min(len(source), len(simulated))).round().astype(int)).tolist()
    found = gaps(profile_scans(source[i] for i in chosen), profile_scans(simulated[i] for i in range(len(simulated))))
    picture = draw_side_by_side(
        source[chosen[len(chosen) // 2]].cloud,
        simulated[len(simulated) // 2].cloud,
        [
            Distribution(gap.name, gap.unit, f"KS {gap.distance:.2f}", gap.real, gap.simulated)
            for gap in found
            if not np.isnan(gap.distance)
        ],
        titles=(f"real, {source.name}", f"simulated, {sensor}"),
    )
    path = folder / f"{source.name}.png"
    write_png(path, picture)
    return _SetReport(source.name, sensor, len(chosen), len(simulated), found, path)


def _table(reports: Sequence[_SetReport]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title="Kolmogorov-Smirnov distance, real to simulated", title_justify="left")
    for place, heading in enumerate(("set", "distribution", "distance", "real values")):
        table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=True)
    for report in reports:
        for row, gap in enumerate(report.gaps):
            distance = "-" if np.isnan(gap.distance) else f"{gap.distance:.2f}"
            last = row == len(report.gaps) - 1
            name = report.name if row == 0 else ""
            table.add_row(name, gap.name, distance, f"{len(gap.real):,}", end_section=last)
    return table
