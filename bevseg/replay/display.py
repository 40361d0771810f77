"""Whether this machine shows windows."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be opened."""
    return sys.platform in ("darwin", "win32") or any(environment.get(k) for k in ("DISPLAY", "WAYLAND_DISPLAY"))
