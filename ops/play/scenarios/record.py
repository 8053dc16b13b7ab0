"""One record of a run as its agency knows it.

The driver judges its facts with code of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias

from ops.play.scenarios.people import InventedPerson
from ops.play.scenarios.vocabulary import (
    EXCLUDED_CATEGORIES,
    EXCLUDED_PROCEDURES,
    EXCLUDED_PURPOSES,
    EXCLUDING_CIRCUMSTANCES,
    GUARDIAN_NEEDED,
    LIFTED,
    LIFTING,
    NO_CONSENT,
    Docking,
    Fate,
)

Answer: TypeAlias = Literal["accepted", "to_complete", "not_mediable"]


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """Facts that decide whether a record is accepted."""

    relation: str = "clear"
    facts: str = "clear"
    consents: tuple[tuple[str, str], ...] = ()
    procedure: str = "ordinary"
    circumstances: tuple[str, ...] = ()
    purpose: str = "request"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a record ends if it is accepted.

    Attributes:
        fate: How it ends.
        form: Outcome form of a settlement.
        reason: Reason of a failure or withdrawal.
        after_days: Days from signature to the end, if a person ends it.
    """

    fate: Fate
    form: str = ""
    reason: str = ""
    after_days: float = 5.0


@dataclass(frozen=True, slots=True)
class Record:
    """One suit, incident or petition.

    Attributes:
        number: 1, 2, 3 … within the run.
        ref: The agency's own reference.
        handed_over_at: Time of the hand-over by the agency's own clock; the facts' business time.
        arrives_at: Time at which the record reaches the hub; later than `handed_over_at` for late records.
        parties: Generated people; first the side that brings the matter.
    """

    number: int
    channel: Docking
    agency: str
    ref: str
    received_on: date
    handed_over_at: datetime
    arrives_at: datetime
    county: str
    town: str
    category: str
    facts: RecordFacts
    ending: Ending
    parties: tuple[InventedPerson, InventedPerson]
    amount_fen: int = 0
    aftercare: frozenset[str] = field(default_factory=frozenset)

    @property
    def answer(self) -> Answer:
        """First result that its agency must get.

        The driver judges the facts itself; the hub's screening is compared with this result. What nobody judged or
        asked yet can still be completed; a refusal or an exclusion can't.
        """
        facts = self.facts
        against = EXCLUDING_CIRCUMSTANCES[self.channel].intersection(facts.circumstances)
        if LIFTING.intersection(facts.circumstances):
            against -= {LIFTED}
        answers = {answer for _, answer in facts.consents}
        if (
            answers & NO_CONSENT
            or facts.procedure in EXCLUDED_PROCEDURES
            or facts.purpose in EXCLUDED_PURPOSES
            or against
            or (self.channel is Docking.PETITION and self.category.startswith(EXCLUDED_CATEGORIES))
        ):
            return "not_mediable"
        if (
            answers - {"given"}
            or "unclear" in (facts.relation, facts.facts)
            or GUARDIAN_NEEDED.intersection(facts.circumstances)
        ):
            return "to_complete"
        return "accepted"

    @property
    def acceptable(self) -> bool:
        """True when the record must be accepted."""
        return self.answer == "accepted"
