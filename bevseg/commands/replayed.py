"""What `bevseg replay` shows: the source, the results and the frames that its options name."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.evaluated_sources import scoring_of_kind
from bevseg.interruption import StopRequest

if TYPE_CHECKING:
    from bevseg.datasets.open import Kind, OpenOptions
    from bevseg.datasets.source import Source
    from bevseg.replay.export import Tally
    from bevseg.replay.pictures import Look
    from bevseg.replay.predictions import StoredPredictions
    from bevseg.replay.recording import Predictor, Recording

_MIN_POINTS, _MAX_RANGE_M = 5, 50.0
"""Which true objects count, as `bevseg eval` has it."""
_USUAL_HZ = 10.0
_NAMES = 50
"""Frames by whose names stored results are known."""
_WATCHED: tuple[Kind, ...] = ("points", "bevseg-frames")


@dataclass(frozen=True, eq=False)
class Replayed:
    """A recording, and how it is drawn.

    Attributes:
        recording: The frames.
        look: Of the pictures.
        kind: Of the source.
        description: What was found, in one line.
        folders: Those that results are taken from.
    """

    recording: Recording
    look: Look
    kind: Kind
    description: str
    folders: tuple[Path, ...] = ()

    def chosen(self, args: argparse.Namespace) -> list[int]:
        """The frames that the options name, all of them unless told otherwise.

        Raises:
            ValueError: They name none, or one that is not there.
        """
        if args.frames:
            return [self.place(text) for text in args.frames.split(",")]
        first = self.place(args.first) if args.first else 0
        last = self.place(args.last) if args.last else len(self.recording) - 1
        if last < first:
            raise ValueError(f"no frame to show: the last, {last}, comes before the first, {first}")
        return list(range(first, last + 1, args.step))

    def place(self, text: str) -> int:
        """The place of a frame that is named by its place, by time (`3.5s`) or by name.

        Raises:
            ValueError: There is none.
        """
        from bevseg.replay.player import Playback, frame_at_time, frame_of_token

        total, source = len(self.recording), self.recording.source
        try:
            if text.lstrip("-").isdigit() and len(text) < 10:
                return Playback(total).sought(int(text)).frame
            if text.endswith("s") and _is_number(text[:-1]):
                return frame_at_time(float(text[:-1]), total, self.recording.time_of)
            return frame_of_token(text, (source.name_of(index) for index in range(len(source))))
        except LookupError as error:
            raise ValueError(f"{source.name}: {error.args[0]}") from error

    def watched(self, args: argparse.Namespace) -> Iterator[int]:
        """The frames of a folder as they come; Ctrl-C or SIGTERM ends them.

        Raises:
            ValueError: Sources of this kind do not grow.
        """
        from bevseg.datasets.open import open_source
        from bevseg.replay.watch import Watch

        if self.kind not in _WATCHED:
            raise ValueError(f"--watch follows folders of point files or of bevseg's frames, this one is {self.kind}")
        watch = Watch(args.source, lambda: open_source(args.source).source, idle_s=args.idle)
        with StopRequest() as request:
            yield from watch.new_frames(self.recording.reopened, stop=lambda: request.signal_name is not None)

    def frames_per_s(self, args: argparse.Namespace) -> float:
        """At which a video plays: as recorded, times the speed."""
        rate = args.rate or (None if args.watch else self.recording.frames_per_s()) or _USUAL_HZ
        return min(max(rate / args.step * args.speed, 0.5), 240.0)

    def require_results(self, tally: Tally) -> None:
        """Results that fit not one of the frames are those of something else.

        Raises:
            PredictionError: They are.
        """
        from bevseg.replay.predictions import PredictionError

        if self.folders and tally.frames and len(tally.without_result) == tally.frames:
            inside = sorted(path.stem for folder in self.folders for path in folder.glob("*.json"))[:3]
            raise PredictionError(
                f"{', '.join(map(str, self.folders))}: no result for any of {tally.frames} frames "
                f"({', '.join(tally.without_result[:3])}, ...); there are results for {', '.join(inside)}, ...: "
                "they are those of another dataset"
            )


def open_replayed(args: argparse.Namespace, options: OpenOptions) -> Replayed:
    """What the options name.

    Raises:
        DatasetError: The source is none.
        PredictionError: Stored results are not there.
        CheckpointError: There is no such checkpoint.
        ValueError: An option is none.
    """
    from bevseg.datasets.open import open_source
    from bevseg.drawing.frame_picture import PictureSize
    from bevseg.drawing.shown import LAYERS, parse_layers
    from bevseg.replay.pictures import Look
    from bevseg.replay.predictions import StoredPredictions
    from bevseg.replay.recording import Recording

    size = PictureSize(*_size(args.size))
    layers = parse_layers(args.layers) if args.layers else LAYERS
    opened = open_source(args.source, options)
    stored = {
        named: StoredPredictions.find(Path(named), opened.source.name, _some_names(opened.source))
        for named in _named_results(args)
        if args.predictions or _is_folder(named)
    }
    predictors = _predictors(args, stored)
    shows_results = bool(_named_results(args))
    recording = Recording(
        opened.source,
        predictors,
        scoring=scoring_of_kind(opened.kind, _MIN_POINTS, _MAX_RANGE_M)
        if shows_results and not args.no_truth
        else None,
        with_truth=shows_results and not args.no_truth,
        period_s=1 / (args.rate or _USUAL_HZ),
    )
    look = Look(
        title=opened.source.name,
        layers=layers,
        coloring=args.points,
        size=size,
        colors=_meaning_of_colors(args, layers),
    )
    return Replayed(recording, look, opened.kind, opened.description, tuple(found.folder for found in stored.values()))


def _meaning_of_colors(args: argparse.Namespace, layers: Set[str]) -> str:
    """Where results are not compared with the truth, so that a red object is not taken for a wrong one."""
    if not _named_results(args):
        why = "The truth itself"
    elif args.no_truth:
        why = "Not held against the truth"
    elif "difference" not in layers:
        why = "The difference to the truth is not shown"
    else:
        why = "No truth to hold results against"
    return f"{why}: colours are {'ids' if args.no_tracking else 'tracks'}, not verdicts"


def _named_results(args: argparse.Namespace) -> list[str]:
    """Folders and checkpoints whose results are shown."""
    if args.compare:
        return list(args.compare)
    return [str(named) for named in (args.predictions, args.checkpoint) if named]


def _is_folder(named: str) -> bool:
    return Path(named).is_dir()


def _some_names(source: Source) -> Iterator[str]:
    """Names of frames from all over the recording, by which its results are known; some sources read them."""
    for index in range(0, len(source), max(1, len(source) // _NAMES)):
        with suppress(ValueError, OSError):
            yield source.name_of(index)


def _predictors(args: argparse.Namespace, stored: Mapping[str, StoredPredictions]) -> tuple[Predictor, ...]:
    from bevseg.replay.recording import Predictor
    from bevseg.replay.result_names import result_names
    from bevseg.replay.truth import TruthScenes, tracks_are_known

    named = _named_results(args)
    if not named:
        return (Predictor("truth", TruthScenes().predict, tracks_are_known),)
    return tuple(
        _stored(name, stored[result], steady=args.no_tracking)
        if result in stored
        else _segmenting(args, name, checkpoint=result)
        for name, result in zip(result_names(named), named, strict=True)
    )


def _stored(name: str, stored: StoredPredictions, *, steady: bool) -> Predictor:
    from bevseg.replay.recording import Predictor

    return Predictor(name, stored.predict, lambda sample: steady)


def _segmenting(args: argparse.Namespace, name: str, *, checkpoint: str) -> Predictor:
    from bevseg.commands.models import load_segmenter
    from bevseg.replay.recording import Predictor

    segmenter = load_segmenter(argparse.Namespace(**{**vars(args), "checkpoint": checkpoint}))
    steady = args.no_tracking
    return Predictor(name, lambda sample: segmenter.segment(sample.cloud), lambda sample: steady)


def _size(text: str) -> Sequence[int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise ValueError(f"--size expects pixels as 1280x720, got '{text}'")
    return int(width), int(height)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
