"""Imports go one way, and what is imported is declared."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_DISTRIBUTION = {
    "PIL": "pillow",
    "cumm": "spconv",
    "cv2": "opencv-python-headless",
    "nuscenes": "nuscenes-devkit",
    "rerun": "rerun-sdk",
    "yaml": "pyyaml",
}
"""Distributions whose name is not that of the module."""

_HOMES = {"spconv": "bevseg/voxels/", "cumm": "bevseg/voxels/", "embreex": "bevseg/simulation/", "rclpy": "ros_node/"}
"""Packages that one folder alone may load, by name at run time either."""


def test_the_contracts_hold(root: Path) -> None:
    # In a process of its own: the linter configures logging for the whole process.
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--no-logo"]
    linted = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_contracts_speak_of_every_part_of_the_package(root: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read(root / ".importlinter")
    layers = parser["importlinter:contract:model"]["layers"] + parser["importlinter:contract:data"]["layers"]
    named = set(re.findall(r"bevseg\.(\w+)", layers))
    parts = {
        path.stem for path in (root / "bevseg").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert parts - {"__init__"} == named


def test_every_package_imported_is_a_dependency(root: Path, package: Mapping[str, ast.Module]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = _names(project["dependencies"])
    optional = core.union(*(_names(project["optional-dependencies"][extra]) for extra in ("datasets", "view")))
    undeclared = [
        f"{file}:{line} imports {module} {'in a function' if late else 'at the top'}"
        for file, tree in package.items()
        for module, line, late in _third_party_imports(tree)
        if _distribution(module) not in (optional if late else core)
    ]
    assert undeclared == []


def test_packages_with_one_home_are_not_loaded_elsewhere_by_name(trees: Mapping[str, ast.Module]) -> None:
    strays = [
        f"{file}:{node.lineno}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__")
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant) and not file.startswith(_HOMES.get(str(argument.value).split(".")[0], ""))
    ]
    assert strays == []


def _third_party_imports(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """Module, line, and whether it is imported only when needed (in a function, or for type checkers)."""
    top_level = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for module in modules:
            name = module.partition(".")[0]
            if name != "bevseg" and name not in sys.stdlib_module_names:
                yield name, node.lineno, id(node) not in top_level


def _distribution(module: str) -> str:
    return _DISTRIBUTION.get(module, module).lower().replace("_", "-")


def _names(requirements: list[str]) -> set[str]:
    """Names of the distributions, without versions, extras, markers and CUDA suffix."""
    names = {re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
    return {re.sub(r"-cu\d+$", "", name) for name in names}
