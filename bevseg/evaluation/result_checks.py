"""Whether stored results fit the frames that they are to be scored on, told before anything is scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from bevseg.evaluation.stored_results import SUFFIXES, SourceResults, StoredResultError, StoredResults
from bevseg.evaluation.submissions.checks import SubmissionError, check_labels, check_masks, check_objects
from bevseg.processes import work_off
from bevseg.results.scene_file import SceneFileError, read_scene
from bevseg.whole_files import write_whole

_SHOWN = 5
"""So many frames of each kind are named in an error."""


@dataclass(frozen=True)
class Coverage:
    """Which frames have no result, and which results no frame; names are `source/frame`.

    Attributes:
        missing: In the order of the frames.
        extra: In the order of their names.
    """

    missing: tuple[str, ...]
    extra: tuple[str, ...]


class _Result(NamedTuple):
    """The stem of a frame's two files, and the name of the frame for errors."""

    stem: Path
    frame: str


def check_results(
    results: StoredResults,
    frames: Sequence[Sequence[str]],
    *,
    allow_missing: bool = False,
    workers: int = 1,
    done: Callable[[], object] = lambda: None,
) -> Coverage:
    """Reads all results and holds them against the frames; the number of points is left to whoever reads the scans.

    Args:
        results: For the sources.
        frames: The names of each source's frames.
        allow_missing: Whether frames without a result, and results without a frame, are fine.
        workers: Processes.
        done: Called after each result.

    Raises:
        StoredResultError: It names the first frames of each kind of fault, how many there are, and what was expected.
    """
    covered = [_cover(source, names) for source, names in zip(results.sources, frames, strict=True)]
    missing = tuple(name for source in covered for name in source.missing)
    extra = tuple(name for source in covered for name in source.extra)
    present = [result for source in covered for result in source.present]
    faults = [fault for source, names in zip(results.sources, frames, strict=True) for fault in _twins(source, names)]
    if not present:
        first = f", such as {results.sources[0].stem(frames[0][0])}.json" if missing else ""
        faults.append(f"there is no result for any of {len(missing)} frames{first}; {_listed('there are', extra)}")
    elif not allow_missing:
        faults += _uncovered(missing, extra, len(missing) + len(present))
    wrong = _wrong(present, workers, done)
    if wrong:
        faults.append("\n    ".join([f"{len(wrong)} of {len(present)} results cannot be scored:", *_first(wrong)]))
    if faults:
        raise StoredResultError("\n  ".join([f"{results.folder}: the results do not fit the frames", *faults]))
    return Coverage(missing, extra)


def fault_of(stem: Path, frame: str) -> str | None:
    """What is wrong with the stored result of a frame, and what was expected; None where all is well."""
    half = [f"{stem}{suffix}" for suffix in SUFFIXES if not Path(f"{stem}{suffix}").is_file()]
    if half:
        return f"frame {frame}: expected both files of a scene, {half[0]} is missing: segment the scan again"
    try:
        scene = read_scene(stem)
        check_objects(scene.instances, frame=frame)
        for masks in (scene.instances.amodal, scene.instances.visible):
            check_masks(masks, scene.grid, frame=frame)
        most = np.iinfo(np.int32).max
        check_labels(scene.points, num_points=len(scene.points.semantic), most_instances=most, frame=frame)
    except SceneFileError as error:
        return f"frame {frame}: {error}"
    except SubmissionError as error:
        return str(error)
    shares = scene.instances.visible_fraction
    if ((shares < 0) | (shares > 1)).any():
        return f"frame {frame}: expected visible fractions within 0..1, got {shares.min()}..{shares.max()}"
    if not all(0 <= ms < np.inf for ms in scene.timings_ms.values()):
        return f"frame {frame}: expected timings in milliseconds, 0 or more, got {dict(scene.timings_ms)}"
    return None


@dataclass(frozen=True)
class _Covered:
    """The same as `Coverage` of one source, with its results that have a frame, in the order of the frames."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    present: tuple[_Result, ...]


def _cover(source: SourceResults, names: Sequence[str]) -> _Covered:
    found, known = source.present(), set(names)
    return _Covered(
        missing=tuple(f"{source.source}/{name}" for name in names if name not in found),
        extra=tuple(f"{source.source}/{name}" for name in found if name not in known),
        present=tuple(_Result(source.stem(name), f"{source.source}/{name}") for name in names if name in found),
    )


def _twins(source: SourceResults, names: Sequence[str]) -> Iterator[str]:
    twins = [f"{source.source}/{name}" for name, times in Counter(names).items() if times > 1]
    if twins:
        yield _listed(f"expected frames of different names, {len(twins)} names are those of several:", twins)


def _uncovered(missing: Sequence[str], extra: Sequence[str], num_frames: int) -> Iterator[str]:
    if missing:
        yield (
            _listed(f"{len(missing)} of {num_frames} frames have no result:", missing)
            + "; expected FRAME.json and FRAME.npz for each (--allow-missing counts them as frames without objects)"
        )
    if extra:
        yield (
            _listed(f"{len(extra)} results are of no frame that is scored:", extra)
            + "; expected none, are these results of other frames? (--allow-missing leaves them out)"
        )


def _wrong(present: Sequence[_Result], workers: int, done: Callable[[], object]) -> list[str]:
    """What is wrong with those of the results that cannot be scored, in their order."""
    with TemporaryDirectory(prefix="bevseg-check-") as scratch:
        work_off(_Check(Path(scratch)), [list(enumerate(present))], workers, done=done)
        return [note.read_text(encoding="utf-8") for note in sorted(Path(scratch).iterdir())]


@dataclass(frozen=True)
class _Check:
    """Leaves a note of each result that is wrong."""

    notes: Path

    def __call__(self, numbered: tuple[int, _Result]) -> None:
        number, result = numbered
        fault = fault_of(result.stem, result.frame)
        if fault:
            write_whole(self.notes / f"{number:09d}", fault.encode())


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what} {', '.join(_first(names)) or 'none'}"


def _first(names: Sequence[str]) -> list[str]:
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return [*names[:_SHOWN], *more]
