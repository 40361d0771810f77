"""Writes `constraints.txt`: one tested version of every package, for each supported Python.

    python tools/update_constraints.py --torch 2.13.0 python3.10 python3.11 python3.12

Asks each interpreter's pip what it would install (nothing is installed), and merges the answers.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = f"{ROOT}[dev,view,ros-test]"
HEADER = """# One tested version of every package, for `pip install -c constraints.txt`.
# Made by tools/update_constraints.py; change pyproject.toml and run that instead of editing this file.
"""


def resolve(interpreter: str, torch: str) -> dict[str, str]:
    """Name and version of everything that pip would install for this interpreter, without local labels like `+cpu`."""
    command = [interpreter, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    answer = subprocess.run([*command, f"torch=={torch}", PROJECT], check=True, capture_output=True, text=True)
    packages = [item["metadata"] for item in json.loads(answer.stdout)["install"]]
    names = {re.sub(r"[-_.]+", "-", package["name"]).lower(): package["version"] for package in packages}
    return {name: version.partition("+")[0] for name, version in names.items() if name != "bevseg"}


def python_version(interpreter: str) -> str:
    """`3.11` and the like."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([interpreter, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def merge(resolved: dict[str, dict[str, str]]) -> list[str]:
    """One line for each package and run of Pythons, oldest first, that take the same version of it."""
    versions_of: dict[str, dict[str, str]] = defaultdict(dict)
    for python in sorted(resolved, key=_release):
        for name, version in resolved[python].items():
            versions_of[name].setdefault(version, python)  # the oldest Python that takes this version
    lines = []
    for name, since in sorted(versions_of.items()):
        starts = [*since.values(), None]
        for place, version in enumerate(since):
            bounds = [f'python_version >= "{starts[place]}"'] if place else []
            bounds += [f'python_version < "{starts[place + 1]}"'] if starts[place + 1] else []
            lines.append(f"{name}=={version}" + (f"; {' and '.join(bounds)}" if bounds else ""))
    return lines


def _release(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", required=True, help="exact version of torch")
    parser.add_argument("interpreters", nargs="+")
    args = parser.parse_args()
    resolved = {python_version(path): resolve(path, args.torch) for path in args.interpreters}
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(merge(resolved)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
