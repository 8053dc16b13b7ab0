"""Answers questions about figures.

Each answer waits for the caller's position, reads one snapshot and computes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.stats.facts.ports import ChangeSignal, FactLedger, LedgerState, PositionWaiter
from services.stats.facts.query import CountedDispute, Cursor, Positions, Scope, Selection
from services.stats.figures.listing import cursor_of, token_of
from services.stats.figures.question import Question
from services.stats.figures.rates import MetricRate, rate_of


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates and the state they belong to."""

    rates: Sequence[MetricRate]
    state: LedgerState


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of counted disputes.

    `token` is empty on the last one.
    """

    counted: Sequence[CountedDispute]
    total: int
    token: str
    positions: Positions


class Figures:
    """Answers questions about figures; reads only."""

    def __init__(self, ledger: FactLedger, place: PositionWaiter, changes: ChangeSignal) -> None:
        self._ledger = ledger
        self._place = place
        self._changes = changes

    async def rates(self, asked: Question, at_least: Positions, timeout_s: float) -> Rates:
        """Return rates of a state including `at_least`.

        Raises:
            Rejected: `unknown_stream`.
            Retryable: `position_not_reached` when `timeout_s` passed first.
        """
        if at_least:
            await self._place.wait_for(at_least, timeout_s)
        return await self._read(asked)

    async def watch(self, asked: Question) -> AsyncIterator[Rates]:
        """Yield the rates now and after each change.

        Changes that come close together are pushed as one; while nothing is counted, nothing is read.
        """
        version = self._changes.version
        last = await self._read(asked)
        yield last
        while True:
            version = await self._changes.after(version)
            now = await self._read(asked)
            if now.rates != last.rates:
                last = now
                yield now

    async def listing(
        self, where: Scope, selection: Selection, *, limit: int, token: str, at_least: Positions, timeout_s: float
    ) -> Listing:
        """Return one page of the counted set.

        Exactly the counted disputes; every page is read at the positions of the first.

        Raises:
            Rejected: `bad_page_token`, `page_token_of_another_query`, `page_token_expired`, `unknown_stream`.
            Retryable: `position_not_reached`.
        """
        query = repr((where, selection))
        cursor = cursor_of(token, query)
        if at_least:
            await self._place.wait_for(at_least, timeout_s)
        page = await self._ledger.page(where, selection, cursor, limit + 1)
        positions = page.state.positions if cursor is None else cursor.positions
        counted = page.counted[:limit]
        following = ""
        if len(page.counted) > limit:
            last = counted[-1]
            following = token_of(Cursor(positions, last.day, last.dispute), query)
        return Listing(counted, page.total, following, positions)

    async def state(self) -> LedgerState:
        """Return the state that answers have now."""
        return await self._ledger.state()

    async def _read(self, asked: Question) -> Rates:
        counts, state = await self._ledger.counts(asked.where)
        rates = [rate_of(counts, metric, channel) for channel in asked.channels for metric in asked.metrics]
        return Rates(rates, state)
