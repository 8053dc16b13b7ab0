"""Partners repeat until they are answered, note what they were answered, and write records as the bridges want them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from dispute.wire.police.v1 import police_pb2
from hub.streams.envelope import StreamName
from ops.console.exits import BrokenPromise
from ops.play.demo import write_out
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.answers import Later, Patience, ReceivedReceipt, ReceivedRefusal
from ops.play.simulators.bodies import body_of
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.mediators import batches, command_of
from ops.play.simulators.nuisance import BODIES
from ops.play.simulators.police import _request
from ops.play.simulators.rest import RestPartner
from tests.support.scenarios import tiny

RECEIPT = {
    "receipt_id": "r",
    "source_ref": "A1",
    "dispute_id": "d",
    "repeated": False,
    "position": {"stream": "court_bridge/1/e", "position": 3},
}
Handler = Callable[[httpx2.Request], httpx2.Response]


def partner(handler: Handler, deadline_s: float = 5.0) -> RestPartner:
    made = RestPartner("http://bridge", "key", "/v1/cases", "court_case", Patience(deadline_s))
    made._client = httpx2.AsyncClient(
        base_url="http://bridge", headers={"X-API-Key": "key"}, transport=httpx2.MockTransport(handler)
    )
    return made


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    seen: list[tuple[str | None, bytes]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.headers.get("idempotency-key"), request.content))
        match len(seen):
            case 1:
                raise httpx2.ReadError("killed")
            case 2:
                return httpx2.Response(503, json={"code": "outbox_full"})
            case 3:
                return httpx2.Response(409, json={"code": "in_flight"})
            case _:
                return httpx2.Response(201, json=RECEIPT)

    court = partner(handler)
    answer = await court.submit({"case_number": "A1"}, "k1")
    await court.close()
    assert answer == ReceivedReceipt("r", "A1", "d", "court_bridge/1/e", 3, repeated=False)
    assert len(seen) == 4
    assert len(set(seen)) == 1


async def test_a_refusal_is_final() -> None:
    court = partner(lambda _: httpx2.Response(422, json={"code": "id_checksum", "field": "parties.0.id_number"}))
    assert await court.submit({}) == ReceivedRefusal("id_checksum", "parties.0.id_number", "422")
    await court.close()


async def test_a_batch_has_an_answer_for_each() -> None:
    results = [{"receipt": RECEIPT}, {"refusal": {"code": "too_long", "field": "brief", "detail": ""}}]
    court = partner(lambda _: httpx2.Response(200, json={"results": results}))
    assert await court.submit_batch([{}, {}]) == [
        ReceivedReceipt("r", "A1", "d", "court_bridge/1/e", 3, repeated=False),
        ReceivedRefusal("too_long", "brief", "item"),
    ]
    with pytest.raises(BrokenPromise):
        await court.submit_batch([{}])
    await court.close()


async def test_patience_ends() -> None:
    async def never() -> None:
        raise Later("no route")

    patience = Patience(deadline_s=0.0)
    with pytest.raises(TimeoutError, match="clock: no answer within 0 s: no route"):
        await patience.until_answered("clock", never)


def test_the_ledger_keeps_the_furthest_place_and_notices_two_receipts(tmp_path: Path) -> None:
    one = ReceivedReceipt("r1", "A1", "d1", "court_bridge/1/e", 4, repeated=False)
    with ReceiptFile(tmp_path / "ledger.jsonl") as ledger:
        ledger.enter("court", one)
        ledger.enter("court", ReceivedReceipt("r1", "A1", "d1", "court_bridge/1/e", 4, repeated=True))
        ledger.passed("court_bridge/1/e", 2)
        assert ledger.contradictions == []
        assert ledger.vector == {StreamName("court_bridge", 1, "e"): 4}
        ledger.enter("court", ReceivedReceipt("r2", "A1", "d1", "court_bridge/1/e", 9, repeated=False))
        assert len(ledger.contradictions) == 1
        assert len(ledger) == 1
        assert ledger.disputes() == {"d1"}
        assert ledger.dispute_of("court", "A1") == "d1"
        assert ledger.dispute_of("police", "A1") is None
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 3


def test_every_police_record_fits_its_message(small: Scenario) -> None:
    police = [record for record in write_out(small).records if record.channel is Docking.POLICE]
    for record in police:
        request = _request(body_of(record), None)
        assert isinstance(request, police_pb2.SubmitRequest)
        assert request.incident.incident_number == record.ref
        assert request.incident.called_at.ToDatetime() <= request.incident.handed_over_at.ToDatetime()


def test_bad_requests_differ_from_good_ones_and_name_nobody_new(small: Scenario) -> None:
    good = body_of(write_out(small).records[0])
    for name, spoil in BODIES:
        assert spoil(good) != good, name
    assert json.dumps(good) == json.dumps(body_of(write_out(small).records[0]))


def test_every_step_is_a_command(shandan: Scenario) -> None:
    script = write_out(shandan)
    kinds = set()
    for way in script.journeys.values():
        for step in way.steps:
            if step.action != "ruling":
                command = command_of("d", step)
                assert command.WhichOneof("instruction") == step.action
                kinds.add(step.action)
    assert {"dispatch", "sign", "begin_mediation", "agree", "fail", "withdraw", "return_to_source", "close"} <= kinds


def test_batches_keep_a_disputes_commands_together_and_in_order() -> None:
    steps = [("d", step) for way in write_out(tiny()).journeys.values() for step in way.steps]
    cut = batches(reversed(steps), 5)
    assert sum(map(len, cut)) == len(steps)
    for number in {step.number for _, step in steps}:
        holding = [batch for batch in cut if any(step.number == number for _, step in batch)]
        assert len(holding) == 1
        assert [step.order for _, step in holding[0] if step.number == number] == sorted(
            step.order for _, step in steps if step.number == number
        )
    assert batches([], 5) == []
