"""Tunes the garbage collector of a process.

It skips what start-up makes, and collects later objects in larger portions. Modules, classes and tables stay for as
long as the process does. Collecting among them while they are imported takes a tenth of a start, and each full
collection later blocks the loop for as long as it takes to walk them all.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 10_000
"""New objects before a collection of the youngest generation. A batch makes thousands that live until its commit: with
CPython's 700 they were walked repeatedly, for 8 to 10 % of intake's time under a backlog instead of 3 to 6 %."""


def rest() -> None:
    """Disable collection until `settle`.

    Call it before the first import that takes long.
    """
    gc.disable()


def settle() -> None:
    """Enable collection, but never for existing objects.

    Does nothing when `rest` was not called.
    """
    if gc.isenabled() and not gc.get_freeze_count():
        return
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.enable()
