from __future__ import annotations

from services.intake.law.handoff import Person
from services.intake.law.matching import match_token

KEY = b"k" * 32
ZHAO = Person("plaintiff", "id-zhao", "")
QIAN = Person("defendant", "id-qian", "13900000000")
SUN = Person("defendant", "", "13800000000")


def test_the_same_matter_has_one_token_whatever_the_order_and_the_channel() -> None:
    suit = match_token(KEY, [ZHAO, QIAN, SUN], "0204")
    petition = match_token(
        KEY,
        [
            Person("respondent", "id-zhao", ""),
            Person("petitioner", "", "13800000000"),
            Person("petitioner", "ID-QIAN", ""),
        ],
        "02",
    )
    assert suit == petition != ""


def test_another_category_party_or_key_is_another_matter() -> None:
    token = match_token(KEY, [ZHAO, QIAN], "02")
    assert token != match_token(KEY, [ZHAO, QIAN], "06")
    assert token != match_token(KEY, [ZHAO, SUN], "02")
    assert token != match_token(b"other" * 8, [ZHAO, QIAN], "02")


def test_no_token_unless_everybody_on_both_sides_is_identified() -> None:
    assert match_token(KEY, [ZHAO], "02") == ""
    assert match_token(KEY, [QIAN], "02") == ""
    assert match_token(KEY, [ZHAO, QIAN, Person("defendant", "", "")], "02") == ""
    assert match_token(KEY, [ZHAO, QIAN], "") == ""


def test_third_parties_and_guardians_do_not_make_a_matter() -> None:
    extra = [Person("third_party", "id-li", ""), Person("guardian", "", "")]
    assert match_token(KEY, [ZHAO, QIAN, *extra], "02") == match_token(KEY, [ZHAO, QIAN], "02")


def test_the_token_tells_nothing() -> None:
    assert "zhao" not in match_token(KEY, [ZHAO, QIAN], "02")
