"""Reads the journal into an empty store: every dispute has to stand there as it stood."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec.structs import replace

from dispute.contracts.snapshot import state_from_bytes, state_to_bytes
from hub.store.snapshots import snapshot
from hub.streams.heads import TopicLog
from services.intake.cases.tables import dispute
from services.intake.settings import IntakeSettings
from services.intake.wiring import recover_store

Row = tuple[int, str, str, str, str, bytes]


def replayed(settings: IntakeSettings, empty_url: str, source: TopicLog | None = None) -> list[str]:
    """Return the disputes that a replay leaves otherwise.

    Args:
        settings: Of the intake that had the year, stopped by now.
        empty_url: Store that is filled.
        source: The journal; Kafka when None.
    """
    recover_store(settings.model_copy(update={"store_url": empty_url}), source)
    stood, stands = states_in(settings.store_url), states_in(empty_url)
    return sorted(name for name in stood.keys() | stands.keys() if stood.get(name) != stands.get(name))


def states_in(url: str) -> dict[str, Row]:
    """Return the state of every dispute of a store, as its bytes.

    The source's reference is not in the journal (it may name a person), so it is left out.
    """
    found: dict[str, Row] = {}
    with snapshot(url) as tx:
        for row in tx.execute(sa.select(dispute)):
            state = state_to_bytes(replace(state_from_bytes(row.snapshot), source_ref=""))
            code = row.case_code or ""
            found[row.dispute_id] = (row.sequence, row.state, row.channel, row.procedure, code, state)
    return found
