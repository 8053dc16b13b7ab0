"""What is not mediated in any channel, or not in civil matters, and why."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Channel, Refer, ReferTarget, ReturnToSource, Withdraw, WithdrawReason
from services.intake.law.facts import Facts
from services.intake.law.timers import Step
from tests.support.intake import incident, petition, suit
from tests.support.law import (
    ChangedRule,
    LegalCase,
    Ring,
    Row,
    Said,
    answer,
    at_window,
    changed_rules,
    on,
    with_circumstance,
)


def excluded(name: str, facts: Facts, reason: str, clause: str) -> Row:
    """Return a row: the screening refuses the case."""
    return Row(name=name, facts=facts, says=Said("mediation_refused", reason, clause))


def accepted(name: str, facts: Facts, clause: str) -> Row:
    """Return a row: the screening accepts the case."""
    return Row(name=name, facts=facts, says=Said("accepted", clause=clause))


WHISTLE = with_circumstance(at_window(), "whistle_blowing")


ROWS = (
    excluded("special procedure", suit(procedure="special"), "special_procedure", "民诉解释(2022) 143"),
    excluded("payment order", suit(procedure="payment_order"), "payment_order_procedure", "民诉解释(2022) 143"),
    excluded("public summons", suit(procedure="public_summons"), "public_summons_procedure", "民诉解释(2022) 143"),
    accepted("bankruptcy", suit(procedure="bankruptcy"), "特邀调解规定 11; 001-19"),
    accepted("a divorce", with_circumstance(suit(category="01"), "divorce"), "特邀调解规定 11; 001-19"),
    *(
        excluded(each, with_circumstance(suit(), each), "status_confirmation", "民诉解释(2022) 143")
        for each in ("status_confirmation", "marriage_validity", "parentage", "adoption_status")
    ),
    *(
        excluded(each, with_circumstance(suit(), each), "nature_excludes", "民诉解释(2022) 143")
        for each in ("nature_excludes", "public_interest")
    ),
    excluded("an act's legality", suit(suit_kind="administrative"), "administrative_legality", "行政诉讼法 60"),
    *(
        accepted(
            f"an administrative suit about {each}",
            with_circumstance(suit(suit_kind="administrative"), each),
            "特邀调解规定 11; 001-19",
        )
        for each in ("compensation", "discretion")
    ),
    excluded("a sham", with_circumstance(suit(), "suspected_sham"), "sham_litigation", "特邀调解规定 18"),
    *(
        excluded(f"{each} at a window", with_circumstance(at_window(), each), "litigation_pending", "信访工作条例 28")
        for each in ("litigation_pending", "law_and_litigation")
    ),
    excluded(
        "a petition about a matter before a court",
        with_circumstance(petition(), "litigation_pending"),
        "litigation_pending",
        "信访工作条例 28",
    ),
    excluded("a petition of category 14", petition(category="14"), "litigation_pending", "信访工作条例 28"),
    excluded("a window case of category 1402", at_window(category="1402"), "litigation_pending", "信访工作条例 28"),
    accepted("a suit of category 14 is the court's to send", suit(category="14"), "特邀调解规定 11; 001-19"),
    *(
        excluded(
            f"an administrative dispute from {facts.channel}",
            with_circumstance(facts, "administrative_dispute"),
            "administrative_dispute",
            "司法部、国家信访局意见(2025-02-10)",
        )
        for facts in (incident(), petition(), at_window())
    ),
    *(
        accepted(
            f"an administrative dispute about {each}",
            with_circumstance(at_window(), "administrative_dispute", each),
            "人民调解法 17; 001-19",
        )
        for each in ("compensation", "discretion")
    ),
    *(
        excluded(
            f"for a special organ only, from {facts.channel}",
            with_circumstance(facts, "special_organ_only"),
            "special_organ_only",
            "人民调解工作若干规定 22",
        )
        for facts in (suit(), incident(), petition(), at_window())
    ),
    excluded("a petition of category 15", petition(category="15"), "discipline_matter", "信访工作条例 30"),
    excluded("a window case of category 1501", at_window(category="1501"), "discipline_matter", "信访工作条例 30"),
    excluded("whistle-blowing at a window", WHISTLE, "whistle_blowing", "信访工作条例 30"),
    Row(
        name="whistle-blowing has one exit: nobody returns it",
        facts=with_circumstance(petition(), "whistle_blowing"),
        steps=(on("2024-03-07", ReturnToSource(Channel.PETITION)),),
        says=Said("refused", "wrong_state"),
    ),
    Row(
        name="whistle-blowing has one exit: nobody takes it back",
        facts=WHISTLE,
        steps=(on("2024-03-07", Withdraw(WithdrawReason.APPLICANT_WITHDREW)),),
        says=Said("refused", "wrong_state"),
    ),
    Row(
        name="what is refused at a window is shown another way in time",
        facts=at_window(category="14"),
        steps=(Ring("state", Step.OVERDUE),),
        says=Said("supervised, overdue", clause="人民调解法 26; local rule", due=date(2024, 3, 12)),
    ),
    Row(
        name="shown in writing: reconsideration",
        facts=with_circumstance(at_window(), "administrative_dispute"),
        steps=(on("2024-03-06", Refer(ReferTarget.RECONSIDERATION, told_in_writing=True)),),
        says=Said("referred, reconsideration", "administrative_dispute"),
    ),
    Row(
        name="shown without writing",
        facts=with_circumstance(at_window(), "administrative_dispute"),
        steps=(on("2024-03-06", Refer(ReferTarget.RECONSIDERATION, told_in_writing=False)),),
        says=Said("refused", "told_not_in_writing"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_not_mediable(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (suit(procedure="special"), "returned"),
        (petition(category="14"), "returned"),
        (at_window(category="14"), "not_mediable"),
        (with_circumstance(petition(), "whistle_blowing"), "referred"),
    ],
    ids=["suit", "petition", "window", "whistle-blowing"],
)
def test_what_is_refused_goes_back_to_its_source_and_whistle_blowing_to_its_exit(facts: Facts, state: str) -> None:
    assert LegalCase(facts).known.state == state


@pytest.mark.parametrize("changed", changed_rules("not_mediable"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_not_mediable_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
