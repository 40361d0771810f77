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
from typing import Any, NamedTuple, Protocol, runtime_checkable

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


@runtime_checkable
class FrameWriter(Protocol):
    """Writes what was found in a frame beside its scores, in whichever process; picklable, and without a state."""

    def is_written(self, frame: int) -> bool:
        """Whether all is there that the frame at a place has to have; if not, the frame is done again."""
        ...

    def write(self, frame: int, sample: Sample, found: Segmentation) -> None:
        """Writes what was found in a frame, by its place in the source."""
        ...


@dataclass(frozen=True)
class EvaluatedSource:
    """Labelled scans that are scored together.

    Attributes:
        name: For tables and folders, different from that of all others.
        open: Opens them, in whichever process; it has to be picklable.
        scoring: Which of their objects count.
        about: Where they come from, as JSON can hold it; others are another evaluation.
        writer: What else is written of each frame; None for nothing.
    """

    name: str
    open: Callable[[], Source]
    scoring: Scoring
    about: Mapping[str, object] = field(default_factory=dict)
    writer: FrameWriter | None = None


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

    def begin(self, evaluation: Evaluation, lengths: Sequence[int], *, alone: bool = True) -> None:
        """Notes what is evaluated, or makes sure that it is what was begun here.

        Args:
            evaluation: What is evaluated.
            lengths: Frames of each source.
            alone: Whether nobody else works in the folder, so that what killed processes left can be removed.

        Raises:
            RunFolderError: The folder holds another evaluation, or scores of which nobody knows what they are of.
        """
        wanted = json.loads(json.dumps(_description(evaluation, lengths), allow_nan=False))
        note = self.path / "run.json"
        if note.is_file():
            differences = _differences(_read_note(note), wanted)
            if differences:
                raise RunFolderError(
                    f"{self.path} holds another evaluation, which differs in {'; '.join(differences)}. "
                    "Choose another folder, or remove this one"
                )
            if alone:
                remove_unfinished(self.path)
            return
        if (self.path / "scores").exists():
            raise RunFolderError(
                f"{self.path} holds scores, but no run.json that says of what: remove {self.path}/scores"
            )
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
    """Scores those of the frames that have no scores in the folder yet, or lack what is written beside them.

    Args:
        evaluation: What is evaluated on what.
        folder: Where the scores go.
        places: The frames; a machine that shares the evaluation with others has some of them.
        workers: Processes; 1 does all of it in this one.
        done: Called after each frame.
    """
    todo = [p for p in places if not _is_done(evaluation.sources[p.source], folder, p.frame)]
    for _ in range(len(places) - len(todo)):
        done()
    runs = [[p for p in todo if p.source == source] for source in range(len(evaluation.sources))]
    work_off(_FrameJob(evaluation, folder), runs, workers, done=done)


class Collection:
    """Adds up the scores of all frames, in their order, while they come in or at the end."""

    def __init__(self, evaluation: Evaluation, folder: RunFolder, lengths: Sequence[int]) -> None:
        """Nothing is read yet; `lengths` are the frames of each source."""
        self._folder, self._sources, self._lengths = folder, evaluation.sources, tuple(lengths)
        self._sums = [Scores.zero() for _ in lengths]

    def catch_up(self) -> None:
        """Adds the frames that are there by now, up to the first of each source that is not.

        Raises:
            ScoreFileError: The scores of a frame are damaged.
        """
        for place, source in enumerate(self._sources):
            while self._next(place) < self._lengths[place]:
                path = self._folder.scores_file(source, self._next(place))
                if not path.is_file():
                    break
                self._sums[place] += read_scores(path)

    def summary(self) -> Summary:
        """The scores of all frames.

        Raises:
            ScoreFileError: Those of a frame are missing or damaged.
        """
        self.catch_up()
        for place, source in enumerate(self._sources):
            if self._next(place) < self._lengths[place]:
                read_scores(self._folder.scores_file(source, self._next(place)))
        parts = zip(self._sources, self._sums, strict=True)
        return Summary(tuple(SourceScores(source.name, source.scoring, scores) for source, scores in parts))

    def _next(self, place: int) -> int:
        return self._sums[place].num_frames


def frame_scores(folder: RunFolder, source: EvaluatedSource, length: int) -> Iterator[Scores]:
    """The scores of each frame, in order, read when they are asked for."""
    return (read_scores(folder.scores_file(source, frame)) for frame in range(length))


def _is_done(source: EvaluatedSource, folder: RunFolder, frame: int) -> bool:
    is_scored = folder.scores_file(source, frame).is_file()
    return is_scored and (source.writer is None or source.writer.is_written(frame))


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
        found = self._method(source.name, sample) or Segmentation.nothing(sample)
        seen = see_truth(self._see, sample, found.instances)
        if source.writer is not None:
            source.writer.write(place.frame, sample, found)
        scores = score_frame(found, sample, source.scoring, seen=seen, name=f"{source.name}/{sample.name}")
        write_scores(self.folder.scores_file(source, place.frame), scores)


def _description(evaluation: Evaluation, lengths: Sequence[int]) -> dict[str, object]:
    sources = [
        {"name": source.name, "frames": length, "scoring": asdict(source.scoring), "from": dict(source.about)}
        for source, length in zip(evaluation.sources, lengths, strict=True)
    ]
    return {"scores_version": VERSION, "method": dict(evaluation.about), "sources": sources}


def _read_note(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunFolderError(
            f"{path} is damaged ({error}), so nobody knows what its scores are of: remove {path.parent}"
        ) from error


def _differences(begun: object, wanted: object) -> list[str]:
    """What differs: the name of each entry, what was begun and what is wanted."""
    a, b = _entries(begun), _entries(wanted)
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    return [f"{name} (there {a.get(name)!r}, now {b.get(name)!r})" for name in names]


def _entries(value: Any, name: str = "") -> dict[str, object]:
    """All that a document says, by dotted names; what is in a list of named things goes by their names."""
    match value:
        case dict():
            parts = value
        case [{"name": _}, *_]:
            parts = {part["name"]: part for part in value}
        case _:
            return {name: value}
    dotted = f"{name}." if name else ""
    return {inner: entry for key, part in parts.items() for inner, entry in _entries(part, f"{dotted}{key}").items()}
