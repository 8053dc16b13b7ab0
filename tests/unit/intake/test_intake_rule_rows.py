"""Nothing stands in a rule file that decides nothing: each change of a field of a row changes an answer of intake."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import yaml
from msgspec.structs import fields, replace

from dispute.calendar.working_days import WorkCalendar
from dispute.lifecycle import Channel, State, evolve
from hub.errors import Rejected
from services.intake.cases.ports import DoneTable
from services.intake.cases.unit_of_work import Planned, Task, carry_out
from services.intake.law.colours import ColourRules
from services.intake.law.completion import complete
from services.intake.law.deadlines import DeadlineRules
from services.intake.law.facts import Consent, Facts
from services.intake.law.matching import MatchingRules
from services.intake.law.rule_checks import checked
from services.intake.law.rule_files import PACKAGE, RULES_DIR, SHAPES, load_rules
from services.intake.law.rule_rows import RuleFile, Shape, sections_of
from services.intake.law.rulebook import Rulebook
from services.intake.law.screening import VIOLENCE, ScreeningRules, screen
from services.intake.law.timers import STATE, Step, Timer, changed_by, following, running
from tests.support.intake import BOOK, MemoryRegister
from tests.support.lifecycle import START, TODAY, decided, reach, registration
from tests.support.rule_rows import NOTES, THE_FILE, THE_ROW, Change, Found, Row, content_of, search, value_of
from tests.support.rule_trials import PROBES, Probe, asked, probes
from tests.support.rule_trials_of_matters import colours, matches
from tests.support.tree import ROOT

CALENDAR = WorkCalendar({})
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
        "confirmation_bars": [{"fact": "circumstances", "values": frozenset({"divorce"}), "clause": "planted"}],
        "penalties": [{"made_by": "police", "needs": frozenset({"police_approved"}), "clause": "planted"}],
    },
    "deadlines.yaml": {
        "terms": [{"kind": "mediation", "channel": "police", "days": 7, "count": "workday", "clause": "planted"}],
        "extensions": [{"limit": "mediation", "by": "parties", "channels": frozenset({"app"}), "days": 9,
                        "count": "workday", "clause": "planted"}],
        "sign_off": [{"channel": "police", "days": 9, "count": "calendar", "clause": "planted"}],
        "states": [{"state": "signed", "channel": "court", "owner": "clerk", "days": 9, "count": "calendar",
                    "clause": "planted"}],
        "milestones": [{"milestone": "met", "days": 9, "count": "workday", "clause": "planted"}],
        "second_attempts": [{"channel": "police", "cause": "traffic", "days": 9, "count": "calendar",
                             "clause": "planted"}],
    },
    "matching.yaml": {"rows": [{"id": "same_subject", "points": 9, "clause": "planted"}]},
    "colours.yaml": {"rows": [{"colour": "yellow", "reason_code": "group", "persons_at_least": 60,
                               "clause": "planted"}]},
}  # fmt: skip
"""Rows behind one that fits everything they fit."""
DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    (name, section): {
        field.name: {"id": "planted", "zh": "试", "en": "planted", "owner": "clerk"}.get(field.name, field.default)
        for field in fields(row)
        if field.name in NOTES or not field.required
    }
    for name, shape in SHAPES.items()
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
                str(channel),
                day,
                day,
                "06",
                "dispute",
                "ordinary",
                "civil",
                relation_clarity="clear",
                facts_clarity="clear",
                consents=SIDES,
            )
            yield plain
            yield replace(plain, consents=())
            yield replace(plain, relation_clarity="")
            for circumstance in change.values("guardian_needed"):
                yield replace(plain, circumstances=frozenset({circumstance}))
            yield from (replace(plain, representatives=people + 1) for people in change.values("representatives"))
            yield from (
                replace(plain, circumstances=frozenset({VIOLENCE}), earlier_reports=reports - 1)
                for reports in change.values("repeated_violence")
            )
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


def notices(shape: type[Shape], answers: Callable[[Shape], Iterator[object]], before: Shape, change: Change) -> bool:
    """Tell whether a changed file is refused, or any answer differs from the one before."""
    after = filled(change.content, shape)
    return after is None or any(one != other for one, other in zip(answers(before), answers(after), strict=True))


# deadlines, and what screening.yaml says of agreements
def answer(probe: Probe, book: Rulebook) -> object:
    """Return the event, its timers and the limits that run then, or the refusal and its text."""
    order, dispute, facts, written_on = probe
    try:
        (event,) = decided(dispute, complete(order, dispute, facts, book, written_on or TODAY))
    except Rejected as refused:
        return refused.code, str(refused)
    after = evolve(dispute, event)
    ran = running(dispute, book) if dispute is not None else {}
    now = running(after, book)
    return event, changed_by(event, ran, after, now, book), now, after.supervision


def ladder(book: Rulebook) -> Iterator[object]:
    """Return the steps of a limit that does not end by itself."""
    dispute = reach(State.ACCEPTED).state
    for step in Step:
        yield following(Timer(dispute.dispute_id, STATE, step, START, START), dispute, running(dispute, book), book)


def late_paper(change: Change, book: Rulebook) -> Iterator[object]:
    """Return the timers of a petition that is written down when its limits are over."""
    of = registration(Channel.PETITION)
    order = asked(replace(of, received_on=TODAY - timedelta(300)), START)
    task = Task("t", order.dispute_id, b"", DoneTable.NONE, lambda *_: Planned((order,)))
    for hours in change.values("paper_after_hours"):
        register = MemoryRegister(START + timedelta(hours=hours, minutes=30))
        carry_out(register, [task], book, START)
        yield [case.timers for case in register.changes.added.values()]


def deadlines_notice(told: DeadlineRules, change: Change) -> bool:
    def answers(rules: DeadlineRules) -> Iterator[object]:
        book = replace(BOOK, deadlines=rules)
        if change.row != THE_FILE:
            yield from (answer(probe, book) for probe in probes(change))
            return
        yield from ladder(book)
        yield from late_paper(change, book)
        # A county without milestones has no order of them either.
        county = replace(rules, milestones=rules.milestones or BOOKS["431230-tongdao"].deadlines.milestones)
        yield from (answer(probe, replace(BOOK, deadlines=county)) for probe in probes(change))

    return notices(DeadlineRules, answers, told, change)


def screening_notices(told: ScreeningRules, change: Change) -> bool:
    def answers(rules: ScreeningRules) -> Iterator[object]:
        if change.row.partition("[")[0] in PROBES and change.row != THE_FILE:
            book = replace(BOOK, screening=rules)
            return (answer(probe, book) for probe in probes(change))
        return (screen(facts, rules) for facts in verdicts(change))

    return notices(ScreeningRules, answers, told, change)


def matching_notices(told: MatchingRules, change: Change) -> bool:
    return notices(MatchingRules, partial(matches, change), told, change)


def colours_notice(told: ColourRules, change: Change) -> bool:
    return notices(ColourRules, partial(colours, change), told, change)


FILES: dict[str, tuple[type[RuleFile], Callable[[Any, Change], bool]]] = {
    "screening.yaml": (ScreeningRules, screening_notices),
    "deadlines.yaml": (DeadlineRules, deadlines_notice),
    "matching.yaml": (MatchingRules, matching_notices),
    "colours.yaml": (ColourRules, colours_notice),
}


def searched(name: str, told: dict[str, Any], rows: Callable[[str], bool] = bool) -> Found:
    shape, notices = FILES[name]
    before = filled(told, shape)
    assert before is not None
    return search(shape, told, partial(notices, before), rows)


def test_every_rule_file_is_searched() -> None:
    assert set(FILES) == {path.name for path in RULES_DIR.iterdir()} - {PACKAGE} == set(SHAPES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("book", BOOKS)
def test_every_field_of_every_row_decides_something(
    name: str, book: str, record_property: Callable[[str, object], None]
) -> None:
    """Of a county's folder the sections that it changes are searched: the others are the package's."""
    told, package = content(name, book), content(name)
    own = {section for section, rows in told.items() if rows != package[section]} if book != "package" else set(told)
    found = searched(name, told, lambda row: row.partition("[")[0] in {THE_FILE, *own})
    record_property("rule_rows", dict(found.counts))  # for `make rules-proof`
    sections = sections_of(SHAPES[name])
    rows = (set(told) > set(sections)) + sum(len(told[section]) for section in sections if section in own)
    assert found.unnoticed == []
    assert found.counts == {"rows": rows, "changed": rows, "noticed": rows}


@pytest.mark.parametrize(
    ("name", "section"), [(name, section) for name, sections in DEAD_ROWS.items() for section in sections]
)
def test_a_dead_row_is_found(name: str, section: str) -> None:
    told = content(name, "431230-tongdao")
    # The last row of the others is the one that fits everything: the dead one stands before it.
    last = len(told[section]) - (section in {"grounds", "sign_off"})
    rows = list(told[section])
    rows[last:last] = [{**DEFAULTS[name, section], **row} for row in DEAD_ROWS[name][section]]
    told[section] = tuple(rows)
    place = f"{section}[{last}]"
    found = searched(name, told, place.__eq__)
    assert found.counts == {"rows": 1, "changed": 1, "noticed": 0}
    assert {f"{place} {THE_ROW}", f"{place} clause"} & set(found.unnoticed)


def test_every_section_has_a_dead_row_to_find() -> None:
    assert {name: set(sections_of(shape)) for name, shape in SHAPES.items()} == {
        name: set(sections) for name, sections in DEAD_ROWS.items()
    }


def test_a_field_that_nobody_reads_is_found() -> None:
    class Wider(DeadlineRules, frozen=True, kw_only=True):
        follow_up_clause: str

    def notices(change: Change) -> bool:
        read = {name: change.content[name] for name in DeadlineRules.__struct_fields__}
        return deadlines_notice(BOOK.deadlines, dataclasses.replace(change, content=read))

    wider = {**content("deadlines.yaml"), "follow_up_clause": "本县回访制度"}
    found = search(Wider, wider, notices, THE_FILE.__eq__)
    assert found.unnoticed == [f"{THE_FILE} follow_up_clause"]


def test_every_code_of_a_rule_can_be_told_by_an_agency() -> None:
    lists = [*ROOT.glob("bridge/record/codes/*.yaml"), *ROOT.glob("services/*_bridge/codes/*.yaml")]
    told = {code for path in lists for code in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["codes"]}
    rules = BOOK.screening
    read = rules.guardian_needed.union(*(row.values | row.unless for row in rules.exclusions))
    assert read
    assert read <= told
