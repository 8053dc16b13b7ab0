"""Inside form of a hand-off or submission."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from dispute.lifecycle import Dimensions
from services.intake.law.facts import Consent, Facts


class Person(Struct, frozen=True):
    """One party's identity number, else phone."""

    role: str
    id_number: str
    phone: str


# A dataclass, because it hides fields in its repr.
@dataclass(frozen=True, slots=True)
class Arrival:
    """A case that a source received.

    Attributes:
        facts: Input of the screening.
        dimensions: Dimensions it is counted by; screening sets the regime.
        source_ref: The source's own reference.
        amount_fen: Amount in dispute.
        people: Identifying marks of the parties, for matching only; never in a log or a repr.
        confidential: Text and parties, to be sealed each by itself (`dispute.contracts.sealing.parts_of`).
        persons: Number of people concerned; 0 when the source did not count.
        subject_ref: Number of the contract, IOU or event, for matching only; never in a log or a repr.
        round: 1 for the first hand-over of a record, 2 for the second …
        accusation: Serialised `Accusation`, to be sealed for its exit; None when there is none.
    """

    facts: Facts
    dimensions: Dimensions
    source_ref: str
    amount_fen: int
    people: tuple[Person, ...] = field(default=(), repr=False)
    confidential: tuple[bytes, ...] = field(default=(), repr=False)
    persons: int = 0
    subject_ref: str = field(default="", repr=False)
    round: int = 1
    accusation: bytes | None = field(default=None, repr=False)


class LaterFact(Struct, frozen=True, tag="later_fact", omit_defaults=True):
    """A later fact about a known case.

    Kinds: consent_given | consent_refused | clarified | reclassified | performed and so on.
    """

    kind: str
    consent: Consent | None = None
    category: str = ""
    case_cause: str = ""
    relation_clarity: str = ""
    facts_clarity: str = ""


class Withdrawal(Struct, frozen=True, tag="withdrawal"):
    """The applicant withdrew.

    Reasons: withdrawn | withdrawn_after_settlement | self_settled.
    """

    reason_code: str


class Ruling(Struct, frozen=True):
    """The court ruled on judicial confirmation."""

    confirmed: bool
    reason_code: str = ""


Body: TypeAlias = Arrival | LaterFact | Withdrawal | Ruling


class Handoff(Struct, frozen=True):
    """One hand-off, decoded.

    Attributes:
        handoff_id: Key of repetition.
        dispute_id: Dispute it is about.
        sender: Agency or organ that sent it.
        digest: SHA-256 of the content; the same id with another digest is refused.
        occurred_at: When it happened at the source.
        correlation_id: Common id of everything that it causes.
        body: Content.
    """

    handoff_id: str
    dispute_id: str
    sender: str
    digest: bytes
    occurred_at: datetime
    correlation_id: str
    body: Body
