from __future__ import annotations

from dispute.contracts.sealing import Sealer
from hub.runtime import keys
from tests.support.bridges import PERSON, Workshop


async def test_an_accusation_leaves_no_trace_of_people_even_sealed(sqlite_workshop: Workshop) -> None:
    async with sqlite_workshop.running("petition") as office:
        accusation = office.record(
            purpose="whistle_blowing", parties=[{"role": "petitioner", **PERSON}], brief=f"检举{PERSON['name']}"
        )
        assert (await office.post("petitions", accusation)).status_code == 201
        await office.relayed()
        (handoff,) = office.handoffs()
        key = keys.load_or_create(sqlite_workshop.folder / "keys", "transport")
        opened = Sealer({key.id: key.secret}, key.id).open(handoff.confidential, handoff.handoff_id)
        assert not opened.parties
        assert not opened.brief
        assert handoff.case_received.purpose == "whistle_blowing"
