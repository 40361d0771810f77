"""What every dataset reader offers: a length and samples by position, read only when asked for."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from bevseg.datasets.sample import Sample


@runtime_checkable
class Source(Protocol):
    """A sequence of labelled scans that is read from disk (or simulated) one at a time."""

    @property
    def name(self) -> str:
        """Short name for tables and reports."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...
