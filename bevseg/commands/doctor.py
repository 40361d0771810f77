"""Check this machine: packages, GPU, checkpoint, memory, and the command that mends each thing that is missing.

Exits with 0 if the core works (optional parts may be missing) and with 1 if it does not.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from bevseg.health import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: the check takes no options of its own."""


def run(args: argparse.Namespace) -> ExitCode:
    """Examines the machine and reports."""
    from bevseg.health import examine, is_fit

    findings = examine()
    fit = is_fit(findings)
    if args.json:
        print_json({"fit": fit, "findings": [asdict(finding) for finding in findings]})
    else:
        screen = console(args)
        screen.print(_table(findings))
        screen.print(
            "The core works." if fit else "[red]The core does not work[/]: mend what is marked with [red]no[/]."
        )
    return ExitCode.OK if fit else ExitCode.PARTIAL


def _table(findings: list[Finding]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for heading in ("part", "", "found", "to mend it"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        missing = "[red]no[/]" if finding.need == "core" else "[yellow]-[/]"
        mark = "[green]ok[/]" if finding.present else missing
        table.add_row(finding.part, mark, escape(finding.detail), escape(finding.remedy or ""))
    return table
