"""One evaluation: frame by frame on all cores, into a folder, and on from where it was interrupted.

    <folder>/run.json                               what is evaluated on what; a folder holds one evaluation
    <folder>/scores/<source>/<frame's place>.safetensors   what was counted in each frame, see `score_files`

Memory does not grow with the frames: a worker holds one, and the counts are added up one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.evaluation.frame_scores import Scores, Scoring, Segmentation, score_frame
from bevseg.evaluation.mask_scores import See, see_truth
from bevseg.evaluation.score_files import VERSION, read_scores, write_scores
from bevseg.evaluation.summary import SourceScores, Summary
from bevseg.processes import work_off
from bevseg.whole_files import remove_unfinished, write_whole

Method = Callable[[str, Sample], Segmentation | None]
"""What a method says of a sample of the source of that name; None where it has no result for it."""


@dataclass(frozen=True)
class EvaluatedSource:
    """Labelled scans that are scored together.

    Attributes:
        name: For tables and folders, different from that of all others.
        open: Opens them, in whichever process; it has to be picklable.
        scoring: Which of their objects count.
    """

    name: str
    open: Callable[[], Source]
    scoring: Scoring


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated on what.

    Attributes:
        sources: The scans.
        method: Opens the method, in whichever process; it has to be picklable.
        about: What the method is, as JSON can hold it; two evaluations with the same are the same.
        see: Opens what tells how much a sensor saw of true objects; None for methods that do not say it of theirs.
    """

    sources: tuple[EvaluatedSource, ...]
    method: Callable[[], Method]
    about: Mapping[str, object]
    see: Callable[[], See] | None = None

    def __post_init__(self) -> None:
        names = [source.name for source in self.sources]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"an evaluation needs sources of different names, got {names}")


class FramePlace(NamedTuple):
    """The place of a source in the evaluation, and of a frame in the source."""

    source: int
    frame: int


class RunFolderError(ValueError):
    """The folder holds another evaluation."""


@dataclass(frozen=True)
class RunFolder:
    """Where an evaluation keeps what it has done."""

    path: Path

    def scores_file(self, source: EvaluatedSource, frame: int) -> Path:
        """Where the scores of a frame are."""
        return scores_path(self.path, source.name, frame)

    def begin(self, evaluation: Evaluation, lengths: Sequence[int]) -> None:
        """Notes what is evaluated, or makes sure that it is what was begun here.

        Raises:
            RunFolderError: The folder holds another evaluation.
        """
        wanted = json.loads(json.dumps(_description(evaluation, lengths), allow_nan=False))
        note = self.path / "run.json"
        if note.is_file():
            begun = json.loads(note.read_text(encoding="utf-8"))
            if begun != wanted:
                raise RunFolderError(
                    f"{self.path} holds another evaluation, which differs in {', '.join(_differences(begun, wanted))}: "
                    "choose another folder, or remove this one"
                )
            remove_unfinished(self.path)
        write_whole(note, (json.dumps(wanted, indent=2) + "\n").encode())


def scores_path(folder: Path, source: str, frame: int) -> Path:
    """Where the folder of an evaluation has the scores of a frame."""
    return folder / "scores" / source / f"{frame:06d}.safetensors"


def evaluate(
    evaluation: Evaluation,
    folder: RunFolder,
    places: Sequence[FramePlace],
    *,
    workers: int,
    done: Callable[[], object] = lambda: None,
) -> None:
    """Scores those of the frames that have no scores in the folder yet.

    Args:
        evaluation: What is evaluated on what.
        folder: Where the scores go.
        places: The frames; a machine that shares the evaluation with others has some of them.
        workers: Processes; 1 does all of it in this one.
        done: Called after each frame.
    """
    todo = [p for p in places if not folder.scores_file(evaluation.sources[p.source], p.frame).is_file()]
    for _ in range(len(places) - len(todo)):
        done()
    runs = [[p for p in todo if p.source == source] for source in range(len(evaluation.sources))]
    work_off(_FrameJob(evaluation, folder), runs, workers, done=done)


def collect(evaluation: Evaluation, folder: RunFolder, lengths: Sequence[int]) -> Summary:
    """Adds up the scores of all frames, in their order.

    Raises:
        ScoreFileError: Those of a frame are missing or damaged.
    """
    return Summary(
        tuple(
            SourceScores(source.name, source.scoring, sum(frame_scores(folder, source, length), start=Scores.zero()))
            for source, length in zip(evaluation.sources, lengths, strict=True)
        )
    )


def frame_scores(folder: RunFolder, source: EvaluatedSource, length: int) -> Iterator[Scores]:
    """The scores of each frame, in order, read when they are asked for."""
    return (read_scores(folder.scores_file(source, frame)) for frame in range(length))


@dataclass(eq=False)
class _FrameJob:
    """Scores one frame after the other; what is opened for one serves the next."""

    evaluation: Evaluation
    folder: RunFolder
    _sources: dict[int, Source] = field(default_factory=dict)
    _method: Method | None = None
    _see: See | None = None

    def __call__(self, place: FramePlace) -> None:
        evaluation, source = self.evaluation, self.evaluation.sources[place.source]
        if place.source not in self._sources:
            self._sources = {place.source: source.open()}  # the one before is done
        if self._method is None:
            self._method = evaluation.method()
            self._see = evaluation.see and evaluation.see()
        sample = self._sources[place.source][place.frame]
        found = self._method(source.name, sample)
        seen = None if found is None else see_truth(self._see, sample, found.instances)
        scores = score_frame(found, sample, source.scoring, seen=seen, name=f"{source.name}/{sample.name}")
        write_scores(self.folder.scores_file(source, place.frame), scores)


def _description(evaluation: Evaluation, lengths: Sequence[int]) -> dict[str, object]:
    sources = [
        {"name": source.name, "frames": length, "scoring": asdict(source.scoring)}
        for source, length in zip(evaluation.sources, lengths, strict=True)
    ]
    return {"scores_version": VERSION, "method": dict(evaluation.about), "sources": sources}


def _differences(begun: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """Names of what differs, one level down where both have one."""
    names = []
    for name in {**begun, **wanted}:
        a, b = begun.get(name), wanted.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            names += [f"{name}.{key}" for key in {**a, **b} if a.get(key) != b.get(key)]
        elif a != b:
            names.append(name)
    return names
