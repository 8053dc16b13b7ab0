"""Starts the police bridge, or looks after its credentials: `python -m services.police_bridge --help`."""

from __future__ import annotations

from hub.runtime import heap

if __name__ == "__main__":
    heap.rest()  # first: nothing that the imports below bring goes again

import sys

from bridge.commands import run
from hub.runtime.process import end
from services.police_bridge.specification import SPECIFICATION

if __name__ == "__main__":
    heap.settle()
    end(lambda: run(SPECIFICATION, sys.argv[1:]))
