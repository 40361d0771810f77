"""Which tests run where: every test that cannot run here is skipped with its reason, unless it has to run.

`BEVSEG_REQUIRE="real ros"` names markers whose tests must run: what would be skipped fails instead. CI sets it, so that
no check goes missing in silence.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import jaxtyping
import pytest
import torch

# No deadline: the machine's load is not what these tests measure. CI tries the same examples each time.
hypothesis.settings.register_profile("bevseg", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("bevseg")

_REAL_DATA = os.environ.get("BEVSEG_REAL_DATA", "")
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """Switches jaxtyping's checks off, as they are in use, to reach the rejections of the code itself."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


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
    """Turns the skip of a test that has to run into a failure."""
    report = yield
    required = [marker for marker in os.environ.get("BEVSEG_REQUIRE", "").split() if item.get_closest_marker(marker)]
    if report.skipped and required:
        report.outcome = "failed"
        report.longrepr = f"BEVSEG_REQUIRE={' '.join(required)}, but the test was skipped: {report.longrepr}"
    return report
