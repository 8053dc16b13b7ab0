from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from bridge.record import references
from bridge.tables import receipt
from dispute.lifecycle.identity import dispute_id_of
from hub.store.store import Store
from hub.store.tables import outbox
from hub.streams.memory import SendMode
from tests.support.bridges import PERSON, RunningBridge, Workshop


async def stored(running: RunningBridge) -> tuple[int, int]:
    """Rows of receipts and of the outbox."""
    count = [sa.select(sa.func.count()).select_from(table) for table in (receipt, outbox)]
    read = await running.bridge.store.read(lambda tx: [tx.scalar(one) for one in count])
    return read[0] or 0, read[1] or 0


async def test_receipt_comes_after_the_commit_and_the_handoff_reaches_the_bus(court: RunningBridge) -> None:
    answer = await court.post("cases", court.record())
    assert answer.status_code == 201
    given = answer.json()
    assert given["dispute_id"] == dispute_id_of("court-620725", given["source_ref"])
    assert given["position"]["position"] == 1
    assert await stored(court) == (1, 1)
    await court.relayed()
    (handoff,) = court.handoffs()
    assert handoff.handoff_id == given["receipt_id"]
    # The digest of what names people is itself a way to try out names: on the bus it stands keyed, or sealed.
    assert bytes.fromhex(given["content_sha256"]) not in handoff.SerializeToString()
    assert given["content_sha256"].encode() not in handoff.SerializeToString()
    assert len(handoff.content_mac) == 32
    assert handoff.agency_id == "court-620725"
    assert handoff.occurred_at.ToJsonString() == "2024-03-04T01:30:00Z"
    assert handoff.case_received.received_on == "2024-03-01"


async def test_each_bridge_carries_its_example_end_to_end(any_bridge: RunningBridge) -> None:
    answer = await any_bridge.post(any_bridge.noun, any_bridge.record())
    assert answer.status_code == 201, answer.text
    await any_bridge.relayed()
    (handoff,) = any_bridge.handoffs()
    assert handoff.channel == any_bridge.bridge.spec.channel
    assert handoff.case_received.county_code == "620725"
    where = await any_bridge.get(f"{any_bridge.noun}/{handoff.source_ref}")
    assert where.json()["receipt"]["receipt_id"] == answer.json()["receipt_id"]


async def test_same_content_again_gets_the_first_receipt(court: RunningBridge) -> None:
    first = (await court.post("cases", court.record())).json()
    again = await court.post("cases", court.record())
    assert again.status_code == 200
    assert again.json() == {**first, "repeated": True}
    # Another spelling of the same instant, a key instead of the reference: still the same content.
    spelt = court.record(handed_over_at="2024-03-04T01:30:00.000Z")
    other_key = await court.post("cases", spelt, idempotency_key="again")
    assert (other_key.status_code, other_key.json()["receipt_id"]) == (200, first["receipt_id"])
    assert await stored(court) == (1, 1)


async def test_same_reference_or_key_with_other_content_is_refused(court: RunningBridge) -> None:
    await court.post("cases", court.numbered(1), idempotency_key="k1")
    other_body = await court.post("cases", court.numbered(1, amount_fen=1))
    other_ref = await court.post("cases", court.numbered(2), idempotency_key="k1")
    for answer in (other_body, other_ref):
        assert answer.status_code == 422
        assert answer.json()["code"] == "key_reused"
        assert "/v1/reports" in answer.json()["detail"]
        assert "round" in answer.json()["detail"]
    assert await stored(court) == (1, 1)


async def test_many_at_once_with_repeats_share_commits_and_agree(court: RunningBridge) -> None:
    answers = await asyncio.gather(*(court.post("cases", court.numbered(n % 20)) for n in range(100)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert sum(answer.status_code == 201 for answer in answers) == 20
    by_ref = {(a.json()["source_ref"], a.json()["receipt_id"], a.json()["position"]["position"]) for a in answers}
    assert len(by_ref) == 20
    assert await stored(court) == (20, 20)


async def test_batch_answers_each_item(court: RunningBridge) -> None:
    items: list[object] = [
        {"court_case": court.numbered(1)},
        {"court_case": court.numbered(1)},
        {"court_case": court.numbered(1, amount_fen=5)},
        {"court_case": court.numbered(2, category="77")},
        {"court_case": court.numbered(3, county_code="620724", town_code="620724100")},
        {"court_case": court.numbered(4, handed_over_at="2031-01-01T00:00:00Z")},
        {"court_case": court.numbered(5), "idempotency_key": "own"},
        7,
        {"court_case": court.numbered(6), "surprise": 1},
    ]
    results = (await court.post("cases:batch", {"items": items})).json()["results"]
    told = [r["receipt"]["repeated"] if "receipt" in r else r["refusal"]["code"] for r in results]
    assert told == [
        False,
        True,
        "key_reused",
        "unknown_code",
        "county_out_of_scope",
        "date_in_future",
        False,
        "wrong_type",
        "wrong_type",
    ]
    assert await stored(court) == (2, 2)


async def test_batch_has_a_limit(sqlite_court: RunningBridge) -> None:
    answer = await sqlite_court.post("cases:batch", {"items": [{}] * 1001})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many")


async def test_later_facts_need_an_own_record_and_a_key(court: RunningBridge) -> None:
    ref = court.record()["case_number"]
    fact = {"source_ref": ref, "occurred_at": "2024-04-01T00:00:00Z", "withdrawn": {"reason_code": "self_settled"}}
    early = await court.post("reports", fact, idempotency_key="w1")
    assert (early.status_code, early.json()["code"]) == (404, "not_found")
    await court.post("cases", court.record())
    keyless = await court.post("reports", fact)
    assert (keyless.status_code, keyless.json()["code"]) == (422, "missing")
    first = await court.post("reports", fact, idempotency_key="w1")
    again = await court.post("reports", fact, idempotency_key="w1")
    assert (first.status_code, again.status_code) == (201, 200)
    ruling = {"source_ref": ref, "occurred_at": "2024-05-01T00:00:00Z", "ruling": {"confirmed": True}}
    reused = await court.post("reports", ruling, idempotency_key="w1")
    assert reused.json()["code"] == "key_reused"
    assert (await court.post("reports", ruling, idempotency_key="r1")).status_code == 201
    await court.relayed()
    bodies = sorted(handoff.WhichOneof("body") or "" for handoff in court.handoffs())
    assert bodies == ["case_received", "case_withdrawn", "court_ruling"]
    assert len({handoff.dispute_id for handoff in court.handoffs()}) == 1


async def test_another_agencys_reference_looks_like_none(court: RunningBridge) -> None:
    await court.post("cases", court.numbered(1))
    stranger = await court.add_agency("court-620724", "620724")
    hers = await court.get("cases/T-00001", x_api_key=stranger)
    nobodys = await court.get("cases/T-99999", x_api_key=stranger)
    assert hers.status_code == nobodys.status_code == 404
    assert {**hers.json(), "correlation_id": ""} == {**nobodys.json(), "correlation_id": ""}
    fact = {"source_ref": "T-00001", "occurred_at": "2024-04-01T00:00:00Z", "withdrawn": {"reason_code": "withdrawn"}}
    for odd in ("%00", "a%20b", "x" * 200, "..%2f..%2fetc"):
        assert (await court.get(f"cases/{odd}")).status_code == 404
    told = await court.post("reports", fact, x_api_key=stranger, idempotency_key="x")
    assert told.status_code == 404
    # The same reference of another agency is another dispute.
    own = await court.post("cases", court.numbered(1, county_code="620724", town_code="620724100"), x_api_key=stranger)
    assert own.status_code == 201


@pytest.mark.parametrize("key", [None, b"", b"wrong", "密钥".encode()])
async def test_no_valid_key_no_word(sqlite_court: RunningBridge, key: bytes | None) -> None:
    headers = {} if key is None else {b"x-api-key": key}
    for method, path in (("POST", "cases"), ("POST", "cases:batch"), ("POST", "reports"), ("GET", "results")):
        answer = await sqlite_court.client.request(method, f"/v1/{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert await stored(sqlite_court) == (0, 0)


async def test_broken_bodies_leave_nothing_behind(sqlite_court: RunningBridge) -> None:
    headers = {"x-api-key": sqlite_court.key, "content-type": "application/json"}
    bodies = {
        b'{"case_number": "\xff\xfe"}': {400},
        b"{": {400},
        b'{"case_number": "a", "case_number": "b"}': {400},
        b"[" * 60 + b"]" * 60: {400},
        b'{"amount_fen": NaN}': {400},
        b"7": {422},
        b'"\\ud800"': {400},
        b'{"brief": "' + b"x" * (5 * 1024 * 1024) + b'"}': {413},
    }
    for body, statuses in bodies.items():
        answer = await sqlite_court.client.post("/v1/cases", content=body, headers=headers)
        assert answer.status_code in statuses, (body[:40], answer.text)
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert await stored(sqlite_court) == (0, 0)


async def test_every_field_at_fault_is_named_and_no_value(sqlite_court: RunningBridge) -> None:
    person = {**PERSON, "id_number": "110105194912310021", "phone": "123"}
    bad = sqlite_court.record(parties=[{"role": "plaintiff", **person}], category="XQ", surprise="惊", 张三丰=1)
    answer = await sqlite_court.post("cases", bad)
    assert answer.status_code == 422
    faults = {fault["field"]: fault["code"] for fault in answer.json()["errors"]}
    assert faults == {
        "category": "unknown_code",
        "parties.0.id_number": "id_checksum",
        "parties.0.phone": "phone_format",
        "surprise": "unknown_field",
        "?": "unknown_field",
    }
    for value in ("110105194912310021", "测试甲某某", "XQ", "惊", "张三丰"):
        assert value not in answer.text


async def test_what_cannot_be_published_gets_no_receipt(
    sqlite_workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.streams.outbox.MAX_RECORD_BYTES", 600)
    async with sqlite_workshop.running() as court:
        long = await court.post("cases", court.numbered(1, brief="长" * 400))
        assert (long.status_code, long.json()["code"]) == (422, "record_too_large")
        assert await stored(court) == (0, 0)


async def test_full_outbox_refuses_new_records_and_still_answers_repeats(workshop: Workshop) -> None:
    workshop.bus.sending = SendMode.DOWN
    async with workshop.running(outbox_limit_rows=2) as court:
        for number in (1, 2):
            assert (await court.post("cases", court.numbered(number))).status_code == 201
        full = await court.post("cases", court.numbered(3))
        assert (full.status_code, full.json()["code"]) == (429, "outbox_full")
        assert int(full.headers["retry-after"]) >= 1
        assert (await court.post("cases", court.numbered(1))).status_code == 200
        mixed = {"items": [{"court_case": court.numbered(n)} for n in (2, 4)]}
        results = (await court.post("cases:batch", mixed)).json()["results"]
        assert [next(iter(result)) for result in results] == ["receipt", "refusal"]
        workshop.bus.sending = SendMode.NORMAL
        await court.relayed()
        assert (await court.post("cases", court.numbered(3))).status_code == 201


async def test_correlation_id_comes_from_the_caller_or_its_trace(sqlite_court: RunningBridge) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    await sqlite_court.post("cases", sqlite_court.numbered(1), x_correlation_id="abc-1")
    await sqlite_court.post("cases", sqlite_court.numbered(2), traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    await sqlite_court.post("cases", sqlite_court.numbered(3))
    await sqlite_court.relayed()
    told = {handoff.source_ref: handoff.correlation_id for handoff in sqlite_court.handoffs()}
    assert told["T-00001"] == "abc-1"
    assert told["T-00002"] == trace
    assert len(told["T-00003"]) == 32


CANONICAL = "（2024）甘0725民初1023号"
SPELLINGS = ("(2024)甘0725民初1023号", "〔2024〕甘0725民初1023号", "（２０２４） 甘０７２５民初 1023 号", CANONICAL)


async def test_one_number_in_many_spellings_is_one_record(any_bridge: RunningBridge) -> None:
    field = any_bridge.ref_field
    first, *others = SPELLINGS
    given = await any_bridge.post(any_bridge.noun, any_bridge.record(**{field: first}))
    assert (given.status_code, given.json()["source_ref"]) == (201, first)
    agency = f"{any_bridge.bridge.spec.channel}-620725"
    assert given.json()["dispute_id"] == dispute_id_of(agency, CANONICAL)
    for spelling in others:
        again = await any_bridge.post(any_bridge.noun, any_bridge.record(**{field: spelling}))
        assert (again.status_code, again.json()) == (200, {**given.json(), "repeated": True})
        other = await any_bridge.post(any_bridge.noun, any_bridge.record(**{field: spelling, "brief": "另一内容。"}))
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
        where = await any_bridge.get(f"{any_bridge.noun}/{quote(spelling, safe='')}")
        assert (where.status_code, where.json()["receipt"]) == (200, given.json())
        beside = await any_bridge.get(f"{any_bridge.noun}?reference={quote(spelling, safe='')}")
        assert beside.json() == where.json()
        fact = {"source_ref": spelling, "occurred_at": "2024-04-01T00:00:00Z", "later_fact": {"kind": "other"}}
        told = await any_bridge.post("reports", fact, idempotency_key="fact")
        assert told.json()["dispute_id"] == given.json()["dispute_id"], told.text
    assert await stored(any_bridge) == (2, 2)
    await any_bridge.relayed()
    assert {handoff.source_ref for handoff in any_bridge.handoffs()} == {CANONICAL}


async def test_a_reference_that_grows_when_composed_is_measured_first(court: RunningBridge) -> None:
    # 40 letters as sent, 120 as compared; the column has 64, and PostgreSQL minds.
    answer = await court.post("cases", court.record(case_number="\ufb2c" * 40))
    assert (answer.status_code, answer.json()["code"]) == (422, "too_long")
    assert await stored(court) == (0, 0)


async def test_a_spelling_of_an_earlier_release_goes_on_under_its_id(workshop: Workshop) -> None:
    async with workshop.running("court") as court:
        new = (await court.post("cases", court.record(case_number=CANONICAL))).json()
    old_id = dispute_id_of("court-620725", "(2024)1")
    row = {"agency": "court-620725", "source_ref": "(2024)1", "idempotency_key": "(2024)1", "correlation_id": "c"}
    row |= {"receipt_id": "r", "dispute_id": old_id, "case_of": old_id, "stream": "s/0/e"}
    content = {"round": 1, "opening": 1, "content_sha256": bytes(32), "accepted_at": 1, "position": 1}
    store = Store(workshop.store_url)
    try:  # what the first release left behind, and the schema's step over it
        store.write_blocking(lambda tx: tx.execute(sa.insert(receipt), row | content))
        store.write_blocking(references.fill)
    finally:
        store.close()
    async with workshop.running("court") as court:
        for spelling in ("(2024)1", "（2024）1", "〔2024〕1"):
            where = await court.get(f"cases/{quote(spelling, safe='')}")
            assert where.json()["receipt"]["dispute_id"] == old_id
            fact = {"source_ref": spelling, "occurred_at": "2024-04-01T00:00:00Z", "later_fact": {"kind": "other"}}
            assert (await court.post("reports", fact, idempotency_key="k")).json()["dispute_id"] == old_id
            other = await court.post("cases", court.record(case_number=spelling))
            assert other.json()["code"] == "key_reused"
        same = await court.post("cases", court.record(case_number=SPELLINGS[0]))
        assert (same.status_code, same.json()["dispute_id"]) == (200, new["dispute_id"])
        assert (await court.get("cases")).status_code == 404
        await court.relayed()
        (later,) = [handoff for handoff in court.handoffs() if handoff.WhichOneof("body") == "later_fact"]
        assert later.dispute_id == dispute_id_of(later.agency_id, later.source_ref)  # as intake checks it
