"""`bevseg simulate --compare`: real and simulated scans side by side, sensor by sensor, in figures and pictures."""

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


_DENSITIES, _TRIAL_SCANS = 5, 12
"""Simulated streets are as crowded as real ones: the nearest of that many densities, judged by that many scans."""


@dataclass(frozen=True, eq=False)
class _SensorReport:
    """What the real scans of one sensor, of all sets together, were found to be like beside simulated ones."""

    sensor: str
    sets: tuple[str, ...]
    num_real: int
    num_simulated: int
    density: tuple[float, float]
    gaps: tuple[Gap, ...]
    picture: Path

    def as_json(self) -> dict[str, object]:
        from bevseg.evaluation.domain_gap import mean_distance_of_bands

        rows = [
            {
                "name": gap.name,
                "ks": _rounded(gap.distance),
                "by_chance": _rounded(gap.chance),
                "num_real": len(gap.real),
                "num_simulated": len(gap.simulated),
            }
            for gap in self.gaps
        ]
        return {
            "sensor": self.sensor,
            "sets": list(self.sets),
            "scans": {"real": self.num_real, "simulated": self.num_simulated},
            "density": list(self.density),
            "distributions": rows,
            "points_per_vehicle_mean_ks": _rounded(mean_distance_of_bands(self.gaps)),
            "picture": self.picture.name,
        }


def compare_with_real(args: argparse.Namespace, config: SimulationConfig) -> ExitCode:
    """Writes report.json and one picture for each sensor into `--out`, and prints the distances.

    Raises:
        DatasetError: There are no real frames in the folder.
    """
    from bevseg.datasets.real_frames import open_real_frames

    screen = console(args)
    by_sensor: dict[str, list[Source]] = {}
    for source in open_real_frames(args.compare):
        if source.name in _SENSOR_OF_SET:
            by_sensor.setdefault(_SENSOR_OF_SET[source.name], []).append(source)
    args.out.mkdir(parents=True, exist_ok=True)
    reports = []
    for sensor, sources in by_sensor.items():
        screen.print(f"{sensor}: {', '.join(source.name for source in sources)} and {args.frames} simulated scans ...")
        reports.append(_compare(sensor, sources, config, args.out))
    content = {"seed": config.seed, "sensors": [report.as_json() for report in reports]}
    (args.out / "report.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if args.json:
        print_json(content)
    else:
        screen.print(_table(reports))
        screen.print(f"Pictures and report.json are in {args.out}", markup=False)
    return ExitCode.OK


def _compare(sensor: str, sources: Sequence[Source], config: SimulationConfig, folder: Path) -> _SensorReport:
    from bevseg.drawing.image_file import write_png
    from bevseg.drawing.side_by_side import Distribution, draw_side_by_side
    from bevseg.evaluation.domain_gap import gaps, pooled, profile_scans
    from bevseg.simulation.source import SimulatedSource

    chosen = [_spread(len(source), config.frames) for source in sources]
    real = pooled([profile_scans(s[i] for i in which) for s, which in zip(sources, chosen, strict=True)])
    alike = _as_crowded(replace(config, sensors=(sensor,), occlusion=False), real.crowdedness)
    simulated = SimulatedSource(alike)
    found = gaps(real, profile_scans(simulated[i] for i in range(len(simulated))))
    picture = draw_side_by_side(
        sources[0][chosen[0][len(chosen[0]) // 2]].cloud,
        simulated[len(simulated) // 2].cloud,
        [
            Distribution(gap.name, gap.unit, f"KS {gap.distance:.2f}", gap.real, gap.simulated)
            for gap in found
            if not np.isnan(gap.distance)
        ],
        titles=(f"real, {sources[0].name}", f"simulated, {sensor}"),
    )
    path = folder / f"{sensor}.png"
    write_png(path, picture)
    names = tuple(source.name for source in sources)
    return _SensorReport(sensor, names, real.num_scans, len(simulated), alike.density, found, path)


def _spread(available: int, wanted: int) -> list[int]:
    """Positions of `wanted` scans, or of all, evenly spread."""
    positions: list[int] = np.unique(np.linspace(0, available - 1, min(available, wanted)).round().astype(int)).tolist()
    return positions


def _as_crowded(config: SimulationConfig, crowdedness: float) -> SimulationConfig:
    """The configuration at the density that shows as many vehicles as the real scans; as it is where nobody knows."""
    from bevseg.evaluation.domain_gap import profile_scans
    from bevseg.simulation.source import SimulatedSource

    if not crowdedness > 0:
        return config
    tries: list[tuple[float, SimulationConfig]] = []
    for density in np.linspace(*config.density, _DENSITIES).tolist():
        fixed = replace(config, density=(density, density))
        trial = SimulatedSource(fixed)
        shown = profile_scans(trial[i] for i in range(min(_TRIAL_SCANS, len(trial)))).crowdedness
        tries.append((abs(float(np.log((shown + 0.1) / crowdedness))), fixed))
    return min(tries, key=lambda one: one[0])[1]


def _table(reports: Sequence[_SensorReport]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from bevseg.evaluation.domain_gap import mean_distance_of_bands

    table = Table(
        box=SIMPLE_HEAD, title="Kolmogorov-Smirnov distance (KS) of simulated to real scans", title_justify="left"
    )
    for place, heading in enumerate(("sensor", "distribution", "KS", "chance", "values")):
        table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=True)
    for report in reports:
        rows = [(g.name, _two(g.distance), _two(g.chance), f"{len(g.real):,}") for g in report.gaps]
        rows.append(("points per vehicle, mean", _two(mean_distance_of_bands(report.gaps)), "", ""))
        names = [report.sensor, f"{report.num_real} real scans"] + [""] * len(rows)
        for k, row in enumerate(rows):
            table.add_row(names[k], *row, end_section=k == len(rows) - 1)
    return table


def _two(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
