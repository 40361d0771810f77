"""One evaluation shared by several processes that `torchrun` started, on one machine or on many.

    torchrun --nnodes 2 --nproc-per-node 1 ... --no-python bevseg eval --data PATH --output FOLDER

Each takes every n-th frame. The first gets the files of the others, byte by byte, unless they share its folder, and
adds up the counts: they are exact, so the figures are those of one process, whoever scored which frame.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bevseg.whole_files import write_whole

Item = TypeVar("Item")

_PATIENCE = timedelta(days=7)
"""How long one may wait for another, which may have slower cores or longer scans."""


@dataclass(frozen=True)
class Rank:
    """This process among those that share an evaluation.

    Attributes:
        number: Of this one, from 0.
        count: Of all.
        local_count: Of those on this machine.
    """

    number: int = 0
    count: int = 1
    local_count: int = 1

    def device(self, name: str) -> str:
        """The device of this process where `name` says no more than that it shall be a GPU."""
        return f"cuda:{self.number % self.local_count}" if name == "cuda" and self.count > 1 else name

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Rank:
        """As `torchrun` says; alone where nobody says anything."""
        known = os.environ if environment is None else environment
        names = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
        return cls(*(int(known[name]) for name in names)) if all(name in known for name in names) else cls()

    @property
    def is_first(self) -> bool:
        """Whether this one adds up and reports."""
        return self.number == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """What this one has to do; neighbours go to different ones, as they cost alike."""
        return items[self.number :: self.count]

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Within, the processes can wait for each other and exchange files."""
        if self.count == 1:
            yield
            return
        import torch.distributed as dist

        dist.init_process_group("gloo", timeout=_PATIENCE)
        try:
            yield
        finally:
            dist.destroy_process_group()

    def wait(self) -> None:
        """Returns when all are here."""
        if self.count > 1:
            import torch.distributed as dist

            dist.barrier()

    def deliver(self, folder: Path) -> None:
        """Brings the files in the folders of all to that of the first, which keeps those that it has.

        Args:
            folder: Of this process; it may be the same for all.
        """
        if self.count == 1:
            return
        if self.is_first:
            for source in range(1, self.count):
                _receive_files(folder, source)
        else:
            _send_files(folder)
        self.wait()


def _receive_files(folder: Path, source: int) -> None:
    offered: list[str] = json.loads(_receive(source))
    wanted = [name for name in offered if not (folder / name).is_file()]
    _send(json.dumps(wanted).encode(), source)
    for name in wanted:
        write_whole(folder / name, _receive(source))


def _send_files(folder: Path) -> None:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    _send(json.dumps([str(path.relative_to(folder)) for path in files]).encode(), 0)
    for name in json.loads(_receive(0)):
        _send((folder / name).read_bytes(), 0)


def _send(data: bytes, to: int) -> None:
    import torch
    import torch.distributed as dist

    dist.send(torch.tensor([len(data)]), to)
    if data:
        dist.send(torch.frombuffer(bytearray(data), dtype=torch.uint8), to)


def _receive(source: int) -> bytes:
    import torch
    import torch.distributed as dist

    size = torch.zeros(1, dtype=torch.int64)
    dist.recv(size, source)
    data = torch.empty(int(size), dtype=torch.uint8)
    if len(data):
        dist.recv(data, source)
    return data.numpy().tobytes()
