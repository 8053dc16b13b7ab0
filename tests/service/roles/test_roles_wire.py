"""Every call by every role over the wire, beside what people wrote down; the commands are `make roles`."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from hub.grpc.client import refusal_of
from tests.roles import written
from tests.roles.hub_of_roles import hub_of_roles
from tests.roles.trying import try_calls


async def test_each_call_lets_pass_whom_it_should(tmp_path: Path) -> None:
    async with hub_of_roles(tmp_path) as hub:
        found = await try_calls(hub)
        stub = court_pb2_grpc.CourtBridgeServiceStub(hub.lines["court_bridge"])
        with pytest.raises(grpc.aio.AioRpcError) as error:  # an agency of another channel is nobody here
            await stub.ListResults(court_pb2.ListResultsRequest(), metadata=hub.who("agency", "police"), timeout=20)
    assert refusal_of(error.value).code == "unauthenticated"
    calls = {call: roles for call, roles in written.read().items() if "/" in call}
    assert found == calls
