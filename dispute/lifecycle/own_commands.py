"""Instructions that only the hub itself gives; none of them is on the wire."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from msgspec import Struct

from dispute.lifecycle.dimensions import Dimensions
from dispute.lifecycle.vocabulary import OutcomeForm, Stage


class Register(Struct, frozen=True):
    """T1: registers; made from a hand-off or a Submit, never on the wire.

    Attributes:
        dimensions: Channel, organ, place, class, regime; not what a later step sets.
        received_on: The source's own date of receipt; the `registered` fact counts under it.
        source_ref: The source's own reference.
        agency: Agency whose credential sent it; the dispute id is made of it and `source_ref`.
            Empty is `dimensions.source_organ`.
        transitional: Received across a change of the law.
        amount_fen: Amount in dispute.
        procedure: Procedure of the suit; empty elsewhere.
        stage: Of a suit.
        preserved_on: Day of a preservation taken before the suit; None without one.
        local_due_on: County's own limit (petitions).
        statutory_due_on: Statutory limit (petitions).
        case_code: Printed code; empty where the county is not known.
    """

    dimensions: Dimensions
    received_on: date
    source_ref: str
    agency: str = ""
    transitional: bool = False
    amount_fen: int = 0
    procedure: str = ""
    stage: Stage = Stage.NONE
    preserved_on: date | None = None
    local_due_on: date | None = None
    statutory_due_on: date | None = None
    case_code: str = ""


class ProposeLink(Struct, frozen=True):
    """L3: proposes a link that a person decides."""

    candidate_dispute_id: str
    score: int
    reasons: tuple[str, ...] = ()


class ShareAgreement(Struct, frozen=True):
    """T14c: the matter was agreed at another of its disputes.

    Attributes:
        shared_from: Dispute whose agreement it is.
    """

    shared_from: str
    outcome_form: OutcomeForm
    amount_fen: int = 0
    document_sha256: str = ""
    partial: bool = False


class ShareFailure(Struct, frozen=True):
    """T15c: mediation of the matter failed at another of its disputes."""

    shared_from: str
    reason_code: str


class Unshare(Struct, frozen=True):
    """L5: takes back what was heard from a dispute that left the matter."""

    shared_from: str


class Exclude(Struct, frozen=True):
    """T15d: what came to light excludes mediation; it ends at once."""

    reason_code: str
    clause: str = ""


class RequestInformation(Struct, frozen=True):
    """T3b: asks the source for what the screening lacks.

    Attributes:
        missing: Reason codes of what is lacking, the first the weightiest.
        wait_until: Last day of the wait; the first request sets it.
    """

    missing: tuple[str, ...]
    wait_until: date | None = None


class NoteUndocked(Struct, frozen=True):
    """T4b: no matter for docking, such as a harassment call; it isn't counted."""

    reason_code: str
    clause: str = ""


class Resubmit(Struct, frozen=True):
    """T28: its source hands the returned dispute over anew.

    Attributes:
        round: 2 for the second hand-over, then 3 …
        received_on: The source's own day of this round.
    """

    round: int
    received_on: date


OwnInstruction: TypeAlias = (
    Register
    | ProposeLink
    | ShareAgreement
    | ShareFailure
    | Unshare
    | Exclude
    | RequestInformation
    | NoteUndocked
    | Resubmit
)
