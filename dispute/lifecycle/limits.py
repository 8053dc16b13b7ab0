"""What intake's rules and calendar say of the last day that an instruction sets; the machine counts no days itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Extension:
    """How far the rules let a limit be extended.

    Attributes:
        days: The most that one extension has; calendar or working days, as the rule counts.
        clause: Clause it rests on.
        once: There is no second one: of a mediation term within an opening, of a statutory limit at all.
    """

    days: int
    clause: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """What the rules and the calendar say of one instruction.

    Attributes:
        last_day: The last day that the instruction's limit has; None when there is none to count.
        clause: Clause that it was counted by; empty when a person set it.
        extension: Rule of the extension that the instruction asks for; None when the rules know none.
    """

    last_day: date | None = None
    clause: str = ""
    extension: Extension | None = None


NO_LIMIT: Final = Limit()
