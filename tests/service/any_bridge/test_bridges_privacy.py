from __future__ import annotations

import base64
import hashlib
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from dispute.contracts.sealing import RING, Sealer, sealer_of
from dispute.contracts.topics import CATALOGUE
from dispute.lifecycle import key_owner_of
from hub.errors import Rejected
from hub.runtime import keys, logs
from hub.runtime.key_ring import KeyRing
from tests.support.bridges import PERSON, RunningBridge, Workshop


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Log as a service does, JSON, everything; caught."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure("test_bridge", "debug", "json")
    caught = io.StringIO()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(caught)
    yield caught
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers[:], root.level = before[0], before[1]


def canaries() -> set[bytes]:
    """Every form in which a person could be readable."""
    found = set()
    for value in PERSON.values():
        if value == "citizen_id":
            continue
        plain = value.encode()
        escaped = value.encode("unicode_escape")
        found |= {plain, escaped, base64.b64encode(plain)[:-4], plain.hex().encode(), plain.hex().upper().encode()}
        found |= {hash_(plain).hexdigest().encode() for hash_ in (hashlib.sha256, hashlib.sha1, hashlib.md5)}
        found |= {hashlib.sha256(plain).digest(), value.encode("gb18030")}
    return found


def rows_of(running: RunningBridge) -> bytes:
    """Everything the store holds, as bytes."""
    store = running.bridge.store

    def dump(tx: sa.Connection) -> bytes:
        metadata = sa.MetaData()
        metadata.reflect(tx)
        parts: list[bytes] = []
        for table in metadata.sorted_tables:
            for row in tx.execute(sa.select(table)):
                parts += [value if isinstance(value, bytes) else str(value).encode() for value in row]
        return b"\n".join(parts)

    return store.read_blocking(dump)


async def test_no_person_is_readable_anywhere(any_bridge: RunningBridge, logged: io.StringIO) -> None:
    spec = any_bridge.bridge.spec
    brief = f"{PERSON['name']}，{PERSON['phone']}"
    record = any_bridge.record(parties=[{"role": "guardian", **PERSON}], brief=brief)
    if spec.channel == "police":
        record["place"] = PERSON["address"]
    accepted = await any_bridge.post(spec.noun, record)
    assert accepted.status_code == 201
    answers = [accepted, await any_bridge.post(spec.noun, record)]
    bad_person: dict[str, Any] = {**PERSON, "id_number": PERSON["id_number"].replace("X", "1")}
    for broken in (
        any_bridge.numbered(2, parties=[{"role": "guardian", **bad_person}]),
        any_bridge.numbered(2, brief=[PERSON["name"]]),
        {**any_bridge.numbered(2), PERSON["name"]: PERSON["id_number"]},
        any_bridge.numbered(2, category=PERSON["phone"]),
        any_bridge.numbered(2, persons=PERSON["name"]),
    ):
        answers.append(await any_bridge.post(spec.noun, broken))
        assert answers[-1].status_code == 422
    await any_bridge.relayed()
    metrics = (await any_bridge.client.get("/metrics")).content
    logging.getLogger("uvicorn.error").warning("the log is caught")
    assert "the log is caught" in logged.getvalue()
    bus = [
        part
        for topic in CATALOGUE
        for one in any_bridge.bus.records(topic.name)
        for part in (one.key or b"", one.value or b"", *(value for _, value in one.headers))
    ]
    places = {
        "bus": b"\n".join(bus),
        "store": rows_of(any_bridge),
        "metrics": metrics,
        "logs": logged.getvalue().encode(),
        "answers": b"\n".join(answer.content for answer in answers),
        "reprs": repr((any_bridge.bridge, record["handed_over_at"])).encode(),
    }
    assert len(places["bus"]) > 500
    found = [(place, canary) for place, held in places.items() for canary in canaries() if canary in held]
    assert found == []


async def test_parties_open_with_the_transport_key_alone(
    sqlite_court: RunningBridge, sqlite_workshop: Workshop
) -> None:
    await sqlite_court.post("cases", sqlite_court.record(parties=[{"role": "plaintiff", **PERSON}]))
    await sqlite_court.relayed()
    (handoff,) = sqlite_court.handoffs()
    folder = sqlite_workshop.folder / "keys"
    its = (handoff.handoff_id, key_owner_of(handoff.dispute_id))
    opened = sealer_of(folder).open(handoff.confidential, *its)
    assert opened.parties[0].id_number == PERSON["id_number"]
    key = keys.load_or_create(folder, "transport")
    with pytest.raises(Rejected, match="cannot_open"):
        Sealer({key.id: bytes(32)}, key.id, KeyRing(folder, RING)).open(handoff.confidential, *its)
    with pytest.raises(Rejected, match="cannot_open"):
        sealer_of(folder).open(handoff.confidential, "another-handoff", its[1])
    with pytest.raises(Rejected, match="cannot_open"):
        sealer_of(folder).open(handoff.confidential, handoff.handoff_id, key_owner_of("another-dispute"))
