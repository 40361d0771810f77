"""Where the results of a recording come from: folders of stored scenes, or whatever else makes a scene of a scan.

<folder>/predictions/<source>/<frame>.json, .npz    the folder of `bevseg eval --output`
<folder>/<source>/<frame>.json, .npz                its `predictions`
<folder>/<frame>.json, .npz                         as `bevseg segment` writes them
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bevseg.datasets.sample import Sample
from bevseg.results.scene import Scene
from bevseg.results.scene_file import read_scene


class PredictionError(ValueError):
    """Stored results are not there, or do not fit the recording."""


@dataclass(frozen=True)
class StoredPredictions:
    """The scenes of a folder, by the names of the frames.

    Attributes:
        folder: Where the files of the frames are.
    """

    folder: Path

    @classmethod
    def find(cls, folder: Path, source: str, frames: Iterable[str] = ()) -> StoredPredictions:
        """The results for a source in any of the folders that bevseg writes.

        Args:
            folder: Of a run, of its predictions, or of scenes.
            source: Its name; where there are no results under it, those of the only other source with such frames
                are taken: a drive has another name in `bevseg eval --simulated`.
            frames: Names of some of the recording's frames, asked for only where they are needed.

        Raises:
            PredictionError: There is no such folder, or it holds results for other sources alone, or for several that
                could be meant.
        """
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "no such folder"
            raise PredictionError(f"{folder}: {what}; expected stored scenes of `bevseg segment` or `eval`")
        for place in (folder / "predictions" / source, folder / source, folder):
            if place.is_dir() and any(True for _ in place.glob("*.json")) and not _is_run(place):
                return cls(place)
        named = list(frames)
        fitting = [place for place in _folders(folder) if any((place / f"{name}.json").is_file() for name in named)]
        if len(fitting) == 1:
            return cls(fitting[0])
        found = f"{_names(folder, fitting)}, which all have such frames" if fitting else _inside(folder)
        raise PredictionError(
            f"{folder}: expected scenes (NAME.json and NAME.npz) of the source '{source}', found {found}; "
            "name the folder that holds those of this recording"
        )

    def predict(self, sample: Sample) -> Scene | None:
        """The stored scene of a frame; None where there is none.

        Raises:
            SceneFileError: The files are damaged, or of a version that is not read.
            PredictionError: They are of another scan.
        """
        stem = self.folder / sample.name
        if not (stem.with_name(f"{stem.name}.json").exists() or stem.with_name(f"{stem.name}.npz").exists()):
            return None
        scene = read_scene(stem)
        if len(scene.points.semantic) != len(sample.cloud):
            raise PredictionError(
                f"{stem}.npz labels {len(scene.points.semantic)} points, the scan {sample.name} has "
                f"{len(sample.cloud)}: it is the result of another dataset, or of another number of sweeps"
            )
        return scene


def _is_run(folder: Path) -> bool:
    """Whether the JSON files there are those of an evaluation and not scenes."""
    return (folder / "metrics.json").is_file() or (folder / "run.json").is_file()


def _folders(folder: Path) -> list[Path]:
    """Those that may be of a source."""
    inside = [*folder.glob("*"), *folder.glob("predictions/*")]
    return sorted(entry for entry in inside if entry.is_dir() and entry.name != "predictions")


def _names(folder: Path, places: Sequence[Path]) -> str:
    named = ", ".join(f"{place.relative_to(folder)}/" for place in places[:8])
    return f"{named}, ..." if len(places) > 8 else named


def _inside(folder: Path) -> str:
    places = _folders(folder)
    scenes = [path.stem for path in sorted(folder.glob("*.json"))[:3]] if not _is_run(folder) else []
    if scenes:
        return f"scenes named {', '.join(scenes)}, ..."
    return _names(folder, places) or "no folder and no scene"
