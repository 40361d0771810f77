"""The size and shape of the code stay in the bands that keep it readable."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator, Mapping

_TALKATIVE = ("bevseg/cli.py", "bevseg/commands/", "tools/")


def test_files_are_short(texts: Mapping[str, str]) -> None:
    lengths = {file: text.count("\n") for file, text in texts.items()}
    assert {file: length for file, length in lengths.items() if length > 300} == {}
    assert statistics.median(lengths.values()) <= 120


def test_functions_are_short(trees: Mapping[str, ast.Module]) -> None:
    lengths = {
        f"{file}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for file, tree in trees.items()
        for function in _functions(tree)
    }
    assert {name: length for name, length in lengths.items() if length > 50} == {}
    assert statistics.quantiles(lengths.values(), n=10)[-1] < 30


def test_functions_take_few_arguments(trees: Mapping[str, ast.Module]) -> None:
    counts = [
        len([argument for argument in arguments.posonlyargs + arguments.args if argument.arg not in ("self", "cls")])
        + len(arguments.kwonlyargs)
        for tree in trees.values()
        for arguments in (function.args for function in _functions(tree))
    ]
    assert statistics.quantiles(counts, n=10)[-1] <= 4


def test_everything_public_is_documented(trees: Mapping[str, ast.Module]) -> None:
    bare = [
        f"{file}:{node.lineno} {node.name}"
        for file, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if not node.name.startswith("_") and node.name != "main" and ast.get_docstring(node) is None
    ]
    bare += [file for file, tree in trees.items() if ast.get_docstring(tree) is None]
    assert bare == []


def test_only_the_command_line_prints(trees: Mapping[str, ast.Module]) -> None:
    prints = [
        f"{file}:{node.lineno}"
        for file, tree in trees.items()
        if not file.startswith(_TALKATIVE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert prints == []


def test_no_error_is_swallowed(trees: Mapping[str, ast.Module]) -> None:
    swallowed = [
        f"{file}:{node.lineno}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(statement, ast.Pass) for statement in node.body))
    ]
    assert swallowed == []


def test_nothing_is_left_for_later(texts: Mapping[str, str]) -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    left = [
        f"{file}:{number} {line.strip()}"
        for file, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if marks.search(line)
    ]
    assert left == []


def test_errors_are_raised_not_asserted(package: Mapping[str, ast.Module]) -> None:
    """Asserts vanish under `python -O`; the one use left is to tell the type checker that something is not None."""
    asserted = [
        f"{file}:{node.lineno}"
        for file, tree in package.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and not ast.unparse(node.test).endswith(" is not None")
    ]
    assert asserted == []


def test_every_file_has_a_home_with_a_name(texts: Mapping[str, str]) -> None:
    homeless = [file for file in texts if re.search(r"(^|[/_])(utils?|helpers?|misc|common)(\.py|/|_)", file)]
    assert homeless == []


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods, inner ones too."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
