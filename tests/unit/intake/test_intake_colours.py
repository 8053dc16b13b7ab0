"""The warning colour of a new case: violence, groups, repeated reports; and the file of its rules."""

from __future__ import annotations

from typing import Any

import pytest
from services.intake.law.colour_rules import colours_of, load_colours

from dispute.lifecycle import ChangeColour, Channel, Colour
from hub.errors import Fault
from services.intake.law.candidates import Candidate
from services.intake.law.colours import coloured
from services.intake.law.handoff import Arrival
from services.intake.law.matching import Match, MatchVerdict
from tests.support.intake import arrival, incident, petition, sides, suit

RULES = load_colours()
ROLES = ("applicant", "respondent")


def report(channel: Channel = Channel.HOTLINE) -> Candidate:
    return Candidate("a", "a", channel, f"{channel}-620725", Match(60, ("same_parties+50",), MatchVerdict.LIKELY))


def colour(case: Arrival, *reports: Candidate) -> ChangeColour | None:
    return next(iter(coloured(case, reports, RULES)), None)


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
    assert found.colour is Colour.RED


def test_the_second_report_is_yellow_and_the_third_red() -> None:
    assert colour(call(), report()) == ChangeColour(Colour.YELLOW, "repeated_reports")
    assert colour(call(), report(), report(Channel.PETITION)) == ChangeColour(Colour.RED, "repeated_reports")


def test_suits_are_no_reports() -> None:
    assert colour(call(), report(Channel.COURT), report(Channel.COURT)) is None
    case = arrival(sides(["p"], ["q"], ("plaintiff", "defendant")), suit())
    assert colour(case, report(), report()) is None


def test_a_group_is_blue_and_a_large_one_yellow() -> None:
    assert colour(call(people=5)) == ChangeColour(Colour.BLUE, "group")
    case = arrival(sides(["p"], ["q"], ("petitioner", "respondent")), petition(), persons=30)
    assert colour(case) == ChangeColour(Colour.YELLOW, "group")


def test_the_highest_colour_counts() -> None:
    assert colour(call("weapon", persons=60), report()) == ChangeColour(Colour.RED, "weapon")


ROW = {
    "id": "group",
    "zh": "集体",
    "en": "a group",
    "clause": "local",
    "colour": "blue",
    "reason_code": "group",
    "persons_at_least": 5,
}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW, ROW], "two rows have one id"),
        ([ROW | {"persons_at_least": 0}], "row group needs one condition"),
        ([ROW | {"reports_at_least": 2}], "row group needs one condition"),
        ([ROW | {"colour": "pink"}], "rows.0.colour"),
        ([ROW | {"channels": ["door"]}], "rows.0.channels"),
        ([ROW | {"unknown": 1}], "rows.0.unknown"),
    ],
)
def test_a_faulty_file_is_refused_whole(rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(Fault, match=said):
        colours_of({"version": "colours-x", "rows": rows}, "colours.yaml")


def test_every_row_says_that_its_threshold_is_local() -> None:
    assert all("to be confirmed" in row.clause for row in RULES.rows)
