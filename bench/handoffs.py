"""Makes hand-offs as a bridge's relay publishes them.

They are made from generated cases, with sealed parties and a keyed digest; the recorder numbers them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid5

from bench.submissions import Case
from dispute.calendar.days import business_day
from dispute.contracts.sealing import Sealer, sealer_of
from dispute.lifecycle import key_owner_of
from dispute.lifecycle.identity import NAMESPACE
from dispute.wire.court.v1 import court_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.police.v1 import police_pb2
from hub.streams.topics import shard_of


def sealer_in(keys: Path) -> Sealer:
    """Return the sealer for a folder of keys.

    The bridges and intake that share the folder use the same one.
    """
    return sealer_of(keys, opens=True)


def recorded(cases: Iterator[Case], sealer: Sealer) -> Iterator[tuple[int, bytes]]:
    """Yield each case's shard and serialised hand-off."""
    for case in cases:
        yield shard_of(case.dispute_id), handoff_of(case, sealer).SerializeToString()


def handoff_of(case: Case, sealer: Sealer) -> handoff_pb2.Handoff:
    """Return the hand-off of a received case."""
    matter = case.matter
    facts = handoff_pb2.CaseReceived(
        county_code=matter.county_code,
        town_code=matter.town_code,
        village_code=matter.village_code,
        category=matter.category,
        relation_clarity=matter.relation_clarity,
        facts_clarity=matter.facts_clarity,
        consents=matter.consents,
        circumstances=matter.circumstances,
        persons=matter.persons,
        scale="individual",
    )
    match matter:
        case court_pb2.CourtCase():
            facts.received_on, facts.case_cause = matter.court_received_on, matter.cause_code
            facts.procedure, facts.suit_kind, facts.amount_fen = matter.procedure, matter.suit_kind, matter.amount_fen
        case police_pb2.PoliceIncident():
            facts.received_on = business_day(case.record.handed_over_at).isoformat()
            facts.case_cause, facts.class_as_called = matter.class_as_found, matter.class_as_called
        case _:
            facts.received_on, facts.case_cause = matter.registered_on, matter.content_class
            facts.purpose, facts.form, facts.recurrence = matter.purpose, matter.form, matter.recurrence
    secret = handoff_pb2.Confidential(parties=matter.parties, brief=matter.brief)
    digest = hashlib.sha256(facts.SerializeToString() + secret.SerializeToString()).digest()
    secret.content_sha256 = digest
    handoff_id = str(uuid5(NAMESPACE, f"bench\x1f{case.agency}\x1f{case.reference}"))
    return handoff_pb2.Handoff(
        handoff_id=handoff_id,
        dispute_id=case.dispute_id,
        channel=str(case.record.channel),
        agency_id=case.agency,
        source_ref=case.reference,
        idempotency_key=case.reference,
        content_mac=sealer.mac(digest),
        occurred_at=matter.handed_over_at,
        received_at=matter.handed_over_at,
        correlation_id=handoff_id,
        confidential=sealer.seal(secret, handoff_id, key_owner_of(case.dispute_id)),
        case_received=facts,
    )
