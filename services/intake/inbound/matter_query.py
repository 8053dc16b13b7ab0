"""Reads a matter for gRPC: its disputes, their links with the reasons, and proposals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from dispute.contracts.codec import state_from_bytes
from dispute.lifecycle import Dispute, EventKind, is_dispute_id
from dispute.refusals.interfaces import UNKNOWN_DISPUTE
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.store.store import Transaction
from services.intake.cases.matters import MatterLinks
from services.intake.cases.membership import Membership
from services.intake.cases.own_events import events_of
from services.intake.cases.rights import is_within
from services.intake.cases.tables import dispute

LINKING: Final = frozenset({EventKind.LINKED, EventKind.LINK_PROPOSED})
NOTHING: Final = journal_pb2.Particulars()


def matter_of(tx: Transaction, dispute_id: str, area: str) -> intake_pb2.GetMatterResponse:
    """Return the matter of a dispute: what of it lies in the caller's area.

    Raises:
        Rejected: `unknown_dispute`.
    """
    links = Membership(MatterLinks(tx), {})
    ids = sorted([dispute_id, *links.others_of(dispute_id)]) if is_dispute_id(dispute_id) else []
    query = sa.select(dispute.c.snapshot).where(dispute.c.dispute_id.in_(ids)).order_by(dispute.c.dispute_id)
    found = [its for row in tx.execute(query) if is_within(area, its := state_from_bytes(row.snapshot))]
    if dispute_id not in {each.dispute_id for each in found}:
        raise UNKNOWN_DISPUTE.error()
    histories = events_of(tx, [each.dispute_id for each in found if each.master_dispute_id or each.proposed_links])
    # The events that tell why it was linked or proposed; the state keeps only to whom.
    events = {of: [event for event in its if event.type in LINKING] for of, its in histories.items()}
    return intake_pb2.GetMatterResponse(
        master_dispute_id=links.first_of(dispute_id),
        members=[_member(each, events.get(each.dispute_id, ())) for each in found],
        proposals=[proposal for each in found for proposal in _proposals(each, events.get(each.dispute_id, ()))],
    )


def _member(its: Dispute, events: Iterable[journal_pb2.JournalEvent]) -> intake_pb2.MatterMember:
    linked = [event.particulars for event in events if event.type == EventKind.LINKED] if its.master_dispute_id else []
    why = linked[-1] if linked else NOTHING
    return intake_pb2.MatterMember(
        dispute_id=its.dispute_id,
        channel=its.dimensions.channel,
        state=its.state,
        master_dispute_id=its.master_dispute_id,
        score=why.score,
        reasons=why.reasons,
        shared_from=its.shared_from,
        case_code=its.case_code,
    )


def _proposals(its: Dispute, events: Iterable[journal_pb2.JournalEvent]) -> Iterable[intake_pb2.ProposedLink]:
    of = {event.particulars.candidate_dispute_id: event.particulars for event in events}
    for candidate in its.proposed_links:
        why = of.get(candidate, NOTHING)
        yield intake_pb2.ProposedLink(
            dispute_id=its.dispute_id, candidate_dispute_id=candidate, score=why.score, reasons=why.reasons
        )
