"""Some weeks of a county's year, as inputs that can be played to intake alone, again and again.

The inputs follow no state: what does not fit is refused, by one rulebook perhaps and not by another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import groupby
from typing import Any, Final

from bridge.accepting.handoff_messages import confidential, put_report
from bridge.record import codelists
from bridge.record.dto import read
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Refused
from services.intake.cases.tables import effect
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig
from tests.support.journals import until
from tests.year.county import County
from tests.year.plan import DOCKED, Kind
from tests.year.townspeople import COUNTY

BEGIN: Final = datetime(2024, 3, 4, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ARRIVE_DAYS: Final = 30
END: Final = BEGIN + 90 * DAY
NOW: Final = datetime(2026, 11, 20, 4, tzinfo=UTC)
"""When the bridges get everything: nothing of it lies in the future."""


@dataclass(frozen=True)
class Sent:
    """One input: a hand-off, a submission or a command.

    Attributes:
        at: Business time of its sending; late paper happened before it.
        channel: How it comes.
        message: The request.
    """

    at: datetime
    channel: str
    message: Any


class Bridge:
    """Turns what an agency sends into the hand-offs that its bridge makes of it, without a bridge's process.

    Args:
        rig: Has the bus and the key of the sealed part.
        channel: Of the agency.

    Attributes:
        fake: Writes them to the bus.
    """

    def __init__(self, rig: Rig, channel: str) -> None:
        self._spec = import_module(f"services.{channel}_bridge.specification").SPECIFICATION
        self._codes = codelists.load(codelists.OWN, self._spec.folder / "codes")
        self.fake = FakeBridge(rig.bus, rig.sealer, channel, f"{channel}-{COUNTY}", f"{channel}_bridge")

    def record(self, body: Mapping[str, Any]) -> handoff_pb2.Handoff:
        """Return the hand-off of a record."""
        spec = self._spec
        record = spec.admitted(read(spec.record, dict(body), self._codes).to_record(), NOW)
        facts = spec.to_wire(record)
        content = confidential(record.matter.confidential, b"")
        at, key = record.matter.handed_over_at, f"{record.source_ref}#{facts.round}"
        return self.fake.handoff(record.source_ref, key, case_received=facts, content=content, occurred_at=at)

    def report(self, body: Mapping[str, Any]) -> handoff_pb2.Handoff:
        """Return the hand-off of a later fact."""
        told = read(self._spec.report, dict(body), self._codes).to_report()
        made = handoff_pb2.Handoff()
        put_report(made, told.body)
        name = str(made.WhichOneof("body"))
        key = f"{told.source_ref}/{body['occurred_at']}"
        facts = {name: getattr(made, name)}
        return self.fake.handoff(told.source_ref, key, occurred_at=told.occurred_at, **facts)


class Traffic:
    """Inputs of many disputes, in the order of their sending: some weeks of the county's year (`tests/year`).

    Args:
        rig: Makes hand-offs; sealed parts are the rig's own.
        count: Disputes.
        seed: Of the chance.

    Attributes:
        sent: The inputs.
        disputes: What arrives before the end; a second record of a matter may come too late for it.
    """

    def __init__(self, rig: Rig, count: int, seed: int = 21) -> None:
        own = {channel: Bridge(rig, channel) for channel in DOCKED}
        self.bridges = {channel: bridge.fake for channel, bridge in own.items()}
        plan = County(seed, count, BEGIN.date(), ARRIVE_DAYS).plan()
        self.sent: list[Sent] = []
        self.disputes: set[str] = set()
        handed_over: set[str] = set()
        for each in plan.entries:
            if each.written_at >= END:
                break
            message = each.content
            if each.kind in {Kind.RECORD, Kind.REPORT}:
                message = getattr(own[each.channel], each.kind)(message)
                # A bridge hands over once what an agency sends twice.
                if message.handoff_id in handed_over:
                    continue
                handed_over.add(message.handoff_id)
            self.disputes.add(each.dispute_id)
            self.sent.append(Sent(each.written_at, each.channel, message))


async def play(rig: Rig, client: IntakeClient, traffic: Traffic, step: timedelta) -> int:
    """Play all inputs to an intake, its scenario clock moved step by step; returns how many were refused."""
    refused, position, at = 0, 0, BEGIN - DAY
    while at < END:
        at += step
        rig.clock.advance(SECOND)
        await client.advance(at)
        rig.clock.advance(SECOND)
        end = position
        while end < len(traffic.sent) and traffic.sent[end].at < at + step:
            end += 1
        for kind, group in groupby(traffic.sent[position:end], key=lambda each: type(each.message)):
            refused += await _send(client, traffic, kind, list(group))
        position = end
        # In every play the others of a matter hear a result before the clock moves on.
        await all_heard(client)
    return refused


async def play_by_wall(rig: Rig, client: IntakeClient, traffic: Traffic, step: timedelta) -> None:
    """Play all inputs to an intake on the wall clock, each at its own time; alarms ring before each, and every step."""
    at = BEGIN
    rig.clock.move_to(at)
    for each in traffic.sent:
        while at + step < each.at:
            at += step
            await _ring(rig, client, at)
        at = each.at
        await _ring(rig, client, at)
        await _send(client, traffic, type(each.message), [each])
        await all_heard(client)
    while at < END:
        at += step
        await _ring(rig, client, at)


async def all_heard(client: IntakeClient) -> None:
    """Wait until the disputes of each matter have heard the results of one another."""

    async def none_left() -> bool:
        return await client.rows(effect) == 0

    await until(none_left)


async def _ring(rig: Rig, client: IntakeClient, at: datetime) -> None:
    rig.clock.move_to(at)
    await client.intake.alarm_clock.ring()


async def _send(client: IntakeClient, traffic: Traffic, kind: type, group: Sequence[Sent]) -> int:
    if kind is handoff_pb2.Handoff:
        for each in group:
            traffic.bridges[each.channel].send(each.message)
        await client.applied(*traffic.bridges.values())
        return 0
    if kind is command_pb2.Command:
        results = await client.execute(*(each.message for each in group))
        return sum(result.WhichOneof("result") == "refusal" for result in results)
    refused = 0
    for each in group:
        try:
            await client.call("Submit", each.message)
        except Refused:
            refused += 1
    return refused
