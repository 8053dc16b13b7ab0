"""Effects of links between disputes of one matter.

A link adds and takes nothing away: each dispute is screened, answered and counted by itself (ADR-0017).
"""

from __future__ import annotations

from msgspec.structs import replace

from dispute.lifecycle import event_types as e
from dispute.lifecycle import link_payloads as of
from dispute.lifecycle.commands import (
    DeclineLink,
    Link,
    Unlink,
)
from dispute.lifecycle.effects import Change, concluded, end_without_agreement, keep, retraction
from dispute.lifecycle.own_commands import (
    ProposeLink,
    ShareAgreement,
    ShareFailure,
    Unshare,
)
from dispute.lifecycle.situation import Situation


def link(at: Situation, order: Link) -> Change:
    """Note the matter's first dispute; everything counted stays."""
    return keep(at.known, of.Linked(order.master_dispute_id, order.score, order.reasons))


def unlink(at: Situation, order: Unlink) -> Change:
    """Take the link's fact back."""
    dispute = at.known
    links = [fact for fact in dispute.counted if fact.type is e.EventKind.LINKED]
    change = keep(dispute, of.Unlinked(dispute.master_dispute_id), order.reason_code)
    return replace(change, retracts=tuple(retraction(fact) for fact in links))


def unshare(at: Situation, order: Unshare) -> Change:
    """Note whose outcome is taken back; what is counted of it is retracted."""
    return keep(at.known, of.Unshared(order.shared_from))


def propose_link(at: Situation, order: ProposeLink) -> Change:
    """Note the dispute that may be the same matter."""
    return keep(at.known, of.LinkProposed(order.candidate_dispute_id, order.score, order.reasons))


def decline_link(at: Situation, order: DeclineLink) -> Change:
    """Note that it is another matter."""
    return keep(at.known, of.LinkDeclined(order.candidate_dispute_id))


def share_agreement(at: Situation, order: ShareAgreement) -> Change:
    """Note the agreement that the matter reached at another of its disputes.

    A court confirms it only there.
    """
    cohort = concluded(at.known, at.day)
    if cohort.agreed_on is None:
        cohort = replace(cohort, agreed_on=at.day)
    dimensions = replace(at.known.dimensions, outcome_form=order.outcome_form, outcome_code="")
    payload = e.Agreed(
        amount_fen=order.amount_fen,
        document_sha256=order.document_sha256,
        partial=order.partial,
        shared_from=order.shared_from,
    )
    return Change(dimensions, cohort, payload)


def share_failure(at: Situation, order: ShareFailure) -> Change:
    """Note that mediation of the matter failed at another of its disputes."""
    return replace(end_without_agreement(at, order), payload=e.Failed(shared_from=order.shared_from))
