"""Cases that come to the centre itself: people's mediation, and a court only when a party elects to sue."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import ApplyForConfirmation, Channel, Fail, FailureReason, ReturnToSource
from services.intake.law.facts import Consent
from services.intake.law.handoff import LaterFact
from tests.support.law import ChangedRule, Row, Said, agreed, answer, at_window, changed_rules, mediating, on, signed
from tests.support.lifecycle import DIGEST

FAILED = (*mediating("2024-03-11"), on("2024-03-20", Fail(FailureReason.DEADLOCK)))


ROWS = (
    *(
        Row(
            name=f"accepted from {channel}",
            facts=at_window(channel=channel),
            says=Said("accepted", clause="人民调解法 17; 001-19"),
        )
        for channel in ("window", "hotline", "grid", "app", "department", "self")
    ),
    Row(
        name="a side refuses",
        facts=at_window(consents=(Consent("applicant", "given"), Consent("respondent", "refused"))),
        says=Said("mediation_refused", "consent_refused", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="dispatched: five working days to sign",
        facts=at_window(),
        steps=signed("2024-03-06")[:1],
        says=Said("dispatched", clause="local rule", due=date(2024, 3, 13)),
    ),
    Row(
        name="signed: thirty days",
        facts=at_window(),
        steps=signed("2024-03-11"),
        says=Said("signed", clause="人民调解工作若干规定; 深圳条例 45 式地方规则", due=date(2024, 4, 10)),
    ),
    Row(
        name="no suit at all: both may ask a court to confirm",
        facts=at_window(channel="self"),
        steps=(
            *mediating("2025-03-11"),
            on("2025-03-20", agreed()),
            on("2025-04-18", ApplyForConfirmation(jointly=True)),
        ),
        says=Said("confirmation_applied"),
    ),
    Row(
        name="failed, and a party elects to sue",
        facts=at_window(),
        steps=(*FAILED, on("2024-03-21", ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True))),
        says=Said("returned, court", "deadlock"),
    ),
    Row(
        name="failed, and nobody elects to sue",
        facts=at_window(),
        steps=(*FAILED, on("2024-03-21", ReturnToSource(Channel.COURT, DIGEST))),
        says=Said("refused", "suit_not_elected"),
    ),
    Row(
        name="not performed: a suit",
        facts=at_window(),
        steps=(*mediating("2024-03-11"), on("2024-03-20", agreed()), on("2024-05-20", LaterFact("not_performed"))),
        says=Said("not_performed, suit"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_own_channels(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("own_channels"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_own_channels_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
