"""Shows the people of a dispute: as much of them as a role may see."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from bridge.record.masking import is_minor, masked
from dispute.access.roles import PersonView, role_table
from dispute.contracts.sealing import whole_of
from dispute.refusals.interfaces import PURPOSE_MISSING
from dispute.wire.intake.v1 import intake_pb2
from hub.store.store import Transaction
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.tables import confidential
from services.intake.inbound.queries import found_dispute


def check_purpose(purpose: str) -> None:
    """Check that somebody who looks says what for.

    Raises:
        Rejected: `purpose_missing`.
    """
    known = role_table().purposes
    if purpose not in known:
        raise PURPOSE_MISSING.error(listed=", ".join(known))


def parties_of(
    tx: Transaction,
    request: intake_pb2.GetPartiesRequest,
    *,
    area: str,
    view: PersonView,
    vault: PartyVault,
    today: date,
) -> intake_pb2.GetPartiesResponse:
    """Return the people of a dispute.

    Args:
        tx: Snapshot of the store.
        request: Which dispute.
        area: Of the caller.
        view: How much of a person the caller is shown.
        vault: Opens what is sealed.
        today: Day of the look, by which somebody is a minor.

    Raises:
        Rejected: `unknown_dispute`, `case_code_malformed`, `case_code_check`, `cannot_open`.
    """
    its = found_dispute(tx, request, area)
    row = tx.execute(sa.select(confidential).where(confidential.c.dispute_id == its.dispute_id)).one_or_none()
    if row is None or view is PersonView.NONE:
        return intake_pb2.GetPartiesResponse(dispute_id=its.dispute_id, masked=view is not PersonView.CLEAR)
    content = whole_of(vault.open(row))
    parties = list(content.parties)
    if view is PersonView.MASKED:
        minors = any(is_minor(party, today) for party in parties)
        parties = [masked(party, today, minors=minors) for party in parties]
    return intake_pb2.GetPartiesResponse(
        dispute_id=its.dispute_id,
        parties=parties,
        masked=view is not PersonView.CLEAR,
        forgotten=content.forgotten,
    )
