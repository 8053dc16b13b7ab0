"""Pairs of records and new cases whose comparison or colour rests on a rule, made from the rule itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from msgspec.structs import replace

from dispute.lifecycle import ChangeColour, Channel
from services.intake.law.candidates import Candidate
from services.intake.law.colours import ColourRules, coloured
from services.intake.law.facts import Facts
from services.intake.law.handoff import Arrival
from services.intake.law.marks import Marks
from services.intake.law.matching import Match, MatchingRules, MatchVerdict, compare
from tests.support.intake import arrival, incident, marks, sides
from tests.support.rule_rows import THE_FILE, Change

DAY = date(2024, 2, 20)
RECEIVED = date(2024, 3, 4)
PLACES: Sequence[dict[str, Any]] = (
    {"town": "620725102", "village": "", "case_cause": ""},
    {"town": "620725101", "village": "", "case_cause": ""},
    {"town": "620725101", "village": "620725101001", "case_cause": ""},
    {"town": "620725101", "village": "620725101001", "case_cause": "9152"},
)
FULL: dict[str, Any] = {"subject_ref": "JK-1", "happened_on": DAY, "amount_fen": 1000, "category": "08", **PLACES[3]}
"""Of one record all is known."""


class Pair(NamedTuple):
    """Two records that are compared."""

    one: Marks
    other: Marks


def matches(change: Change, rules: MatchingRules) -> Iterator[Match]:
    """Return how records compare that touch what a change touches, before it or after it."""
    yield from (compare(*pair, rules) for pair in pairs())
    if change.row == THE_FILE:
        yield from (
            compare(*pair, rules) for name in BOUNDS for value in change.values(name) for pair in at(name, value)
        )


@cache
def pairs() -> tuple[Pair, ...]:
    """Return pairs for all that may be the same, near or another, together."""
    found = []
    for (one, other), subject, day, amount, category, place in product(
        (("a", "a"), ("a b", "a"), ("a b c d e f", "a")),
        ("JK-1", "JK-2", ""),
        (DAY, DAY + timedelta(1), DAY + timedelta(90), None),
        (1000, 10, 0),
        ("08", "05", ""),
        PLACES,
    ):
        its: dict[str, Any] = {"subject_ref": subject, "happened_on": day, "amount_fen": amount, "category": category}
        found.append(Pair(record(one), record(other, **its, **place)))
    late = RECEIVED + timedelta(5000)
    found += [Pair(record("a"), record("a", received_on=late, subject_ref=ref)) for ref in ("", "JK-1")]
    found += [Pair(marks([*"a", ""], ["z"], **FULL), record("a"))]
    return tuple(found)


@cache
def record(people: str, **changes: Any) -> Marks:  # noqa: ANN401 - any field of Facts or Arrival
    """Return a record of some people against one."""
    return marks(people.split(), ["z"], **{"received_on": RECEIVED, **FULL, **changes})


BOUNDS = {"window_days", "near_days", "other_days", "amount_percent", "group_from"}
"""Values whose border lies between records: sums reach `sure` and `likely` by themselves."""


def at(name: str, value: int) -> Iterator[Pair]:
    """Return the pairs at the border that a value draws, one to each side of it and on it."""
    plain = record("a")
    for near in (value - 1, value, value + 1):
        match name:
            case "window_days":
                late = RECEIVED + timedelta(near)
                yield Pair(replace(plain, subject=""), record("a", received_on=late, subject_ref=""))
            case "amount_percent":
                yield Pair(plain, record("a", amount_fen=1000 - near * 10))
            case "group_from":
                yield Pair(record("a"), record(" ".join(chr(ord("a") + number) for number in range(near))))
            case _:
                yield Pair(plain, record("a", happened_on=DAY + timedelta(near)))


# colours
def colours(change: Change, rules: ColourRules) -> Iterator[tuple[ChangeColour, ...]]:
    """Return the colours of cases that touch what a change touches, before it or after it."""
    persons = {0, *(value + off for value in change.values("persons_at_least") for off in (-1, 0) if value + off > 0)}
    earlier = {0, *(value + off for value in change.values("reports_at_least") for off in (-2, -1) if value + off > 0)}
    for channel in Channel:
        told = replace(incident(), channel=str(channel))
        for circumstances in (frozenset[str](), *(frozenset({each}) for each in change.values("circumstances"))):
            case = replace(told, circumstances=circumstances)
            for many, reports in product(sorted(persons), sorted(earlier)):
                # Another channel's reports count where its own do.
                for through in (Channel.HOTLINE, channel):
                    yield coloured(new_case(case, many), [report(through)] * reports, rules)


def new_case(facts: Facts, persons: int) -> Arrival:
    """Return a new case of so many people as its source counted."""
    return arrival(sides(["p"], ["q"], ("applicant", "respondent")), facts, persons=persons)


def report(channel: Channel) -> Candidate:
    """Return an earlier report of the same people."""
    return Candidate("a", "a", channel, f"{channel}-620725", Match(60, ("same_parties+50",), MatchVerdict.LIKELY))
