"""Results in the formats of benchmarks, as `bevseg eval` writes them, and what official evaluators say of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bevseg.datasets.open import OpenedSource
    from bevseg.evaluation.frame_scores import Scoring
    from bevseg.evaluation.official.figures import OfficialScores
    from bevseg.evaluation.run import EvaluatedSource, Evaluation
    from bevseg.evaluation.submissions.writers import EvaluatedPart, SubmissionWriter
    from bevseg.evaluation.summary import Summary


def submission_writer(folder: Path, opened: OpenedSource, tables: str | None, scoring: Scoring) -> SubmissionWriter:
    """What writes the results on a dataset into a folder."""
    from bevseg.evaluation.submissions.writers import SubmissionWriter

    return SubmissionWriter(folder, _part(opened, tables), scoring)


def with_official_scores(summary: Summary, evaluation: Evaluation, *, tracking: bool) -> Summary:
    """Puts the files of all frames together, and asks the evaluators of each dataset.

    Args:
        summary: Of the scores of all frames.
        evaluation: What they are of.
        tracking: Whether to follow objects, for the scores of drives.

    Raises:
        SubmissionError: A frame is missing, or two have one name.
        DatasetError: Truth or results cannot be read.
        ModuleNotFoundError: The extra `datasets` is not installed, which nuScenes needs.
    """
    from bevseg.evaluation.official.figures import official_scores
    from bevseg.evaluation.submissions.writers import SubmissionWriter

    scored = []
    for source, scores in zip(evaluation.sources, summary.sources, strict=True):
        if not isinstance(source.writer, SubmissionWriter):
            scored.append(scores)
            continue
        source.writer.assemble(scores.scores.num_frames)
        official = official_scores(source.writer, scores.scores)
        if "nuScenes panoptic" in official.figures:
            official = _with_drives(official, evaluation, source, tracking=tracking)
        scored.append(replace(scores, official=official.figures, official_left_out=official.left_out))
    return replace(summary, sources=tuple(scored))


def _with_drives(
    official: OfficialScores, evaluation: Evaluation, source: EvaluatedSource, *, tracking: bool
) -> OfficialScores:
    """Adds the scores of drives, or why there are none."""
    from bevseg.commands.tracked_drives import TrackingError, score_tracking
    from bevseg.datasets.swept import DriveRecording
    from bevseg.evaluation.official.figures import tracking_figures

    why = "what is found in single scans has no identity; --tracking gives it one"
    recording = source.open() if tracking else None
    if isinstance(recording, DriveRecording):
        try:
            found = tracking_figures(score_tracking(evaluation.method(), recording, source.name))
            return replace(official, figures={**official.figures, "nuScenes panoptic tracking": found})
        except TrackingError as error:
            why = str(error)
    sentence = f"nuScenes panoptic tracking (PAT, LSTQ) is left out: {why}"
    return replace(official, left_out=(*official.left_out, sentence))


def _part(opened: OpenedSource, tables: str | None) -> EvaluatedPart:
    from bevseg.evaluation.submissions.writers import EvaluatedPart

    if opened.kind != "nuscenes":
        return EvaluatedPart(opened.path, opened.kind)
    from bevseg.datasets.nuscenes_splits import split_of_scenes
    from bevseg.datasets.nuscenes_tables import versions_in
    from bevseg.datasets.swept import drives_of

    version = tables or versions_in(opened.path)[0]
    split = split_of_scenes(Path(opened.path) / version, drives_of(opened.source) or [])
    return EvaluatedPart(opened.path, opened.kind, version, split)
