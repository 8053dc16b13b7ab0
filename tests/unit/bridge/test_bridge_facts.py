from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.record.facts import (
    CLOCK_SKEW,
    Confidential,
    ConsentAnswer,
    LaterFactReport,
    Matter,
    Party,
    Report,
    Sender,
    check_matter,
    check_report,
    in_order,
    refuse_disorder,
    refuse_foreign_county,
)
from hub.errors import Kind, Refusal, Rejected

NOW = datetime(2024, 3, 4, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
COURT = Sender("court-620725", "620725")


def matter(**changes: object) -> Matter:
    told: dict[str, object] = {
        "handed_over_at": NOW,
        "category": "05",
        "county_code": "620725",
        "town_code": "620725101",
        "village_code": "",
        "grid_code": "",
        "relation_clarity": "clear",
        "facts_clarity": "clear",
        "consents": (),
        "circumstances": (),
        "persons": 0,
        "confidential": Confidential(),
    }
    return Matter(**(told | changes))  # type: ignore[arg-type]


def test_a_partners_clock_may_run_a_little_ahead() -> None:
    check_matter(matter(handed_over_at=NOW + CLOCK_SKEW), COURT, NOW)
    with pytest.raises(Rejected) as refused:
        check_matter(matter(handed_over_at=NOW + CLOCK_SKEW + timedelta(seconds=1)), COURT, NOW)
    assert (refused.value.code, refused.value.field) == ("date_in_future", "handed_over_at")


def test_today_is_the_day_in_shanghai() -> None:
    def with_answer(day: date) -> Matter:
        return matter(consents=(ConsentAnswer("plaintiff", "given", None), ConsentAnswer("defendant", "given", day)))

    early = NOW - timedelta(hours=1)
    check_matter(with_answer(date(2024, 3, 4)), COURT, NOW)
    with pytest.raises(Rejected) as refused:
        check_matter(matter(handed_over_at=early, consents=with_answer(date(2024, 3, 5)).consents), COURT, early)
    assert refused.value.field == "consents.1.answered_on"


def test_a_later_fact_of_tomorrow_is_refused() -> None:
    check_report(Report("a", NOW, LaterFactReport("other")), NOW)
    with pytest.raises(Rejected, match="date_in_future"):
        check_report(Report("a", NOW + timedelta(hours=1), LaterFactReport("other")), NOW)
    told = LaterFactReport("consent_given", ConsentAnswer("plaintiff", "given", date(2024, 3, 6)))
    with pytest.raises(Rejected) as refused:
        check_report(Report("a", NOW, told), NOW)
    assert refused.value.field == "later_fact.consent.answered_on"


def test_no_answer_is_later_than_the_hand_over_it_came_with() -> None:
    handed_over = NOW - timedelta(days=2)  # the 2nd of March in Shanghai

    def answered(day: int) -> Matter:
        given = ConsentAnswer("plaintiff", "given", date(2024, 3, day))
        return matter(handed_over_at=handed_over, consents=(given,))

    check_matter(answered(2), COURT, NOW)
    with pytest.raises(Rejected, match="date_order") as refused:
        check_matter(answered(3), COURT, NOW)
    assert refused.value.field == "consents.0.answered_on"


def test_no_event_is_later_than_the_hand_over_or_today() -> None:
    handed_over = NOW - timedelta(days=2)  # the 2nd of March in Shanghai
    check_matter(matter(handed_over_at=handed_over, happened_on=date(2024, 3, 2)), COURT, NOW)
    for day, code in ((date(2024, 3, 3), "date_order"), (date(2024, 3, 6), "date_in_future")):
        with pytest.raises(Rejected, match=code) as refused:
            check_matter(matter(handed_over_at=handed_over, happened_on=day), COURT, NOW)
        assert refused.value.field == "happened_on"


def test_no_answer_is_later_than_the_fact_that_tells_it() -> None:
    given = LaterFactReport("consent_given", ConsentAnswer("plaintiff", "given", date(2024, 3, 4)))
    check_report(Report("a", NOW, given), NOW)
    with pytest.raises(Rejected, match="date_order") as refused:
        check_report(Report("a", NOW - timedelta(days=1), given), NOW)
    assert refused.value.field == "later_fact.consent.answered_on"


def test_no_party_is_born_after_today_in_shanghai() -> None:
    # 62072520240305xxx: born on the 5th, which begins in Shanghai a minute after NOW.
    unborn = Party("plaintiff", "甲", "citizen_id", "620725202403050010")
    other = Party("defendant", "乙", "other", "620725209903050012")
    check_matter(matter(confidential=Confidential((other, unborn))), COURT, NOW + timedelta(minutes=1))
    with pytest.raises(Rejected, match="id_birth_date") as refused:
        check_matter(matter(confidential=Confidential((other, unborn))), COURT, NOW)
    assert refused.value.field == "parties.1.id_number"


def test_order_of_days() -> None:
    refuse_disorder(None, date(2024, 1, 1), "x")
    refuse_disorder(date(2024, 1, 1), date(2024, 1, 1), "x")
    with pytest.raises(Rejected, match="date_order"):
        refuse_disorder(date(2024, 1, 2), date(2024, 1, 1), "x")


def test_a_credential_reaches_its_county_or_what_lies_in_it() -> None:
    refuse_foreign_county(COURT, "620725")
    refuse_foreign_county(Sender("court-620700", "6207"), "620725")
    with pytest.raises(Rejected) as refused:
        refuse_foreign_county(COURT, "620724")
    assert refused.value.kind is Kind.DENIED


def test_headcount_and_scale() -> None:
    two = Confidential((Party("plaintiff", "甲"), Party("defendant", "乙")))
    assert (matter(confidential=two).headcount, matter(confidential=two).scale) == (2, "individual")
    assert (matter(persons=5, confidential=two).headcount, matter(persons=5).scale) == (5, "group")


def test_verdicts_go_back_to_their_places() -> None:
    first, last, verdict = Refusal("first"), Refusal("last"), Refusal("of_the_store")
    assert in_order([first, "sound", last], [verdict]) == [first, verdict, last]
    assert in_order([], []) == []
