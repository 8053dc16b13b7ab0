"""Nothing stands in a rule file that decides nothing: each change of a field of a row changes an answer of intake."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

import pytest
import yaml
from msgspec.structs import fields, replace

from dispute.calendar.working_days import WorkCalendar
from dispute.lifecycle import (
    Channel,
    Command,
    Dispute,
    EventKind,
    Extend,
    Instruction,
    Limit,
    RecordPerformance,
    Regime,
    Register,
    Role,
    Sign,
    State,
    evolve,
)
from hub.errors import Rejected
from services.intake.law.completion import complete
from services.intake.law.deadlines import DeadlineRules
from services.intake.law.facts import Consent, Facts
from services.intake.law.rule_checks import checked
from services.intake.law.rule_files import PACKAGE, RULES_DIR, SHAPES, load_rules
from services.intake.law.rule_rows import RuleFile, Shape, sections_of
from services.intake.law.screening import ScreeningRules, screen
from services.intake.law.timers import set_by
from tests.support.intake import BOOK
from tests.support.lifecycle import DIGEST, DISPATCH, PATHS, START, TODAY, Walk, command, decided, reach, registration
from tests.support.rule_rows import NOTES, THE_FILE, THE_ROW, Change, Found, Row, content_of, search, value_of
from tests.support.tree import ROOT

CALENDAR = WorkCalendar({})
WEEK = [timedelta(days=n) for n in range(7)]
DISPUTE_DAYS = (date(2024, 3, 4), date(2025, 3, 4))
"""A day of receipt in each regime."""
CIRCUMSTANCES = "circumstances"
SIDES = (Consent("applicant", "given"), Consent("respondent", "given"))
DEAD_ROWS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "screening.yaml": {
        "exclusions": [{"reason_code": "suggestion", "fact": "purpose", "values": frozenset({"suggestion"}),
                        "clause": "planted", "channels": frozenset({"petition"})}],
        "regimes": [{"code": "B", "channel": "court", "valid_until": date(2024, 1, 1)}],
        "grounds": [{"channel": "court", "regime": "", "clause": "planted"}],
    },
    "deadlines.yaml": {
        "terms": [{"kind": "mediation", "channel": "police", "days": 7, "count": "workday", "clause": "planted"}],
        "extensions": [{"limit": "mediation", "channels": frozenset({"app"}), "days": 9, "count": "workday",
                        "clause": "planted"}],
        "sign_off": [{"channel": "police", "days": 9, "count": "calendar", "clause": "planted"}],
    },
}  # fmt: skip
"""Rows behind one that fits everything they fit."""
DEFAULTS: dict[str, dict[str, Any]] = {
    section: {
        field.name: {"id": "planted", "zh": "试", "en": "planted"}.get(field.name, field.default)
        for field in fields(row)
        if field.name in NOTES or not field.required
    }
    for shape in (ScreeningRules, DeadlineRules)
    for section, row in sections_of(shape).items()
}


# Each folder of a county changes rules of the package: what stands there has to matter too.
COUNTIES = {path.parent.name: path.parent for path in sorted((ROOT / "deploy/rules").glob("*/county.yaml"))}
BOOKS = {"package": BOOK} | {name: load_rules(CALENDAR, folder).book for name, folder in COUNTIES.items()}


def content(name: str, book: str = "package") -> dict[str, Any]:
    return content_of(getattr(BOOKS[book], name.removesuffix(".yaml")))


def filled(content: Row, shape: type[Shape]) -> Shape | None:
    """Return a rule file; None when it is refused."""
    return checked(value_of(content), shape, [])


# screening
def verdicts(change: Change) -> Iterator[Facts]:
    """Return cases that touch what a change touches, before it or after it."""
    section = change.row.partition("[")[0]
    channels = list(Channel) if section != "exclusions" else change.values("channels") or list(Channel)
    usual = [day for at in DISPUTE_DAYS for day in change.days(at)]
    for channel in dict.fromkeys([*channels, *Channel]):
        for day in dict.fromkeys(usual):
            plain = Facts(
                str(channel), day, day, "06", "dispute", relation_clarity="clear", facts_clarity="clear", consents=SIDES
            )
            yield plain
            yield replace(plain, consents=())
            yield replace(plain, relation_clarity="")
            for circumstance in change.values("guardian_needed"):
                yield replace(plain, circumstances=frozenset({circumstance}))
            for fact in change.values("fact"):
                for value in change.values("values"):
                    yield from excluded(plain, fact, value, change.values("unless"))


def excluded(plain: Facts, fact: str, value: str, lifted_by: list[str]) -> Iterator[Facts]:
    """Return a case in which an exclusion applies, then those in which something may lift it."""
    for more in (frozenset[str](), *(frozenset({each}) for each in lifted_by)):
        if fact == CIRCUMSTANCES:
            yield replace(plain, circumstances=more | {value})
        else:
            yield replace(plain, circumstances=more, **{fact: value})


def notices(
    shape: type[Shape], answers: Callable[[Shape], Iterator[object]], told: dict[str, Any], change: Change
) -> bool:
    """Tell whether a changed file is refused, or any answer differs from the one before."""
    before, after = filled(told, shape), filled(change.content, shape)
    assert before is not None
    return after is None or any(one != other for one, other in zip(answers(before), answers(after), strict=True))


def screening_notices(told: dict[str, Any], change: Change) -> bool:
    return notices(ScreeningRules, lambda rules: (screen(facts, rules) for facts in verdicts(change)), told, change)


# deadlines
@cache
def standing(channel: Channel, regime: Regime, state: State) -> Dispute:
    """Return a dispute in a state; a dispatched one has no last day yet."""
    plain = registration(channel)
    start = replace(plain, dimensions=replace(plain.dimensions, regime=regime))
    if state is not State.DISPATCHED:
        return reach(state, replace(start, statutory_due_on=TODAY)).state
    return Walk(start, *PATHS[State.ACCEPTED][1:], replace(DISPATCH, due_on=None)).state


def asked(order: Instruction, at: datetime, role: Role = Role.CLERK) -> Command:
    return replace(command(order, at=at, role=role), limit=Limit())


def orders(change: Change) -> Iterator[tuple[Command, Dispute | None, str]]:
    """Return commands whose dates rest on the row that is changed, before it or after it."""
    make = ORDERS[change.row.partition("[")[0]]
    channels = [*change.values("channel"), *change.values("channels")]
    for channel in map(Channel, [each for each in channels if each] if all(channels) and channels else Channel):
        for regime in (Regime.A, Regime.B) if channel is Channel.COURT else (Regime.NONE,):
            for received_on in change.days(TODAY):
                for delay in WEEK:
                    yield from make(change, partial(standing, channel, regime), received_on, START + delay)


Standing = Callable[[State], Dispute]


def on_terms(change: Change, at: Standing, received_on: date, now: datetime) -> Iterator[Any]:
    dispute = at(State.DISPATCHED)
    dispute = replace(dispute, cohort=replace(dispute.cohort, received_on=received_on))
    register = PATHS[State.REGISTERED][0]
    assert isinstance(register, Register)
    for procedure in dict.fromkeys(["ordinary", *change.values("procedure")]):
        yield asked(Sign(), now), dispute, procedure
        told = replace(register, dimensions=at(State.REGISTERED).dimensions, received_on=received_on + (now - START))
        yield asked(told, now), None, procedure


def on_extensions(change: Change, at: Standing, received_on: date, now: datetime) -> Iterator[Any]:
    dispute = at(State.MEDIATING)
    moved = TODAY + (now - START)
    cohort = replace(dispute.cohort, received_on=received_on, due_on=moved, statutory_due_on=moved)
    first = replace(dispute, cohort=cohort)
    again = replace(first, ordinals=(*first.ordinals, (EventKind.EXTENDED, 1)), statutory_extended=True)
    for standing_now in (first, again):
        for days in change.values("days"):
            for role in (Role.MEDIATOR, Role.LEADER):
                yield asked(Extend(consent_of_all=True, days=days), START, role), standing_now, ""


def on_sign_off(_: Change, at: Standing, __: date, now: datetime) -> Iterator[Any]:
    yield asked(replace(DISPATCH, due_on=None), now), at(State.ACCEPTED), ""


def on_the_file(_: Change, at: Standing, __: date, now: datetime) -> Iterator[Any]:
    yield asked(Sign(), now), at(State.DISPATCHED), ""
    yield asked(RecordPerformance(DIGEST), now), at(State.AGREED), ""


ORDERS: dict[str, Callable[[Change, Standing, date, datetime], Iterator[Any]]] = {
    "terms": on_terms,
    "extensions": on_extensions,
    "sign_off": on_sign_off,
    THE_FILE: on_the_file,
}


def answer(order: Command, dispute: Dispute | None, procedure: str, rules: DeadlineRules) -> object:
    """Return the event and its timers, or the refusal and its text."""
    try:
        (event,) = decided(dispute, complete(order, dispute, procedure, replace(BOOK, deadlines=rules)))
    except Rejected as refused:
        return refused.code, str(refused)
    return event, set_by(event, evolve(dispute, event), rules)


def deadlines_notice(told: dict[str, Any], change: Change) -> bool:
    return notices(DeadlineRules, lambda rules: (answer(*case, rules) for case in orders(change)), told, change)


FILES: dict[str, tuple[type[RuleFile], Callable[[dict[str, Any], Change], bool]]] = {
    "screening.yaml": (ScreeningRules, screening_notices),
    "deadlines.yaml": (DeadlineRules, deadlines_notice),
}


def searched(name: str, told: dict[str, Any], rows: Callable[[str], bool] = bool) -> Found:
    shape, notices = FILES[name]
    return search(shape, told, partial(notices, told), rows)


def test_every_rule_file_is_searched() -> None:
    assert set(FILES) == {path.name for path in RULES_DIR.iterdir()} - {PACKAGE} == set(SHAPES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("book", BOOKS)
def test_every_field_of_every_row_decides_something(name: str, book: str) -> None:
    told = content(name, book)
    found = searched(name, told)
    print(name, dict(found.counts))  # noqa: T201 - the figure of the test
    rows = 1 + sum(len(part) for part in told.values() if isinstance(part, tuple))
    assert found.unnoticed == []
    assert found.counts == {"rows": rows, "changed": rows, "noticed": rows}


@pytest.mark.parametrize(
    ("name", "section"), [(name, section) for name, sections in DEAD_ROWS.items() for section in sections]
)
def test_a_dead_row_is_found(name: str, section: str) -> None:
    told = content(name)
    # The last row of the others is the one that fits everything: the dead one stands before it.
    last = len(told[section]) - (section in {"grounds", "sign_off"})
    rows = list(told[section])
    rows[last:last] = [{**DEFAULTS[section], **row} for row in DEAD_ROWS[name][section]]
    told[section] = tuple(rows)
    place = f"{section}[{last}]"
    found = searched(name, told, place.__eq__)
    assert found.counts == {"rows": 1, "changed": 1, "noticed": 0}
    assert {f"{place} {THE_ROW}", f"{place} clause"} & set(found.unnoticed)


def test_a_field_that_nobody_reads_is_found() -> None:
    class Wider(DeadlineRules, frozen=True, kw_only=True):
        follow_up_clause: str

    def notices(told: dict[str, Any], change: Change) -> bool:
        read = {name: change.content[name] for name in DeadlineRules.__struct_fields__}
        return deadlines_notice(told, dataclasses.replace(change, content=read))

    told = content("deadlines.yaml")
    wider = {**told, "follow_up_clause": "本县回访制度"}
    found = search(Wider, wider, partial(notices, told), THE_FILE.__eq__)
    assert found.unnoticed == [f"{THE_FILE} follow_up_clause"]


def test_every_code_of_a_rule_can_be_told_by_an_agency() -> None:
    lists = [*ROOT.glob("bridge/record/codes/*.yaml"), *ROOT.glob("services/*_bridge/codes/*.yaml")]
    told = {code for path in lists for code in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["codes"]}
    rules = BOOK.screening
    read = rules.guardian_needed.union(*(row.values | row.unless for row in rules.exclusions))
    assert read
    assert read <= told
