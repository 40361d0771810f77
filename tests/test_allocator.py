from __future__ import annotations

import os
import subprocess
import sys

import pytest

# In a process of its own: the setting cannot be taken back. A mapped array faults in every page each time it is made.
_COUNT_FAULTS = """
import resource
import numpy as np
from bevseg.allocator import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
def touch():
    np.ones(2**26, np.uint8)
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(*, keep: bool) -> int:
    code = _COUNT_FAULTS.format(keep=keep)
    small_pages = os.environ | {"NUMPY_MADVISE_HUGEPAGE": "0"}  # large ones come as there is room for them
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=small_pages)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_memory_is_not_fetched_anew() -> None:
    assert _faults(keep=True) * 20 < _faults(keep=False)
