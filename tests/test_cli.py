from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from bevseg import cli
from bevseg.commands.output import ExitCode, console, print_json
from bevseg.interruption import Terminated, with_consequence

_HEAVY = {"numpy", "torch", "rich", "cv2", "scipy", "pydantic", "yaml"}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[argparse.Namespace], ExitCode]], None]:
    """Makes `bevseg probe N` run the function that it is given."""

    def install(body: Callable[[argparse.Namespace], ExitCode]) -> None:
        module = ModuleType("bevseg.commands.probe", "A command under test.\n\nAt length.")
        module.add_arguments = lambda parser: parser.add_argument("number", type=int)  # type: ignore[attr-defined]
        module.run = body  # type: ignore[attr-defined]
        monkeypatch.setattr(cli, "_COMMANDS", (module,))

    return install


def _raising(error: BaseException) -> Callable[[argparse.Namespace], ExitCode]:
    def body(_: argparse.Namespace) -> ExitCode:
        raise error

    return body


def test_help_is_instant() -> None:
    code = "import sys, bevseg.cli\ntry: bevseg.cli.main(['--help'])\nfinally: print('MODULES', *sys.modules)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    loaded = set(shown.partition("MODULES")[2].split())
    assert "doctor" in shown
    assert loaded & _HEAVY == set()
    at_work_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert at_work_s < 1.0  # about 0.1 s; what others take of the machine meanwhile does not count


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("bevseg 0.")


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["doctor", "--nonsense"]])
def test_wrong_usage_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    assert stop.value.code == ExitCode.REFUSED
    assert "usage: bevseg" in capsys.readouterr().err


def test_a_command_gets_its_arguments_and_gives_its_exit_code(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def body(args: argparse.Namespace) -> ExitCode:
        console(args).print(f"said to people: {args.number}")
        return ExitCode.PARTIAL

    command(body)
    assert cli.main(["probe", "7"]) == 1
    assert capsys.readouterr().out == "said to people: 7\n"


def test_with_json_stdout_holds_one_object_alone(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def body(args: argparse.Namespace) -> ExitCode:
        console(args).print("a note")
        print_json({"number": args.number})
        return ExitCode.OK

    command(body)
    assert cli.main(["probe", "7", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"number": 7}
    assert shown.err == "a note\n"


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        print_json({"score": float("nan")})


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("expected 4 columns, got 5"), ExitCode.REFUSED, "bevseg: expected 4 columns, got 5\n"),
        (FileNotFoundError(2, "No such file", "a.bin"), ExitCode.REFUSED, "bevseg: [Errno 2] No such file: 'a.bin'\n"),
        (ModuleNotFoundError("No module named 'av'", name="av"), ExitCode.REFUSED, "pip install 'bevseg[view]'\n"),
        (ModuleNotFoundError("No module named 'odd'", name="odd"), ExitCode.REFUSED, "`bevseg doctor`"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "bevseg: interrupted\n"),
        (Terminated(), ExitCode.TERMINATED, "bevseg: terminated\n"),
        (with_consequence(Terminated(), "; half"), ExitCode.TERMINATED, "bevseg: terminated; half\n"),
        (KeyError("label"), ExitCode.DEFECT, "bevseg: KeyError: 'label' (a defect of bevseg"),
    ],
)
def test_an_error_is_one_clear_line_and_a_code(
    command: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: ExitCode,
    said: str,
) -> None:
    command(_raising(error))
    assert cli.main(["probe", "7"]) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert ("Traceback" in shown.err) == (code is ExitCode.DEFECT)


def test_verbose_shows_the_traceback(command: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    command(_raising(ValueError("expected 4 columns, got 5")))
    assert cli.main(["probe", "7", "-v"]) == ExitCode.REFUSED
    assert "Traceback" in capsys.readouterr().err
    assert logging.getLogger("bevseg").level == logging.DEBUG


def test_errors_are_json_for_machines(command: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    command(_raising(ValueError("expected 4 columns, got 5")))
    assert cli.main(["probe", "7", "--json"]) == ExitCode.REFUSED
    assert json.loads(capsys.readouterr().out) == {"error": "expected 4 columns, got 5", "exit_code": 2}


def test_a_reader_that_leaves_is_no_error() -> None:
    code = (
        "import sys; from bevseg import cli, health; "
        "health.examine = lambda: [health.Finding('numpy', True, 'core', 'x' * 1_000_000)]; "
        "sys.exit(cli.main(['doctor', '--json']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
