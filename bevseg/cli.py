"""The `bevseg` command: parses, runs one of `bevseg.commands`, and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import NoReturn

import bevseg
from bevseg.allocator import keep_freed_memory
from bevseg.commands import bench, check, demo, doctor, export, replay, segment, simulate, train
from bevseg.commands import eval as evaluate
from bevseg.commands.output import ExitCode, add_output_arguments, print_json
from bevseg.extras import explain_import_error
from bevseg.interruption import Terminated, words_of

_COMMANDS: tuple[ModuleType, ...] = (
    demo, segment, simulate, check, train, evaluate, replay, bench, export, doctor,
)  # fmt: skip

_EPILOG = """exit codes:
  0 all done; 1 done in part (or `doctor` found the core unfit); 2 refused: usage, config, input or a missing package;
  3 a defect of bevseg; 130 interrupted, 143 terminated: nothing half done is left
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (without the program's name; `sys.argv` by default) and returns its exit code."""
    args = _parser().parse_args(argv)
    _start_logging(verbose=args.verbose)
    keep_freed_memory()
    try:
        with _unwound_by_sigterm():
            done = int(args.run(args))
            sys.stdout.flush()
            return done
    except KeyboardInterrupt as stop:
        code = ExitCode.TERMINATED if isinstance(stop, Terminated) else ExitCode.INTERRUPTED
        return _failed(args, code, words_of(stop))
    except BrokenPipeError:
        # The reader of a pipe left (`bevseg ... | head`); Python would complain once more when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except ImportError as error:
        return _failed(args, ExitCode.REFUSED, explain_import_error(error))
    except (ValueError, OSError) as error:
        # What the user can mend: every error of bevseg about input, config or files derives from these two.
        return _failed(args, ExitCode.REFUSED, str(error))
    except Exception as error:
        traceback.print_exc()
        return _failed(args, ExitCode.DEFECT, f"{type(error).__name__}: {error} (a defect of bevseg, please report it)")


@contextmanager
def _unwound_by_sigterm() -> Iterator[None]:
    """The first SIGTERM is raised as an exception, so that whoever writes a file removes it; a second one kills."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield  # whoever runs us has a mind of its own
        return
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    raise Terminated


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bevseg",
        description=bevseg.__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(metavar="command", required=True)
    for module in _COMMANDS:
        description = module.__doc__ or ""
        command = commands.add_parser(
            module.__name__.rpartition(".")[2],
            help=description.partition("\n")[0].rstrip("."),
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        add_output_arguments(command)
        command.set_defaults(run=module.run)
    return parser


class _PrintVersion(argparse.Action):
    """Reads the installed version only when asked: the packages' metadata would slow `--help` down."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        import importlib.metadata

        sys.stdout.write(f"bevseg {importlib.metadata.version('bevseg')}\n")
        parser.exit()


def _start_logging(*, verbose: bool) -> None:
    """Log lines go to stderr, which leaves stdout to results; other packages stay at warnings."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("bevseg").setLevel(logging.DEBUG if verbose else logging.WARNING)


def _failed(args: argparse.Namespace, code: ExitCode, message: str) -> ExitCode:
    if args.verbose and code is ExitCode.REFUSED:
        traceback.print_exc()
    if args.json:
        print_json({"error": message, "exit_code": int(code)})
    sys.stderr.write(f"bevseg: {message}\n")
    return code
