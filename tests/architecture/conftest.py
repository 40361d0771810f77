"""The source of the project, read and parsed once for all tests of its shape."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_CODE = ("bevseg", "ros_node", "tools")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return _ROOT


@pytest.fixture(scope="session")
def texts() -> Mapping[str, str]:
    """Every Python file that is not a test, by its path in the repository."""
    files = sorted(path for folder in _CODE for path in (_ROOT / folder).rglob("*.py") if "test" not in path.parts)
    return {path.relative_to(_ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


@pytest.fixture(scope="session")
def trees(texts: Mapping[str, str]) -> Mapping[str, ast.Module]:
    """The syntax tree of every file of `texts`."""
    return {name: ast.parse(text) for name, text in texts.items()}


@pytest.fixture(scope="session")
def package(trees: Mapping[str, ast.Module]) -> Mapping[str, ast.Module]:
    """The files of `bevseg` alone."""
    return {name: tree for name, tree in trees.items() if name.startswith("bevseg/")}
