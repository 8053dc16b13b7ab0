"""Registers a received case, from T1 to the screening's verdict."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dispute.lifecycle import (
    WHISTLE_BLOWING,
    Accept,
    BeginScreening,
    Channel,
    Clarity,
    Instruction,
    NoteUndocked,
    Refer,
    ReferTarget,
    RefuseMediation,
    Regime,
    Register,
    RequestInformation,
    Resubmit,
    ReturnToSource,
    Stage,
)
from services.intake.law.candidates import Candidate, earlier_reports, earlier_violence, links_of
from services.intake.law.colours import coloured
from services.intake.law.facts import Facts
from services.intake.law.handoff import Arrival
from services.intake.law.rulebook import Rulebook
from services.intake.law.screening import VIOLENCE, ScreeningVerdict, screen


def registration_of(arrival: Arrival, agency: str, verdict: ScreeningVerdict) -> Register:
    """Return T1, its limits still open.

    Every received case is registered, whatever the screening decides.
    """
    return Register(
        dimensions=replace(arrival.dimensions, regime=Regime(verdict.regime)),
        received_on=arrival.facts.received_on,
        source_ref=arrival.source_ref,
        agency=agency,
        transitional=verdict.transitional,
        amount_fen=arrival.amount_fen,
        procedure=arrival.facts.procedure,
        stage=stage_of(verdict.regime, arrival.facts),
        preserved_on=arrival.facts.preserved_on,
    )


def stage_of(regime: str, facts: Facts) -> Stage:
    """Return whether a suit was filed before it came to mediation.

    Under regime B every suit is registered first (立案与调解意见).
    """
    if not regime:
        return Stage.NONE
    filed = regime == Regime.B or facts.filed_on is not None
    return Stage.IN_LITIGATION if filed else Stage.BEFORE_FILING


def enter(
    arrival: Arrival, agency: str, candidates: Sequence[Candidate], book: Rulebook
) -> tuple[tuple[Instruction, ...], Facts]:
    """Return the instructions of a new case, and its facts.

    Registered, then linked where the matter is known, and screened on its own facts all the same. The facts also have
    what only the register knows: earlier reports of violence at home.

    Args:
        arrival: What the source recorded.
        agency: Agency that sent it.
        candidates: Known records that have people in common with it.
        book: Rules.
    """
    facts = with_earlier_reports(arrival.facts, candidates)
    verdict = screen(facts, book.screening)
    register = registration_of(arrival, agency, verdict)
    links = links_of(candidates, arrival.dimensions.channel, arrival.dimensions.source_organ)
    decided = decided_by(verdict, facts, arrival.dimensions.channel, book)
    # What is no matter for docking isn't counted, so it has no colour either.
    colour = () if verdict.undocked else coloured(arrival, earlier_reports(candidates), book.colours)
    return (register, *links, BeginScreening(), *decided, *colour), facts


def with_earlier_reports(facts: Facts, candidates: Sequence[Candidate]) -> Facts:
    """Return the facts with the earlier reports of violence at home; unchanged when there is none."""
    earlier = earlier_violence(candidates) if VIOLENCE in facts.circumstances else 0
    return replace(facts, earlier_reports=earlier) if earlier else facts


def enter_again(arrival: Arrival, book: Rulebook) -> tuple[Instruction, ...]:
    """Return the instructions of a record that its source hands over anew."""
    verdict = screen(arrival.facts, book.screening)
    again = Resubmit(arrival.round, arrival.facts.received_on)
    return (again, BeginScreening(), *decided_by(verdict, arrival.facts, arrival.dimensions.channel, book))


def decided_by(verdict: ScreeningVerdict, facts: Facts, channel: Channel, book: Rulebook) -> tuple[Instruction, ...]:
    """Return the instructions of a verdict on a case in screening."""
    if verdict.undocked:
        return (NoteUndocked(verdict.reason_code, verdict.clause),)
    if verdict.reason_code:
        refusal = RefuseMediation(verdict.reason_code, verdict.clause, book.version)
        return (refusal, *sent_back(channel, verdict.reason_code))
    if verdict.missing:
        return (RequestInformation(verdict.missing),)
    return (_acceptance(facts, verdict, book.version),)


def sent_back(channel: Channel, reason_code: str) -> tuple[Instruction, ...]:
    """Return the instructions that send a case back (进得来、回得去).

    Only a case that can't be mediated is sent back. A channel without a source system keeps it. Whistle-blowing of
    every channel goes to the discipline inspection body alone, by a sealed exit; the receipt is what its giver was told
    in writing (信访工作条例 30).
    """
    if reason_code == WHISTLE_BLOWING:
        return (Refer(ReferTarget.DISCIPLINE_INSPECTION, told_in_writing=True),)
    if not channel.docked:
        return ()
    return (ReturnToSource(target=channel),)


def _acceptance(facts: Facts, verdict: ScreeningVerdict, version: str) -> Accept:
    return Accept(
        relation_clarity=Clarity(facts.relation_clarity),
        facts_clarity=Clarity(facts.facts_clarity),
        consent_of_all=True,
        rule_version=version,
        clause=verdict.clause,
        transitional=verdict.transitional,
    )
