"""No rule is without a table: together the families stand for every row and every clause of the rule files."""

from __future__ import annotations

from msgspec.structs import fields

from services.intake.law.rule_files import SHAPES
from services.intake.law.rule_rows import sections_of
from tests.support.families import COUNTY_ROWS, FAMILIES
from tests.support.intake import BOOK, TONGDAO_BOOK, suit
from tests.support.law import Row, Said, changed_rules

LATE_PAPER = {"deadlines paper_days", "deadlines paper_after_hours", "deadlines paper_wait_hours"}
"""Values of what happens to paper that comes late: they decide nothing of a case that is written down in time."""


def rules() -> set[str]:
    """Return the name of every value and row of the law, of the package and of the example of a county.

    Matching and colours are no law; they have tests of their own.
    """
    found: set[str] = set()
    for name in ("screening.yaml", "deadlines.yaml"):
        shape = SHAPES[name]
        file, sections = name.removesuffix(".yaml"), sections_of(shape)
        for book in (BOOK, TONGDAO_BOOK):
            content = getattr(book, file)
            found |= {f"{file}.{part} {row.id}" for part in sections for row in getattr(content, part)}
        found |= {f"{file} {field.name}" for field in fields(shape) if field.name not in sections}
    return found


def test_every_rule_stands_in_the_table_of_a_family() -> None:
    named = [f"{part} {name}" for parts in FAMILIES.values() for part, names in parts.items() for name in names]
    assert sorted(named) == sorted(rules() - LATE_PAPER)


def test_the_rows_of_the_county_are_not_the_packages() -> None:
    package = {row.id for part in (BOOK.deadlines.terms, BOOK.deadlines.milestones) for row in part}
    county = {row.id for part in (TONGDAO_BOOK.deadlines.terms, TONGDAO_BOOK.deadlines.milestones) for row in part}
    assert county - package == COUNTY_ROWS


def test_a_table_without_a_row_for_a_rule_does_not_notice_its_mistakes() -> None:
    row = Row(name="a suit", facts=suit(), says=Said("accepted", clause="特邀调解规定 11; 001-19"))
    assert [changed.red_rows([row]) for changed in changed_rules("labour")] == [[], [], []]
    assert [changed.name for changed in changed_rules("labour")] == [
        "terms labour: days + 1",
        "terms labour: count",
        "terms labour: clause",
    ]
    (ground, *_) = changed_rules("court_before_filing")
    assert ground.red_rows([row]) == ["a suit"]
