"""Keeps memory that arrays gave back, instead of returning it to the kernel and fetching it anew for every scan."""

from __future__ import annotations

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_LARGEST = 2**31 - 1
_OLD_MMAP_LIMIT = 32 * 2**20
"""glibc before 2.35 accepts no larger threshold."""


def keep_freed_memory() -> bool:
    """Tells glibc's malloc to serve arrays of any size from its heap and never to shrink it; True where it agreed.

    By default every array above some megabytes is mapped, and its pages are faulted in one by one, each time it is
    made: on a virtual machine that took two thirds of the network's time (53 against 170 ms a scan, 2026-11-20).
    The process keeps the memory of its largest scan, so this is for programs that segment scan after scan; it holds
    for the whole process, so the program decides, not the library.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        logger.info("this C library has no mallopt: large arrays cost more time")
        return False
    set_threshold = mallopt(_M_MMAP_THRESHOLD, _LARGEST) or mallopt(_M_MMAP_THRESHOLD, _OLD_MMAP_LIMIT)
    return bool(set_threshold and mallopt(_M_TRIM_THRESHOLD, _LARGEST) and mallopt(_M_TOP_PAD, 64 * 2**20))
