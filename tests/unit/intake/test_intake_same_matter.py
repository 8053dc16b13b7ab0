"""Which records are one matter: sure, likely or none, with the reasons."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.intake.law.handoff import Person
from services.intake.law.marks import Marks, marks_of
from services.intake.law.matching import STRANGERS, Match, MatchVerdict, code_of, compare
from tests.support.intake import BOOK, MATCH_KEY, arrival, marks, sides, suit

RULES = BOOK.matching
SURE, LIKELY, NONE = MatchVerdict.SURE, MatchVerdict.LIKELY, MatchVerdict.NONE
DAY = date(2024, 2, 20)
WORKERS = [f"w-{n}" for n in range(60)]


def match(one: Marks, other: Marks) -> Match:
    found = compare(one, other, RULES)
    assert compare(other, one, RULES) == found
    return found


def loan(amount_fen: int, **changes: Any) -> Marks:  # noqa: ANN401 - any field
    """Return a suit of one lender against one borrower, in one village."""
    facts = {"channel": "court", "category": "0801", "case_cause": "9152", "village": "620725101001"}
    return marks(["lender"], ["borrower"], amount_fen=amount_fen, **(facts | changes))


def test_three_loans_of_one_borrower_and_one_lender_are_three_matters() -> None:
    three = [loan(3_000_000), loan(5_000_000), loan(12_000_000)]
    assert [match(one, other).verdict for one in three for other in three if one != other] == [NONE] * 6
    assert match(three[0], three[1]).reasons == (
        "same_parties+50",
        "other_amount-30",
        "same_category+10",
        "same_town+5",
        "same_village+2",
        "same_cause+2",
    )


def test_each_reason_has_its_texts() -> None:
    found = match(marks(["a"], ["b"]), marks(["a"], ["b"], category="08"))
    assert found.reasons == ("same_parties+50", "other_category-30", "same_town+5")
    rows = [RULES.row_of[code_of(reason)] for reason in found.reasons]
    assert tuple((row.zh, row.en) for row in rows[:2]) == (
        ("双方当事人完全相同", "both sides are the same people"),
        ("纠纷类别不同", "another category"),
    )


def test_loans_whose_amount_nobody_said_are_not_linked_silently() -> None:
    assert match(loan(0), loan(3_000_000)).verdict is LIKELY
    assert match(loan(0), loan(0)).verdict is LIKELY


def test_a_round_sum_alone_does_not_make_two_loans_one() -> None:
    assert match(loan(5_000_000), loan(5_000_000)).verdict is LIKELY


def test_loans_with_contracts_of_their_own_are_not_even_proposed() -> None:
    one, other = loan(5_000_000, subject_ref="JK-1"), loan(5_000_000, subject_ref="JK-2")
    assert match(one, other).verdict is NONE


def test_the_same_loan_with_its_contract_number_from_hotline_and_court_is_sure() -> None:
    call = marks(["borrower"], ["lender"], category="08", subject_ref="借字（2023）第12号")
    found = match(call, loan(3_000_000, subject_ref="借字(2023)第12号"))
    assert found == Match(105, ("same_parties+50", "same_subject+40", "same_category+10", "same_town+5"), SURE)


def test_the_same_two_people_and_category_and_nothing_else_are_likely() -> None:
    found = match(marks(["a"], ["b"]), marks(["a"], ["b"], town="620725102", channel="court"))
    assert found == Match(60, ("same_parties+50", "same_category+10"), LIKELY)


def test_the_same_people_category_town_and_day_of_the_event_are_sure() -> None:
    found = match(marks(["a"], ["b"], happened_on=DAY), marks(["a"], ["b"], happened_on=DAY, channel="police"))
    assert (found.score, found.verdict) == (85, SURE)


def test_a_near_day_needs_another_hint_to_be_sure() -> None:
    near = DAY + timedelta(days=3)
    assert match(loan(0, happened_on=DAY), loan(0, happened_on=near)).verdict is LIKELY
    assert match(loan(100, happened_on=DAY), loan(100, happened_on=near)).verdict is SURE


def test_days_between_near_and_other_say_nothing() -> None:
    def reasons(days: int) -> tuple[str, ...]:
        return match(loan(0, happened_on=DAY), loan(0, happened_on=DAY + timedelta(days))).reasons

    assert "near_happened_on+10" in reasons(3)
    assert not any("happened_on" in reason for days in (4, 30) for reason in reasons(days))
    assert "other_happened_on-20" in reasons(31)


def test_amounts_within_a_tenth_say_nothing() -> None:
    assert not any("amount" in reason for reason in match(loan(100), loan(90)).reasons)
    assert "other_amount-30" in match(loan(1000), loan(899)).reasons


def test_sixty_workers_petition_holds_one_of_them_at_the_hotline() -> None:
    petition = marks(WORKERS, ["firm"], channel="petition", category="0702", amount_fen=120_000_000, persons=60)
    for worker in (WORKERS[0], WORKERS[59]):
        call = marks([worker], ["firm"], category="07", amount_fen=2_000_000)
        assert match(call, petition) == Match(
            90, ("some_parties+25", "group_member+50", "same_category+10", "same_town+5"), SURE
        )


def test_a_member_with_a_contract_of_his_own_stays_a_member() -> None:
    petition = marks(WORKERS, ["firm"], subject_ref="event-7")
    assert match(marks(["w-3"], ["firm"], subject_ref="contract-w-3"), petition).verdict is SURE


def test_another_category_of_a_groups_member_is_another_matter() -> None:
    petition = marks(WORKERS, ["firm"], category="07")
    assert match(marks(["w-3"], ["firm"], category="05"), petition).verdict is NONE


def test_representatives_stand_for_a_group_of_many_persons() -> None:
    call = marks(["w-1"], ["firm"])
    assert match(call, marks(["w-1", "w-2"], ["firm"], persons=60)).verdict is SURE
    assert match(call, marks(["w-1", "w-2"], ["firm"])).verdict is NONE


def test_a_member_against_somebody_else_too_is_no_member() -> None:
    assert match(marks(["w-1"], ["firm", "boss"]), marks(WORKERS, ["firm"])).verdict is NONE


def test_one_bank_and_different_borrowers_have_nothing_in_common() -> None:
    one, other = (marks(["bank"], [name], subject_ref="form-1", happened_on=DAY) for name in ("zhao", "qian"))
    assert match(one, other) == STRANGERS
    assert set(one.pairs).isdisjoint(other.pairs)


def test_reversed_roles_change_nothing() -> None:
    known = marks(["a"], ["b"], happened_on=DAY)
    assert match(marks(["a"], ["b"], happened_on=DAY, swap=True), known) == match(known, known)
    petition = marks(WORKERS, ["firm"])
    assert match(marks(["w-1"], ["firm"], swap=True), petition) == match(marks(["w-1"], ["firm"]), petition)


def test_incomplete_sides_are_never_sure() -> None:
    facts: dict[str, Any] = {"happened_on": DAY, "subject_ref": "JK-1", "amount_fen": 100, "village": "620725101001"}
    found = match(marks(["a", ""], ["b"], **facts), marks(["a", ""], ["b"], **facts))
    assert found.score >= RULES.sure
    assert found.verdict is LIKELY
    assert found.reasons[-1] == "incomplete_sides+0"
    petition = marks([*WORKERS, ""], ["firm"], happened_on=DAY)
    assert match(marks(["w-1"], ["firm"], happened_on=DAY), petition).verdict is LIKELY


def test_long_after_only_the_same_contract_makes_one_matter() -> None:
    later = date(2024, 3, 4) + timedelta(days=RULES.window_days + 1)
    found = match(marks(["a"], ["b"], happened_on=DAY), marks(["a"], ["b"], happened_on=DAY, received_on=later))
    assert (found.verdict, found.reasons[-1]) == (NONE, "outside_window+0")
    one, other = loan(0, subject_ref="JK-1"), loan(0, subject_ref="JK-1", received_on=later)
    assert match(one, other).verdict is SURE


def test_a_call_by_phone_and_a_suit_by_number_and_phone_are_the_same_people() -> None:
    facts = suit(channel="hotline", happened_on=DAY)
    call = [Person("applicant", "", "139"), Person("respondent", "firm", "")]
    known = [Person("plaintiff", "zhao", "139"), Person("defendant", "firm", "138")]
    one, other = (marks_of(MATCH_KEY, arrival(people, facts)) for people in (call, known))
    assert one is not None
    assert other is not None
    assert match(one, other).verdict is SURE
    brother = marks_of(MATCH_KEY, arrival([Person("plaintiff", "li", "139"), known[1]], facts))
    assert brother is not None
    assert match(other, brother) == STRANGERS


NAMES = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", ""]), min_size=1, max_size=7)
CASES = st.fixed_dictionaries(
    {
        "claiming": NAMES,
        "answering": NAMES,
        "happened_on": st.none() | st.dates(date(2024, 1, 1), date(2024, 3, 1)),
        "received_on": st.dates(date(2023, 1, 1), date(2024, 12, 31)),
        "category": st.sampled_from(["", "07", "0702", "0801"]),
        "case_cause": st.sampled_from(["", "x"]),
    }
)
MORE = st.fixed_dictionaries(
    {
        "amount_fen": st.sampled_from([0, 100, 105, 200]),
        "persons": st.sampled_from([0, 2, 60]),
        "subject_ref": st.sampled_from(["", "1", "2"]),
        "town": st.sampled_from(["620725101", "620725102"]),
    }
)


RECORDS = st.tuples(CASES, MORE)


def made(record: tuple[dict[str, Any], dict[str, Any]], turn: int = 0, *, swap: bool = False) -> Marks | None:
    """Return the marks with the people of both sides turned round, and the other side claiming."""
    case, more = record
    told = dict(case)
    one, other = ([*names[turn:], *names[:turn]] for names in (told.pop("claiming"), told.pop("answering")))
    people = sides(*((other, one) if swap else (one, other)), ("plaintiff", "defendant"))
    return marks_of(MATCH_KEY, arrival(people, suit(**told), **more))


@given(RECORDS, RECORDS, st.integers(0, 6), st.sampled_from([False, True]))
def test_neither_order_nor_side_counts(
    first: tuple[dict[str, Any], dict[str, Any]],
    second: tuple[dict[str, Any], dict[str, Any]],
    turn: int,
    swap: bool,  # noqa: FBT001 - drawn by position
) -> None:
    one, two, turned = made(first), made(second), made(first, turn, swap=swap)
    if one is None or two is None or turned is None:
        assert (one is None) == (turned is None)
        return
    found = compare(one, two, RULES)
    assert turned.pairs == one.pairs
    assert compare(turned, two, RULES) == found == compare(two, turned, RULES)
    assert found.score == sum(int(reason.lstrip("abcdefghijklmnopqrstuvwxyz_")) for reason in found.reasons)
    assert found.verdict is not SURE or (one.complete and two.complete)
    assert set(one.pairs).isdisjoint(two.pairs) == (found is STRANGERS)


@given(RECORDS)
def test_people_class_place_and_sum_alone_are_never_sure(record: tuple[dict[str, Any], dict[str, Any]]) -> None:
    case, more = record
    one = made(({**case, "happened_on": None}, {**more, "subject_ref": ""}))
    if one is not None:
        assert compare(one, replace(one, channel="police"), RULES).verdict is not SURE
