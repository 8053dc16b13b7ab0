"""Registers a received case, from T1 to the screening's verdict."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from dispute.lifecycle import (
    WHISTLE_BLOWING,
    Accept,
    BeginScreening,
    Channel,
    Clarity,
    Instruction,
    LinkDuplicate,
    RefuseMediation,
    Regime,
    Register,
    ReturnToSource,
)
from services.intake.law.handoff import Arrival
from services.intake.law.rulebook import Rulebook
from services.intake.law.screening import ScreeningVerdict, screen

STAYS_PUT: Final = frozenset({WHISTLE_BLOWING})


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
    )


def enter(arrival: Arrival, agency: str, master: str, book: Rulebook) -> tuple[Instruction, ...]:
    """Return the instructions of a new case.

    Registered, then linked, accepted or refused.

    Args:
        arrival: What the source recorded.
        agency: Agency that sent it.
        master: Open dispute of the same matter; empty when there is none.
        book: Rules.
    """
    verdict = screen(arrival.facts, book.screening)
    register = registration_of(arrival, agency, verdict)
    if master:
        return (register, LinkDuplicate(master))
    if verdict.accepted:
        return (register, BeginScreening(), _acceptance(arrival, verdict, book.version))
    refusal = RefuseMediation(verdict.reason_code, verdict.clause, book.version)
    return (register, BeginScreening(), refusal, *sent_back(arrival.dimensions.channel, verdict.reason_code))


def sent_back(channel: Channel, reason_code: str) -> tuple[Instruction, ...]:
    """Return the instructions that send a case back (进得来、回得去).

    Only a case that can't be mediated is sent back. A channel without a source system keeps it. A whistle-blowing case
    is never sent on automatically: a person hands it to the discipline inspection body.
    """
    if reason_code in STAYS_PUT or not channel.docked:
        return ()
    return (ReturnToSource(target=channel),)


def _acceptance(arrival: Arrival, verdict: ScreeningVerdict, version: str) -> Accept:
    return Accept(
        relation_clarity=Clarity(arrival.facts.relation_clarity),
        facts_clarity=Clarity(arrival.facts.facts_clarity),
        consent_of_all=True,
        rule_version=version,
        clause=verdict.clause,
        transitional=verdict.transitional,
    )
