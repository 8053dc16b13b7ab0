from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from dispute.contracts.sealing import sealer_of
from dispute.lifecycle import key_owner_of
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.petition.v1 import petition_pb2, petition_pb2_grpc
from hub.grpc.client import call, channel
from tests.support.bridges import PERSON, RunningBridge, Workshop

ACCUSATION = f"检举{PERSON['name']}收受红包"


async def handed_over(workshop: Workshop, office: RunningBridge) -> tuple[handoff_pb2.Handoff, Any]:
    """Return the only hand-off, and its sealed part opened."""
    await office.relayed()
    (handoff,) = office.handoffs()
    sealer = sealer_of(workshop.folder / "keys")
    return handoff, sealer.open(handoff.confidential, handoff.handoff_id, key_owner_of(handoff.dispute_id))


async def test_an_accusation_leaves_the_bridge_sealed(sqlite_workshop: Workshop) -> None:
    async with sqlite_workshop.running("petition") as office:
        parties = [{"role": "petitioner", **PERSON}]
        record = office.record(purpose="whistle_blowing", parties=parties, brief=ACCUSATION, happened_on="2024-02-01")
        assert (await office.post("petitions", record)).status_code == 201
        handoff, opened = await handed_over(sqlite_workshop, office)
        assert handoff.case_received.purpose == "whistle_blowing"
        assert not handoff.case_received.happened_on
        assert (opened.brief, opened.happened_on, opened.parties[0].name) == (ACCUSATION, "2024-02-01", PERSON["name"])


@pytest.mark.parametrize("way", ["rest", "grpc"])
async def test_of_a_request_that_also_accuses_nothing_in_clear_says_so(sqlite_workshop: Workshop, way: str) -> None:
    async with sqlite_workshop.running("petition") as office:
        record = office.record(circumstances=["whistle_blowing"], accusation=ACCUSATION)
        if way == "rest":
            assert (await office.post("petitions", record)).status_code == 201
        else:
            await submit(office, record)
        handoff, opened = await handed_over(sqlite_workshop, office)
        assert (opened.accusation, opened.brief) == (ACCUSATION, record["brief"])
        handoff.ClearField("confidential")
        assert b"whistle_blowing" not in handoff.SerializeToString()


async def submit(office: RunningBridge, record: dict[str, Any]) -> None:
    item = petition_pb2.PetitionItem()
    ParseDict(record, item)
    async with channel(f"127.0.0.1:{office.bridge.grpc.port}") as line:
        stub = petition_pb2_grpc.PetitionBridgeServiceStub(line)
        request = petition_pb2.SubmitRequest(petition=item)
        await call(stub.Submit, request, timeout_s=10, metadata=(("x-api-key", office.key),))
