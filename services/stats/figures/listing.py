"""Lists the disputes that make up a number.

The token of a page is bound to its query.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Final

from dispute.refusals.interfaces import BAD_PAGE_SIZE, BAD_PAGE_TOKEN, PAGE_TOKEN_OF_ANOTHER_QUERY, UNKNOWN_PART
from services.stats.facts.measures import BY_NAME
from services.stats.facts.query import Cursor, Selection
from services.stats.figures.definitions import Metric

MAX_PAGE: Final = 1000
DEFAULT_PAGE: Final = 100
_MAX_TOKEN: Final = 16_384
_UUID_BYTES: Final = 16
_BIG: Final = 2**63


def selected(metric: Metric, part: str, channel: str) -> Selection:
    """Return the facts of one part of a metric.

    Raises:
        Rejected: `unknown_part`.
    """
    names = {"numerator": metric.numerator, "denominator": metric.denominator}.get(part)
    if names is None:
        raise UNKNOWN_PART.error()
    return Selection(tuple(BY_NAME[name] for name in names), channel)


def page_size(asked: int) -> int:
    """Return the number of rows of a page.

    Raises:
        Rejected: `bad_page_size`.
    """
    if not 0 <= asked <= MAX_PAGE:
        raise BAD_PAGE_SIZE.error(least=0, most=MAX_PAGE)
    return asked or DEFAULT_PAGE


def token_of(cursor: Cursor, query: str) -> str:
    """Return the opaque token of a cursor.

    It is bound to the text of its query.
    """
    content = [_digest(query), dict(cursor.positions), cursor.day, cursor.dispute.hex()]
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def cursor_of(token: str, query: str) -> Cursor | None:
    """Read a token; None for the first page.

    Raises:
        Rejected: `bad_page_token` when it is no token of ours, `page_token_of_another_query`.
    """
    if not token:
        return None
    try:
        digest, positions, day, dispute = json.loads(base64.urlsafe_b64decode(token[:_MAX_TOKEN].encode("ascii")))
        cursor = Cursor({str(name): int(place) for name, place in positions.items()}, int(day), bytes.fromhex(dispute))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BAD_PAGE_TOKEN.error() from error
    numbers = (*cursor.positions.values(), cursor.day)
    if len(cursor.dispute) != _UUID_BYTES or not all(-_BIG < number < _BIG for number in numbers):
        raise BAD_PAGE_TOKEN.error()
    if digest != _digest(query):
        raise PAGE_TOKEN_OF_ANOTHER_QUERY.error()
    return cursor


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:16]
