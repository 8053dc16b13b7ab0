"""Nothing stands in a rule file that decides nothing: each change of a field of a row changes an answer of intake."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any, TypeVar

import pytest
import yaml
from msgspec.structs import replace
from pydantic import BaseModel

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
from hub.errors import Fault, Rejected
from services.intake.law import rule_files
from services.intake.law.completion import complete
from services.intake.law.deadlines import DeadlineRules
from services.intake.law.facts import Consent, Facts
from services.intake.law.matching import MatchingRules, compare, texts_of
from services.intake.law.matching_rules import MatchingFile, matching_of
from services.intake.law.registration import Rulebook
from services.intake.law.rule_files import RULES_DIR, DeadlineFile, ScreeningFile, deadlines_of, screening_of
from services.intake.law.screening import screen
from services.intake.law.timers import set_by
from tests.support.intake import RULES, marks
from tests.support.lifecycle import DIGEST, DISPATCH, PATHS, START, TODAY, Walk, command, decided, reach, registration
from tests.support.rule_rows import THE_FILE, THE_ROW, Change, Found, search
from tests.support.tree import ROOT

Rules = TypeVar("Rules")
CALENDAR = WorkCalendar({})
WEEK = [timedelta(days=n) for n in range(7)]
DISPUTE_DAYS = (date(2024, 3, 4), date(2025, 3, 4))
"""A day of receipt in each regime."""
CIRCUMSTANCES = "circumstances"
SIDES = (Consent("applicant", "given"), Consent("respondent", "given"))
DEAD_ROWS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "screening.yaml": {
        "exclusions": [{"reason_code": "planted", "fact": "purpose", "values": ["suggestion"], "clause": "planted",
                        "channels": ["petition"]}],
        "regimes": [{"code": "B", "channel": "court", "valid_until": date(2024, 1, 1)}],
        "grounds": [{"channel": "court", "regime": "", "clause": "planted"}],
    },
    "deadlines.yaml": {
        "terms": [{"kind": "mediation", "channel": "police", "days": 7, "count": "workday", "clause": "planted"}],
        "extensions": [{"limit": "mediation", "channels": ["app"], "days": 9, "count": "workday", "clause": "planted"}],
        "sign_off": [{"channel": "police", "days": 9, "count": "calendar", "clause": "planted"}],
    },
}  # fmt: skip
"""Rows behind one that fits everything they fit."""


class Everything:
    def __contains__(self, item: object) -> bool:
        return True


@pytest.fixture(autouse=True)
def any_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take reasons that the catalogue does not have: a changed one must be noticed by an answer."""
    monkeypatch.setattr(rule_files, "CASES", Everything())


def content_of(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load((RULES_DIR / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


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
    read: Callable[[object, str], Rules], answers: Callable[[Rules], Iterator[object]], told: object, change: Change
) -> bool:
    """Tell whether a changed file is refused, or any answer differs from the one before."""
    before = read(told, "before")
    try:
        after = read(change.content, "after")
    except Fault:
        return True
    return any(one != other for one, other in zip(answers(before), answers(after), strict=True))


def screening_notices(told: dict[str, Any], change: Change) -> bool:
    return notices(screening_of, lambda rules: (screen(facts, rules) for facts in verdicts(change)), told, change)


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
        (event,) = decided(dispute, complete(order, dispute, procedure, Rulebook(RULES, rules, CALENDAR)))
    except Rejected as refused:
        return refused.code, str(refused)
    return event, set_by(event, evolve(dispute, event), rules)


def deadlines_notice(told: dict[str, Any], change: Change) -> bool:
    return notices(deadlines_of, lambda rules: (answer(*case, rules) for case in orders(change)), told, change)


# matching
def matches(rules: MatchingRules) -> Iterator[object]:
    """Return comparisons that between them have every reason, and some that stand at each limit."""
    day, group = date(2024, 2, 1), [f"w-{n}" for n in range(5)]
    one = marks(["a"], ["b"], happened_on=day, amount_fen=200, subject_ref="1", case_cause="x", village="620725101001")
    others = [
        one,
        *(replace(one, happened_on=day + timedelta(days=n)) for n in (2, 4, 31)),
        replace(one, amount_fen=179, subject="2", category="08", complete=False),
        replace(one, subject="", received_on=one.received_on + timedelta(days=366)),
        # At 80 and at 55 by the rules in force.
        replace(one, subject="", village="", cause="", town="", amount_fen=0),
        replace(one, subject="", village="", cause="", category="", amount_fen=0, happened_on=None),
    ]
    pairs = [*((one, other) for other in others), (marks(["w-1"], ["firm"]), marks(group, ["firm"]))]
    for pair in pairs:
        found = compare(*pair, rules)
        yield found, texts_of(found, rules)


def matching_notices(told: dict[str, Any], change: Change) -> bool:
    return notices(matching_of, matches, told, change)


FILES: dict[str, tuple[type[BaseModel], Callable[[dict[str, Any], Change], bool]]] = {
    "screening.yaml": (ScreeningFile, screening_notices),
    "deadlines.yaml": (DeadlineFile, deadlines_notice),
    "matching.yaml": (MatchingFile, matching_notices),
}


def searched(name: str, told: dict[str, Any], rows: Callable[[str], bool] = bool) -> Found:
    shape, notices = FILES[name]
    return search(shape, told, partial(notices, told), rows)


def test_every_rule_file_is_searched() -> None:
    assert set(FILES) == {path.name for path in RULES_DIR.iterdir()}


@pytest.mark.parametrize("name", FILES)
def test_every_field_of_every_row_decides_something(name: str) -> None:
    told = content_of(name)
    found = searched(name, told)
    print(name, dict(found.counts))  # noqa: T201 - the figure of the test
    rows = 1 + sum(len(part) for part in told.values() if isinstance(part, list) and isinstance(part[0], dict))
    assert found.unnoticed == []
    assert found.counts == {"rows": rows, "changed": rows, "noticed": rows}


@pytest.mark.parametrize(
    ("name", "section"), [(name, section) for name, sections in DEAD_ROWS.items() for section in sections]
)
def test_a_dead_row_is_found(name: str, section: str) -> None:
    told = copy.deepcopy(content_of(name))
    # The last row of the others is the one that fits everything: the dead one stands before it.
    last = len(told[section]) - (section in {"grounds", "sign_off"})
    told[section][last:last] = DEAD_ROWS[name][section]
    place = f"{section}[{last}]"
    found = searched(name, told, place.__eq__)
    assert found.counts == {"rows": 1, "changed": 1, "noticed": 0}
    assert {f"{place} {THE_ROW}", f"{place} clause"} & set(found.unnoticed)


def test_a_field_that_nobody_reads_is_found() -> None:
    class Wider(DeadlineFile):
        follow_up_clause: str

    def notices(told: dict[str, Any], change: Change) -> bool:
        read = {name: change.content[name] for name in DeadlineFile.model_fields}
        return deadlines_notice(told, dataclasses.replace(change, content=read))

    told = content_of("deadlines.yaml")
    wider = {**told, "follow_up_clause": "本县回访制度"}
    found = search(Wider, wider, partial(notices, told), THE_FILE.__eq__)
    assert found.unnoticed == [f"{THE_FILE} follow_up_clause"]


def test_every_code_of_a_rule_can_be_told_by_an_agency() -> None:
    lists = [*ROOT.glob("bridge/record/codes/*.yaml"), *ROOT.glob("services/*_bridge/codes/*.yaml")]
    told = {code for path in lists for code in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["codes"]}
    rules = screening_of(content_of("screening.yaml"), "screening.yaml")
    read = rules.guardian_needed.union(*(row.values | row.unless for row in rules.exclusions))
    assert read
    assert read <= told
