"""Court until 2024, assigned before filing: thirty days from the signature, ended by any refusal."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Channel,
    Fail,
    FailureReason,
    MediationKind,
    Resume,
    ReturnToSource,
    Suspend,
    SuspendReason,
)
from services.intake.law.facts import Consent
from services.intake.law.timers import Step
from tests.support.intake import suit
from tests.support.law import ChangedRule, Ring, Row, Said, answer, begun, changed_rules, mediating, on, signed
from tests.support.lifecycle import DIGEST

ROWS = (
    Row(
        name="clear, and both sides consent",
        facts=suit(),
        says=Said("accepted", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="a side refuses",
        facts=suit(consents=(Consent("plaintiff", "given"), Consent("defendant", "refused"))),
        says=Said("mediation_refused", "consent_refused", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="a side cannot be reached",
        facts=suit(consents=(Consent("plaintiff", "given"), Consent("defendant", "unreachable"))),
        says=Said("mediation_refused", "party_unreachable", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="dispatched on a Wednesday: three working days to sign",
        facts=suit(),
        steps=signed("2024-03-06")[:1],
        says=Said("dispatched", clause="在线调解规则 12, 15", due=date(2024, 3, 11)),
    ),
    Row(
        name="dispatched on a Thursday: the weekend does not count",
        facts=suit(),
        steps=signed("2024-03-07")[:1],
        says=Said("dispatched", clause="在线调解规则 12, 15", due=date(2024, 3, 12)),
    ),
    Row(
        name="nobody signed in time",
        facts=suit(),
        steps=(*signed("2024-03-06")[:1], Ring("sign_by", Step.OVERDUE)),
        says=Said("bounced, overdue", "sign_off_expired", due=date(2024, 3, 11)),
    ),
    Row(
        name="signed: thirty days, until a Sunday that is worked",
        facts=suit(),
        steps=signed("2024-03-08"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2024, 4, 7)),
    ),
    Row(
        name="the summary procedure makes no difference before filing",
        facts=suit(procedure="summary"),
        steps=signed("2024-03-08"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2024, 4, 7)),
    ),
    Row(
        name="the parties do not accept the mediator",
        facts=suit(),
        steps=(*signed("2024-03-08"), on("2024-03-11", replace(begun(), parties_accepted_mediator=False))),
        says=Said("refused", "mediator_not_accepted", "特邀调解规定 11, 12"),
    ),
    Row(
        name="an appraisal before filing stops the clock for ten days",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-12", Suspend(SuspendReason.APPRAISAL_BEFORE_FILING)),
            on("2024-03-22", Resume()),
        ),
        says=Said("resumed", due=date(2024, 4, 17)),
    ),
    Row(
        name="a suspected sham stops no clock",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-12", Suspend(SuspendReason.SUSPECTED_SHAM)),
            on("2024-03-22", Resume()),
        ),
        says=Said("resumed", due=date(2024, 4, 7)),
    ),
    Row(
        name="a suspension is reviewed after thirty days",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-12", Suspend(SuspendReason.APPRAISAL_BEFORE_FILING)),
            Ring("state", Step.OVERDUE),
        ),
        says=Said("supervised, overdue", clause="在线调解规则 26; local rule", due=date(2024, 4, 11)),
    ),
    Row(
        name="the term expires",
        facts=suit(),
        steps=(*mediating("2024-03-08"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 4, 7)),
    ),
    Row(
        name="failed and back to the court, which files it",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-20", Fail(FailureReason.DEADLOCK)),
            on("2024-03-21", ReturnToSource(Channel.COURT, DIGEST)),
        ),
        says=Said("returned, court", "deadlock"),
    ),
    Row(
        name="failed and back without the packet",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-20", Fail(FailureReason.DEADLOCK)),
            on("2024-03-21", ReturnToSource(Channel.COURT)),
        ),
        says=Said("refused", "packet_missing", "在线调解规则 17, 21, 22"),
    ),
    Row(
        name="failed and not back after three working days",
        facts=suit(),
        steps=(
            *mediating("2024-03-08", MediationKind.JUDICIAL),
            on("2024-03-21", Fail(FailureReason.DEADLOCK)),
            Ring("state", Step.OVERDUE),
        ),
        says=Said(
            "supervised, overdue",
            clause="在线调解规则 21, 22; 特邀调解规定 21; local rule",
            due=date(2024, 3, 26),
        ),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_court_before_filing(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("court_before_filing"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_court_before_filing_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
