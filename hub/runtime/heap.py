"""What start-up makes is left alone by the garbage collector, and what comes later is looked at in larger portions.

Modules, classes and tables stay for as long as the process does. Looking among them for garbage while they are imported
takes a tenth of a start, and each full collection later holds the loop for as long as it takes to walk them all.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 10_000
"""New objects before the youngest are looked at. A batch makes thousands that live until its commit: with CPython's 700
they were walked again and again, for 8 to 10 % of intake's time under a backlog instead of 3 to 6 %."""


def rest() -> None:
    """Collect nothing until `settle`; before the first import that weighs anything."""
    gc.disable()


def settle() -> None:
    """Collect from here on, and never look again at what exists by now; nothing happens where nobody called `rest`."""
    if gc.isenabled() and not gc.get_freeze_count():
        return
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.enable()
