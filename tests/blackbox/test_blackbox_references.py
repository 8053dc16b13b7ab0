"""Point 10 and the spellings of one number: what was accepted is found again as it was sent, and is one record."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import quote

import grpc
import pytest

from tests.blackbox.hubs import NOUN, REFERENCE, RunningHub

TURN: Final = "{n}"
FOUND: Final = {
    "plain": "A-{n}",
    "slash": "a/b/{n}",
    "colon and at": "a:b@{n}",
    "brackets": "[a]{n}!$*(),=+~^",
    "full-width": "Ａ－{n}",
    "full-width brackets": "A（3）{n}",
    "tortoise brackets": "民〔x〕{n}",
    "circled": "A①{n}",
    "decomposed": normalize("NFD", "é-{n}"),
    "compatibility ideograph": "\uf900{n}",
    "kelvin sign": "\u212a{n}",
    "hangul in parts": normalize("NFD", "각{n}"),
    "half-width katakana": "ｱ{n}",
    "ligature": "ﬁ{n}",
    "rare ideograph": "𠮷{n}",
    "dots within": "a.b..{n}",
    "full-width digits": "２０２６{n}",
}
"""Forms that are accepted."""
REFUSED: Final = {
    "one dot": ".",
    "two dots": "..",
    "full-width dots": "．．",
    "dots behind": "x{n}/..",
    "dots before": "../x{n}",
    "dot between": "x/./{n}",
    "empty segment": "x//{n}",
    "full-width question mark": "x？{n}",
    "joiner": "x\u200d{n}",
}
"""Forms that no look-up could bring."""
YEAR: Final = (
    "（2024）甘0725民初{n}号",
    "(2024)甘0725民初{n}号",
    "〔2024〕甘0725民初{n}号",
    "（２０２４） 甘0725民初 {n} 号",
)


def fresh(hub: RunningHub, bridge: str, form: str) -> dict[str, Any]:
    """A record whose reference has a form; its number is the fresh one of the harness."""
    record = hub.record(bridge)
    number = "".join(char for char in hub.ref(bridge, record) if char.isdigit())[-14:]
    return hub.with_ref(bridge, record, form.replace(TURN, number))


def path_of(bridge: str, ref: str) -> str:
    return f"/v1/{NOUN[bridge]}/{quote(ref, safe='')}"


def fact(ref: str) -> dict[str, Any]:
    return {"source_ref": ref, "occurred_at": "2026-01-05T09:00:00+08:00", "later_fact": {"kind": "other"}}


async def told_by_grpc(hub: RunningHub, bridge: str, ref: str) -> str:
    """Return the dispute id that `Get` tells, or the name of its status."""
    messages = import_module(f"stubs.{bridge}.v1.{bridge}_pb2")
    stubs = import_module(f"stubs.{bridge}.v1.{bridge}_pb2_grpc")
    stub_of = getattr(stubs, f"{bridge.capitalize()}BridgeServiceStub")

    def ask() -> str:
        with grpc.insecure_channel(hub.grpc[f"{bridge}_bridge"]) as channel:
            try:
                answer = stub_of(channel).Get(
                    messages.GetRequest(source_ref=ref), timeout=10, metadata=(("x-api-key", hub.keys[bridge]),)
                )
            except grpc.RpcError as error:
                return str(error.code().name)
            return str(answer.receipt.dispute_id)

    return await asyncio.to_thread(ask)


@pytest.mark.item("10")
@pytest.mark.parametrize("form", FOUND)
async def test_what_was_accepted_is_found_as_it_was_sent(hub: RunningHub, bridge: str, form: str) -> None:
    record = fresh(hub, bridge, FOUND[form])
    ref = hub.ref(bridge, record)
    receipt = await hub.submit(bridge, record)
    where = await hub.get(bridge, path_of(bridge, ref))
    assert where.status_code == 200, where.text
    assert where.json()["receipt"] == receipt
    assert receipt["source_ref"] == ref
    assert await told_by_grpc(hub, bridge, ref) == receipt["dispute_id"]
    told = await hub.post(
        bridge, "/v1/reports", json=fact(ref), headers={"Idempotency-Key": "f-" + receipt["receipt_id"]}
    )
    assert (told.status_code, told.json()["dispute_id"]) == (201, receipt["dispute_id"])
    for spelling in {normalize("NFC", ref), normalize("NFD", ref)} - {ref}:
        assert (await hub.get(bridge, path_of(bridge, spelling))).json()["receipt"] == receipt


@pytest.mark.item("10")
async def test_what_could_not_be_found_is_refused_before_the_receipt(hub: RunningHub, bridge: str) -> None:
    told = {}
    for name, form in REFUSED.items():
        answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=fresh(hub, bridge, form))
        fault = answer.json().get("errors", [{}])[0]
        told[name] = (answer.status_code, fault.get("field"), fault.get("code"))
    assert told == dict.fromkeys(REFUSED, (422, REFERENCE[bridge], "reference_format"))


@pytest.mark.item("10")
async def test_a_reference_is_looked_up_as_a_parameter_too(hub: RunningHub, bridge: str) -> None:
    record = fresh(hub, bridge, "a/+&b{n}".replace("&", "＋"))
    receipt = await hub.submit(bridge, record)
    where = await hub.get(bridge, f"/v1/{NOUN[bridge]}", params={"reference": hub.ref(bridge, record)})
    assert where.status_code == 200, where.text
    assert where.json()["receipt"] == receipt
    none = await hub.get(bridge, f"/v1/{NOUN[bridge]}", params={"reference": "nobody's"})
    assert (none.status_code, none.json()["code"]) == (404, "not_found")


@pytest.mark.item("small")
async def test_one_number_in_any_brackets_is_one_record(hub: RunningHub, bridge: str) -> None:
    record = fresh(hub, bridge, TURN)
    number = hub.ref(bridge, record)
    spellings = [form.replace(TURN, number) for form in YEAR]
    receipt = await hub.submit(bridge, hub.with_ref(bridge, record, spellings[1]))
    assert receipt["source_ref"] == spellings[1]
    for spelling in spellings:
        same = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=hub.with_ref(bridge, record, spelling))
        assert (same.status_code, same.json()) == (200, {**receipt, "repeated": True}), same.text
        changed = hub.with_ref(bridge, record, spelling) | {"brief": "另一内容。"}
        other = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=changed)
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
        assert (await hub.get(bridge, path_of(bridge, spelling))).json()["receipt"] == receipt
        assert await told_by_grpc(hub, bridge, spelling) == receipt["dispute_id"]
    results = await hub.result_of(bridge, receipt["dispute_id"])
    assert {result["source_ref"] for result in results} == {spellings[1]}


@pytest.mark.item("small")
async def test_a_batch_of_spellings_holds_one_record(hub: RunningHub, bridge: str) -> None:
    record = fresh(hub, bridge, TURN)
    field = {"court": "court_case", "police": "incident", "petition": "petition"}[bridge]
    spellings = [form.replace(TURN, hub.ref(bridge, record)) for form in YEAR]
    items = [{field: hub.with_ref(bridge, record, spelling)} for spelling in spellings]
    answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}:batch", json={"items": items})
    results = answer.json()["results"]
    assert [result.get("receipt", {}).get("repeated") for result in results] == [False, True, True, True], results
    assert len({result["receipt"]["receipt_id"] for result in results}) == 1
