"""Sends bad requests, as faulty partners do.

Every bridge has to refuse such a request as a whole and name the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem
from ops.play.simulators.answers import Answer
from ops.play.simulators.bodies import REFERENCE, Body, body_of, stamp
from ops.play.simulators.rest import RestPartner

FOREIGN_TOWN: Final = "110101001"
OVERLONG: Final = 300_000


@dataclass(frozen=True, slots=True)
class Mischief:
    """One bad request and its answer.

    Attributes:
        name: Kind of the error in it.
        answer: Answer of the bridge; a receipt is a fault of the hub.
    """

    name: str
    answer: Answer


def _wrong_type(body: Body) -> Body:
    return body | {"persons": "two"}


def _unknown_field(body: Body) -> Body:
    return body | {"divert": True}


def _missing_field(body: Body) -> Body:
    return {name: value for name, value in body.items() if name != "town_code"}


def _bad_checksum(body: Body) -> Body:
    parties = [dict(party) for party in _parties(body)]
    number = str(parties[0]["id_number"])
    parties[0]["id_number"] = number[:17] + ("1" if number[17] != "1" else "2")
    return body | {"parties": parties}


def _future(body: Body) -> Body:
    return body | {"handed_over_at": stamp(datetime.now(UTC) + timedelta(days=400))}


def _foreign_place(body: Body) -> Body:
    return body | {"county_code": FOREIGN_TOWN[:6], "town_code": FOREIGN_TOWN}


def _overlong(body: Body) -> Body:
    return body | {"brief": "长" * OVERLONG}


def _unknown_code(body: Body) -> Body:
    return body | {"relation_clarity": "crystal"}


def _parties(body: Body) -> Sequence[dict[str, object]]:
    parties = body["parties"]
    return parties if isinstance(parties, list) else []


BODIES: Final[tuple[tuple[str, Callable[[Body], Body]], ...]] = (
    ("bad_id_checksum", _bad_checksum),
    ("date_in_future", _future),
    ("foreign_place", _foreign_place),
    ("overlong_text", _overlong),
    ("unknown_code", _unknown_code),
    # A protobuf message can't express the next three: they go to the REST bridges only.
    ("wrong_type", _wrong_type),
    ("unknown_field", _unknown_field),
    ("missing_field", _missing_field),
)
TYPED: Final = 5


async def misbehave(system: PartnerSystem, record: Record, turn: int) -> Mischief:
    """Send the next kind of bad request.

    It is made from a real record, under a reference of its own.
    """
    kinds = BODIES[:TYPED] if record.channel is Docking.POLICE else BODIES
    reference = f"BAD{record.number:06d}-{turn}"
    body = body_of(record) | {REFERENCE[record.channel]: reference}
    kind = turn % (len(kinds) + 2 if isinstance(system, RestPartner) else len(kinds))
    if kind < len(kinds):
        name, spoil = kinds[kind]
        return Mischief(name, await system.submit(spoil(body)))
    plain = json.dumps(body, ensure_ascii=False).encode()
    if isinstance(system, RestPartner) and kind == len(kinds):
        return Mischief(
            "broken_utf8", await system.raw(plain.replace("当".encode(), b"\xff\xfe").replace(b"19", b"\xff"))
        )
    if isinstance(system, RestPartner):
        return Mischief("not_json", await system.raw(plain[:-5]))
    raise AssertionError(kind)


def changed(record: Record) -> Body:
    """Return a changed body under the same reference."""
    return body_of(record) | {"brief": "内容已改。"}
