"""Fills a hub of an old build: records at every door, disputes on different ways, answers written down."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from stubs.dispute.v1 import command_pb2
from stubs.intake.v1 import intake_pb2

from tests.blackbox.hubs import BRIDGES, NOUN
from tests.blackbox.register import CALL_S, Register, order
from tests.blackbox.upgrade.asking import Told, at_rest, register_of
from tests.blackbox.upgrade.hub import UpgradedHub

PLAIN: Final = 30
"""Records of each bridge that wait to be dispatched."""
FIELD: Final = {"court": "court_case", "police": "incident", "petition": "petition"}
ARRIVAL: Final = datetime(2024, 3, 4, 1, 30, tzinfo=UTC)
WORK: Final = ARRIVAL + timedelta(hours=1)
FIRST_CLOCK: Final = ARRIVAL + timedelta(days=9)
"""Past the limit for signing what was dispatched at `WORK`."""
LATE_WORK: Final = FIRST_CLOCK + timedelta(hours=1)
SECOND_CLOCK: Final = ARRIVAL + timedelta(days=40)
"""Past the end of a term of 30 days, and past the limit for signing what was dispatched at `LATE_WORK`."""
ARRIVED: Final[Mapping[str, Mapping[str, str]]] = {
    "court": {"court_received_on": "2024-03-01"},
    "police": {"called_at": "2024-03-04T08:00:00+08:00"},
    "petition": {"registered_on": "2024-03-01"},
}
NO_TABLE: Final = "1999-05-01"
"""Its limits reach a year whose holidays nobody knows: the old build has no answer to it."""
SAME_PHONES: Final = ("13800138001", "13800138002")

Step = tuple[str, str, Mapping[str, object]]
DIGEST: Final = "ab" * 32
DISPATCH: Final[Step] = (
    "dispatch",
    "dispatcher",
    {"lead_department": "justice_bureau", "level": "township", "dispatch_mode": "assigned"},
)
SIGN: Final[Step] = ("sign", "handler", {})
RIGHTS: Final = ("parties_accepted_mediator", "no_conflict_of_interest", "rights_notice_given")
BEGIN: Final[Step] = (
    "begin_mediation",
    "mediator",
    {"mediator_id": "m-1", "mediation_kind": "people", **dict.fromkeys(RIGHTS, True)},
)
BEGUN: Final = (DISPATCH, SIGN, BEGIN)
CONFIRMABLE: Final = {
    "outcome_form": "agreement",
    "signed_by_all": True,
    "made_by": "people_committee",
    "confirmable": True,
    "document_sha256": DIGEST,
    "amount_fen": 120_000,
}
AGREE: Final[Step] = ("agree", "mediator", CONFIRMABLE)
APPLY: Final[Step] = ("apply_for_confirmation", "clerk", {"jointly": True})
CLOSED: Final[tuple[Step, ...]] = (
    ("record_performance", "clerk", {"evidence_sha256": DIGEST}),
    ("begin_follow_up", "clerk", {"visit_on": "2024-03-20"}),
    ("record_visit", "clerk", {"clean": True}),
    ("close", "clerk", {"reviewer_id": "reviewer-1", "result_reported": True, "satisfied_or_explained": True}),
)
WAYS: Final[Mapping[str, tuple[str, tuple[Step, ...]]]] = {
    "to agree": ("court", BEGUN),
    "to agree unsent": ("court", BEGUN),
    "to be ruled": ("court", (*BEGUN, AGREE, APPLY)),
    "ruled": ("court", (*BEGUN, AGREE, APPLY)),
    "own last day": ("court", (*BEGUN, ("agree", "mediator", {**CONFIRMABLE, "confirm_by": "2024-04-03"}))),
    "extended": ("court", (*BEGUN, ("extend", "mediator", {"consent_of_all": True, "days": 30}))),
    "extended police": ("police", (*BEGUN, ("extend", "mediator", {"consent_of_all": True, "days": 30}))),
    "suspended": ("court", (*BEGUN, ("suspend", "mediator", {"reason_code": "appraisal_before_filing"}))),
    "to expire": ("police", BEGUN),
    "failed and returned": (
        "police",
        (
            *BEGUN,
            ("fail", "mediator", {"reason_code": "deadlock"}),
            ("return_to_source", "handler", {"target": "police", "packet_sha256": DIGEST}),
        ),
    ),
    "reclassified": ("police", (*BEGUN, AGREE, ("reclassify", "clerk", {"category": "08", "reason_code": "wrong"}))),
    "reopened": ("petition", (*BEGUN, AGREE, *CLOSED, ("reopen", "clerk", {"reason_code": "new_petition"}))),
    "closed": ("police", (*BEGUN, AGREE, *CLOSED)),
    "red": ("petition", (DISPATCH, SIGN, ("change_colour", "leader", {"colour": "red", "reason_code": "crowd"}))),
    "met": ("petition", (("reach_milestone", "handler", {"milestone": "met"}),)),
    "bounced": ("petition", (DISPATCH,)),
}


REFUSED_SINCE: Final[Mapping[str, AbstractSet[str]]] = {"extended police": frozenset({"no_extension"})}
"""Ways whose commands some builds refuse: a police mediation has had no extension since there is that code."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One call of an agency that was answered with a receipt."""

    bridge: str
    path: str
    key: str
    body: Mapping[str, Any]
    receipt: Told


@dataclass(slots=True)
class Filled:
    """What was handed in.

    Attributes:
        disputes: Name of a dispute to its id.
        bodies: Name of a dispute to the record that an agency sent.
        sent: All calls with a receipt.
    """

    disputes: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    def refs(self, hub: UpgradedHub) -> list[tuple[str, str]]:
        """Return the references of all records, with their bridges."""
        return [(one.bridge, hub.ref(one.bridge, one.body)) for one in self.sent if one.path != "/v1/reports"]


def record(hub: UpgradedHub, bridge: str, **changes: object) -> dict[str, Any]:
    """Return a record of the day of arrival."""
    return hub.record(bridge, **{"handed_over_at": ARRIVAL.isoformat(), **ARRIVED[bridge], **changes})


def same_matter(hub: UpgradedHub, bridge: str) -> dict[str, Any]:
    """Return a record of one matter that several agencies report."""
    told = record(hub, bridge, category="06")
    for party, phone in zip(told["parties"], SAME_PHONES, strict=True):
        party["phone"] = phone
    return told


async def post(hub: UpgradedHub, bridge: str, path: str, key: str, body: Mapping[str, Any]) -> Told:
    """Make one call with a key of repetition; returns its receipt."""
    answer = await hub.post(bridge, path, json=body, headers={"Idempotency-Key": key or None})
    assert answer.status_code in {200, 201}, f"{bridge} {path}: {answer.text}"
    receipt: Told = answer.json()
    return receipt


async def hand(hub: UpgradedHub, filled: Filled, name: str, bridge: str, body: dict[str, Any]) -> str:
    """Hand one record over under a name; returns its dispute."""
    path = f"/v1/{NOUN[bridge]}"
    receipt = await post(hub, bridge, path, "", body)
    filled.sent.append(Sent(bridge, path, "", body, receipt))
    filled.bodies[name] = body
    filled.disputes[name] = receipt["dispute_id"]
    return filled.disputes[name]


async def report(hub: UpgradedHub, filled: Filled, name: str, **told: object) -> None:
    """Tell a later fact of a named dispute."""
    (bridge,) = [one.bridge for one in filled.sent if one.body is filled.bodies[name]]
    body = {"source_ref": hub.ref(bridge, filled.bodies[name]), "occurred_at": LATE_WORK.isoformat(), **told}
    key = f"k-{uuid4()}"
    receipt = await post(hub, bridge, "/v1/reports", key, body)
    filled.sent.append(Sent(bridge, "/v1/reports", key, body, receipt))


async def carry_out(
    register: Register,
    dispute_id: str,
    steps: tuple[Step, ...],
    at: datetime,
    refusable: AbstractSet[str] = frozenset(),
) -> None:
    """Carry commands out, an hour after each other; each has to be accepted, or refused with one of these codes."""
    orders: list[command_pb2.Command] = []
    for number, (name, role, told) in enumerate(steps):
        orders.append(order(dispute_id, name, at + timedelta(hours=number), role, **told))
    refused = [code for code in await register.execute(*orders) if code not in refusable]
    assert refused == [], f"{dispute_id} {[name for name, _, _ in steps]}: {refused}"


async def advance(register: Register, to: datetime) -> int:
    """Move the clock; returns how many timers changed a dispute."""
    request = intake_pb2.AdvanceClockRequest()
    request.to.FromDatetime(to)
    answer = await register.stub.AdvanceClock(request, timeout=CALL_S)
    return int(answer.fired)


async def fill(hub: UpgradedHub) -> Filled:
    """Hand in records, drive disputes to their ends; returns when everything has arrived everywhere."""
    filled = Filled()
    for bridge in BRIDGES:
        bodies = [record(hub, bridge) for _ in range(PLAIN)]
        items = [{FIELD[bridge]: body} for body in bodies]
        answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}:batch", json={"items": items})
        receipts = [item["receipt"] for item in answer.json()["results"]]
        told = zip(bodies, receipts, strict=True)
        filled.sent += [Sent(bridge, f"/v1/{NOUN[bridge]}", "", body, receipt) for body, receipt in told]
    for name, (bridge, _) in WAYS.items():
        await hand(hub, filled, name, bridge, record(hub, bridge))
    await hand(hub, filled, "late", "petition", record(hub, "petition"))
    await hand(hub, filled, "to withdraw", "court", record(hub, "court"))
    await hand(hub, filled, "withdrawn", "police", record(hub, "police"))
    await hand(hub, filled, "refused", "court", record(hub, "court", procedure="special"))
    await hand(hub, filled, "sealed", "petition", record(hub, "petition", purpose="whistle_blowing"))
    await hand(hub, filled, "no table", "petition", record(hub, "petition", registered_on=NO_TABLE))
    await hand(hub, filled, "master", "court", same_matter(hub, "court"))
    odd = record(hub, "court")
    await hand(hub, filled, "odd", "court", odd | {"case_number": narrow(odd["case_number"])})
    await at_rest(hub)
    await hand(hub, filled, "duplicate", "petition", same_matter(hub, "petition"))
    async with register_of(hub) as register:
        filled.disputes["window"] = await register.window(f"W-{uuid4()}", ARRIVAL)
        for name, (_, steps) in WAYS.items():
            await carry_out(register, filled.disputes[name], steps, WORK, REFUSED_SINCE.get(name, frozenset()))
        await report(hub, filled, "withdrawn", withdrawn={"reason_code": "withdrawn"})
        await report(hub, filled, "ruled", ruling={"confirmed": True})
        # Nobody applied for it: a dead letter.
        await report(hub, filled, "to withdraw", ruling={"confirmed": True})
        await at_rest(hub)
        assert await advance(register, FIRST_CLOCK) > 0, "no timer fired"
        await carry_out(register, filled.disputes["late"], (DISPATCH,), LATE_WORK)
    await at_rest(hub)
    return filled


def narrow(ref: str) -> str:
    """Return a case number as an old build took it for another one: with brackets of ASCII."""
    return ref.replace("（", "(").replace("）", ")")
