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

    def name_of(self, index: int) -> str:
        """The name of a sample, which is not read for it."""
        ...

    def __getitem__(self, index: int) -> Sample: ...


def numbered_name(index: int, length: int) -> str:
    """The name of a sample of a source that numbers them.

    Raises:
        IndexError: There is no such sample.
    """
    if not 0 <= index < length:
        raise IndexError(f"sample {index} of a source of {length}")
    return f"{index:06d}"
