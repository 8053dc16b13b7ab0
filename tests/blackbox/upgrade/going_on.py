"""What must go on after an upgrade: repeats, commands, later facts, timers, dead letters, new records, figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.blackbox.hubs import BRIDGES
from tests.blackbox.upgrade.asking import (
    LOOK_S,
    REST_S,
    Told,
    at_rest,
    disputes_of,
    figures_of,
    receipts_of,
    register_of,
    results_of,
    same_receipt,
)
from tests.blackbox.upgrade.compare import changes
from tests.blackbox.upgrade.filling import (
    AGREE,
    DISPATCH,
    LATE_WORK,
    SECOND_CLOCK,
    Filled,
    advance,
    carry_out,
    hand,
    narrow,
    post,
    record,
    report,
    same_matter,
)
from tests.blackbox.upgrade.hub import UpgradedHub

NEW: Final = 3
"""New records of each bridge."""


async def status_of(hub: UpgradedHub, bridge: str, dispute_id: str, status: str) -> list[str]:
    """Wait until an agency is told a status of a dispute; returns what is wrong."""
    began = time.monotonic()
    while True:
        told = [result["status"] for result in await hub.results_of(bridge, dispute_id)]
        waited_s = time.monotonic() - began
        if status in told:
            hub.longest_s = max(hub.longest_s, waited_s)
            return []
        if waited_s > REST_S:
            return [f"{bridge} {dispute_id} was told {told} and no {status} within {REST_S:.0f} s"]
        await asyncio.sleep(LOOK_S)


async def taken(hub: UpgradedHub) -> list[str]:
    """Hand a new record to each bridge and wait for its result."""
    found: list[str] = []
    odd = record(hub, "court")
    bodies = [(bridge, record(hub, bridge)) for bridge in BRIDGES]
    for bridge, body in (*bodies, ("court", {**odd, "case_number": narrow(odd["case_number"])})):
        receipt = await hub.submit(bridge, body)
        found += await status_of(hub, bridge, receipt["dispute_id"], "accepted")
    return found


def told_of(accepted: Mapping[str, Sequence[str]], results: Told) -> list[str]:
    """Return which disputes were accepted by a bridge and have no result."""
    found: list[str] = []
    for bridge, ids in accepted.items():
        told = {result["dispute_id"] for result in results[bridge].values() if result["status"] == "accepted"}
        found += [f"{bridge} {one}: no result" for one in ids if one not in told]
    return found


async def repeats(hub: UpgradedHub, filled: Filled) -> list[str]:
    """Send everything again; each has to have its first receipt."""
    found: list[str] = []
    for one in filled.sent:
        receipt = await post(hub, one.bridge, one.path, one.key, one.body)
        what = f"repeat of {one.bridge} {one.receipt['receipt_id']}"
        found += changes(same_receipt(one.receipt), same_receipt(receipt), what)
        found += [] if receipt["repeated"] else [f"{what} was taken for a new one"]
    first, odd = filled.sent[0], filled.bodies["odd"]
    other = await hub.post(first.bridge, first.path, json={**first.body, "brief": "另一件事。"})
    refused = (other.status_code, other.json().get("code"))
    found += expect("another content under an old key", refused, (422, "key_reused"))
    # The old build took this spelling for a reference of its own; this one knows that it is the same.
    spelt = {**odd, "case_number": odd["case_number"].replace("(", "（").replace(")", "）")}
    receipt = await post(hub, "court", "/v1/cases", "", spelt)
    return found + expect("the dispute of another spelling", receipt["dispute_id"], filled.disputes["odd"])


def expect(what: str, seen: object, wanted: object) -> list[str]:
    """Return what is wrong."""
    return [] if seen == wanted else [f"{what}: {seen!r} instead of {wanted!r}"]


async def work_on(hub: UpgradedHub, filled: Filled) -> list[str]:
    """Carry commands and later facts out on old disputes, and let old timers fire."""
    ids, found = filled.disputes, []
    async with register_of(hub) as register:
        await carry_out(register, ids["to agree"], (AGREE,), LATE_WORK)
        await carry_out(register, ids["reopened"], (DISPATCH,), LATE_WORK)
        await carry_out(register, ids["suspended"], (("resume", "mediator", {}),), LATE_WORK)
        await report(hub, filled, "to withdraw", withdrawn={"reason_code": "withdrawn"})
        await report(hub, filled, "odd", withdrawn={"reason_code": "withdrawn"})
        await report(hub, filled, "to be ruled", ruling={"confirmed": True})
        again = await hand(hub, filled, "the matter of an old one", "police", same_matter(hub, "police"))
        found += await status_of(hub, "court", ids["to agree"], "agreed")
        found += await status_of(hub, "court", ids["to withdraw"], "withdrawn")
        found += await status_of(hub, "court", ids["odd"], "withdrawn")
        found += await status_of(hub, "court", ids["to be ruled"], "confirmed")
        # An agency's record is screened and answered on its own, whoever brought the matter before.
        found += await status_of(hub, "police", again, "accepted")
        await at_rest(hub)
        found += expect("a timer fired", await advance(register, SECOND_CLOCK) > 0, wanted=True)
        found += await status_of(hub, "police", ids["to expire"], "failed")
        late = [event.reason_code for event in await register.history(ids["late"]) if event.type == "bounced"]
    return found + expect("bounces of what nobody signed", late, ["sign_off_expired"])


async def redriven(hub: UpgradedHub, filled: Filled) -> list[str]:
    """Redrive the letter that the old build had no holiday table for; it has to be decided."""
    letters: Any = await hub.command("dlq", "list", "handoffs")
    (place,) = [letter["place"] for letter in letters if letter["reason"] == "calendar_missing"]
    await hub.command("dlq", "redrive", "handoffs", place)
    return await status_of(hub, "petition", filled.disputes["no table"], "accepted")


async def counted(hub: UpgradedHub) -> list[str]:
    """Hand new records in and have an agreement made; every figure has to move by just that."""
    before = await figures_of(hub)
    first = ""
    for bridge in BRIDGES:
        for _ in range(NEW):
            receipt = await hub.submit(bridge, record(hub, bridge))
            first = first or receipt["dispute_id"]
    await at_rest(hub)
    async with register_of(hub) as register:
        settled = {"outcome_form": "self_settled"}
        await carry_out(register, first, (("agree", "clerk", settled),), LATE_WORK)
    await at_rest(hub)
    found = await status_of(hub, "court", first, "agreed")
    after = await figures_of(hub)
    found += figures_moved(before, after, "diversion", dict.fromkeys(BRIDGES, (NEW, NEW)))
    return found + figures_moved(before, after, "success", dict.fromkeys(BRIDGES, (0, NEW)) | {"court": (1, NEW)})


def figures_moved(before: Told, after: Told, metric: str, moved: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return where numerator and denominator of a channel did not move by just that."""
    found: list[str] = []
    for bridge, wanted in moved.items():
        old, new = (told["rates"][f"{bridge} {metric}"] for told in (before, after))
        seen = tuple(int(new[part]) - int(old[part]) for part in ("numerator", "denominator"))
        found += expect(f"{bridge} {metric} moved", seen, wanted)
    return found


async def acknowledged(hub: UpgradedHub, cursor: int) -> int:
    """Acknowledge the court's results up to a cursor; returns how many remain."""
    answer = await hub.post("court", "/v1/results:acknowledge", json={"cursor": cursor})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["remaining"])


async def balanced(hub: UpgradedHub) -> list[str]:
    """Ask the books of the build that runs now."""
    books = await hub.command("books")
    return [] if books["balanced"] else [f"books do not balance: {books['stages']}"]


async def told_by_bridges(hub: UpgradedHub, filled: Filled) -> Told:
    """Return receipts and results."""
    return {"receipts": await receipts_of(hub, filled.refs(hub)), "results": await results_of(hub)}


async def everything(hub: UpgradedHub, filled: Filled) -> Told:
    """Return all that the hub tells."""
    told = await told_by_bridges(hub, filled)
    return told | {"disputes": await disputes_of(hub), "figures": await figures_of(hub)}
