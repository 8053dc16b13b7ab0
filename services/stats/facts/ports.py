"""What the handlers of stats need of the outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.stats.facts.query import CountedDispute, Counts, Cursor, Positions, Selection, Where


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Where the ledger stood in one snapshot.

    Attributes:
        positions: Place in the journal.
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
        state: Place of the snapshot that was read.
    """

    counted: Sequence[CountedDispute]
    total: int
    state: LedgerState


class FactLedger(Protocol):
    """Counts, read in one snapshot together with the place they were true at."""

    async def counts(self, where: Where) -> tuple[Counts, LedgerState]:
        """Return the base counts of a window and place, per channel."""

    async def page(self, where: Where, selection: Selection, cursor: Cursor | None, limit: int) -> Page:
        """Return at most `limit` counted disputes after the cursor, as of the cursor's positions.

        Raises:
            Rejected: `page_token_expired` when the ledger is behind the cursor's positions (it was rebuilt).
        """

    async def state(self) -> LedgerState:
        """Return the place alone."""


class PositionWaiter(Protocol):
    """The reader's place in the journal."""

    async def wait_for(self, at_least: Positions, timeout_s: float) -> None:
        """Return when every position was counted and committed.

        Raises:
            Rejected: `unknown_stream`.
            Retryable: `position_not_reached`, kind TOO_LATE.
        """


class ChangeSignal(Protocol):
    """Tells that something was counted."""

    @property
    def version(self) -> int:
        """Grows with each commit that counted something."""

    async def after(self, version: int) -> int:
        """Return the version as soon as it is greater than `version`."""
