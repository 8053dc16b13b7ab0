"""Runs the police bridge or manages its credentials (`--help`)."""

from __future__ import annotations

from hub.runtime import heap

if __name__ == "__main__":
    heap.rest()  # first: the imports below leave no garbage to collect

import sys

from bridge.commands import run
from hub.runtime.process import end
from services.police_bridge.specification import SPECIFICATION

if __name__ == "__main__":
    heap.settle()
    end(lambda: run(SPECIFICATION, sys.argv[1:]))
