"""Rule files are taken all together or not at all, and every error is named with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from hub.errors import Fault
from services.intake.law.rule_files import RULES_DIR, SHAPES, County, load_rules, read_folder, rules_of
from services.intake.law.rule_rows import sections_of
from services.intake.law.rule_text import Problem
from tests.support.county_rules import CALENDAR, WEEKS, book_of, problems_of, write
from tests.support.intake import BOOK, RULES, TONGDAO
from tests.support.tree import ROOT

ROW = """
  - id: mine
    zh: 本县的行
    en: a row of the county
    reason_code: suggestion
    fact: purpose
    values: [claim]
    clause: "a test"
"""
EXCLUSION = f"exclusions:{ROW}"


def test_the_package_has_a_version_and_every_section_has_rows() -> None:
    assert BOOK.version == "rules-2026.2"
    assert [rule.id for rule in RULES.regimes] == ["pre_filing", "after_registration"]
    assert BOOK.deadlines.terms


@pytest.mark.parametrize("folder", sorted((ROOT / "deploy/rules").glob("*/")), ids=lambda folder: folder.name)
def test_every_example_of_a_county_loads(folder: Path) -> None:
    loaded = load_rules(CALENDAR, folder)
    assert isinstance(loaded.county, County)
    assert loaded.book.version == f"{BOOK.version}+{loaded.county.version}"
    assert folder.name.partition("-")[0] in loaded.county.county
    assert loaded.book != BOOK


def test_the_version_of_the_whole_fits_into_an_event(tmp_path: Path) -> None:
    assert len(book_of(write(tmp_path, "x" * 40)).version) <= 64
    assert problems_of(write(tmp_path, "x" * 41)) == ["county.yaml:1 version"]


FAULTS = {
    # what stands in the file, line and field of the error, and a word of its text
    "a code that is none": (("reason_code: suggestion", "reason_code: Bad Code"), 5, "reason_code", "不在列表中"),
    "an unknown reason": (("reason_code: suggestion", "reason_code: unheard_of"), 5, "reason_code", "docs/codes.md"),
    "an unknown fact": (("fact: purpose", "fact: divert"), 6, "fact", "allowed: circumstances"),
    "no values": (("values: [claim]", "values: []"), 7, "values", "长度 >= 1"),
    "one value": (("values: [claim]", "values: claim"), 7, "values", "应为列表"),
    "a number among them": (("values: [claim]", "values: [claim, 15]"), 7, "values", "数字须加引号"),
    "an unknown channel": (
        ('clause: "a test"', 'clause: "a"\n    channels: [courts]'),
        9,
        "channels",
        "nearest: court",
    ),
    "a misspelt field": (("clause: ", "clauses: "), 8, "clauses", "known: clause"),
    "an empty clause": (('"a test"', '""'), 8, "clause", "空的"),
    "a long clause": (('"a test"', f'"{"x" * 121}"'), 8, "clause", "<= 120"),
    "a day that does not exist": (('"a test"', '"a"\n    valid_until: 2024-12-32'), 9, "", "无法读取"),
    "an end before the start": (
        ('"a test"', '"a"\n    valid_from: 2025-01-02\n    valid_until: 2025-01-01'),
        10,
        "valid_until",
        "早于",
    ),
    "no Chinese": (("    zh: 本县的行\n", ""), 2, "zh", "缺少"),
    "no clause": (('    clause: "a test"\n', ""), 2, "clause", "缺少"),
    "a bad id": (("id: mine", "id: Mine 1"), 2, "id", "写法不对"),
    "a field twice": (('clause: "a test"', 'clause: "a test"\n    clause: "b"'), 9, "clause", "重复"),
    "an alias": (("[claim]", "&x [claim]\n    unless: *x"), 8, "", "别名"),
    "a type of Python": (("[claim]", "[!!binary aGk=]"), 7, "", "不支持的值类型"),
    "no YAML": (("[claim]", "[claim"), 8, "", "YAML"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_is_named_with_its_line(tmp_path: Path, fault: str) -> None:
    (old, new), line, field, words = FAULTS[fault]
    assert old in EXCLUSION
    folder = write(tmp_path, screening=EXCLUSION.replace(old, new))
    found = rules_of(read_folder(folder), CALENDAR)
    assert isinstance(found, tuple)
    (problem,) = found
    assert (problem.file, problem.line) == ("screening.yaml", line)
    assert problem.field.endswith(field)
    assert words in problem.text()
    assert re.search(r"[\u4e00-\u9fff].* / .*[a-z]", problem.text())


def test_the_field_is_named_by_the_id_of_its_row(tmp_path: Path) -> None:
    folder = write(tmp_path, screening=EXCLUSION.replace("fact: purpose", "fact: divert"))
    assert problems_of(folder) == ["screening.yaml:6 exclusions[mine].fact"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("days: 14", "days: 0"), ("days: 14", "days: 401"), ("days: 14", "days: 14.0"), ("count: calendar", "count: moon"),
     ("kind: mediation", "kind: extension"), ("channel: window", "channel: windows"), ("days: 14", "days: true")],
)  # fmt: skip
def test_a_faulty_limit_is_refused(tmp_path: Path, old: str, new: str) -> None:
    (place,) = problems_of(write(tmp_path, deadlines=WEEKS.replace(old, new)))
    assert place.endswith(f"terms[window_weeks].{old.partition(':')[0]}")


def test_the_errors_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    screening = EXCLUSION.replace("fact: purpose", "fact: divert").replace("suggestion", "unheard_of")
    folder = write(tmp_path, "?", screening=screening, deadlines=WEEKS.replace("14", "0"), surprise="a: 1")
    assert problems_of(folder) == [
        "county.yaml:1",
        "deadlines.yaml:7 terms[window_weeks].days",
        "screening.yaml:5 exclusions[mine].reason_code",
        "screening.yaml:6 exclusions[mine].fact",
        "surprise.yaml:0",
    ]
    with pytest.raises(Fault, match=r"(?s)rules_invalid: .*deadlines\.yaml:7: .*surprise\.yaml"):
        load_rules(CALENDAR, folder)


@pytest.mark.parametrize(
    ("file", "section", "row"),
    [
        ("deadlines", "sign_off", "any_channel"),
        ("deadlines", "terms", "any_channel"),
        ("deadlines", "terms", "any_screening"),
        ("screening", "grounds", "any_channel"),
    ],
)
def test_the_row_that_fits_everything_is_needed(tmp_path: Path, file: str, section: str, row: str) -> None:
    folder = write(tmp_path, **{file: f"without:\n  {section}: [{row}]\n"})
    assert problems_of(folder) == [f"{file}.yaml:2 {section}"]


def test_a_leader_takes_a_matter_later_than_it_is_supervised(tmp_path: Path) -> None:
    assert problems_of(write(tmp_path, deadlines="escalated_days: 3\n")) == ["deadlines.yaml:1 escalated_days"]


def test_what_the_county_changed_is_at_fault_where_two_values_do_not_go_together(tmp_path: Path) -> None:
    later = BOOK.deadlines.escalated_days
    assert problems_of(write(tmp_path, deadlines=f"supervised_days: {later}\n")) == ["deadlines.yaml:1 supervised_days"]


@pytest.mark.parametrize("head", ["version: a-1", "version: a-1\ncounty: [620725]\nbasis: x", "- a"])
def test_the_head_of_the_folder_is_checked(tmp_path: Path, head: str) -> None:
    write(tmp_path)
    (tmp_path / "county.yaml").write_text(head, encoding="utf-8")
    assert all(place.startswith("county.yaml:") for place in problems_of(tmp_path))


def test_a_folder_without_its_head_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == ["county.yaml:0"]
    assert problems_of(tmp_path / "nowhere") == ["nowhere:0"]


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / "deadlines.yaml").write_bytes(b"\xff\xfe")
    assert problems_of(tmp_path) == ["deadlines.yaml:0"]


def test_an_empty_file_and_one_without_end_are_named(tmp_path: Path) -> None:
    assert problems_of(write(tmp_path, screening="# nothing\n", deadlines="[" * 5000 + "]" * 5000)) == [
        "deadlines.yaml:0",
        "screening.yaml:1",
    ]


def test_an_error_without_a_line_names_the_file_alone() -> None:
    assert Problem("a.yaml", 0, "", "缺", "gone").text() == "a.yaml: 缺 / gone"


def test_every_row_of_the_package_says_what_it_means_and_why() -> None:
    for name, shape in SHAPES.items():
        content = yaml.safe_load((RULES_DIR / name).read_text(encoding="utf-8"))
        for section in sections_of(shape):
            rows = content[section]
            assert all(re.search(r"[\u4e00-\u9fff]", row["zh"]) for row in rows), section
            assert section == "regimes" or all(row["clause"].strip() for row in rows), section


def test_the_example_of_tongdao_adds_its_own_limits_alone() -> None:
    book = load_rules(CALENDAR, TONGDAO).book
    assert (book.screening, book.matching, book.colours) == (BOOK.screening, BOOK.matching, BOOK.colours)
    local, *terms = book.deadlines.terms
    assert (local.id, tuple(terms)) == ("petition_local", BOOK.deadlines.terms)
    days = {row.milestone.value: row.days for row in book.deadlines.milestones}
    assert days == {"met": 3, "investigated": 5, "fed_back": 7, "concluded": 30}
    same = replace(book.deadlines, terms=BOOK.deadlines.terms, milestones=BOOK.deadlines.milestones)
    assert same == BOOK.deadlines
