from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.record import checks
from hub.errors import Rejected


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_samples_of_gb_11643_pass(number: str) -> None:
    assert checks.citizen_id(number) == number
    assert checks.citizen_id(number.lower()) == number


def test_area_codes_of_abolished_counties_stay_valid() -> None:
    # 620725 exists, 999999 never did: the area is not looked up, so cards of abolished counties pass.
    for area in ("620725", "150822", "431230", "150624", "999999"):
        first17 = f"{area}19800229001"
        assert checks.citizen_id(first17 + _check_character(first17))


def _check_character(first17: str) -> str:
    """Written out apart from the code under test: ISO 7064 MOD 11-2 from the left."""
    remainder = 0
    for digit in first17:
        remainder = (remainder + int(digit)) * 2 % 11
    return "0123456789X"[(12 - remainder) % 11]


@given(st.integers(0, 9), st.integers(0, 16))
def test_every_single_wrong_digit_is_found(digit: int, place: int) -> None:
    number = "11010519491231002X"
    changed = f"{number[:place]}{digit}{number[place + 1 :]}"
    if changed != number:
        with pytest.raises(Rejected) as refused:
            checks.citizen_id(changed)
        assert number[:10] not in str(refused.value)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "id_format"),
        ("11010519491231002", "id_format"),
        ("11010519491231002XX", "id_format"),
        ("1101051949123100２X", "id_format"),
        ("01010519491231002X", "id_format"),
        ("11010519490230002X", "id_birth_date"),
        ("11010519491331002X", "id_birth_date"),
        ("11010518001231002X", "id_birth_date"),
        ("110105194912310021", "id_checksum"),
    ],
)
def test_wrong_citizen_ids_are_told_apart(number: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        checks.citizen_id(number)
    assert refused.value.code == code


def test_nobody_is_born_tomorrow() -> None:
    number = "62072520990101001"
    number += _check_character(number)
    assert checks.citizen_id(number) == number
    checks.refuse_unborn(number, date(2099, 1, 1), "x")
    with pytest.raises(Rejected, match="id_birth_date") as refused:
        checks.refuse_unborn(number, date(2098, 12, 31), "parties.0.id_number")
    assert refused.value.field == "parties.0.id_number"
    assert number not in str(refused.value)


def test_uscc_of_gb_32100() -> None:
    assert checks.uscc("91350100m000100y43") == "91350100M000100Y43"
    for wrong in ("91350100M000100Y44", "91350100M000100Y4", "91350100O000100Y43", "９1350100M000100Y43"):
        with pytest.raises(Rejected):
            checks.uscc(wrong)


@given(st.integers(0, 16), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_every_single_wrong_character_of_a_uscc_is_found(place: int, letter: str) -> None:
    code = "91350100M000100Y43"
    changed = f"{code[:place]}{letter}{code[place + 1 :]}"
    if changed != code:
        with pytest.raises(Rejected, match="id_checksum"):
            checks.uscc(changed)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("13800138000", "13800138000"),
        ("+8613800138000", "13800138000"),
        ("+86 13800138000", "13800138000"),
        ("0086-13800138000", "13800138000"),
        ("0936-2721234", "0936-2721234"),
        ("01012345678", "01012345678"),
        ("+86 0936-2721234", "0936-2721234"),
        ("+86 936 2721234", "0936-2721234"),
        ("+86-936-2721234", "0936-2721234"),
        ("+8693627212345", "093627212345"),
        ("0086 10 12345678", "010-12345678"),
        ("4008123123", "4008123123"),
        ("400-812-3123", "400-812-3123"),
        ("800 8100 888", "800 8100 888"),
        ("95588", "95588"),
        ("951088", "951088"),
        ("96110", "96110"),
        ("10086", "10086"),
        ("12345", "12345"),
    ],
)
def test_phones(told: str, kept: str) -> None:
    assert checks.phone(told) == kept


@pytest.mark.parametrize(
    "told", ["12800138000", "1380013800", "138001380001", "１3800138000", "abc", "+1 5551234567", "0"]
)
def test_no_phones(told: str) -> None:
    with pytest.raises(Rejected, match="phone_format"):
        checks.phone(told)


@pytest.mark.parametrize(
    "letter",
    ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2028", "\u2066", "\ufeff", "\U000e0041"],
)
def test_control_invisible_and_direction_characters_are_refused(letter: str) -> None:
    for lines in (False, True):
        with pytest.raises(Rejected, match="forbidden_character"):
            checks.clean(f"甲{letter}乙", lines=lines)


@pytest.mark.parametrize("letter", ["\u180e", "\u200c", "\u200d", "\u202f", "\u180b"])
def test_what_a_script_needs_is_allowed_in_language_and_kept(letter: str) -> None:
    name = f"ᠠᠯᠲᠠ{letter}ᠨ"
    assert checks.clean(name, script=True) == name
    assert checks.clean(f"{name}\n", lines=True, script=True) == f"{name}\n"
    with pytest.raises(Rejected, match="forbidden_character"):
        checks.clean(f"{name}\u202e", script=True)


@pytest.mark.parametrize("letter", ["\u180e", "\u200c", "\u200d"])
def test_and_not_in_a_code(letter: str) -> None:
    with pytest.raises(Rejected, match="forbidden_character"):
        checks.clean(f"A{letter}1")


@pytest.mark.parametrize(
    "blank", ["", " ", "\u3000 ", "\u00a0", "\u200d", "\u180e\u180b", "\u3164", "\u2800", "\u0301"]
)
def test_a_text_of_nothing_visible_is_blank(blank: str) -> None:
    with pytest.raises(Rejected, match="blank"):
        checks.visible(blank)


@pytest.mark.parametrize("seen", ["甲", "甲 乙", "*", "\ue815", "\U0002ebf0", "1"])
def test_one_visible_character_is_enough(seen: str) -> None:
    assert checks.visible(seen) == seen


def test_text_is_composed_and_rare_characters_stay() -> None:
    assert checks.clean("e\u0301") == "é"
    rare = "𠮷\ue815\U0002ebf0"  # extension B, private use of old registers, newer than Python's tables
    assert checks.clean(rare) == rare
    assert checks.clean("一\r\n二\t三", lines=True) == "一\n二\t三"
    for letter in "\n\t\r":
        with pytest.raises(Rejected):
            checks.clean(f"一{letter}二")
    with pytest.raises(Rejected):
        checks.clean("一\r二", lines=True)


def test_every_forbidden_character_is_refused_in_the_midst_of_printable_ones() -> None:
    # The short way for printable text must know none of them.
    spans = [(0x00, 0x1F), (0x7F, 0x9F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xE0000, 0xE007F)]
    single = [0xAD, 0x61C, 0x180E, 0xFEFF, 0xFFF9, 0xFFFB, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF]
    for code in [*single, *(code for first, last in spans for code in range(first, last + 1))]:
        with pytest.raises(Rejected, match="forbidden_character"):
            checks.clean(f"甲{chr(code)}乙")
