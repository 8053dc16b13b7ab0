"""Printed case codes survive typing, and no wrong or swapped digit passes."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispute.case_code import CaseCode, case_code, parse_case_code
from hub.errors import Rejected

PRINTED = case_code("620725", 2024, 123)
SAMPLES = (
    CaseCode("620725", 2024, 123),
    CaseCode("150822", 1999, 999_999),
    CaseCode("431230", 2199, 1_000_000),
    CaseCode("150624", 2025, 1),
)
CODES = st.builds(CaseCode, st.integers(100_000, 999_999).map(str), st.integers(1990, 2199), st.integers(1, 10**12 - 1))


def places_of_digits(text: str) -> list[int]:
    return [place for place, char in enumerate(text) if char.isdigit()]


def is_noticed(text: str) -> bool:
    try:
        parse_case_code(text)
    except Rejected as refused:
        return refused.field == "case_code"
    return False


def refusal(text: str) -> Rejected:
    with pytest.raises(Rejected) as refused:
        parse_case_code(text)
    return refused.value


def test_the_code_is_printed_in_four_parts() -> None:
    assert PRINTED == "620725-2024-000123-70"
    assert int(PRINTED.replace("-", "")) % 97 == 1
    assert case_code("620725", 2024, 1_234_567).startswith("620725-2024-1234567-")


@given(CODES)
def test_what_is_printed_is_read_again(code: CaseCode) -> None:
    assert parse_case_code(str(code)) == code


@pytest.mark.parametrize(
    "typed",
    [
        PRINTED.replace("-", ""),
        PRINTED.replace("-", " "),
        f" {PRINTED}\n",
        PRINTED.replace("-", "－"),
        PRINTED.replace("-", "—"),
        PRINTED.replace("-", "\u3000"),
        PRINTED.translate({ord("0") + digit: ord("０") + digit for digit in range(10)}),
        "6207 2520 2400 0123 70",
    ],
)
def test_what_people_type_is_read(typed: str) -> None:
    assert parse_case_code(typed) == CaseCode("620725", 2024, 123)


@pytest.mark.parametrize("code", SAMPLES, ids=str)
def test_every_wrong_digit_is_noticed(code: CaseCode) -> None:
    printed = str(code)
    wrong = [
        printed[:place] + digit + printed[place + 1 :]
        for place in places_of_digits(printed)
        for digit in "0123456789"
        if digit != printed[place]
    ]
    assert len(wrong) == 9 * len(places_of_digits(printed))
    assert [text for text in wrong if not is_noticed(text)] == []


@pytest.mark.parametrize("code", SAMPLES, ids=str)
def test_every_swap_of_two_digits_is_noticed(code: CaseCode) -> None:
    printed = str(code)
    swapped = []
    for one, other in combinations(places_of_digits(printed), 2):
        if printed[one] != printed[other]:
            chars = list(printed)
            chars[one], chars[other] = chars[other], chars[one]
            swapped.append("".join(chars))
    assert len(swapped) > 50
    assert [text for text in swapped if not is_noticed(text)] == []


@given(CODES, st.data())
def test_no_code_lets_a_wrong_digit_pass(code: CaseCode, data: st.DataObject) -> None:
    printed = str(code)
    place = data.draw(st.sampled_from(places_of_digits(printed)))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != printed[place]]))
    assert is_noticed(printed[:place] + digit + printed[place + 1 :])


@given(st.text() | st.text("0123456789０１-－ ", max_size=30))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        read: object = str(parse_case_code(text))
    except Rejected as refused:
        read = refused
    assert is_noticed(text) if isinstance(read, Rejected) else str(parse_case_code(str(read))) == read


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("", "digits and hyphens only"),
        ("620725-2024-00O123-07", "digits and hyphens only"),
        ("620725-2024-000123-0²", "digits and hyphens only"),
        ("٦20725-2024-000123-70", "digits and hyphens only"),
        ("620725-2024-00123-07", "a digit is missing or too many"),
        ("620725-2024-0000123-07", "a digit is missing or too many"),
        (f"620725-2024-{'1' * 13}-07", "a digit is missing or too many"),
        ("020725-2024-000123-70", "county"),
        ("620725-1989-000123-70", "year"),
        ("620725-2024-000000-07", "running number"),
    ],
)
def test_a_malformed_code_is_told_which_part(typed: str, part: str) -> None:
    refused = refusal(typed)
    assert (refused.code, refused.detail.endswith(part)) == ("case_code_malformed", True)


def test_wrong_check_digits_are_their_own_refusal() -> None:
    assert refusal("620725-2024-000123-71").code == "case_code_check"


@pytest.mark.parametrize(
    ("county", "year", "number"), [("62072", 2024, 1), ("６20725", 2024, 1), ("620725", 24, 1), ("620725", 2024, 0)]
)
def test_no_code_is_made_of_wrong_parts(county: str, year: int, number: int) -> None:
    with pytest.raises(Rejected, match="case_code_malformed"):
        case_code(county, year, number)
