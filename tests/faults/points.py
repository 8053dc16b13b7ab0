"""Named points in a service at which a run kills, stops or hinders it: armed by a file, fired once, told by a file.

The runner arms; the wrapped service (`service.py`) fires. Both sides are here, so that they can't differ.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

AFTER_COMMIT_BEFORE_RELAY: Final = "after_commit_before_relay"
AFTER_SEND_BEFORE_MARK: Final = "after_send_before_mark"
AFTER_EFFECT_BEFORE_ANSWER: Final = "after_effect_before_answer"
BEFORE_APPLY_COMMIT: Final = "before_apply_commit"
REBALANCE: Final = "rebalance"
STORE_FULL: Final = "store_full"
STORE_READ_ONLY: Final = "store_read_only"
DROP_ONE: Final = "drop_one"
DROP_TAIL: Final = "drop_tail"
SLOW_APPLIER: Final = "slow_applier"
RULE_BUG: Final = "rule_bug"

FOLDER: Final = "FAULT_FOLDER"
DELIVERY_S: Final = "FAULT_DELIVERY_S"
GUARD_OFF: Final = "FAULT_GUARD_OFF"
LOOK_S: Final = 0.02

Fields = Mapping[str, Any]


class Points:
    """The points of one process.

    Args:
        folder: Of this process alone; files in it are `<point>` (armed), `<point>.fired` and `<point>.hits`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    # --- the runner's side ---------------------------------------------------------------------------------------

    def arm(self, point: str, **how: float | str) -> None:
        """Arm a point; what it did before is forgotten."""
        for ending in ("fired", "hits"):
            (self._folder / f"{point}.{ending}").unlink(missing_ok=True)
        fresh = self._folder / f".{point}"
        fresh.write_text(json.dumps(how), encoding="utf-8")
        fresh.replace(self._folder / point)

    def disarm(self, point: str) -> None:
        """Take it back; no error when it fired already."""
        (self._folder / point).unlink(missing_ok=True)

    def disarm_all(self) -> None:
        """Take back whatever is armed."""
        for path in self._folder.iterdir():
            if not path.suffix:
                path.unlink(missing_ok=True)

    def fired(self, point: str) -> Fields | None:
        """Return what a point told when it fired, None while it has not."""
        path = self._folder / f"{point}.fired"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    async def wait_fired(self, point: str, deadline_s: float) -> Fields | None:
        """Wait until a point fired; None when it did not in time, and then it is disarmed."""
        end = time.monotonic() + deadline_s
        while (told := self.fired(point)) is None:
            if time.monotonic() > end:
                self.disarm(point)
                return self.fired(point)
            await asyncio.sleep(LOOK_S)
        return told

    def hits(self, point: str) -> int:
        """Return how often a lasting point hindered something since it was armed."""
        path = self._folder / f"{point}.hits"
        return path.stat().st_size if path.exists() else 0

    # --- the service's side --------------------------------------------------------------------------------------

    def armed(self, point: str) -> dict[str, Any] | None:
        """Return how a point is armed, None when it is not."""
        try:
            text = (self._folder / point).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        how: dict[str, Any] = json.loads(text)
        return how

    def take(self, point: str, **told: object) -> bool:
        """Fire a point once: tell it, and say whether it was ours to fire (another thread may have been first)."""
        fired = self._folder / f"{point}.fired"
        taken = self._folder / f".{point}.taken"
        try:
            (self._folder / point).rename(taken)
        except FileNotFoundError:
            return False
        taken.write_text(json.dumps({"pid": os.getpid(), "at": time.time(), **told}), encoding="utf-8")
        taken.rename(fired)
        return True

    def hit(self, point: str) -> None:
        """Count one hindrance of a lasting point."""
        with (self._folder / f"{point}.hits").open("ab") as file:
            file.write(b".")

    def strike(self, point: str, **told: object) -> None:
        """Fire a point if it is armed: SIGSTOP or SIGKILL of this process, as armed."""
        how = self.armed(point)
        if how is None or not self.take(point, **told):
            return
        number = signal.SIGSTOP if how.get("signal") == "stop" else signal.SIGKILL
        os.kill(os.getpid(), number)
        if number is signal.SIGKILL:
            # The signal may reach another thread first; nothing may go on behind it.
            time.sleep(60)
