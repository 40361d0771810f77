"""Results that are stored already, one scene a frame: found by the names of the frames, and read to be scored.

    <folder>/<source>/<frame>.json, .npz    as `bevseg eval --output` keeps them under `predictions`
    <folder>/<frame>.json, .npz             as `bevseg segment` writes them, where there is one source

Folders of sources that are not scored are left alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bevseg.datasets.sample import Sample
from bevseg.evaluation.frame_scores import Segmentation
from bevseg.evaluation.run import Method
from bevseg.results.scene_file import SceneFileError, read_scene

SUFFIXES = (".json", ".npz")
"""Of the two files of a result."""


class StoredResultError(ValueError):
    """Stored results do not fit the frames that they are to be scored on."""


@dataclass(frozen=True)
class SourceResults:
    """The results for the frames of one source.

    Attributes:
        source: Name of the source.
        folder: Where their files are.
    """

    source: str
    folder: Path

    def stem(self, frame: str) -> Path:
        """The two files of a frame's result, less `SUFFIXES`."""
        return self.folder / frame

    def present(self) -> dict[str, tuple[str, ...]]:
        """The suffixes that are there for each frame, by its name; none where the folder is not there."""
        found: dict[str, tuple[str, ...]] = {}
        for file in sorted(_files_below(self.folder)):
            frame, suffix = os.path.splitext(file)
            if suffix in SUFFIXES:
                found[frame] = (*found.get(frame, ()), suffix)
        return found


@dataclass(frozen=True)
class StoredResults:
    """The results for all sources, in their order.

    Attributes:
        folder: As it was named.
        sources: One entry a source.
    """

    folder: Path
    sources: tuple[SourceResults, ...]

    @classmethod
    def in_folder(cls, folder: Path, sources: Sequence[str]) -> StoredResults:
        """The results for sources of these names.

        Raises:
            StoredResultError: There is no such folder, or it has no folder for any of several sources.
        """
        if not folder.is_dir():
            raise StoredResultError(f"{folder}: no such folder; expected one with stored scenes")
        if len(sources) == 1 and not (folder / sources[0]).is_dir():
            return cls(folder, (SourceResults(sources[0], folder),))
        if not any((folder / source).is_dir() for source in sources):
            inside = ", ".join(sorted(entry.name for entry in folder.iterdir() if entry.is_dir())) or "none"
            raise StoredResultError(
                f"{folder}: expected a folder with results for each of the sources {', '.join(sources)}, found {inside}"
            )
        return cls(folder, tuple(SourceResults(source, folder / source) for source in sources))

    def digest(self) -> str:
        """SHA-256 of all files and their names: other results are another evaluation."""
        sha = hashlib.sha256()
        for place, source in enumerate(self.sources):
            for frame, suffixes in sorted(source.present().items()):
                for suffix in suffixes:
                    data = Path(f"{source.stem(frame)}{suffix}").read_bytes()
                    sha.update(f"{place}/{frame}{suffix}/{len(data)}/".encode())
                    sha.update(data)
        return sha.hexdigest()


@dataclass(frozen=True)
class StoredMethod:
    """Takes the results from their folder; a picklable opener of a method.

    Attributes:
        results: Where they are.
        labels_points: Whether they label points with all classes; False for those of geometry alone.
        allow_missing: Whether a frame without a result counts as one where nothing was found.
    """

    results: StoredResults
    labels_points: bool = True
    allow_missing: bool = False

    def __call__(self) -> Method:
        return self.take

    def take(self, source: str, sample: Sample) -> Segmentation:
        """The stored result for a sample.

        Raises:
            StoredResultError: There is none, it cannot be read, or it is of another scan.
        """
        frame = f"{source}/{sample.name}"
        own = next(results for results in self.results.sources if results.source == source)
        stem = own.stem(sample.name)
        if self.allow_missing and not any(os.path.exists(f"{stem}{suffix}") for suffix in SUFFIXES):
            return self._trimmed(Segmentation.nothing(sample))
        try:
            scene = read_scene(stem)
        except SceneFileError as error:
            raise StoredResultError(f"frame {frame}: {error}") from error
        if len(scene.points.semantic) != len(sample.cloud):
            raise StoredResultError(
                f"frame {frame}: expected a label for each of the {len(sample.cloud)} points of the scan, {stem}.npz "
                f"has {len(scene.points.semantic)}: it is the result of another scan, or of another number of sweeps"
            )
        return self._trimmed(Segmentation.of_scene(scene))

    def _trimmed(self, found: Segmentation) -> Segmentation:
        return found if self.labels_points else replace(found, points=None)


def _files_below(folder: Path, prefix: str = "") -> Iterator[str]:
    """Paths of files relative to the folder; what is hidden is somebody's unfinished work."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _files_below(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}"
