"""What start-up makes is left alone by the garbage collector.

Modules, classes and tables stay for as long as the process does. Looking among them for garbage while they are imported
takes a tenth of a start, and each full collection later holds the loop for as long as it takes to walk them all.
"""

from __future__ import annotations

import gc


def rest() -> None:
    """Collect nothing until `settle`; before the first import that weighs anything."""
    gc.disable()


def settle() -> None:
    """Collect from here on, and never look again at what exists by now."""
    gc.freeze()
    gc.enable()


def release() -> None:
    """Undo `settle`: what was left alone can be collected again."""
    gc.unfreeze()
