"""Every outcome form of a scenario goes through the machine of disputes, in the channel and regime it is for."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from dispute.contracts.codec import command_from_wire
from dispute.lifecycle import Channel as LifecycleChannel
from dispute.lifecycle import RecordRuling, Regime, Role, State, business_day, dispute_id_of
from ops.play.demo import write_out
from ops.play.scenarios.vocabulary import OUTCOME_FORMS, Docking
from ops.play.simulators.mediators import command_of
from services.intake.law.completion import complete
from tests.support.intake import BOOK
from tests.support.lifecycle import ORGAN, PATHS, REF, START, Walk, registration
from tests.support.scenarios import TINY, tiny

ENDED = {"agree", "apply_for_confirmation", "ruling", "record_performance", "begin_follow_up", "record_visit", "close"}
STATEMENT = "mediation_statement"


def settled(channel: Docking, regime: Regime) -> str:
    """Return a file with every outcome form that the channel has."""
    forms = [form for form in OUTCOME_FORMS if channel is Docking.COURT or form != STATEMENT]
    confirmed = int(regime is Regime.A)
    plan = (
        f"  {channel}:\n    agency: {channel}-620725\n    received: {{2024-02: {2 * len(forms)}}}\n"
        f"    outcomes: {{settled: {{{', '.join(f'{form}: 2' for form in forms)}}}}}\n"
        f"    aftercare: {{confirmed: {confirmed}, performed: {2 * len(forms)}, closed: {2 * len(forms)}}}\n"
    )
    text = TINY[: TINY.index("  court:")] + plan
    return text.replace("2024-", "2025-") if regime is Regime.B else text


@pytest.mark.parametrize(
    ("channel", "regime"),
    [
        (Docking.COURT, Regime.A),
        (Docking.COURT, Regime.B),
        (Docking.POLICE, Regime.NONE),
        (Docking.PETITION, Regime.NONE),
    ],
)
def test_every_outcome_form_is_lawful(channel: Docking, regime: Regime) -> None:
    script = write_out(tiny(settled(channel, regime)))
    start = registration(LifecycleChannel(channel))
    start = replace(start, dimensions=replace(start.dimensions, regime=regime))
    for record in script.records:
        # Dates in the ready-made way lie a little after START.
        before = min(START, record.arrives_at)
        walk = Walk().do(start, at=before)
        for instruction in PATHS[State.MEDIATING][1:]:
            walk.do(instruction, at=before)
        for step in script.journeys[record.number].steps:
            if step.action == "ruling":
                walk.do(RecordRuling(confirmed=True), at=step.at, role=Role.COURT)
            elif step.action in ENDED:
                given = command_of(dispute_id_of(ORGAN, REF), step)
                given.actor.role, given.actor.actor_id = step.role, f"{step.role}-1"
                told = command_from_wire(given)
                walk.carry_out(complete(told, walk.state, None, BOOK, business_day(step.at)))
        assert walk.state.state is State.CLOSED
        assert walk.state.dimensions.outcome_form == record.ending.form


def test_a_filed_suit_is_settled_before_its_shorter_term_is_over() -> None:
    script = write_out(tiny(TINY.replace("2024-", "2025-")))
    terms = {"ordinary": 15, "summary": 7, "small_claims": 7}
    seen = 0
    for record in script.records:
        steps = {step.action: step.at for step in script.journeys[record.number].steps}
        if record.channel is Docking.COURT and record.received_on >= date(2025, 1, 1) and "agree" in steps:
            seen += 1
            assert (steps["agree"] - steps["sign"]).days < terms[record.facts.procedure]
    assert seen
