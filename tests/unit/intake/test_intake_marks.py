"""Marks of a case: who against whom as tokens, what it is about, and nobody's identity."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from services.intake.law.handoff import Person
from services.intake.law.marks import Marks, PersonMark, marks_of, plain_reference, same_people, shared_people
from tests.support.intake import MATCH_KEY, arrival, marks, sides, suit

LOAN = suit(category="0801", happened_on=date(2023, 5, 1))


def test_every_two_people_of_opposite_sides_are_a_pair() -> None:
    made = marks(["w-1", "w-2", "w-3"], ["boss", "firm"])
    assert len(made.pairs) == 6
    assert set(marks(["w-2"], ["firm"]).pairs) < set(made.pairs)
    assert made.complete


def test_a_pair_is_the_same_whoever_claims() -> None:
    assert marks(["zhao"], ["qian"]).pairs == marks(["zhao"], ["qian"], swap=True).pairs


def test_spellings_of_a_number_or_a_phone_are_one() -> None:
    people = [Person("plaintiff", " 62072519900101001x ", ""), Person("defendant", "", " 138 ")]
    spelt = [Person("plaintiff", "62072519900101001X", ""), Person("defendant", "", "138")]
    assert marks_of(MATCH_KEY, arrival(people, LOAN)) == marks_of(MATCH_KEY, arrival(spelt, LOAN))


def test_a_person_with_number_and_phone_meets_who_knows_only_one_of_them() -> None:
    both = [Person("plaintiff", "zhao", "139"), Person("defendant", "qian", "138")]
    known = marks_of(MATCH_KEY, arrival(both, LOAN))
    assert known is not None
    assert len(known.pairs) == 4
    for number, phone in (("zhao", ""), ("", "139")):
        other = [Person("applicant", number, phone), Person("respondent", "", "138")]
        half = marks_of(MATCH_KEY, arrival(other, LOAN))
        assert half is not None
        assert set(half.pairs) < set(known.pairs)
        assert same_people(half.claiming, known.claiming)


def test_a_familys_phone_does_not_make_two_people_one() -> None:
    father, son, caller = PersonMark("id-1", "139"), PersonMark("id-2", "139"), PersonMark("", "139")
    assert shared_people((father,), (son,)) == ()
    assert shared_people((caller,), (father, son)) == (caller,)
    assert same_people((father,), (caller,))
    assert not same_people((father, son), (caller,))


def test_third_parties_and_guardians_make_no_pair() -> None:
    extra = [Person("third_party", "li", ""), Person("guardian", "", "")]
    both = sides(["zhao"], ["qian"], ("plaintiff", "defendant"))
    assert marks_of(MATCH_KEY, arrival([*both, *extra], LOAN)) == marks_of(MATCH_KEY, arrival(both, LOAN))


def test_somebody_unidentified_makes_the_sides_incomplete() -> None:
    assert not marks(["zhao", ""], ["qian"]).complete
    assert not marks(["zhao"], ["qian", ""]).complete


@pytest.mark.parametrize(("claiming", "answering"), [([], ["qian"]), (["zhao"], []), ([""], ["qian"]), ([], [])])
def test_no_marks_without_an_identified_person_on_each_side(claiming: list[str], answering: list[str]) -> None:
    assert marks_of(MATCH_KEY, arrival(sides(claiming, answering, ("applicant", "respondent")), LOAN)) is None


def test_one_number_on_both_sides_is_no_pair() -> None:
    """What is typed for want of a number would else be the matter of everybody."""
    assert marks_of(MATCH_KEY, arrival(sides(["000"], ["000"], ("applicant", "respondent")), LOAN)) is None


def test_of_very_many_people_the_first_of_each_side_make_pairs() -> None:
    few, many = marks([f"w-{n}" for n in range(100)], [f"f-{n}" for n in range(4)]), [f"w-{n}" for n in range(101)]
    assert len(few.pairs) == 400
    capped = marks(many, [f"f-{n}" for n in range(4)])
    assert (len(capped.pairs), len(capped.claiming)) == (80, 101)
    assert marks(reversed(many), [f"f-{n}" for n in range(4)]) == capped


def test_with_many_pairs_people_are_known_by_their_number_alone() -> None:
    people = [Person("applicant", f"w-{n}", f"139{n}") for n in range(60)]
    firm = [Person("respondent", f"f-{n}", f"138{n}") for n in range(4)]
    few = marks_of(MATCH_KEY, arrival([*people[:20], *firm], LOAN))
    many = marks_of(MATCH_KEY, arrival([*people, *firm], LOAN))
    assert few is not None
    assert many is not None
    assert (len(few.pairs), len(many.pairs)) == (320, 240)
    assert many.claiming[0].phone


def test_another_key_makes_other_tokens() -> None:
    case = arrival(sides(["zhao"], ["qian"], ("plaintiff", "defendant")), LOAN, subject_ref="JK-1")
    one, other = marks_of(MATCH_KEY, case), marks_of(b"o" * 32, case)
    assert one is not None
    assert other is not None
    assert {*one.pairs, *one.claiming, *one.answering, one.subject}.isdisjoint(
        {*other.pairs, *other.claiming, *other.answering, other.subject}
    )


def test_marks_tell_nobodys_identity_and_come_back_from_bytes() -> None:
    case = arrival(
        sides(["620725199001010018"], ["620725198002020029"], ("plaintiff", "defendant")),
        LOAN,
        subject_ref="借字第12号",
        amount_fen=5_000_000,
        persons=2,
        village="620725101001",
    )
    made = marks_of(MATCH_KEY, case)
    for encode, decode in (
        (msgspec.json.encode, msgspec.json.Decoder(Marks).decode),
        (msgspec.msgpack.encode, msgspec.msgpack.Decoder(Marks).decode),
    ):
        content = encode(made)
        assert decode(content) == made
        assert not any(secret in content for secret in (b"6207251990", b"6207251980", "借字".encode()))
    assert "借字" not in repr(case)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("（2024）借字第12号", "(2024) 借字第 12 号"),
        ("ht-2023-001", "HT 2023—001"),
        ("ＨＴ２０２３", "HT2023"),
        (" JK_1 ", "JK-1"),
    ],
)
def test_spellings_of_a_contracts_number_are_one(one: str, other: str) -> None:
    assert plain_reference(one) == plain_reference(other) != ""


def test_signs_between_digits_keep_two_contracts_apart() -> None:
    assert plain_reference("2023-1-12") != plain_reference("2023-11-2")
    assert plain_reference("-—()") == ""
