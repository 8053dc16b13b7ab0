"""Numbers the new cases of a unit, each county and year by itself (一案一码).

Without gaps: a number is taken in memory, only by a case that was really registered, and the last one of a series is
written with the unit. Until then the series is locked, so that two workers never give one number twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache

from dispute.case_code import case_code, is_county, parse_case_code
from dispute.lifecycle import Command, Dispute, Register, business_day
from hub.store.prepared import PreparedStatement, insert_into
from hub.store.store import Transaction
from services.intake.cases.ports import DisputeRegister, Series
from services.intake.cases.tables import case_number
from services.intake.law.handoff import Handoff
from services.intake.law.steps import with_values


class CaseNumbers:
    """Numbers for the new cases of one unit.

    Args:
        register: Bound to the transaction.
        wanted: Series of all new cases; locked until the transaction ends.

    Attributes:
        taken: Series -> last number that a case of the unit took.
    """

    def __init__(self, register: DisputeRegister, wanted: Collection[Series]) -> None:
        self._last = register.last_numbers(wanted) if wanted else {}
        self.taken: dict[Series, int] = {}

    def put_on(self, commands: Sequence[Command], series: Series | None) -> Sequence[Command]:
        """Return the commands of a new case, its registration with the next code; that isn't taken yet."""
        if series is None:
            return commands
        return with_values(commands, Register, case_code=case_code(series.county, series.year, self._next(series)))

    def take(self, series: Series | None) -> None:
        """Take the next number, for a new case that was decided."""
        if series is not None:
            self.taken[series] = self._next(series)

    def _next(self, series: Series) -> int:
        return self.taken.get(series, self._last[series]) + 1


def series_of(handoff: Handoff, county: str) -> Series | None:
    """Return the series of a new case: its county, and the year of the business day of its registration.

    None where the county is not known; such a case has no code.
    """
    return Series(county, business_day(handoff.occurred_at).year) if is_county(county) else None


def last_of(disputes: Iterable[Dispute]) -> dict[Series, int]:
    """Return the highest number of each series among the codes of disputes."""
    last: dict[Series, int] = {}
    for code in (parse_case_code(each.case_code) for each in disputes if each.case_code):
        series = Series(code.county, code.year)
        last[series] = max(code.number, last.get(series, 0))
    return last


def lock_last(tx: Transaction, wanted: Collection[Series]) -> dict[Series, int]:
    """Return the last numbers of series, and lock these until the transaction ends.

    Call it once in a transaction, after the locks of shards and pairs: in ascending order, which rules out a deadlock.
    """
    lock = _lock(tx.dialect.name)
    return {series: lock.value(tx, (series.county, series.year, 0)) for series in sorted(wanted)}


@cache
def _lock(dialect: str) -> PreparedStatement:
    # An update locks the row of a known series too, and returns what its last writer left; an insert locks a new one.
    locking = insert_into(dialect, case_number).on_conflict_do_update(
        index_elements=list(case_number.primary_key), set_={"last": case_number.c.last}
    )
    return PreparedStatement(
        dialect, locking.returning(case_number.c.last), *(column.key for column in case_number.columns)
    )
