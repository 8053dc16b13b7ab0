"""Turns hand-offs and submissions into inside objects.

Every value is checked against its closed list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeVar

from google.protobuf.message import DecodeError

from dispute.contracts.codec import day_of, instant_of, under
from dispute.contracts.sealing import Sealer, parts_of
from dispute.lifecycle import (
    DOCKED,
    Channel,
    Dimensions,
    Recurrence,
    Scale,
    business_day,
    dispute_id_of,
    is_plausible_day,
    is_plausible_instant,
    key_owner_of,
)
from dispute.lifecycle.identity import is_uuid
from dispute.refusals import interfaces as refusals
from dispute.refusals.commands import DIGEST_MALFORMED, TIME_OUT_OF_RANGE, WRONG_DISPUTE_ID
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Refused
from hub.refusals import TOO_MANY_ITEMS, UNDECODABLE
from services.intake.inbound.accusations import part
from services.intake.law.facts import Consent, Facts
from services.intake.law.handoff import Arrival, Body, Handoff, LaterFact, Person, Ruling, Withdrawal

C = TypeVar("C", bound=StrEnum)
T = TypeVar("T")

DIGEST_BYTES: Final = 32
MAX_ITEMS: Final = 200
"""Consents, circumstances and parties of one case, each; very large groups name only their representatives."""

_PROCEDURE: Final = re.compile(r"[a-z_]{0,32}")
CLARITIES: Final = frozenset({"", "clear", "fairly_clear", "unclear"})


def raw_handoff_of(record: bytes) -> handoff_pb2.Handoff:
    """Return the hand-off of a record.

    Raises:
        Rejected: `undecodable`.
    """
    try:
        return handoff_pb2.Handoff.FromString(record)
    except DecodeError as error:
        raise UNDECODABLE.error(message="Handoff") from error


def handoff_of(handoff: handoff_pb2.Handoff, sealer: Sealer) -> Handoff:
    """Return the content of a bridge's hand-off.

    Raises:
        Rejected: `bad_handoff_id`, `wrong_dispute_id`, `unknown_code`, `bad_date`, `cannot_open`, `empty_handoff` …,
            with the field at fault.
    """
    if not is_uuid(handoff.handoff_id):
        raise refusals.BAD_ID.error(field="handoff_id", form="UUID")
    if handoff.dispute_id != dispute_id_of(handoff.agency_id, handoff.source_ref):
        raise WRONG_DISPUTE_ID.error()
    if handoff.channel not in DOCKED:
        raise refusals.UNKNOWN_CODE.error(field="channel", listed=", ".join(DOCKED))
    if len(handoff.content_mac) != DIGEST_BYTES:
        raise DIGEST_MALFORMED.error(field="content_mac")
    if not handoff.HasField("occurred_at"):
        raise refusals.TIME_MISSING.error(field="occurred_at")
    occurred_at = plausible(_at("occurred_at", lambda: instant_of(handoff.occurred_at)))
    return Handoff(
        handoff_id=handoff.handoff_id,
        dispute_id=handoff.dispute_id,
        sender=handoff.agency_id,
        digest=handoff.content_mac,
        occurred_at=occurred_at,
        correlation_id=handoff.correlation_id or handoff.handoff_id,
        body=_body(handoff, occurred_at, sealer),
    )


def arrival_of(
    facts: handoff_pb2.CaseReceived,
    confidential: handoff_pb2.Confidential,
    *,
    channel: str,
    organ: str,
    source_ref: str,
    sent_at: datetime,
) -> Arrival:
    """Return a received case.

    Args:
        facts: As the source recorded them.
        confidential: Parties and text, opened.
        channel: Channel it came through.
        organ: Who took it up.
        source_ref: The source's own reference.
        sent_at: When the source sent it, by the source's clock.

    Raises:
        Rejected: `unknown_code`, `bad_date`, `too_many_items`, `text_malformed`.
    """
    _few(facts, confidential)
    facts, confidential, accusation = part(facts, confidential, source_ref)
    consents = tuple(
        Consent(consent.role, consent.answer, _day(consent.answered_on, f"consents.{n}.answered_on"))
        for n, consent in enumerate(facts.consents)
    )
    for name in ("relation_clarity", "facts_clarity"):
        if getattr(facts, name) not in CLARITIES:
            raise refusals.UNKNOWN_CODE.error(field=name, listed="clarity")
    if _PROCEDURE.fullmatch(facts.procedure) is None:
        raise refusals.UNKNOWN_CODE.error(field="procedure", listed="procedure")
    return Arrival(
        facts=Facts(
            channel=channel,
            received_on=_needed_day(facts.received_on, "received_on"),
            sent_on=business_day(sent_at),
            category=facts.category,
            case_cause=facts.case_cause,
            procedure=facts.procedure,
            suit_kind=facts.suit_kind,
            purpose=facts.purpose,
            relation_clarity=facts.relation_clarity,
            facts_clarity=facts.facts_clarity,
            consents=consents,
            circumstances=frozenset(facts.circumstances),
            filed_on=_day(facts.filed_on, "filed_on"),
            preserved_on=_day(facts.preserved_on, "preserved_on"),
            representatives=facts.representatives,
            happened_on=_day(facts.happened_on, "happened_on"),
        ),
        dimensions=Dimensions(
            channel=_code(Channel, channel, "channel"),
            source_organ=organ,
            county_code=facts.county_code,
            town_code=facts.town_code,
            village_code=facts.village_code,
            grid_code=facts.grid_code,
            category=facts.category,
            case_cause=facts.case_cause,
            recurrence=_code(Recurrence, facts.recurrence, "recurrence"),
            scale=_code(Scale, facts.scale, "scale"),
        ),
        source_ref=source_ref,
        amount_fen=facts.amount_fen,
        round=max(1, facts.round),
        people=tuple(Person(party.role, party.id_number, party.phone) for party in confidential.parties),
        confidential=parts_of(confidential),
        persons=facts.persons,
        subject_ref=confidential.subject_ref,
        accusation=accusation,
    )


def plausible(at: datetime, field: str = "occurred_at") -> datetime:
    """Return the instant.

    Raises:
        Rejected: `time_out_of_range`.
    """
    if not is_plausible_instant(at):
        raise TIME_OUT_OF_RANGE.error(field=field)
    return at


def digest_of(*parts: bytes) -> bytes:
    """Return the SHA-256 of a request's content."""
    return hashlib.sha256(b"\x1f".join(parts)).digest()


def _body(handoff: handoff_pb2.Handoff, sent_at: datetime, sealer: Sealer) -> Body:
    match handoff.WhichOneof("body"):
        case "case_received":
            sealed = handoff.confidential
            has_sealed = handoff.HasField("confidential")
            its = (handoff.handoff_id, key_owner_of(handoff.dispute_id))
            clear = sealer.open(sealed, *its) if has_sealed else handoff_pb2.Confidential()
            return _at(
                "case_received",
                lambda: arrival_of(
                    handoff.case_received,
                    clear,
                    channel=handoff.channel,
                    organ=handoff.agency_id,
                    source_ref=handoff.source_ref,
                    sent_at=sent_at,
                ),
            )
        case "later_fact":
            return _at("later_fact", lambda: _later(handoff.later_fact))
        case "case_withdrawn":
            return Withdrawal(handoff.case_withdrawn.reason_code)
        case "court_ruling":
            return Ruling(handoff.court_ruling.confirmed, handoff.court_ruling.reason_code)
        case _:
            raise refusals.EMPTY_HANDOFF.error()


def _later(fact: handoff_pb2.LaterFact) -> LaterFact:
    consent = fact.consent
    answered_on = _day(consent.answered_on, "consent.answered_on")
    answer = Consent(consent.role, consent.answer, answered_on) if fact.HasField("consent") else None
    for name in ("relation_clarity", "facts_clarity"):
        if getattr(fact, name) not in CLARITIES:
            raise refusals.UNKNOWN_CODE.error(field=name, listed="clarity")
    return LaterFact(fact.kind, answer, fact.category, fact.case_cause, fact.relation_clarity, fact.facts_clarity)


def _few(facts: handoff_pb2.CaseReceived, confidential: handoff_pb2.Confidential) -> None:
    for name, items in (
        ("consents", facts.consents),
        ("circumstances", facts.circumstances),
        ("parties", confidential.parties),
    ):
        if len(items) > MAX_ITEMS:
            raise TOO_MANY_ITEMS.error(field=name, limit=MAX_ITEMS)


def _day(text: str, field: str) -> date | None:
    return _needed_day(text, field) if text else None


def _needed_day(text: str, field: str) -> date:
    try:
        day = day_of(text)
    except Refused as refused:
        raise under(field, refused) from refused
    if not is_plausible_day(day):
        raise TIME_OUT_OF_RANGE.error(field=field)
    return day


def _code(kind: type[C], text: str, field: str) -> C:
    try:
        return kind(text)
    except ValueError as error:
        raise refusals.UNKNOWN_CODE.error(field=field, listed=kind.__name__) from error


def _at(name: str, read: Callable[[], T]) -> T:
    """Run `read`; prefix a refusal's field path.

    The refusal gets the path of the field where it happened.
    """
    try:
        return read()
    except Refused as refused:
        raise under(name, refused) from refused
