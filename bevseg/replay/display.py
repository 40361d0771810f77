"""What this machine can show: windows, and what Open3D draws."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be opened."""
    return sys.platform in ("darwin", "win32") or any(environment.get(k) for k in ("DISPLAY", "WAYLAND_DISPLAY"))


def refusal_of_open3d(probe: str) -> str | None:
    """Why a few lines of Python that draw with Open3D fail here; None where they do not.

    They run in a process of their own: where a driver is missing, Open3D may end its process.

    Raises:
        ModuleNotFoundError: Open3D is not installed.
    """
    tried = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    said = (tried.stderr.strip().splitlines() or [f"it ended with {tried.returncode}"])[-1]
    if "No module named 'open3d'" in said:
        raise ModuleNotFoundError("No module named 'open3d'", name="open3d")
    return said


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Sends what libraries in C++ write to stdout, past Python, to stderr: stdout is for results."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
