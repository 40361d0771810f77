"""What bevseg finds on this machine: each part it needs or can use, and how to mend what is missing."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from bevseg.extras import EXTRA_OF_MODULE, install_command

Need = Literal["core", "optional"]

_CORE_MODULES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "cv2": "opencv-python-headless",
    "pycocotools": "pycocotools",
    "pydantic": "pydantic",
    "yaml": "PyYAML",
    "safetensors": "safetensors",
    "tensorboard": "tensorboard",
    "jaxtyping": "jaxtyping",
}
"""Modules that every installation has, with the distribution that brings each."""

_MIN_MEMORY_GIB = 2.0


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        part: What was looked for.
        present: Whether it is there and works.
        need: Whether bevseg is unfit without it, or only lacks a feature.
        detail: Versions and sizes; where it is absent, what that means.
        remedy: The command or step that mends an absence, None where there is nothing to do.
    """

    part: str
    present: bool
    need: Need
    detail: str
    remedy: str | None = None


def examine() -> list[Finding]:
    """Looks at the machine and at every package; imports all of them, which takes some seconds."""
    return [
        _python(),
        _machine(),
        *(_module(module, distribution) for module, distribution in _CORE_MODULES.items()),
        *_torch(),
        _spconv(),
        _embreex(),
        _checkpoint(),
        *(_module(module, None) for module in sorted(EXTRA_OF_MODULE)),
        *_open3d_renderer(),
        *_open3d_window(),
        _ros(),
    ]


def is_fit(findings: list[Finding]) -> bool:
    """Whether all that the core needs is there."""
    return all(finding.present for finding in findings if finding.need == "core")


def _python() -> Finding:
    supported = (3, 10) <= sys.version_info[:2] <= (3, 12)
    remedy = None if supported else "install Python 3.10, 3.11 or 3.12 and make a new environment with it"
    return Finding("python", supported, "core", f"{platform.python_version()} at {sys.executable}", remedy)


def _machine() -> Finding:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    detail = f"{platform.platform()}, {usable} usable CPU cores, {memory_gib:.1f} GiB memory"
    enough = memory_gib >= _MIN_MEMORY_GIB
    return Finding("machine", enough, "core", detail, None if enough else f"give it {_MIN_MEMORY_GIB} GiB of memory")


def _module(module: str, distribution: str | None) -> Finding:
    """Imports one package: a core one where `distribution` names what brings it, else one of the extras."""
    need: Need = "core" if distribution else "optional"
    remedy = f"pip install {distribution}" if distribution else install_command(module)
    try:
        _import_quietly(module)
    except (ImportError, OSError) as error:  # OSError: a system library that its binary needs is absent
        return Finding(module, False, need, _first_line(error), remedy)
    return Finding(module, True, need, _version(module, distribution))


def _torch() -> Iterator[Finding]:
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        yield Finding("torch", False, "core", _first_line(error), "pip install torch")
        return
    from bevseg.network import has_native_bf16

    fast_bf16 = has_native_bf16(torch.device("cpu"))
    capability = torch.backends.cpu.get_cpu_capability()
    detail = f"{torch.__version__}, {torch.get_num_threads()} threads, CPU {capability}, "
    yield Finding("torch", True, "core", detail + f"{'bf16' if fast_bf16 else 'no bf16: the network runs in fp32'}")
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        yield Finding("cuda", True, "optional", f"CUDA {torch.version.cuda}: {names}")
    elif torch.version.cuda is None:
        yield Finding("cuda", False, "optional", "this torch is built for the CPU alone; no GPU is used")
    else:
        yield Finding("cuda", False, "optional", f"built for CUDA {torch.version.cuda}, but no usable GPU was found")


def _spconv() -> Finding:
    """spconv makes sparse layers fast on CUDA; without it they run on torch alone."""
    from bevseg.voxels.spconv_conv import SpconvMissingError, import_spconv

    try:
        import_spconv()
    except SpconvMissingError as error:
        wheel = "spconv-cu120" if sys.version_info < (3, 12) else "spconv-cu126"
        remedy = f"pip install {wheel}" if _has_x86_wheels() else None
        return Finding("spconv", False, "optional", f"sparse layers run on torch alone ({_first_line(error)})", remedy)
    return Finding("spconv", True, "optional", _version("spconv", None))


def _embreex() -> Finding:
    try:
        _import_quietly("embreex")
    except (ImportError, OSError) as error:
        remedy = "pip install embreex" if _has_x86_wheels() else None
        return Finding("embreex", False, "optional", f"nothing can be simulated ({_first_line(error)})", remedy)
    return Finding("embreex", True, "optional", _version("embreex", "embreex"))


def _open3d_renderer() -> Iterator[Finding]:
    """Open3D draws with Vulkan, which a machine without a display mostly lacks."""
    if importlib.util.find_spec("open3d") is None:
        return
    from bevseg.replay.open3d_pictures import NEEDED, RendererError, require_renderer

    try:
        require_renderer()
    except RendererError as error:
        yield Finding("open3d renderer", False, "optional", str(error), NEEDED)
    else:
        yield Finding("open3d renderer", True, "optional", "draws without a display")


def _open3d_window() -> Iterator[Finding]:
    """Its window needs a display as well."""
    if importlib.util.find_spec("open3d") is None:
        return
    from bevseg.replay.open3d_pictures import RendererError
    from bevseg.replay.open3d_window import require_window

    try:
        require_window()
    except RendererError as error:
        remedy = "a display, or bevseg replay --view open3d --output FOLDER"
        yield Finding("open3d window", False, "optional", str(error), remedy)
    else:
        yield Finding("open3d window", True, "optional", "opens")


def _checkpoint() -> Finding:
    """The weights that come with the package are there, and fit the network of their own config."""
    from bevseg.checkpoint import CheckpointError, checkpoint_path, load_checkpoint
    from bevseg.config import ModelConfig
    from bevseg.configuration import ConfigError
    from bevseg.network import build_network

    try:
        checkpoint = load_checkpoint(checkpoint_path("bevseg-s"))
        config = checkpoint.config_as(ModelConfig)
        checkpoint.load_into(build_network(config))
    except (CheckpointError, ConfigError) as error:
        remedy = "install bevseg again from a complete copy of its repository"
        return Finding("checkpoint", False, "core", _first_line(error), remedy)
    return Finding("checkpoint", True, "core", f"{config.name}, {checkpoint.path.stat().st_size / 2**20:.1f} MiB")


def _ros() -> Finding:
    """The ROS 2 node lives outside this package; rclpy comes with a ROS 2 installation."""
    present = importlib.util.find_spec("rclpy") is not None
    remedy = None if present else "source /opt/ros/<distribution>/setup.bash"
    return Finding("rclpy", present, "optional", "found" if present else "only the ROS 2 node needs it", remedy)


def _import_quietly(module: str) -> None:
    """Imports a package for its presence alone: what it warns of on the way is its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module(module)


def _version(module: str, distribution: str | None) -> str:
    names = [distribution] if distribution else sorted(set(_distributions().get(module, ())))
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names) or "found"


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Which distributions brought each module; takes a third of a second to find."""
    return importlib.metadata.packages_distributions()


def _has_x86_wheels() -> bool:
    return platform.machine() == "x86_64" and sys.platform == "linux"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
