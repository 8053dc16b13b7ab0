"""Turns gRPC requests into tasks.

Input is measured and checked before it reaches a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import uuid5

from msgspec import structs

from bridge.record.checks import citizen_id, clean, phone, refuse_unborn, uscc, visible
from dispute.codes.divisions import Divisions
from dispute.contracts.codec import command_from_wire, instant_of, timestamp_of, under
from dispute.lifecycle import Actor, Channel, Command, Reclassify, Role, business_day, dispute_id_of, is_dispute_id
from dispute.lifecycle.identity import NAMESPACE, is_uuid
from dispute.refusals import interfaces as refusals
from dispute.refusals.commands import SOURCE_REF_MISSING
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.access.credential import reaches
from hub.access.verifier import Caller
from hub.audit.recorder import current_correlation
from hub.errors import Refusal, Refused
from hub.runtime.clock import Clock
from services.intake.cases.ports import DoneTable
from services.intake.cases.rights import Act
from services.intake.cases.tasks import Marker, task_of_command, task_of_handoff
from services.intake.cases.unit_of_work import Task
from services.intake.inbound.messages import arrival_of, digest_of, plausible
from services.intake.law.handoff import Handoff

MAX_COMMAND_BYTES: Final = 16 * 1024
MAX_SUBMISSION_BYTES: Final = 256 * 1024
MAX_KEY_CHARS: Final = 200
SERVICE: Final = intake_pb2.DESCRIPTOR.services_by_name["IntakeService"].full_name
SKEW: Final = timedelta(minutes=5)
OWN_CHANNELS: Final = frozenset(channel for channel in Channel if not channel.docked)
"""Channels that come through this service; the others have a bridge."""

_ORGAN: Final = re.compile(r"[a-z]+-[a-z0-9][a-z0-9-]{0,50}")
_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:/-]{0,128}")
_CHECKS: Final[dict[str, Callable[[str], str]]] = {"citizen_id": citizen_id, "uscc": uscc}


class Requests:
    """Makes tasks of requests.

    Args:
        clock: Wall clock.
        clock_kind: With a scenario clock, business time may be later than the wall clock.
        mark: Makes the marks of cases.
        divisions: Towns and villages of the known counties.
    """

    def __init__(
        self,
        clock: Clock,
        clock_kind: Literal["wall", "scenario"],
        mark: Marker,
        divisions: Divisions,
    ) -> None:
        self._clock = clock
        self._kind = clock_kind
        self._mark = mark
        self._divisions = divisions

    def command(self, message: command_pb2.Command, caller: Caller) -> Task:
        """Return the task of a command that a caller gives.

        The actor is the caller: the message may leave it out, and may not name another.

        Raises:
            Rejected: `not_your_actor`, `command_too_large`, `bad_id`, `date_in_future`, `unknown_division`, and what
                the codec refuses.
        """
        _put_actor(message.actor, caller)
        content = message.SerializeToString(deterministic=True)
        if len(content) > MAX_COMMAND_BYTES:
            raise refusals.COMMAND_TOO_LARGE.error(limit=MAX_COMMAND_BYTES)
        if not is_uuid(message.command_id):
            raise refusals.BAD_ID.error(field="command_id", form="UUID")
        if not is_dispute_id(message.dispute_id):
            raise refusals.BAD_ID.error(field="dispute_id", form="UUID")
        if _CORRELATION.fullmatch(message.correlation_id) is None:
            raise refusals.BAD_ID.error(field="correlation_id", form=_CORRELATION.pattern)
        command = command_from_wire(message)
        self._not_ahead(plausible(command.occurred_at))
        task = task_of_command(self._in_current_codes(command), digest_of(content), caller)
        return structs.replace(task, act=_act(caller, "Execute", str(message.WhichOneof("instruction"))))

    def approval(self, message: command_pb2.Command, caller: Caller) -> Command | Refusal:
        """Return what a caller approves: of a command of somebody else only dispute and instruction count."""
        given = command_pb2.Command()
        given.CopyFrom(message)
        given.actor.role, given.actor.actor_id = caller.role, caller.holder
        given.occurred_at.CopyFrom(timestamp_of(self._clock.now()))
        try:
            if not is_dispute_id(given.dispute_id):
                raise refusals.BAD_ID.error(field="dispute_id", form="UUID")
            return self._in_current_codes(command_from_wire(given))
        except Refused as refused:
            return refused.refusal

    def submission(self, request: intake_pb2.SubmitRequest, caller: Caller) -> tuple[Task, Handoff]:
        """Return the task and the content of a submission that a caller gives.

        Raises:
            Rejected: `not_your_actor`, `not_a_door`, `bad_organ`, `source_ref_missing`, `id_checksum`,
                `unknown_division`, `county_out_of_scope` …, with the field at fault.
        """
        _check_size(request)
        _put_actor(request.actor, caller)
        if request.channel not in OWN_CHANNELS:
            raise refusals.NOT_A_DOOR.error()
        if _ORGAN.fullmatch(request.source_organ) is None or not request.source_organ.startswith(request.channel + "-"):
            raise refusals.BAD_ORGAN.error()
        if not request.source_ref:
            raise SOURCE_REF_MISSING.error()
        occurred_at = self._occurred_at(request)
        actor = Actor(Role(caller.role), caller.holder)
        request.confidential.ClearField("forgotten")
        _check_parties(request.confidential, business_day(occurred_at))
        facts = handoff_pb2.CaseReceived()
        facts.CopyFrom(request.facts)
        facts.received_on = facts.received_on or business_day(occurred_at).isoformat()
        facts.town_code, facts.village_code = self._divisions.place(
            facts.town_code, facts.village_code, business_day(occurred_at)
        )
        if not reaches(caller.area, facts.town_code or facts.county_code):
            raise refusals.COUNTY_OUT_OF_SCOPE.error(field="facts.county_code")
        handoff = Handoff(
            handoff_id=_submission_id(request),
            dispute_id=dispute_id_of(request.source_organ, request.source_ref),
            sender=request.source_organ,
            digest=_digest(request),
            occurred_at=occurred_at,
            correlation_id="",
            body=arrival_of(
                facts,
                request.confidential,
                channel=request.channel,
                organ=request.source_organ,
                source_ref=request.source_ref,
                sent_at=occurred_at,
            ),
        )
        task = task_of_handoff(handoff, DoneTable.COMMAND, actor, self._mark)
        return structs.replace(task, act=_act(caller, "Submit", "submit")), handoff

    def _in_current_codes(self, command: Command) -> Command:
        """Return a correction with the codes that its own stand for now; any other command as it is."""
        order = command.instruction
        if not isinstance(order, Reclassify):
            return command
        town, village = self._divisions.place(order.town_code, order.village_code, business_day(command.occurred_at))
        return structs.replace(command, instruction=structs.replace(order, town_code=town, village_code=village))

    def _occurred_at(self, request: intake_pb2.SubmitRequest) -> datetime:
        if not request.HasField("occurred_at"):
            raise refusals.TIME_MISSING.error(field="occurred_at")
        try:
            occurred_at = instant_of(request.occurred_at)
        except Refused as refused:
            raise under("occurred_at", refused) from refused
        self._not_ahead(plausible(occurred_at))
        return occurred_at

    def _not_ahead(self, at: datetime) -> None:
        if self._kind == "wall" and at > self._clock.now() + SKEW:
            raise refusals.DATE_IN_FUTURE.error(field="occurred_at")


def _check_size(request: intake_pb2.SubmitRequest) -> None:
    if request.ByteSize() > MAX_SUBMISSION_BYTES:
        raise refusals.SUBMISSION_TOO_LARGE.error(limit=MAX_SUBMISSION_BYTES)
    if len(request.idempotency_key) > MAX_KEY_CHARS:
        raise refusals.BAD_KEY.error(limit=MAX_KEY_CHARS)


def _submission_id(request: intake_pb2.SubmitRequest) -> str:
    """Return the id of a submission.

    Without a key, the organ's own reference is used.
    """
    key = request.idempotency_key or request.source_ref
    return str(uuid5(NAMESPACE, f"submission\x1f{request.source_organ}\x1f{key}"))


def _digest(request: intake_pb2.SubmitRequest) -> bytes:
    content = intake_pb2.SubmitRequest()
    content.CopyFrom(request)
    content.ClearField("idempotency_key")
    return digest_of(content.SerializeToString(deterministic=True))


def _act(caller: Caller, call: str, what: str) -> Act:
    return Act(caller, f"{SERVICE}/{call}", what, current_correlation())


def _put_actor(actor: command_pb2.Actor, caller: Caller) -> None:
    """Make the caller the actor; one that is named has to be the caller."""
    if actor.role not in {"", caller.role} or actor.actor_id not in {"", caller.holder}:
        raise refusals.NOT_YOUR_ACTOR.error()
    actor.role, actor.actor_id = caller.role, caller.holder


def _check_parties(confidential: handoff_pb2.Confidential, sent_on: date) -> None:
    for number, party in enumerate(confidential.parties):
        path = f"confidential.parties.{number}"
        check = _CHECKS.get(party.id_type)
        if check is not None and party.id_number:
            _checked(lambda c=check, p=party: c(p.id_number), f"{path}.id_number")  # type: ignore[misc]
            if check is citizen_id:
                refuse_unborn(party.id_number, sent_on, f"{path}.id_number")
        if party.phone:
            _checked(lambda p=party: phone(p.phone), f"{path}.phone")  # type: ignore[misc]
        if party.name:
            _checked(lambda p=party: visible(clean(p.name, script=True)), f"{path}.name")  # type: ignore[misc]
    for name, text in (("brief", confidential.brief), ("accusation", confidential.accusation)):
        _checked(lambda t=text: clean(t, lines=True, script=True), f"confidential.{name}")  # type: ignore[misc]


def _checked(check: Callable[[], object], path: str) -> None:
    try:
        check()
    except Refused as refused:
        raise replace(refused.refusal, field=path).error() from refused
