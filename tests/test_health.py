from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from bevseg.extras import EXTRA_OF_MODULE, install_command
from bevseg.health import Finding, examine, is_fit


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    return {finding.part: finding for finding in examine()}


def test_all_that_the_core_imports_is_found(findings: dict[str, Finding]) -> None:
    core = {finding.part: finding for finding in findings.values() if finding.need == "core"}
    assert {"python", "machine", "numpy", "torch", "cv2", "checkpoint"} <= set(core)
    assert [part for part, finding in core.items() if not finding.present and part != "checkpoint"] == []
    assert findings["numpy"].detail.startswith("numpy 1.")


def test_optional_packages_are_looked_for(findings: dict[str, Finding]) -> None:
    assert set(EXTRA_OF_MODULE) | {"spconv", "embreex", "cuda", "rclpy"} <= set(findings)
    assert findings["nuscenes"].detail.startswith("nuscenes-devkit")


def test_what_is_absent_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("numpy", "embreex", "open3d"):
        monkeypatch.setitem(sys.modules, module, None)
    absent = {finding.part: finding for finding in examine() if not finding.present}
    assert absent["numpy"].remedy == "pip install numpy"
    assert absent["numpy"].need == "core"
    assert absent["embreex"].detail.startswith("nothing can be simulated")
    assert absent["open3d"].remedy == "pip install 'bevseg[view]'"


def test_only_core_parts_decide_about_fitness() -> None:
    present = Finding("numpy", True, "core", "numpy 1.26")
    absent = replace(present, present=False)
    assert is_fit([])
    assert is_fit([present, replace(absent, need="optional")])
    assert not is_fit([present, absent])


@pytest.mark.parametrize(
    ("module", "command"),
    [("nuscenes.eval.common", "pip install 'bevseg[datasets]'"), ("rerun", "pip install 'bevseg[view]'")],
)
def test_the_extra_of_a_module(module: str, command: str) -> None:
    assert install_command(module) == command


@pytest.mark.parametrize("module", ["", "numpy", "avocado"])
def test_other_modules_have_no_extra(module: str) -> None:
    assert install_command(module) is None
