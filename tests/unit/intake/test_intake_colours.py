"""The warning colour of a new case: violence, groups, repeated reports; and the file of its rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispute.lifecycle import ChangeColour, Channel, Colour
from services.intake.law.candidates import Candidate
from services.intake.law.colours import coloured
from services.intake.law.handoff import Arrival
from services.intake.law.matching import Match, MatchVerdict
from tests.support.county_rules import book_of, problems_of, write
from tests.support.intake import BOOK, arrival, incident, petition, sides, suit

RULES = BOOK.colours
ROLES = ("applicant", "respondent")


def report(channel: Channel = Channel.HOTLINE) -> Candidate:
    return Candidate("a", "a", channel, f"{channel}-620725", Match(60, ("same_parties+50",), MatchVerdict.LIKELY))


def colour(case: Arrival, *reports: Candidate) -> tuple[Colour, str] | None:
    """Return the colour of a new case and its reason."""
    found = coloured(case, reports, RULES)
    return next(((order.colour, order.reason_code) for order in found), None)


def call(*circumstances: str, people: int = 1, persons: int = 0) -> Arrival:
    claiming = [f"p-{n}" for n in range(people)]
    facts = incident(circumstances=frozenset(circumstances))
    return arrival(sides(claiming, ["q"], ROLES), facts, persons=persons)


def test_an_ordinary_case_has_no_colour() -> None:
    assert colour(call()) is None
    assert colour(call("not_a_violation", people=4)) is None


@pytest.mark.parametrize("circumstance", ["violence_threat", "weapon", "hired_attack", "serious_injury"])
def test_danger_is_red(circumstance: str) -> None:
    found = colour(call(circumstance))
    assert found is not None
    assert found[0] is Colour.RED


def test_the_second_report_is_yellow_and_the_third_red() -> None:
    assert colour(call(), report()) == (Colour.YELLOW, "repeated_reports")
    assert colour(call(), report(), report(Channel.PETITION)) == (Colour.RED, "repeated_reports")


def test_suits_are_no_reports() -> None:
    assert colour(call(), report(Channel.COURT), report(Channel.COURT)) is None
    case = arrival(sides(["p"], ["q"], ("plaintiff", "defendant")), suit())
    assert colour(case, report(), report()) is None


def test_a_group_is_blue_and_a_large_one_yellow() -> None:
    assert colour(call(people=5)) == (Colour.BLUE, "group")
    case = arrival(sides(["p"], ["q"], ("petitioner", "respondent")), petition(), persons=30)
    assert colour(case) == (Colour.YELLOW, "group")


def test_the_highest_colour_counts() -> None:
    assert colour(call("weapon", persons=60), report()) == (Colour.RED, "weapon")


def test_the_clause_of_the_rule_comes_with_the_colour() -> None:
    clause = "人民调解法 25；县级四色预警标准（待确认） [local, to be confirmed]"
    assert coloured(call("weapon"), (), RULES) == (ChangeColour(Colour.RED, "weapon", clause),)


ROW = """rows:
  - id: mine
    zh: 集体
    en: a group
    clause: local
    colour: blue
    reason_code: group
    persons_at_least: 4
"""


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ("persons_at_least: 4", "persons_at_least: 0", ["colours.yaml:1 rows"]),
        ("persons_at_least: 4", "persons_at_least: 4\n    reports_at_least: 2", ["colours.yaml:1 rows"]),
        ("persons_at_least: 4", "persons_at_least: 4\n    circumstances: [weapon]", ["colours.yaml:1 rows"]),
        ("persons_at_least: 4", "persons_at_least: -1", ["colours.yaml:8 rows[mine].persons_at_least"]),
        ("colour: blue", "colour: pink", ["colours.yaml:6 rows[mine].colour"]),
        ("colour: blue", 'colour: ""', ["colours.yaml:6 rows[mine].colour"]),
        ("reason_code: group", "reason_code: A Group", ["colours.yaml:7 rows[mine].reason_code"]),
        ("persons_at_least: 4", "persons_at_least: 4\n    channels: [door]", ["colours.yaml:9 rows[mine].channels"]),
        ("persons_at_least: 4", "persons_at_least: 4\n    unknown: 1", ["colours.yaml:9 rows[mine].unknown"]),
        ("    clause: local\n", "", ["colours.yaml:2 rows[mine].clause"]),
        ("rows:\n", "rows:\n" + ROW.removeprefix("rows:\n"), ["colours.yaml:9 rows[mine]"]),
    ],
)
def test_a_faulty_file_is_refused_whole(tmp_path: Path, old: str, new: str, places: list[str]) -> None:
    assert old in ROW
    assert problems_of(write(tmp_path, colours=ROW.replace(old, new))) == places


def test_a_county_has_thresholds_of_its_own(tmp_path: Path) -> None:
    rules = book_of(write(tmp_path, colours=f"without:\n  rows: [group]\n{ROW}")).colours
    assert [order.clause for people in (3, 4) for order in coloured(call(people=people), (), rules)] == ["local"]


def test_every_row_says_that_its_threshold_is_local() -> None:
    assert all("to be confirmed" in row.clause for row in RULES.rows)
