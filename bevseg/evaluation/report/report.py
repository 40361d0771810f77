"""Writes the page of an evaluation: what stands where, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bevseg.datasets.sample import Sample
from bevseg.evaluation.frame_scores import Segmentation
from bevseg.evaluation.report.cases import Case, worst_cases
from bevseg.evaluation.report.failure_section import failure_section
from bevseg.evaluation.report.gallery import draw_cases, gallery_section
from bevseg.evaluation.report.glance import alerts, glance
from bevseg.evaluation.report.hidden_sections import ground_section, hidden_section, order_section
from bevseg.evaluation.report.object_sections import (
    band_section,
    calibration_section,
    confusion_section,
    curve_section,
)
from bevseg.evaluation.report.page import Section, page
from bevseg.evaluation.report.run_sections import about_section, described, latency_section
from bevseg.evaluation.report.score_sections import official_section, point_section, score_section
from bevseg.evaluation.run import EvaluatedSource, Method
from bevseg.evaluation.summary import Summary
from bevseg.results.scene_file import read_scene
from bevseg.whole_files import write_whole

TITLE = "bevseg evaluation"


@dataclass(frozen=True)
class StoredScenes:
    """Gives the results of an evaluation again, from the folder that holds its scenes, one folder a source."""

    folder: Path

    def __call__(self) -> Method:
        return self._result

    def _result(self, source: str, sample: Sample) -> Segmentation | None:
        stem = self.folder / source / sample.name
        return Segmentation.of_scene(read_scene(stem)) if stem.with_name(f"{stem.name}.json").is_file() else None


def write_report(
    path: Path,
    summary: Summary,
    metrics: Mapping[str, Any],
    *,
    sources: Sequence[EvaluatedSource],
    method: Callable[[], Method],
    config: str = "",
    workers: int = 1,
) -> None:
    """Writes the page with all its pictures, whole or not at all.

    Args:
        path: Of the page.
        summary: What was counted.
        metrics: The same as JSON has it, with `method` and what official evaluators say (`official` of a source).
        sources: Those of the summary, in the same order, to draw failures of.
        method: Opens what gives the result of a frame again, such as `StoredScenes`; it has to be picklable.
        config: Of the method, as YAML.
        workers: Processes that draw.
    """
    cases = worst_cases(summary.sources)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".pictures-", dir=path.parent) as pictures:
        draw_cases(cases, sources, method, Path(pictures), workers=workers)
        text = report_page(summary, metrics, cases, Path(pictures), config=config)
    write_whole(path, text.encode())


def report_page(
    summary: Summary, metrics: Mapping[str, Any], cases: Sequence[Case], pictures: Path, *, config: str = ""
) -> str:
    """The page as text; sections with nothing to show are left out.

    Args:
        summary: What was counted.
        metrics: As for `write_report`.
        cases: Failures to show.
        pictures: Folder with their pictures.
        config: Of the method, as YAML.
    """
    sources = summary.sources
    method: Mapping[str, object] = metrics.get("method", {})
    lead = "Each bar is the F1 of a class group at IoU 0.5; below stand precision P, recall R and the true objects."
    sections = (
        Section("glance", "At a glance", lead, glance(sources)),
        score_section(summary),
        official_section(metrics.get("sources", ())),
        failure_section(sources),
        gallery_section(cases, [source.name for source in sources], pictures),
        curve_section(sources),
        band_section(sources),
        confusion_section(sources),
        calibration_section(sources),
        order_section(sources),
        hidden_section(sources),
        point_section(sources),
        ground_section(sources),
        latency_section(sources),
        about_section(sources, method, config),
    )
    return page(
        TITLE,
        described(method, sources),
        [section for section in sections if section.body],
        alerts=alerts(sources),
        sources=[source.name for source in sources],
    )
