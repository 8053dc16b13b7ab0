"""Half-open windows of business days.

They are kept as days since 1970-01-01, so that every comparison is one of integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from dispute.refusals.interfaces import BAD_DATE, WINDOW_OUT_OF_RANGE, WINDOW_REVERSED
from hub.errors import Refused

_EPOCH: Final = date(1970, 1, 1).toordinal()
_EARLIEST: Final = date(1949, 10, 1)
_LATEST: Final = date(2200, 1, 1)
_ISO_LENGTH: Final = 10


@lru_cache(maxsize=16_384)
def day_number(iso: str) -> int:
    """Return the days since 1970-01-01 of an ISO date.

    Raises:
        Rejected: `bad_date` unless it is written YYYY-MM-DD and exists.
    """
    try:
        if len(iso) == _ISO_LENGTH:
            return date.fromisoformat(iso).toordinal() - _EPOCH
    except ValueError:
        pass
    raise BAD_DATE.error()


def iso_day(number: int) -> str:
    """Return the ISO date of a day number."""
    return date.fromordinal(number + _EPOCH).isoformat()


@dataclass(frozen=True, slots=True)
class Window:
    """Business days of a query.

    From `start` (inclusive) to `end` (exclusive); None is open.
    """

    start: int | None = None
    end: int | None = None


def window(start_on: str, end_on: str) -> Window:
    """Read a window from two ISO dates.

    Empty is open. An empty window (start = end) is allowed: it counts nothing.

    Raises:
        Rejected: `bad_date`, `window_out_of_range`, `window_reversed`, naming the field.
    """
    start = _bound(start_on, "query.start_on")
    end = _bound(end_on, "query.end_on")
    if start is not None and end is not None and end < start:
        raise WINDOW_REVERSED.error()
    return Window(start, end)


def _bound(iso: str, field: str) -> int | None:
    if not iso:
        return None
    try:
        number = day_number(iso)
    except Refused as refused:
        raise BAD_DATE.error(field=field) from refused
    if not day_number(_EARLIEST.isoformat()) <= number <= day_number(_LATEST.isoformat()):
        raise WINDOW_OUT_OF_RANGE.error(field=field, first=_EARLIEST, last=_LATEST)
    return number
