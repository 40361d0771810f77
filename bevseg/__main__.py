"""`python -m bevseg`: the `bevseg` command where its script is not on the path, as under `torchrun`."""

from __future__ import annotations

import sys

from bevseg.cli import main

if __name__ == "__main__":  # not in the processes that commands start, which import this file anew
    sys.exit(main())
