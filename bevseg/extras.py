"""Packages that only some commands need, and the pip command that adds each."""

from __future__ import annotations

EXTRA_OF_MODULE = {
    "av": "view",
    "laspy": "datasets",
    "lazrs": "datasets",
    "nuscenes": "datasets",
    "open3d": "view",
    "pyarrow": "argoverse2",
    "rerun": "view",
    "rosbags": "datasets",
}
"""The optional dependency group of `pyproject.toml` that brings each module."""


def install_command(module: str) -> str | None:
    """The command that adds an optional module (`nuscenes.eval` as well as `nuscenes`); None for all others."""
    extra = EXTRA_OF_MODULE.get(module.partition(".")[0])
    return f"pip install 'bevseg[{extra}]'" if extra else None


def explain_import_error(error: ImportError) -> str:
    """The error in one line, with the command that mends it."""
    command = install_command(error.name or "")
    return f"{error}; add it with: {command}" if command else f"{error} (run `bevseg doctor` to see what is missing)"
