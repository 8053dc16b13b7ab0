"""Checks scenarios for the wall clock.

There a run can't make time pass.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from ops.console.exits import CommandError, Exit
from ops.play.scenarios.model import Scenario

ROOM: Final = timedelta(days=3)
"""The shortest limit of the law is three working days to sign (在线调解规则 12): a window that begins no earlier ends
before any limit does, so no timer decides a record's end."""


def refuse_unplayable(scenario: Scenario, today: date) -> None:
    """Refuse a scenario that the wall clock can't play.

    Everything in it must have happened already, and so recently that no limit has passed.

    Raises:
        CommandError: It has not happened yet, or too long ago.
    """
    window = scenario.window
    if window.end > today or window.start < today - ROOM:
        raise CommandError(
            Exit.USAGE,
            f"{scenario.name}: 真实时钟只演最近 {ROOM.days} 天内、今天之前的事 the wall clock plays what happened "
            f"within the last {ROOM.days} days, before today: window: {{start: today-{ROOM.days - 1}, end: today}}; "
            f"this file's is [{window.start}, {window.end})",
        )
