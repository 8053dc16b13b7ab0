"""Over gRPC, intake refuses unknown towns and tells the age of its divisions."""

from __future__ import annotations

import httpx2

from dispute.contracts.codec import timestamp_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from tests.support.intake_rig import HANDED_OVER, IntakeClient, Rig, case_facts
from tests.support.orders import order

ACTOR = command_pb2.Actor(role="clerk", actor_id="clerk-1")


async def test_a_submission_and_a_correction_need_a_known_place(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    request = intake_pb2.SubmitRequest(
        channel="window",
        source_organ="window-620725",
        source_ref="W-1",
        actor=ACTOR,
        occurred_at=timestamp_of(HANDED_OVER),
        facts=case_facts(town_code="620725999"),
    )
    submitted = await client.refusal("Submit", request)
    wrong = order(rig.bridge.dispute_id("A-1"), "reclassify", town_code="620725999", reason_code="clerk_error")
    right = order(rig.bridge.dispute_id("A-1"), "reclassify", town_code="620725102", reason_code="clerk_error")
    results = await client.execute(wrong, right)
    assert (submitted.code, submitted.field) == ("unknown_division", "town_code")
    assert (results[0].refusal.code, results[0].refusal.field) == ("unknown_division", "town_code")
    dispute = await client.dispute(rig.bridge.dispute_id("A-1"))
    assert dispute.dimensions.town_code == "620725102"


async def test_the_age_of_the_divisions_is_a_metric(rig: Rig) -> None:
    client = await rig.start(http=True)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{client.intake.http.port}") as http:
        scrape = (await http.get("/metrics")).text
    assert 'hub_codelist_as_of_timestamp_seconds{list="divisions"} 1.6880544e+09' in scrape
