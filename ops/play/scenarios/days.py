"""Days of a scenario file.

They are dates, or days relative to the day of the run, so that a file does not get out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationInfo

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has no daylight saving; a fixed offset needs no zone file."""

TODAY: Final = "today"
"""Key of the day of the run in the validation context."""

WHOLE_WINDOW: Final = "window"
"""Key of `received` in place of months: the records are spread over the whole window."""

MONTH: Final = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")
_RELATIVE: Final = re.compile(r"^today(?:-([0-9]{1,4}))?$", re.ASCII)


def this_day() -> date:
    """Return today in Asia/Shanghai."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def _resolved(value: object, info: ValidationInfo) -> object:
    relative = _RELATIVE.match(value) if isinstance(value, str) else None
    if relative is None:
        return value
    context: Mapping[str, Any] = info.context or {}
    if TODAY not in context:
        raise ValueError("a day told from today needs to know which day that is")
    today: date = context[TODAY]
    return today - timedelta(days=int(relative[1] or 0))


Day = Annotated[date, BeforeValidator(_resolved)]
"""An ISO date, `today`, or `today-3`."""


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Days [first, end) in which records are received.

    `count` is their number; `key` is the name of the days in the file.
    """

    key: str
    first: date
    end: date
    count: int


def spans(received: Mapping[str, int], start: date, end: date) -> Iterator[DaySpan]:
    """Yield the spans of `received`.

    A month that extends beyond the window [start, end) is not cut here.
    """
    for key, number in received.items():
        if key == WHOLE_WINDOW:
            yield DaySpan(key, start, end, number)
        else:
            year, month = int(key[:4]), int(key[5:])
            yield DaySpan(key, date(year, month, 1), date(year + month // 12, month % 12 + 1, 1), number)
