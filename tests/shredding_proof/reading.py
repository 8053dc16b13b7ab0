"""Reads as whoever has a folder of keys, and the stores, their backups and Kafka's records: everything that opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from dispute.contracts.sealing import sealer_of, whole_of
from dispute.contracts.topics import BRIDGES, HANDOFFS
from dispute.lifecycle import key_owner_of
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Rejected
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.store.snapshots import snapshot
from hub.store.tables import dead_letter, outbox
from hub.wire.stream.v1 import stream_pb2
from ops.play.scenarios.people import InventedPerson
from ops.repair.dumps import records
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.tables import confidential

Handoffs = Mapping[str, list[bytes]]
"""Serialised hand-offs by the place where they lie."""


def on_kafka(bootstrap: str) -> dict[str, list[bytes]]:
    """Return the hand-offs of the topic and of its dead letters."""
    with closing(Log(Bus(bootstrap))) as log:
        return {
            HANDOFFS.name: [each for record in records(log, HANDOFFS.name) for each in _records(record.value or b"")],
            HANDOFFS.dead_letters: [record.value or b"" for record in records(log, HANDOFFS.dead_letters)],
        }


def in_stores(stores: Mapping[str, str]) -> dict[str, list[bytes]]:
    """Return the hand-offs in the outboxes of bridges, and among the dead letters of intake."""
    found: dict[str, list[bytes]] = {}
    for name, url in stores.items():
        with snapshot(url) as tx:
            if name in BRIDGES:
                found[f"{name} outbox"] = [bytes(record) for record in tx.scalars(sa.select(outbox.c.record))]
            elif name == "intake":
                values = tx.scalars(sa.select(dead_letter.c.value))
                found["intake dead letters"] = [bytes(value or b"") for value in values]
    return found


def readable(keys: Path, handoffs: Handoffs, register: str, people: Iterable[InventedPerson]) -> dict[str, set[str]]:
    """Return whom somebody reads with these keys, by place; a person stands there as the identity number.

    Args:
        keys: Folder of keys; nothing in it changes.
        handoffs: Everything that was sent.
        register: Address of intake's store.
        people: Everybody who may be there.
    """
    opened = {place: b"\n".join(_opened(keys, some)) for place, some in handoffs.items()}
    vault = PartyVault(keys)
    with snapshot(register) as tx:
        rows = tx.execute(sa.select(confidential)).all()
    opened["intake register"] = b"\n".join(whole_of(vault.open(row)).SerializeToString() for row in rows)
    some = list(people)
    return {place: {person.id_number for person in some if _is_in(person, text)} for place, text in opened.items()}


def _is_in(person: InventedPerson, text: bytes) -> bool:
    return any(part.encode() in text for part in (person.name, person.id_number, person.phone))


def _opened(keys: Path, handoffs: Iterable[bytes]) -> Iterator[bytes]:
    sealer = sealer_of(keys)
    for record in handoffs:
        its = handoff_pb2.Handoff.FromString(record)
        try:
            content = sealer.open(its.confidential, its.handoff_id, key_owner_of(its.dispute_id))
        except Rejected:
            continue
        yield content.SerializeToString()


def _records(value: bytes) -> list[bytes]:
    return list(stream_pb2.Batch.FromString(value).records)
