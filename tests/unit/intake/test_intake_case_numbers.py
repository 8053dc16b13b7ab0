"""Numbers of a unit's new cases run without gaps: only a case that was registered takes one."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace
from typing_extensions import override

from dispute.case_code import case_code
from dispute.lifecycle import Actor, Role, State, dispute_id_of
from services.intake.cases.case_numbers import last_of, series_of
from services.intake.cases.ports import DoneTable, Series
from services.intake.cases.tasks import task_of_handoff
from services.intake.cases.unit_of_work import Outcome, Task, TaskResult, carry_out
from services.intake.law.handoff import Handoff
from tests.support.intake import BOOK, MemoryRegister, arrival, suit
from tests.support.lifecycle import reach

AT = datetime(2024, 3, 5, 2, tzinfo=UTC)
SANDAN, TONGDAO = Series("620725", 2024), Series("431230", 2024)


class NumberedRegister(MemoryRegister):
    """A register whose series have given numbers before."""

    asked: Collection[Series] = ()

    @override
    def last_numbers(self, wanted: Collection[Series]) -> Mapping[Series, int]:
        self.asked = wanted
        return {series: 7 if series == SANDAN else 0 for series in wanted}


def handoff(number: int, *, county: str = "620725", at: datetime = AT, nameless: bool = False) -> Handoff:
    ref = "" if nameless else f"A-{number}"
    came = arrival((), suit())
    place = replace(came.dimensions, county_code=county, town_code="")
    body = dataclasses.replace(came, dimensions=place, source_ref=ref)
    name = f"00000000-0000-4000-8000-{number:012d}"
    return Handoff(name, dispute_id_of("court-620725", ref), "court-620725", b"d", at, "", body)


def task(number: int, *, county: str = "620725", at: datetime = AT, nameless: bool = False) -> Task:
    told = handoff(number, county=county, at=at, nameless=nameless)
    return task_of_handoff(told, DoneTable.HANDOFF, Actor(Role.AGENCY, "court"), lambda _: None)


def codes(outcomes: list[Outcome]) -> list[str]:
    return [each.dispute.case_code if isinstance(each, TaskResult) else "refused" for each in outcomes]


def test_each_county_counts_by_itself_from_its_last_number_on() -> None:
    register = NumberedRegister(AT)
    tasks = [task(1), task(2, county="431230"), task(3), task(4, county="")]
    given = codes(carry_out(register, tasks, BOOK, AT))
    assert given == [case_code("620725", 2024, 8), case_code("431230", 2024, 1), case_code("620725", 2024, 9), ""]
    assert register.changes.numbers == {SANDAN: 9, TONGDAO: 1}
    events = [case.dispute for case in register.changes.added.values()]
    assert [dispute.case_code for dispute in events] == given


def test_a_case_that_is_refused_takes_no_number() -> None:
    register = NumberedRegister(AT)
    given = codes(carry_out(register, [task(1), task(2, nameless=True), task(3)], BOOK, AT))
    assert given == [case_code("620725", 2024, 8), "refused", case_code("620725", 2024, 9)]
    assert register.changes.numbers == {SANDAN: 9}


def test_a_repeat_in_the_unit_takes_no_number() -> None:
    register = NumberedRegister(AT)
    given = codes(carry_out(register, [task(1), task(1), task(2)], BOOK, AT))
    assert given == [case_code("620725", 2024, number) for number in (8, 8, 9)]


def test_a_unit_without_new_cases_asks_for_no_number() -> None:
    register = NumberedRegister(AT)
    carry_out(register, [task(1, county="")], BOOK, AT)
    assert (register.asked, register.changes.numbers) == ((), {})


def test_the_year_is_that_of_the_business_day() -> None:
    midnight = datetime(2024, 12, 31, 16, tzinfo=UTC)
    before, after = handoff(1, at=midnight - timedelta(seconds=1)), handoff(1, at=midnight)
    assert series_of(before, "620725") == Series("620725", 2024)
    assert series_of(after, "620725") == Series("620725", 2025)
    register = NumberedRegister(midnight)
    (outcome,) = carry_out(register, [task(1, at=midnight)], BOOK, midnight)
    assert isinstance(outcome, TaskResult)
    assert outcome.dispute.cohort.registered_on == date(2025, 1, 1)
    assert outcome.dispute.case_code == case_code("620725", 2025, 1)


def test_a_county_that_is_no_code_of_six_digits_has_no_series() -> None:
    assert [series_of(handoff(1), county) for county in ("", "62", "0620725", "062072", "62072x")] == [None] * 5


def test_the_highest_of_recalled_codes_counts() -> None:
    its = reach(State.REGISTERED).state
    coded = [replace(its, case_code=case_code("620725", 2024, number)) for number in (3, 11, 5)]
    assert last_of([its, *coded]) == {SANDAN: 11}
