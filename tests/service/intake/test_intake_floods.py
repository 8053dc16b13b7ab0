"""One agency's flood leaves the other agencies' hand-offs alone (ADR 0010)."""

from __future__ import annotations

import httpx2

from dispute.contracts.topics import HANDOFFS
from dispute.wire.handoff.v1 import handoff_pb2
from hub.streams.holds import release
from tests.support.intake_rig import FakeBridge, Rig, case_facts
from tests.support.journals import until

SOURCE = "court_bridge/court-620725"


def of_a_newer_partner(bridge: FakeBridge, number: int) -> handoff_pb2.Handoff:
    """Return a hand-off with a code that intake does not know."""
    return bridge.handoff(f"N-{number}", case_received=case_facts(relation_clarity="crystal"))


async def test_the_other_agency_goes_on_and_the_flood_comes_back(rig: Rig) -> None:
    client = await rig.start(http=True)
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    rig.bridge.send(*(of_a_newer_partner(rig.bridge, number) for number in range(30)))
    rig.bridge.send(rig.bridge.handoff("A-1"))
    office.send(office.handoff("P-1", case_received=case_facts(procedure="", suit_kind="")))
    await client.applied(rig.bridge)
    await client.applied(office)
    assert await client.state(office.dispute_id("P-1")) == "accepted"
    books = await client.books()
    dead, held = books["handoff", "dead"], books["handoff", "held"]
    assert dead < 20
    assert (dead + held, books["handoff", "applied"]) == (31, 1)
    assert client.intake.reader.held() == [SOURCE]

    async with httpx2.AsyncClient() as http:
        health = (await http.get(f"http://127.0.0.1:{client.intake.http.port}/healthz")).text
    assert SOURCE in health

    # What is sound among the held records counts after the release, whether or not the rest has it held again.
    await client.intake.store.write(lambda tx: release(tx, HANDOFFS.name, SOURCE))

    async def come_back() -> bool:
        return (await client.books())["handoff", "applied"] == 2

    await until(come_back)
    books = await client.books()
    assert sum(books["handoff", what] for what in ("dead", "held", "parked")) == 30
    assert await client.state(rig.bridge.dispute_id("A-1")) == "accepted"
