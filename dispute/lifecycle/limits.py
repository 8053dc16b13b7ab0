"""Limits that intake's rules and calendar give.

They bound the last day that an instruction sets; this package counts no days itself.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

from hub.errors import Code


class Extension(Struct, frozen=True):
    """Bounds of an extension of a limit.

    Attributes:
        days: Most days of one extension; calendar or working days, as the rule counts. None is as all sides agree.
        clause: Clause it is based on.
        once: Allowed only once: for a mediation term in an opening, for a statutory limit in all openings.
    """

    days: int | None
    clause: str
    once: bool = False


class Limit(Struct, frozen=True):
    """Limit of one instruction, by rules and calendar.

    Attributes:
        last_day: Last day of the instruction's limit; None when there is none to count.
        begin_by: Last day on which a further attempt begins; None where that is `last_day` itself.
        clause: Clause that it was counted by; empty when a person set it.
        extension: Rule of the extension that the instruction asks for; None when there is no such rule.
        days: Days that an extension really gives, where the statute cuts it; None when it gives all of them.
        bar: Why a rule forbids the instruction; None when it is allowed.
        too_late: The instruction's time lies further back than late paper may come.
        rule_version: Version of the rules that gave the rest; empty when they gave nothing.
    """

    last_day: date | None = None
    clause: str = ""
    extension: Extension | None = None
    bar: Code | None = None
    too_late: bool = False
    rule_version: str = ""
    begin_by: date | None = None
    days: int | None = None


NO_LIMIT: Final = Limit()
