"""Queries on facts.

Window and place, the counts of a window, the disputes that make up a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dispute.refusals.interfaces import PAGE_TOKEN_EXPIRED
from services.stats.facts.measures import Measure
from services.stats.facts.windows import Window

Positions = Mapping[str, int]
"""`<producer>/<shard>/<epoch>` -> last position that was counted."""

Counts = Mapping[tuple[str, int], int]
"""(channel, base count) -> number, of one window and place."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Window and place; empty codes are all.

    Attributes:
        window: Business days.
        county: GB/T 2260 code.
        town: Town code.
    """

    window: Window = field(default_factory=Window)
    county: str = ""
    town: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Facts of measures, in one or all channels."""

    measures: tuple[Measure, ...]
    channel: str


@dataclass(frozen=True, slots=True)
class CountedDispute:
    """One dispute and how often it counts.

    `day` is the business day of the counted fact (days since 1970-01-01).
    """

    dispute: bytes
    count: int
    day: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Start of the next page.

    It keeps the positions that every page of this listing is read at.
    """

    positions: Mapping[str, int]
    day: int
    dispute: bytes


def behind(positions: Positions, cursor: Positions) -> None:
    """Refuse a cursor ahead of the ledger.

    The ledger has not reached its positions, so it was rebuilt since.

    Raises:
        Rejected: `page_token_expired`.
    """
    if any(positions.get(stream, 0) < position for stream, position in cursor.items()):
        raise PAGE_TOKEN_EXPIRED.error()
