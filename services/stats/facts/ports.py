"""Ports of stats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.stats.facts.query import CountedDispute, Counts, Cursor, Positions, Scope, Selection


@dataclass(frozen=True, slots=True)
class LedgerState:
    """State of the ledger in one snapshot.

    Attributes:
        positions: Positions in the journal.
        events: Events folded so far.
    """

    positions: Positions
    events: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of counted disputes.

    Attributes:
        counted: In the order of the listing.
        total: Sum over all pages.
        state: State of the snapshot that was read.
    """

    counted: Sequence[CountedDispute]
    total: int
    state: LedgerState


class FactLedger(Protocol):
    """Reads counts in one snapshot.

    The positions that they belong to are read with them.
    """

    async def counts(self, where: Scope) -> tuple[Counts, LedgerState]:
        """Return the base counts of a window and place, by channel."""

    async def page(self, where: Scope, selection: Selection, cursor: Cursor | None, limit: int) -> Page:
        """Return counted disputes after the cursor.

        At most `limit` of them, as of the cursor's positions.

        Raises:
            Rejected: `page_token_expired` when the ledger is behind the cursor's positions (it was rebuilt).
        """

    async def state(self) -> LedgerState:
        """Return the state without counts."""


class PositionWaiter(Protocol):
    """Position of the reader in the journal."""

    async def wait_for(self, at_least: Positions, timeout_s: float) -> None:
        """Wait until every position is counted and committed.

        Raises:
            Rejected: `unknown_stream`.
            Retryable: `position_not_reached`, kind TOO_LATE.
        """


class ChangeSignal(Protocol):
    """Signals that something was counted."""

    @property
    def version(self) -> int:
        """Grows with each commit that counted something."""

    async def after(self, version: int) -> int:
        """Wait for a version greater than `version`.

        Returns the new version.
        """
