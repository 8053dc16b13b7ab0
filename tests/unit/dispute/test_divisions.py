"""Towns and villages are known with their validity, and old codes become their successors."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dispute.codes.division_files import load
from dispute.codes.divisions import Divisions
from hub.errors import Rejected

MERGED = date(2025, 7, 1)
BEFORE, AFTER = date(2025, 6, 30), MERGED
HEAD = 'source: "县民政局"\nversion: "1"\nas_of: 2026-01-01\n'
OWN = (
    HEAD
    + """divisions:
  "620725204": {name: "李桥乡", valid_until: 2025-06-30}
  "620725107": {name: "李桥镇", valid_from: 2025-07-01}
  "620725107001": {name: "新街社区", valid_from: 2025-07-01}
  "620725107201": {name: "东沟村", valid_from: 2025-07-01}
  "620725108": {name: "筹建镇", valid_from: 2027-01-01}
  "110101": {name: "东城区"}
  "110101001": {name: "东华门街道"}
maps:
  - {from: "620725204", to: "620725107", valid_from: 2025-07-01}
  - {from: "620725204201", to: "620725107201", valid_from: 2025-07-01}
  - {from: "620725101999", to: "620725102201"}
  - {from: "620725999", to: "620725101", valid_until: 2025-06-30}
  - {from: "620725999", to: "620725102", valid_from: 2025-07-01}
"""
)


@pytest.fixture(scope="module")
def divisions(tmp_path_factory: pytest.TempPathFactory) -> Divisions:
    path = tmp_path_factory.mktemp("county") / "own.yaml"
    path.write_text(OWN, "utf-8")
    return load(path)


def refusal(divisions: Divisions, town: str, village: str = "", day: date = AFTER) -> tuple[str, str]:
    with pytest.raises(Rejected) as refused:
        divisions.place(town, village, day)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize(
    ("county", "name", "towns", "villages"),
    [
        ("620725", "山丹县", 10, 129),
        ("150822", "磴口县", 11, 104),
        ("431230", "通道侗族自治县", 13, 164),
        ("150624", "鄂托克旗", 7, 98),
    ],
)
def test_four_counties_are_known_to_the_village(county: str, name: str, towns: int, villages: int) -> None:
    own = load()
    known = own.division(county)
    assert known is not None
    assert known.name == name
    inside = [f"{county}{number:03d}" for number in range(1000)]
    found = [town for town in inside if own.division(town)]
    below = [f"{town}{number:03d}" for town in found for number in range(1000)]
    assert (len(found), sum(own.division(village) is not None for village in below)) == (towns, villages)


def test_an_unknown_town_or_village_is_refused_by_name() -> None:
    own = load()
    assert refusal(own, "620725888") == ("unknown_division", "town_code")
    assert refusal(own, "620725101", "620725101888") == ("unknown_division", "village_code")
    assert refusal(own, "", "620725101888") == ("unknown_division", "village_code")


def test_a_known_place_stays_as_it_is() -> None:
    assert load().place("620725101", "620725101001", AFTER) == ("620725101", "620725101001")
    assert load().place("620725101", "", AFTER) == ("620725101", "")
    assert load().place("", "620725101001", AFTER) == ("", "620725101001")
    assert load().place("", "", AFTER) == ("", "")


def test_another_county_is_not_checked(divisions: Divisions) -> None:
    assert divisions.place("620724999", "620724999999", AFTER) == ("620724999", "620724999999")


def test_a_county_with_towns_alone_is_checked_for_towns(divisions: Divisions) -> None:
    assert divisions.place("110101001", "110101001777", AFTER) == ("110101001", "110101001777")
    assert refusal(divisions, "110101777") == ("unknown_division", "town_code")


def test_a_code_of_the_record_s_day_is_accepted_after_its_end(divisions: Divisions) -> None:
    assert divisions.place("620725204", "620725204201", BEFORE) == ("620725204", "620725204201")


def test_a_code_of_today_is_accepted_for_an_older_record(divisions: Divisions) -> None:
    assert divisions.place("620725107", "", BEFORE) == ("620725107", "")


def test_a_code_that_is_only_announced_is_refused(divisions: Divisions) -> None:
    assert refusal(divisions, "620725108", day=AFTER) == ("unknown_division", "town_code")
    assert divisions.place("620725108", "", date(2027, 1, 1)) == ("620725108", "")


def test_a_mapped_code_becomes_its_successor(divisions: Divisions) -> None:
    assert divisions.place("620725204", "", AFTER) == ("620725107", "")
    assert divisions.place("620725204", "620725204201", AFTER) == ("620725107", "620725107201")


def test_a_mapping_counts_within_its_days(divisions: Divisions) -> None:
    assert divisions.place("620725999", "", BEFORE) == ("620725101", "")
    assert divisions.place("620725999", "", AFTER) == ("620725102", "")


def test_a_village_that_moved_decides_about_the_town(divisions: Divisions) -> None:
    assert divisions.place("620725101", "620725101999", AFTER) == ("620725102", "620725102201")
    assert divisions.place("", "620725101999", AFTER) == ("620725102", "620725102201")


def test_a_village_that_its_town_left_behind_is_refused(divisions: Divisions) -> None:
    assert refusal(divisions, "620725204", "620725204202") == ("unknown_division", "village_code")


@pytest.mark.parametrize(
    ("town", "village"), [("62072510", ""), ("620725101", "6207251010"), ("620725101", "620725102201")]
)
def test_what_does_not_nest_is_left_to_the_register_s_rule(divisions: Divisions, town: str, village: str) -> None:
    assert divisions.place(town, village, AFTER) == (town, village)


def test_the_county_s_file_has_an_age_of_its_own(divisions: Divisions) -> None:
    assert divisions.as_of == {"divisions": date(2023, 6, 30), "divisions_file": date(2026, 1, 1)}


ROW = '"620725107": {name: "李桥镇"}'
DIVISIONS = HEAD + f"divisions:\n  {ROW}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "own.yaml"),
        ("divisions: [", "own.yaml"),
        (DIVISIONS.replace("source:", "sauce:"), "sauce"),
        (DIVISIONS.replace('"620725107"', '"62072510"'), "62072510"),
        (DIVISIONS.replace('"李桥镇"', '""'), "name"),
        (DIVISIONS.replace('"620725107"', '"110101001"'), "110101, which it lies in, is not listed"),
        (DIVISIONS.replace("}", ", valid_from: 2025-01-02, valid_until: 2025-01-01}"), "before valid_from"),
        (DIVISIONS + 'maps:\n  - {from: "620725204", to: "620725777"}\n', "is not valid now"),
        (DIVISIONS + 'maps:\n  - {from: "620725204", to: "620725101201"}\n', "a town stands for a town"),
        (DIVISIONS + 'maps:\n  - {from: "620725", to: "150822"}\n', "a town stands for a town"),
        (DIVISIONS + 'maps:\n  - {from: "620725204", to: "150822100"}\n', "both lie in one county"),
        (
            DIVISIONS + 'maps:\n  - {from: "620725204", to: "620725203"}\n  - {from: "620725203", to: "620725101"}\n',
            "is replaced itself",
        ),
        (
            DIVISIONS + 'maps:\n  - {from: "620725204", to: "620725107"}\n  - {from: "620725204", to: "620725101"}\n',
            "mapped twice on one day",
        ),
        (
            DIVISIONS
            + 'maps:\n  - {from: "620725204", to: "620725107", valid_from: 2025-01-02, valid_until: 2025-01-01}\n',
            "before valid_from",
        ),
    ],
)
def test_a_faulty_file_is_refused_whole(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(Rejected, match="bad_code_list") as refused:
        load(path)
    assert said in refused.value.detail


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="bad_code_list"):
        load(tmp_path / "own.yaml")
