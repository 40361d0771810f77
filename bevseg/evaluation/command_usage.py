"""What a command takes of the machine, all its processes together: time, cores and memory. Linux alone tells."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bevseg.processes import usable_cores

_INTERVAL_S = 0.4
"""Looking at the memory of three processes takes some milliseconds, which are missing elsewhere."""
_LEAVES_WITHIN_S = 30.0
_NS = 1e-9


@dataclass(frozen=True)
class Usage:
    """Of one command.

    Attributes:
        wall_s: From its start to its end.
        cpu_s: What its processes computed, in user and system mode.
        runnable_s: What they computed or waited for a core that others had: what they would have used of an idle
            machine.
        cores: Those it might use.
        memory_mb: Of all its processes each time that it was looked at, pages that several share counted once; in
            10^6 bytes.
        output: What it said on stdout.
    """

    wall_s: float
    cpu_s: float
    runnable_s: float
    cores: int
    memory_mb: tuple[float, ...]
    output: bytes

    @property
    def peak_mb(self) -> float:
        """Most memory at one time; 0 for a command that ended before it was looked at."""
        return max(self.memory_mb, default=0.0)

    @property
    def core_share(self) -> float:
        """Of all cores, over the whole time."""
        return self.cpu_s / (self.wall_s * self.cores)

    @property
    def runnable_share(self) -> float:
        """Share of the cores that had something to do, whoever else used them meanwhile; at most 1."""
        return min(self.runnable_s / (self.wall_s * self.cores), 1.0)

    def as_json(self) -> dict[str, object]:
        """Plain values but for the output; of the memory, the most."""
        plain = {name: value for name, value in asdict(self).items() if name not in ("memory_mb", "output")}
        shares = {"core_share": self.core_share, "runnable_share": self.runnable_share}
        return {**plain, "peak_mb": self.peak_mb, **shares}


def measure_command(
    command: Sequence[str], *, interval_s: float = _INTERVAL_S, environment: Mapping[str, str] | None = None
) -> Usage:
    """Runs a command and watches it, a few times a second.

    Args:
        command: Program and arguments.
        interval_s: How often its memory is looked at.
        environment: Its variables; None for those of this process.

    Raises:
        OSError: It fails; or there is no Linux here, of version 5.3 or later.
    """
    if not Path("/proc/self/smaps_rollup").is_file():
        raise OSError("memory of several processes is told by Linux alone, in /proc/PID/smaps_rollup")
    memory_mb, runnable_ns = list[float](), dict[int, int]()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as notes:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=notes, env=environment)
        with _ended_with_us(process) as end:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            while not ended:
                family = list(_family(process.pid))
                memory_mb.append(sum(map(_memory_mb, family)))
                runnable_ns.update({member: _runnable_ns(member, runnable_ns.get(member, 0)) for member in family})
                select.select([end], [], [], interval_s)
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
            wall_s = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)  # so that nobody waits for it again
        if process.returncode:
            notes.seek(0)
            output.seek(0)
            said = (notes.read().strip() or output.read().strip()).decode(errors="replace")
            raise OSError(f"{' '.join(command)} ended with exit code {process.returncode}: {said}")
        output.seek(0)
        return Usage(
            wall_s=wall_s,
            cpu_s=used.ru_utime + used.ru_stime,
            runnable_s=sum(runnable_ns.values()) * _NS,
            cores=usable_cores(),
            memory_mb=tuple(memory_mb),
            output=output.read(),
        )


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """What is readable when a process ends: its time is exact, however rarely we look.

    A process that still runs when we leave, because we are interrupted, is interrupted, too, and waited for.
    """
    end = os.pidfd_open(process.pid)
    try:
        yield end
    finally:
        os.close(end)
        if process.returncode is None:
            process.terminate()
            try:
                process.wait(_LEAVES_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _family(process: int) -> Iterator[int]:
    """A process and all below it; those that end meanwhile are left out."""
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _memory_mb(process: int) -> float:
    """Proportional set size: a page that n processes share counts as 1 / n in each."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def _runnable_ns(process: int, before: int) -> int:
    """On a core and waiting for one since it began, over all its threads; as before where it has ended."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        times = [(thread / "schedstat").read_text().split() for thread in threads]
    except OSError:
        return before
    return max(before, sum(int(on_core) + int(waiting) for on_core, waiting, _ in times))
