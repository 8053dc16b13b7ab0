"""Registers a received case, from T1 to the screening's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import (
    WHISTLE_BLOWING,
    Accept,
    BeginScreening,
    Channel,
    Clarity,
    Instruction,
    NoteUndocked,
    RefuseMediation,
    Regime,
    Register,
    RequestInformation,
    Resubmit,
    ReturnToSource,
    Stage,
)
from services.intake.law.candidates import Candidate, earlier_reports, earlier_violence, links_of
from services.intake.law.colours import ColourRules, coloured
from services.intake.law.deadlines import Calendar, DeadlineRules
from services.intake.law.facts import Facts
from services.intake.law.handoff import Arrival
from services.intake.law.matching import MatchingRules
from services.intake.law.screening import VIOLENCE, ScreeningRules, ScreeningVerdict, screen

STAYS_PUT: Final = frozenset({WHISTLE_BLOWING})


class Rulebook(Struct, frozen=True):
    """The rules in force, with their calendar.

    Without rules of matching no record is compared with another.
    """

    screening: ScreeningRules
    deadlines: DeadlineRules
    calendar: Calendar
    matching: MatchingRules | None = None
    colours: ColourRules = ColourRules()

    @property
    def version(self) -> str:
        """Name of the rules, on every event that rests on them."""
        return self.screening.version


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
    decided = decided_by(verdict, facts, arrival.dimensions.channel)
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
    return (again, BeginScreening(), *decided_by(verdict, arrival.facts, arrival.dimensions.channel))


def decided_by(verdict: ScreeningVerdict, facts: Facts, channel: Channel) -> tuple[Instruction, ...]:
    """Return the instructions of a verdict on a case in screening."""
    if verdict.undocked:
        return (NoteUndocked(verdict.reason_code, verdict.clause),)
    if verdict.reason_code:
        refusal = RefuseMediation(verdict.reason_code, verdict.clause, verdict.rule_version)
        return (refusal, *sent_back(channel, verdict.reason_code))
    if verdict.missing:
        return (RequestInformation(verdict.missing),)
    return (_acceptance(facts, verdict),)


def sent_back(channel: Channel, reason_code: str) -> tuple[Instruction, ...]:
    """Return the instructions that send a case back (进得来、回得去).

    Only a case that can't be mediated is sent back. A channel without a source system keeps it. A whistle-blowing case
    is never sent on automatically: a person hands it to the discipline inspection body.
    """
    if reason_code in STAYS_PUT or not channel.docked:
        return ()
    return (ReturnToSource(target=channel),)


def _acceptance(facts: Facts, verdict: ScreeningVerdict) -> Accept:
    return Accept(
        relation_clarity=Clarity(facts.relation_clarity),
        facts_clarity=Clarity(facts.facts_clarity),
        consent_of_all=True,
        rule_version=verdict.rule_version,
        clause=verdict.clause,
        transitional=verdict.transitional,
    )
