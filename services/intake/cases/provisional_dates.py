"""Settles provisional dates after their holiday table arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from hub.errors import Bug, Refusal
from services.intake.cases.ports import DisputeRegister, Units
from services.intake.cases.tasks import task_of_settling
from services.intake.cases.unit_of_work import TaskResult, carry_out
from services.intake.law.rulebook import Rulebook, Rules

CHUNK: Final = 200
"""Disputes of one transaction; commands can run between two transactions."""


class Chunk(Struct, frozen=True):
    """Result of one transaction.

    Attributes:
        last: Id of the last dispute that was read; empty when there was none.
        settled: Number of disputes whose dates were corrected.
        refused: Dispute -> why not. It stays provisional, so it can't be late; the next check tries again.
    """

    last: str
    settled: int
    refused: Mapping[str, Refusal]


def settle(register: DisputeRegister, after: str, book: Rulebook, at: datetime, now: datetime) -> Chunk:
    """Settle the dates of the next disputes.

    One unit, for disputes whose missing year the calendar knows now. Several workers may do so at once: a dispute that
    another worker has settled is not changed again.

    Args:
        register: Bound to the transaction.
        after: Only disputes whose id is above it.
        book: Rules.
        at: Business time of the correction.
        now: Wall clock.

    Raises:
        Retryable: `outbox_full`.
        Exception: A bug that a correction met; the process stops loudly.
    """
    years = {year for year in register.missing_years() if book.calendar.covers(year)}
    ids = register.waiting_for(years, after, CHUNK) if years else ()
    if not ids:
        return Chunk("", 0, {})
    outcomes = carry_out(register, [task_of_settling(dispute_id, at) for dispute_id in ids], book, now)
    for outcome in outcomes:
        if isinstance(outcome, Bug):
            raise outcome.error()
    settled = sum(isinstance(outcome, TaskResult) and bool(outcome.events) for outcome in outcomes)
    both = zip(ids, outcomes, strict=True)
    return Chunk(ids[-1], settled, {name: outcome for name, outcome in both if isinstance(outcome, Refusal)})


class Settler:
    """Settles all disputes that can be settled.

    One chunk in one transaction.

    Args:
        units: Runs units of work.
        rules: In force, with the calendar.
        now: Wall clock.
    """

    def __init__(
        self,
        units: Units,
        rules: Rules,
        now: Callable[[], datetime],
    ) -> None:
        self._units = units
        self._rules = rules
        self._now = now

    async def settle_all(self) -> tuple[int, Mapping[str, Refusal]]:
        """Settle every date that can be settled.

        Returns the number of disputes, and those that refused it.

        Raises:
            Retryable: The store or its outbox takes nothing now.
        """
        total, last = 0, ""
        refused: dict[str, Refusal] = {}
        while True:
            chunk = await self._units.write(lambda register, after=last: self._next(register, after))  # type: ignore[misc]
            total += chunk.settled
            refused |= chunk.refused
            if not chunk.last:
                return total, refused
            last = chunk.last

    def _next(self, register: DisputeRegister, after: str) -> Chunk:
        return settle(register, after, self._rules.current, register.business_now(), self._now())
