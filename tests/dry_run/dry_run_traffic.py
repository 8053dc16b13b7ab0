"""A county's traffic of some months, as inputs that can be played to intake again and again.

The inputs follow no state: what does not fit is refused, by one rulebook perhaps and not by another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any, Final

from dispute.contracts.codec import timestamp_of
from dispute.lifecycle import business_day, dispute_id_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Refused
from services.intake.cases.tables import effect
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig, agree, case_facts, order, parties, to_mediation
from tests.support.journals import until

BEGIN: Final = datetime(2024, 3, 4, 1, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
ARRIVE_DAYS: Final = 30
END: Final = BEGIN + 90 * DAY
AGENCIES: Final = {
    "court": ("court-620725", "court_bridge", ("plaintiff", "defendant")),
    "police": ("police-620725", "police_bridge", ("applicant", "respondent")),
    "petition": ("petition-620725", "petition_bridge", ("petitioner", "respondent")),
}
OWN: Final = ("window", "hotline", "grid", "app")
SIDES: Final = ("applicant", "respondent")
HANDLER, MEDIATOR = ("handler", "handler-1"), ("mediator", "mediator-1")


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


@dataclass(frozen=True)
class Plot:
    """One dispute as its source tells it."""

    number: int
    channel: str
    ref: str
    dispute_id: str
    at: datetime


class Traffic:
    """Inputs of many disputes, in the order of their sending.

    Args:
        rig: Makes hand-offs; sealed parts are the rig's own.
        count: Disputes.
        seed: Of the chance.
    """

    def __init__(self, rig: Rig, count: int, seed: int = 7) -> None:
        self.bridges = {
            channel: FakeBridge(rig.bus, rig.sealer, channel, agency, producer)
            for channel, (agency, producer, _) in AGENCIES.items()
        }
        self._random = Random(seed)  # noqa: S311 - a generator of test data
        made = [each for number in range(count) for each in self._journey(number)]
        self.sent = sorted(made, key=lambda each: each.at)

    def _journey(self, number: int) -> Iterator[Sent]:
        random = self._random
        channel = (*AGENCIES, *AGENCIES, random.choice(OWN))[number % 7]
        at = BEGIN + random.randrange(ARRIVE_DAYS) * DAY + random.randrange(8 * 60) * timedelta(minutes=1)
        agency = AGENCIES[channel][0] if channel in AGENCIES else f"{channel}-620725"
        plot = Plot(number, channel, f"T-{number}", dispute_id_of(agency, f"T-{number}"), at)
        waits = channel in AGENCIES and random.random() < 0.2
        first = self._arrival(plot, waits=waits)
        yield first
        if channel == "court" and first.message.case_received.procedure == "special" and random.random() < 0.5:
            yield self._again(plot, first)
        if random.random() < 0.05:
            yield from self._linked(plot, at + DAY)
        begin = at
        if waits:
            begin = at + random.randrange(1, 12) * DAY
            yield from self._completed(plot, begin)
        yield from self._handled(plot, begin + random.randrange(2, 40) * HOUR)
        if channel in AGENCIES and random.random() < 0.12:
            told = at + random.randrange(1, 50) * DAY
            reason = random.choice(("withdrawn", "withdrawn", "self_settled"))
            yield self._later(plot, told, case_withdrawn=handoff_pb2.CaseWithdrawn(reason_code=reason))

    def _arrival(self, plot: Plot, *, waits: bool) -> Sent:
        random = self._random
        roles = AGENCIES[plot.channel][2] if plot.channel in AGENCIES else SIDES
        consents = [handoff_pb2.Consent(role=role, answer="given") for role in roles]
        if waits:
            consents[1].answer = "not_asked"
        court = plot.channel == "court"
        facts = case_facts(
            received_on=business_day(plot.at).isoformat(),
            category=random.choice(("06", "07", "02")),
            case_cause=random.choice(("contract", "loan", "lease")) if court else "",
            procedure=random.choice(("ordinary", "ordinary", "small_claims", "special")) if court else "",
            suit_kind="civil" if court else "",
            purpose=random.choice(("claim", "request")) if plot.channel == "petition" else "",
            circumstances=["minor_party"] if random.random() < 0.05 else [],
            consents=consents,
            amount_fen=random.randrange(1_000_000),
            filed_on=business_day(plot.at).isoformat() if court and random.random() < 0.1 else "",
        )
        twin = plot.number - plot.number % 25
        people = (
            parties(f"A{twin}", f"B{twin}", roles)
            if plot.number % 25 == 1
            else parties(f"A{plot.number}", f"B{plot.number}", roles)
        )
        if plot.channel in self.bridges:
            handoff = self.bridges[plot.channel].handoff(
                plot.ref, case_received=facts, people=people, occurred_at=plot.at
            )
            return Sent(plot.at, plot.channel, handoff)
        request = intake_pb2.SubmitRequest(
            channel=plot.channel,
            source_organ=f"{plot.channel}-620725",
            source_ref=plot.ref,
            actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
            occurred_at=timestamp_of(plot.at),
            facts=facts,
            confidential=handoff_pb2.Confidential(brief="案情", parties=parties("", "", roles)),
        )
        return Sent(plot.at, plot.channel, request)

    def _again(self, plot: Plot, first: Sent) -> Sent:
        """Return the next round of a suit that was sent back, now in the ordinary procedure."""
        facts = handoff_pb2.CaseReceived()
        facts.CopyFrom(first.message.case_received)
        facts.round, facts.procedure = 2, "ordinary"
        return self._later(plot, plot.at + 5 * DAY, case_received=facts)

    def _linked(self, plot: Plot, at: datetime) -> Iterator[Sent]:
        """Yield a person's link to another dispute, which half of them undo."""
        other = dispute_id_of("court-620725", "T-0")
        yield self._command(at, order(plot.dispute_id, "link", at, master_dispute_id=other))
        if self._random.random() < 0.5:
            undone = at + 3 * DAY
            yield self._command(undone, order(plot.dispute_id, "unlink", undone, reason_code="mistaken"))

    def _later(self, plot: Plot, at: datetime, written: datetime | None = None, **body: Any) -> Sent:  # noqa: ANN401 - the oneof's member
        handoff = self.bridges[plot.channel].handoff(plot.ref, f"{plot.ref}/{at}", occurred_at=at, **body)
        return Sent(written or at, plot.channel, handoff)

    def _completed(self, plot: Plot, at: datetime) -> Iterator[Sent]:
        """Yield what a waiting case lacked: in time, written late, refused, or never."""
        role, chance = AGENCIES[plot.channel][2][1], self._random.random()
        kind = "consent_given" if chance < 0.8 else "consent_refused"
        answer = handoff_pb2.Consent(role=role, answer=kind.removeprefix("consent_"))
        late = at + self._random.randrange(2, 15) * DAY if chance < 0.3 else at
        if chance < 0.9:
            yield self._later(plot, at, late, later_fact=handoff_pb2.LaterFact(kind=kind, consent=answer))

    def _handled(self, plot: Plot, at: datetime) -> Iterator[Sent]:
        """Yield the way from the dispatch to the outcome, with its accidents."""
        random, dispute_id = self._random, plot.dispute_id
        dispatch, sign, begin = to_mediation(dispute_id, at)
        yield self._command(at, dispatch)
        if random.random() < 0.1:  # nobody signs; it is bounced, and dispatched again
            at += 12 * DAY
            dispatch, sign, begin = to_mediation(dispute_id, at)
            yield self._command(at, dispatch)
        yield from (self._command(at + hours * HOUR, each) for hours, each in ((1, sign), (2, begin)))
        if random.random() < 0.1:
            yield self._command(
                at + DAY, order(dispute_id, "change_colour", at + DAY, colour="yellow", reason_code="tense")
            )
        if plot.channel == "petition":
            met = at + random.randrange(1, 20) * DAY
            yield self._command(met, order(dispute_id, "reach_milestone", met, milestone="met"))
        if random.random() < 0.1 and plot.channel in self.bridges:
            fact = handoff_pb2.LaterFact(kind="reclassified", category="0601")
            yield self._later(plot, at + 2 * DAY, later_fact=fact)
        if random.random() < 0.1:
            yield from self._paused(plot, at + 2 * DAY)
        yield from self._ended(plot, at + random.randrange(3, 45) * DAY)

    def _paused(self, plot: Plot, at: datetime) -> Iterator[Sent]:
        reason = self._random.choice(("appraisal_before_filing", "other"))
        yield self._command(at, order(plot.dispute_id, "suspend", at, actor=MEDIATOR, reason_code=reason))
        resumed = at + 5 * DAY
        yield self._command(resumed, order(plot.dispute_id, "resume", resumed, actor=MEDIATOR))

    def _ended(self, plot: Plot, at: datetime) -> Iterator[Sent]:
        random, dispute_id = self._random, plot.dispute_id
        chance = random.random()
        if chance < 0.15:  # it expires
            return
        if chance < 0.3:
            yield self._command(at, order(dispute_id, "fail", at, actor=MEDIATOR, reason_code="deadlock"))
            return
        if chance < 0.4:
            extended = at - DAY
            yield self._command(
                extended, order(dispute_id, "extend", extended, actor=MEDIATOR, consent_of_all=True, days=10)
            )
        written = at + random.randrange(2, 30) * DAY if random.random() < 0.3 else at
        yield self._command(written, agree(dispute_id, at))
        if random.random() < 0.3 and plot.channel == "court":
            applied = written + 2 * DAY
            yield self._command(applied, order(dispute_id, "apply_for_confirmation", applied, jointly=True))
            ruling = handoff_pb2.CourtRuling(confirmed=random.random() < 0.7, reason_code="unclear_terms")
            yield self._later(plot, applied + 5 * DAY, court_ruling=ruling)
        done = written + 9 * DAY
        if random.random() < 0.3 and plot.channel in self.bridges:
            kind = random.choice(("performed", "not_performed"))
            yield self._later(plot, done, later_fact=handoff_pb2.LaterFact(kind=kind))
        elif random.random() < 0.3:
            evidence = hashlib.sha256(dispute_id.encode()).hexdigest()
            yield self._command(done, order(dispute_id, "record_performance", done, evidence_sha256=evidence))

    def _command(self, written: datetime, message: command_pb2.Command) -> Sent:
        return Sent(written, "", message)


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
