"""Keeps the maths library's idle threads from taking the cores away from data workers."""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger(__name__)

_CALM = {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}
"""GNU OpenMP's threads spin between two pieces of work by default: a third of the training speed on two cores."""


def calm_idle_threads() -> None:
    """Sets the environment so; it is read once, when torch is first imported, so this has to come before."""
    if "torch" in sys.modules and any(name not in os.environ for name in _CALM):
        logger.warning(
            "torch was imported before training began: set %s in the environment for full speed on a CPU",
            " ".join(f"{name}={value}" for name, value in _CALM.items()),
        )
    for name, value in _CALM.items():
        os.environ.setdefault(name, value)
