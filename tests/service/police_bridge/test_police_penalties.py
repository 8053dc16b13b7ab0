"""A public-security penalty is sealed: whoever asks is refused, and nothing tells whether there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from hub.errors import Kind, Rejected
from hub.grpc.client import call, channel
from tests.support.bridges import RunningBridge, Workshop

KNOWN = "J6207252024030400017"
UNKNOWN = "J6207252024030400099"
QUERIES = 'hub_sealed_record_queries_total{service="police_bridge"}'


@pytest.fixture
async def police(workshop: Workshop) -> AsyncIterator[RunningBridge]:
    async with workshop.running("police") as running:
        assert (await running.post("incidents", running.record())).status_code == 201
        yield running


async def rest(police: RunningBridge, reference: str, key: str) -> tuple[int, dict[str, object]]:
    answer = await police.get(f"incidents/{reference}/penalty", x_api_key=key, x_correlation_id="mine-1")
    assert reference not in answer.text
    return answer.status_code, answer.json()


async def refused_call(police: RunningBridge, reference: str, key: str) -> Rejected:
    async with channel(f"127.0.0.1:{police.bridge.grpc.port}") as line:
        stub = police_pb2_grpc.PoliceBridgeServiceStub(line)
        request = police_pb2.GetPenaltyRequest(source_ref=reference)
        with pytest.raises(Rejected) as caught:
            await call(stub.GetPenalty, request, timeout_s=10, metadata=(("x-api-key", key),), retry=False)
    return caught.value


async def test_every_reference_and_every_agency_gets_the_same_refusal(police: RunningBridge) -> None:
    other = await police.add_agency("police-620724", "620724")
    answers = [await rest(police, ref, key) for ref in (KNOWN, UNKNOWN) for key in (police.key, other)]
    assert all(answer == answers[0] for answer in answers)
    status, problem = answers[0]
    assert (status, problem["code"]) == (403, "penalty_sealed")
    assert "治安管理处罚法第136条" in str(problem["detail"])
    calls = [await refused_call(police, ref, key) for ref in (KNOWN, UNKNOWN) for key in (police.key, other)]
    assert {(each.code, each.kind, each.detail) for each in calls} == {
        ("penalty_sealed", Kind.DENIED, problem["detail"])
    }


async def test_a_reference_of_several_segments_is_refused_too(police: RunningBridge) -> None:
    assert (await rest(police, "2024/17", police.key))[0] == 403


async def test_the_incident_itself_is_still_found(police: RunningBridge) -> None:
    assert (await police.get(f"incidents/{KNOWN}")).status_code == 200


async def test_a_query_is_counted_and_logged_without_its_reference(police: RunningBridge) -> None:
    with capture_logs() as logged:
        await rest(police, KNOWN, police.key)
        await refused_call(police, UNKNOWN, police.key)
    queries = [each for each in logged if each["event"] == "sealed_record_query"]
    assert [(each["agency"], each["record"]) for each in queries] == [("police-620725", "penalty")] * 2
    assert not any(ref in repr(logged) for ref in (KNOWN, UNKNOWN))
    metrics = (await police.client.get("/metrics")).text
    assert f"{QUERIES} 2.0" in metrics
    assert not any(ref in metrics for ref in (KNOWN, UNKNOWN))


async def test_who_has_no_key_is_not_authenticated(police: RunningBridge) -> None:
    assert (await rest(police, KNOWN, "nobody"))[0] == 401
    assert (await refused_call(police, KNOWN, "nobody")).kind is Kind.UNAUTHENTICATED
