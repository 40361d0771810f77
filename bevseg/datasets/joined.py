"""Several sources one after the other, as one: the drives of a set, say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.datasets.swept import DriveRecording


class JoinedSource:
    """The samples of each recording in turn; their names get that of their recording in front.

    A recording that does not know its drives is one.

    Raises:
        DatasetError: There is no recording, or two have one name.
    """

    def __init__(self, name: str, recordings: Sequence[Source]) -> None:
        names = [recording.name for recording in recordings]
        if not recordings or len(set(names)) != len(names):
            raise DatasetError(f"{name}: expected recordings of different names, got {names}")
        self.name = name
        self._recordings = tuple(recordings)
        self._ends = list(accumulate(len(recording) for recording in recordings))

    @property
    def has_poses(self) -> bool:
        return all(isinstance(r, DriveRecording) and r.has_poses for r in self._recordings)

    def drive_of(self, index: int) -> str:
        """The name of the recording that a sample belongs to."""
        return self._recordings[self._place(index)].name

    def __len__(self) -> int:
        return self._ends[-1]

    def name_of(self, index: int) -> str:
        recording, own_index = self._recording_of(index)
        return f"{recording.name}-{recording.name_of(own_index)}"

    def __getitem__(self, index: int) -> Sample:
        recording, own_index = self._recording_of(index)
        sample = recording[own_index]
        return replace(sample, name=f"{recording.name}-{sample.name}")

    def _recording_of(self, index: int) -> tuple[Source, int]:
        """The recording that holds a sample, and the sample's place in it."""
        place = self._place(index)
        recording = self._recordings[place]
        return recording, index - (self._ends[place] - len(recording))

    def _place(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of a source of {len(self)}")
        return bisect_right(self._ends, index)
