"""Nodes as processes of their own that talk on this machine alone: for tests and benchmarks."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bevseg_ros.accounting import Account

PROFILE = Path(__file__).resolve().parents[1] / "config" / "fastdds_loopback.xml"
_MOST_DOMAINS = 100
"""Domains beyond take ports that Linux gives to others."""


def loopback_environment(domain_id: int) -> dict[str, str]:
    """What keeps Fast DDS and Cyclone DDS on the loopback interface, in a domain of their own."""
    return {
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(PROFILE),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(PROFILE),
        "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp",
        "ROS_DOMAIN_ID": str(domain_id),
        "CYCLONEDDS_URI": (
            "<CycloneDDS><Domain><General><Interfaces><NetworkInterface address='127.0.0.1'/></Interfaces>"
            "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
            "<MaxAutoParticipantIndex>30</MaxAutoParticipantIndex><Peers><Peer address='127.0.0.1'/></Peers>"
            "</Discovery></Domain></CycloneDDS>"
        ),
    }


def free_domain_id() -> int:
    """A domain whose ports nobody uses on this machine.

    Raises:
        OSError: All are in use.
    """
    domains = random.sample(range(1, _MOST_DOMAINS), _MOST_DOMAINS - 1)
    free = next((domain for domain in domains if _is_free(domain)), None)
    if free is None:
        raise OSError("the ports of all DDS domains are in use")
    return free


def _python_path() -> str:
    """The path of this process with this package on it, installed or not."""
    here = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])


def _is_free(domain_id: int) -> bool:
    for offset in (10, 11):  # of the first participant
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", 7400 + 250 * domain_id + offset))
            except OSError:
                return False
    return True


@dataclass
class NodeProcess:
    """A node that runs as a process."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @classmethod
    def start(
        cls,
        log_file: Path,
        *,
        parameters: Mapping[str, object] | None = None,
        name: str | None = None,
        command: Sequence[str] = ("-m", "bevseg_ros"),
        environment: Mapping[str, str] | None = None,
    ) -> NodeProcess:
        """Starts Python with a command, by default the node itself.

        Args:
            log_file: Takes what the process says.
            parameters: Of the node, in place of the defaults.
            name: Of the node, in place of its own.
            command: Arguments of the interpreter.
            environment: On top of that of this process.
        """
        ros_arguments = ["--ros-args"]
        for parameter, value in (parameters or {}).items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            ros_arguments += ["-p", f"{parameter}:={text}"]
        if name is not None:
            ros_arguments += ["-r", f"__node:={name}"]
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command, *ros_arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": _python_path(), **(environment or {})},
            )
        return cls(process, log_file)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text: str, timeout_s: float) -> None:
        """Waits until the process says something.

        Raises:
            TimeoutError: It did not, or has ended.
        """
        end_s = time.monotonic() + timeout_s
        while text not in self.log:
            if time.monotonic() > end_s or self.process.poll() is not None:
                raise TimeoutError(
                    f"the node did not say '{text}' within {timeout_s:g} s; it said:\n{self.log[-4000:]}"
                )
            time.sleep(0.02)

    def memory_mb(self) -> float:
        """Resident memory, MB."""
        statm = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self, number: signal.Signals = signal.SIGINT, timeout_s: float = 20.0) -> int:
        """Sends a signal and waits.

        Returns:
            The exit code.

        Raises:
            TimeoutError: It did not end, and was killed.
        """
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """Waits until it has ended by itself; raises as `end` does."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.wait(10)
            raise TimeoutError(f"the node did not end within {timeout_s:g} s; it said:\n{self.log[-4000:]}") from error

    def last_account(self) -> Account:
        """The account that the node gives when it ends.

        Raises:
            ValueError: It has not given one.
        """
        lines = [line for line in self.log.splitlines() if "ended; clouds: " in line]
        if not lines:
            raise ValueError(f"the node gave no account; it said:\n{self.log[-4000:]}")
        return Account.parsed(lines[-1].partition("ended; clouds: ")[2])
