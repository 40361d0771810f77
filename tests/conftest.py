"""Which tests run where: every test that cannot run here is skipped with its reason, unless it has to run.

`BEVSEG_REQUIRE="real ros"` names markers whose tests must run: what would be skipped fails instead. CI sets it, so that
no check goes missing in silence.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import jaxtyping
import pytest
import torch

# No deadline, and none for making up examples: the machine's load is not what these tests measure. CI tries the same
# examples each time.
hypothesis.settings.register_profile(
    "bevseg",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.load_profile("bevseg")

# Tables are laid out and coloured by these, whoever runs the tests.
os.environ["COLUMNS"] = "80"
for _name in ("LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHON_COLORS"):
    os.environ.pop(_name, None)

_REAL_DATA = os.environ.get("BEVSEG_REAL_DATA", "")
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


_PATIENCE_S = 300.0
"""Only so that a hang ends: on a loud machine a page may take a minute."""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class BrowserError(Exception):
    """The browser did not do what it was told."""


@dataclass(eq=False)
class Browser:
    """One tab. What it logs and asks of the network since `open` is kept.

    The pipe carries one JSON message after the other, each ended by a zero byte (Chrome DevTools Protocol).
    """

    commands: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _received: bytes = b""
    _last_id: int = 0

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Gives one command and waits for its answer; events that come meanwhile are kept."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._last_id:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def open(self, path: Path) -> None:
        """Loads a file in a new tab and waits until it is there."""
        self.session = ""
        tab = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + _PATIENCE_S
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            if time.monotonic() > deadline:
                raise BrowserError(f"{path} did not load within {_PATIENCE_S:g} s")
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """What a promise in the page comes to."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Errors and warnings of the page: exceptions, the console, and what the browser itself says of it."""
        self.run("0")  # what was logged before is here when this has been answered
        said = []
        for event in self.events:
            params = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    said.append(str(params["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                    said.append(str(params["args"]))
                case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                    said.append(str(params["entry"]))
        return said

    def requests(self) -> list[str]:
        """All that was asked for, the page itself and what lies in it (`data:`) apart."""
        urls = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in urls[1:] if not url.startswith("data:")]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            if not select.select([self.answers], [], [], _PATIENCE_S)[0]:
                raise BrowserError(f"no answer within {_PATIENCE_S:g} s")
            chunk = os.read(self.answers, 1 << 20)
            if not chunk:
                raise BrowserError("the browser has ended")
            self._received += chunk
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))


@pytest.fixture
def own_memory_mb() -> Callable[[], float]:
    """What this process holds for itself, in 10^6 bytes, in memory or swapped out.

    Pages of files are left out: the system takes those away and brings them back as it likes.
    """

    def measure() -> float:
        gc.collect()
        lines = Path("/proc/self/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "VmSwap:"))) * 1024 / 1e6

    return measure


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """Switches jaxtyping's checks off, as they are in use, to reach the rejections of the code itself."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> Iterator[None]:
    """Shells start what runs in the background deaf to SIGINT, which would go for all processes of the tests."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _log_levels_unset() -> Iterator[None]:
    """Commands set the levels of the process, also those that fixtures of wider scope run: each test starts without."""
    loggers = [logging.getLogger(name) for name in ("bevseg", "bevseg.learning")]
    for logger in loggers:
        logger.setLevel(logging.NOTSET)
    yield
    for logger in loggers:
        logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real LiDAR frames, for tests marked `real`."""
    return Path(_REAL_DATA)


@pytest.fixture(scope="session")
def chromium_program() -> str:
    """The browser, for tests marked `browser`."""
    return _CHROMIUM or ""


@pytest.fixture(scope="session")
def browser(chromium_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, started once; only tests marked `browser` may ask for it."""
    profile = tmp_path_factory.mktemp("chromium")
    to_child, commands = os.pipe()
    answers, from_child = os.pipe()
    # Chromium reads commands from 3 and answers to 4; a shell puts the pipes there
    shell = f'exec "$@" 3<&{to_child} 4>&{from_child}'
    process = subprocess.Popen(
        ["bash", "-c", shell, "chromium", chromium_program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(to_child, from_child),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    os.close(to_child)
    os.close(from_child)
    chromium = Browser(commands, answers)
    try:
        yield chromium
        chromium.session = ""
        with contextlib.suppress(BrowserError, BrokenPipeError):  # it may leave before it has answered
            chromium.send("Browser.close")
    finally:
        os.close(commands)
        os.close(answers)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    obstacles = _obstacles(run_slow=config.getoption("--slow"))
    for item in items:
        for marker, reason in obstacles.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _obstacles(*, run_slow: bool) -> dict[str, str]:
    """Markers whose tests cannot or shall not run here, each with the reason."""
    obstacles: dict[str, str] = {}
    if not run_slow:
        obstacles["slow"] = "slow: pass --slow to run it"
    if not torch.cuda.is_available():
        obstacles["gpu"] = "needs a CUDA device"
    if not _REAL_DATA or not Path(_REAL_DATA).is_dir():
        obstacles["real"] = "needs real LiDAR frames: set BEVSEG_REAL_DATA to their folder"
    if _CHROMIUM is None:
        obstacles["browser"] = "needs Chromium: apt-get install chromium"
    for module, extra in (("rerun", "dev"), ("open3d", "view")):
        if importlib.util.find_spec(module) is None:
            obstacles[module] = f"needs {module}: pip install 'bevseg[{extra}]'"
    if importlib.util.find_spec("rclpy") is None:
        obstacles["ros"] = "needs rclpy: source a ROS 2 installation or install the extra `ros-test`"
    return obstacles


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the skip of a test that has to run into a failure; slow ones run where they are asked for."""
    report = yield
    if item.get_closest_marker("slow") and not item.config.getoption("--slow"):
        return report
    required = [marker for marker in os.environ.get("BEVSEG_REQUIRE", "").split() if item.get_closest_marker(marker)]
    if report.skipped and required:
        report.outcome = "failed"
        report.longrepr = f"BEVSEG_REQUIRE={' '.join(required)}, but the test was skipped: {report.longrepr}"
    return report
