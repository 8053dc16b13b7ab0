"""The fifteen border cases that practice disputes, each by its facts and what the law makes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    ApplyForConfirmation,
    Channel,
    Extend,
    Fail,
    FailureReason,
    MadeBy,
    MediationKind,
    Penalty,
    RecordNonPerformance,
    RecordPerformance,
    Refer,
    ReferTarget,
    Remedy,
    ReturnToSource,
    Role,
    State,
    Withdraw,
    WithdrawReason,
    end_of,
)
from services.intake.law.facts import Consent
from services.intake.law.handoff import LaterFact, Withdrawal
from services.intake.law.timers import Step
from tests.support.intake import incident, petition, suit
from tests.support.law import (
    DIGEST,
    LegalCase,
    Ring,
    Row,
    Said,
    StepOfRow,
    agreed,
    answer,
    at_window,
    mediating,
    on,
    signed,
    with_circumstance,
)
from tests.support.lifecycle import payload_of

TRANSITIONAL = suit(
    received_on=date(2024, 12, 30),
    sent_on=date(2024, 12, 30),
    consents=(Consent("plaintiff", "given"), Consent("defendant", "given", date(2025, 1, 3))),
)
AFTER_2025 = suit(received_on=date(2025, 3, 3), sent_on=date(2025, 3, 3))
BY_THEMSELVES = at_window(channel="self", received_on=date(2025, 3, 3), sent_on=date(2025, 3, 3))
PRESERVED = suit(preserved_on=date(2024, 3, 1))
BRAWL = incident(received_on=date(2026, 1, 5), sent_on=date(2026, 1, 5), case_cause="public_security")
VIOLENCE = with_circumstance(incident(earlier_reports=2), "domestic_violence")
WAGES = petition(category="07")
ACCUSATION = with_circumstance(WAGES, "whistle_blowing")
WHISTLE = with_circumstance(at_window(), "whistle_blowing")
VICTIM = with_circumstance(incident(), "minor_victim")
DEADLOCK = Fail(FailureReason.DEADLOCK)


def of_the_brawl(what: RecordPerformance | LaterFact) -> tuple[StepOfRow, ...]:
    return (
        *mediating("2026-01-06", MediationKind.PEOPLE),
        on("2026-01-20", agreed(confirmable=False)),
        on("2026-02-05", what),
    )


ROWS = (
    Row(
        name="1 received in 2024, consent in 2025: the old regime, transitional",
        facts=TRANSITIONAL,
        says=Said("accepted, transitional", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="1 and the old regime's term",
        facts=TRANSITIONAL,
        steps=signed("2025-02-10"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2025, 3, 12)),
    ),
    Row(
        name="2 no suit, the parties come by themselves",
        facts=BY_THEMSELVES,
        says=Said("accepted", clause="人民调解法 17; 001-19"),
    ),
    Row(
        name="2 failed: to the court when a party elects it",
        facts=BY_THEMSELVES,
        steps=(
            *mediating("2025-03-10"),
            on("2025-03-20", DEADLOCK),
            on("2025-03-21", ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True)),
        ),
        says=Said("returned, court", "deadlock"),
    ),
    Row(
        name="3 agreed on day six, the suit withdrawn: a success",
        facts=AFTER_2025,
        steps=(*mediating("2025-03-03"), on("2025-03-09", Withdrawal("withdrawn_after_settlement"))),
        says=Said("agreed"),
    ),
    Row(
        name="3 and no confirmation",
        facts=AFTER_2025,
        steps=(
            *mediating("2025-03-03"),
            on("2025-03-09", Withdrawal("withdrawn_after_settlement")),
            on("2025-03-10", ApplyForConfirmation(jointly=True)),
        ),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    Row(
        name="4 the term expires and both want to go on: thirty days",
        facts=AFTER_2025,
        steps=(*mediating("2025-03-03"), on("2025-03-18", Extend(consent_of_all=True, days=30))),
        says=Said("extended", clause="立案与调解意见(2024)", due=date(2025, 4, 17)),
    ),
    Row(
        name="4 one is silent: no extension",
        facts=AFTER_2025,
        steps=(*mediating("2025-03-03"), on("2025-03-18", Extend(consent_of_all=False, days=30))),
        says=Said("refused", "consent_missing", "立案与调解意见(2024)"),
    ),
    Row(
        name="4 one is silent: to trial",
        facts=AFTER_2025,
        steps=(
            *mediating("2025-03-03"),
            Ring("due_on", Step.OVERDUE),
            on("2025-03-19", ReturnToSource(Channel.COURT, DIGEST)),
        ),
        says=Said("returned, court", "term_expired"),
    ),
    Row(
        name="5 preserved before filing: warned on day twenty",
        facts=PRESERVED,
        steps=(*mediating("2024-03-08"), Ring("preserved", Step.REMINDER)),
        says=Said("supervised, reminded", clause="民诉法(2023) 104", due=date(2024, 3, 21)),
    ),
    Row(
        name="5 and never mediated past day thirty",
        facts=PRESERVED,
        steps=(*mediating("2024-03-08"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 3, 31)),
    ),
    Row(
        name="6 an administrative suit on legality",
        facts=suit(suit_kind="administrative"),
        says=Said("mediation_refused", "administrative_legality", "行政诉讼法 60"),
    ),
    *(
        Row(
            name=f"6 an administrative suit on {each}",
            facts=with_circumstance(suit(suit_kind="administrative"), each),
            says=Said("accepted", clause="特邀调解规定 11; 001-19"),
        )
        for each in ("compensation", "discretion")
    ),
    Row(
        name="7 agreed under the police: no confirmation",
        facts=incident(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed(by=MadeBy.POLICE))),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    Row(
        name="7 agreed under the committee in the station: open to it",
        facts=incident(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed())),
        says=Said("agreed, confirmable", due=date(2024, 4, 19)),
    ),
    Row(
        name="8 a brawl in 2026: performed, asked for and approved",
        facts=BRAWL,
        steps=of_the_brawl(RecordPerformance(DIGEST, written_request=True, police_approved=True)),
        says=Said("performed, lifted", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="8 the request is missing: the penalty stays open",
        facts=BRAWL,
        steps=of_the_brawl(RecordPerformance(DIGEST, police_approved=True)),
        says=Said("performed, open", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="9 a third report of violence at home: no hand-off",
        facts=VIOLENCE,
        says=Said("mediation_refused", "repeated_domestic_violence", "反家庭暴力法 15, 16"),
    ),
    Row(
        name="9 a second one is screened like any other",
        facts=replace(VIOLENCE, earlier_reports=1),
        says=Said("accepted", clause="公安行政案件程序规定 178; 001-19"),
    ),
    Row(
        name="10 wages: the part that is mediable goes on",
        facts=WAGES,
        says=Said("accepted", clause="信访工作条例 33; 001-19"),
    ),
    Row(
        name="10 the accusation does not",
        facts=ACCUSATION,
        says=Said("mediation_refused", "whistle_blowing", "信访工作条例 30"),
    ),
    Row(
        name="11 whistle-blowing at a window: refused",
        facts=WHISTLE,
        says=Said("mediation_refused", "whistle_blowing", "信访工作条例 30"),
    ),
    *(
        Row(
            name=f"11 and no other: {type(order).__name__}",
            facts=WHISTLE,
            steps=(on("2024-03-06", order),),
            says=Said("refused", "wrong_state"),
        )
        for order in (
            Refer(ReferTarget.COURT, told_in_writing=True, party_elected_suit=True),
            Withdraw(WithdrawReason.APPLICANT_WITHDREW),
            ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True),
        )
    ),
    Row(
        name="12 a victim of thirteen: the guardian is asked",
        facts=VICTIM,
        says=Said(
            "information_requested",
            "guardian_consent_missing",
            "人民调解法 3, 17; 特邀调解规定 11, 12; 公安行政案件程序规定 178 (local rule)",
            date(2024, 3, 7),
        ),
    ),
    Row(
        name="12 the guardian consents",
        facts=VICTIM,
        steps=(on("2024-03-06", LaterFact("consent_given", Consent("guardian", "given"))),),
        says=Said("accepted", clause="公安行政案件程序规定 178; 001-19"),
    ),
    Row(
        name="13 a penalty that was lifted is not taken up again",
        facts=BRAWL,
        steps=(
            *of_the_brawl(RecordPerformance(DIGEST, written_request=True, police_approved=True)),
            on("2026-02-20", RecordNonPerformance(Remedy.PENALTY_PROCEDURE)),
        ),
        says=Said("refused", "wrong_state"),
    ),
    Row(
        name="14 an agreement about a house title: no confirmation",
        facts=suit(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed("title"))),
        says=Said("refused", "confirmation_barred", "民诉解释(2022) 355(4)"),
    ),
    Row(
        name="14 the debt beside it is severable",
        facts=suit(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed("debt", "title"))),
        says=Said("agreed, severable", clause="民诉解释(2022) 355(4)"),
    ),
    Row(
        name="14 and a human reviews it",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-20", agreed("debt", "title")),
            on("2024-03-21", ApplyForConfirmation(jointly=True, severed_part=True), Role.REVIEWER),
        ),
        says=Said("confirmation_applied"),
    ),
    Row(
        name="15 a creditor on day 1,090: mediable, whatever the day",
        facts=at_window(happened_on=date(2021, 3, 10)),
        says=Said("accepted", clause="人民调解法 17; 001-19"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_border_case(row: Row) -> None:
    assert answer(row) == row.says


def test_every_border_case_has_a_row() -> None:
    assert {int(row.name.split()[0]) for row in ROWS} == set(range(1, 16))


def test_10_and_11_an_accusation_leaves_by_its_one_exit_at_once() -> None:
    for facts in (ACCUSATION, WHISTLE):
        case = LegalCase(facts)
        assert case.known.state is State.REFERRED
        kinds = ["registered", "screening_begun", "mediation_refused", "referred"]
        assert [event.type.value for event in case.events] == kinds
        assert payload_of(case.events[-1]).target is ReferTarget.DISCIPLINE_INSPECTION


def test_13_what_follows_for_the_penalty_stands_on_the_performance_alone() -> None:
    case = LegalCase(BRAWL)
    for step in of_the_brawl(RecordPerformance(DIGEST, written_request=True, police_approved=True)):
        case.step(step)
    assert [event.sequence for event in case.events if getattr(event.payload, "penalty", "")] == [case.known.sequence]
    assert payload_of(case.events[-1]).penalty is Penalty.LIFTED


def test_15_the_receipt_keeps_the_sources_day_and_the_instant_of_the_registration() -> None:
    facts = at_window(happened_on=date(2021, 3, 10), received_on=date(2024, 3, 4), sent_on=date(2024, 3, 5))
    (registered, *_) = LegalCase(facts).events
    assert (facts.received_on - date(2021, 3, 10)).days == 1090
    assert (registered.business_day, registered.cohort.received_on) == (date(2024, 3, 4), date(2024, 3, 4))
    assert registered.occurred_at == datetime(2024, 3, 5, 2, tzinfo=UTC)
    assert registered.occurred_at < end_of(date(2024, 3, 9))
