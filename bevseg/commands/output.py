"""What a command says: tables and notes for people, or with `--json` one JSON object on stdout for machines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class ExitCode(IntEnum):
    """What the shell learns from a command.

    Attributes:
        OK: All was done.
        PARTIAL: Something of the input could not be done, the rest is there; or `doctor` found the core unfit.
        REFUSED: Nothing was done: wrong usage, an unreadable config or input, a missing package.
        DEFECT: bevseg itself failed.
        INTERRUPTED: Ctrl-C, as shells have it (128 + SIGINT).
        TERMINATED: `kill`, likewise (128 + SIGTERM).
    """

    OK = 0
    PARTIAL = 1
    REFUSED = 2
    DEFECT = 3
    INTERRUPTED = 130
    TERMINATED = 143


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that every command has: `--json` and `--verbose`."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON object on stdout, notes go to stderr")
    group.add_argument("-v", "--verbose", action="store_true", help="log in detail, show tracebacks of errors")


def console(args: argparse.Namespace) -> Console:
    """Where a command talks to people: stdout, or stderr while stdout carries JSON."""
    from rich.console import Console

    return Console(stderr=args.json, soft_wrap=True, highlight=False)


def print_json(content: Mapping[str, object]) -> None:
    """Prints the one JSON object that `--json` promises; NaN and infinity, which JSON lacks, must be gone by then."""
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
