"""What the documents say of the repository is true: the map, the links, the commands."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def test_the_map_of_the_package_is_what_its_files_say_of_themselves(root: Path) -> None:
    check = subprocess.run([sys.executable, root / "tools" / "write_map.py", "--check"], check=False)
    assert check.returncode == 0, "bevseg/README.md is out of date: run `python tools/write_map.py`"


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    dead = [
        f"{document.relative_to(root)}: {target}"
        for document in _documents(root)
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
        if not target.startswith(("https://", "http://", "mailto:")) and not _leads_somewhere(document, target)
    ]
    assert dead == []


@pytest.mark.parametrize("command", ["bevseg demo", "tools/check.sh"])
def test_ci_runs_the_commands_of_the_readme(root: Path, command: str) -> None:
    """Each is one line of the README, joined by `&&`; CI runs its parts one by one."""
    lines = (root / "README.md").read_text(encoding="utf-8").splitlines()
    documented = [line for line in lines if line.endswith(command) and "pip install" in line]
    assert len(documented) == 1
    ci = (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    steps = [step.strip() for step in documented[0].split("&&") if "-m venv" not in step]
    assert [step for step in steps if step not in ci] == []


def test_the_readme_lists_every_command(root: Path, package: Mapping[str, ast.Module]) -> None:
    listed = re.findall(r"^\| `bevseg (\w+)` \|", (root / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    commands = [
        Path(file).stem
        for file, tree in package.items()
        if file.startswith("bevseg/commands/")
        and any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body)
    ]
    assert sorted(listed) == sorted(commands)


def test_contributing_fits_on_a_screen(root: Path) -> None:
    assert (root / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8").count("\n") < 40


def _documents(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=root, check=True, capture_output=True, text=True)
    return [root / name for name in listed.stdout.splitlines()]


def _leads_somewhere(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (document.parent / path) if path else document
    if not file.exists():
        return False
    if not anchor:
        return True
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
