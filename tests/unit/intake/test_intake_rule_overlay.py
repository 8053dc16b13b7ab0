"""A county's rules stand over the package's, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.law.rule_changes import changes, report
from tests.support.county_rules import WEEKS, book_of, problems_of, write
from tests.support.intake import BOOK, LIMITS

IDS = [term.id for term in LIMITS.terms]


def test_a_value_replaces_the_packages_value(tmp_path: Path) -> None:
    limits = book_of(write(tmp_path, deadlines="reminder_percent: 50")).deadlines
    assert (limits.reminder_percent, limits.follow_up_days) == (50, LIMITS.follow_up_days)
    assert limits.terms == LIMITS.terms


def test_a_row_of_the_package_is_replaced_in_its_place(tmp_path: Path) -> None:
    terms = book_of(write(tmp_path, deadlines=WEEKS.replace("window_weeks", "police"))).deadlines.terms
    assert [term.id for term in terms] == IDS
    police = next(term for term in terms if term.id == "police")
    assert (police.channel, police.days) == ("window", 14)


def test_new_rows_stand_first_in_their_order(tmp_path: Path) -> None:
    both = WEEKS + WEEKS.replace("terms:\n", "").replace("window_weeks", "hotline_weeks")
    terms = book_of(write(tmp_path, deadlines=both)).deadlines.terms
    assert [term.id for term in terms] == ["window_weeks", "hotline_weeks", *IDS]


def test_rows_of_the_package_are_taken_away(tmp_path: Path) -> None:
    text = "without: {terms: [police, petition], extensions: [petition]}"
    limits = book_of(write(tmp_path, deadlines=text)).deadlines
    assert [term.id for term in limits.terms] == [name for name in IDS if name not in {"police", "petition"}]
    assert len(limits.extensions) == len(LIMITS.extensions) - 1


def test_a_row_may_be_taken_away_and_another_stand_for_it(tmp_path: Path) -> None:
    terms = book_of(write(tmp_path, deadlines=WEEKS + "without: {terms: [police]}\n")).deadlines.terms
    assert [term.id for term in terms][:2] == ["window_weeks", IDS[0]]
    assert "police" not in {term.id for term in terms}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("without: {terms: [nobody]}", "deadlines.yaml:1 without.terms"),
        ("without:\n  terms:\n    - police\n    - police", "deadlines.yaml:4 without.terms"),
        ("without: {limits: [police]}", "deadlines.yaml:1 without.limits"),
        ("without: {terms: police}", "deadlines.yaml:1 without.terms"),
        ("without: [police]", "deadlines.yaml:1 without"),
        (WEEKS.replace("window_weeks", "police") + "without: {terms: [police]}", "deadlines.yaml:10 without.terms"),
        (WEEKS + "without: {terms: [window_weeks]}", "deadlines.yaml:10 without.terms"),
        (WEEKS + WEEKS.replace("terms:\n", ""), "deadlines.yaml:10 terms[window_weeks]"),
        ("terms: 3", "deadlines.yaml:1 terms"),
        ("terms: [3]", "deadlines.yaml:1 terms[1]"),
        ("[3]", "deadlines.yaml:1"),
    ],
)
def test_what_cannot_be_laid_over_is_named(tmp_path: Path, text: str, place: str) -> None:
    assert problems_of(write(tmp_path, deadlines=text)) == [place]


def test_the_differences_are_told_by_row(tmp_path: Path) -> None:
    text = WEEKS + WEEKS.replace("terms:\n", "").replace("window_weeks", "police").replace(
        "channel: window", "channel: police"
    )
    text += "reminder_percent: 50\nwithout: {terms: [petition]}\n"
    found = [
        (change.section, change.id, change.kind, change.before.get("days"), change.after.get("days"))
        for change in changes(BOOK, book_of(write(tmp_path, deadlines=text)))
    ]
    assert found == [
        ("reminder_percent", "", "value", None, None),
        ("terms", "window_weeks", "added", None, 14),
        ("terms", "police", "replaced", 30, 14),
        ("terms", "petition", "taken_away", 60, None),
    ]


def test_a_replaced_row_shows_only_what_differs(tmp_path: Path) -> None:
    row = next(term for term in LIMITS.terms if term.id == "police")
    text = f'terms: [{{id: police, zh: {row.zh}, en: "{row.en}", kind: mediation, channel: police, days: 20, '
    text += f'count: calendar, clause: "{row.clause}"}}]'
    (change,) = report(write(tmp_path, deadlines=text)).changes
    assert (change.before, change.after) == ({"days": 30}, {"days": 20})


def test_errors_are_reported_instead_of_changes(tmp_path: Path) -> None:
    found = report(write(tmp_path, deadlines="terms: 3"))
    assert (found.version, found.county, found.changes, len(found.problems)) == ("", None, (), 1)
