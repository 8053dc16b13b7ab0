"""Records of one matter: people with numbers of their own, what the agencies were told, what stats counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, Final, NamedTuple
from uuid import uuid4

import grpc
from stubs.handoff.v1 import handoff_pb2
from stubs.stats.v1 import stats_pb2, stats_pb2_grpc
from stubs.stream.v1 import stream_pb2

from tests.blackbox.hubs import COUNTY, RESULT_S, SIDES, RunningHub

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS: Final = "10X98765432"
FIRST_BORN: Final = date(1960, 1, 1)
DAY: Final = timedelta(days=1)
CALL_S: Final = 20.0
OWN_SIDES: Final = ("applicant", "respondent")

_serials = count()


def citizen(born: date | None = None) -> str:
    """Return a citizen ID that nobody else in the test has, of somebody who is born on a day."""
    serial = next(_serials)
    day = born or FIRST_BORN + timedelta(days=serial % 9000)
    digits = f"{COUNTY}{day:%Y%m%d}{serial % 1000:03d}"
    return digits + CHECKS[sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) % 11]


def sides(bridge: str, claiming: str, answering: str) -> list[dict[str, str]]:
    """Return two people as a bridge's agency writes them, the claiming one first."""
    numbers = zip(SIDES[bridge], (claiming, answering), strict=True)
    return [party(role, number) for role, number in numbers]


def party(role: str, number: str) -> dict[str, str]:
    """Return one person of a record."""
    return {"role": role, "name": "某某", "id_type": "citizen_id", "id_number": number}


def own_sides(claiming: str, answering: str) -> Iterator[handoff_pb2.Party]:
    """Yield two people as one of the centre's own channels writes them."""
    for role, number in zip(OWN_SIDES, (claiming, answering), strict=True):
        yield handoff_pb2.Party(**party(role, number))


def consents(bridge: str, *answers: str) -> list[dict[str, str]]:
    """Return the answers of a record's sides, the claiming one first."""
    return [{"role": role, "answer": answer} for role, answer in zip(SIDES[bridge], answers, strict=True)]


def handed_over(hub: RunningHub, bridge: str, at: datetime, **changes: object) -> dict[str, Any]:
    """Return a record that its agency received and handed over at one time."""
    day = at.date().isoformat()
    received: dict[str, dict[str, object]] = {
        "court": {"court_received_on": day},
        "police": {"called_at": (at - timedelta(minutes=30)).isoformat()},
        "petition": {"registered_on": day},
    }
    return hub.record(bridge, **({"handed_over_at": at.isoformat()} | received[bridge] | changes))


async def report(
    hub: RunningHub, bridge: str, body: dict[str, Any], at: datetime, kind: str, **fact: object
) -> dict[str, Any]:
    """Report a later fact of a record; returns its receipt."""
    told = {"source_ref": hub.ref(bridge, body), "occurred_at": at.isoformat(), "later_fact": {"kind": kind, **fact}}
    answer = await hub.post(bridge, "/v1/reports", json=told, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


async def told_until(hub: RunningHub, bridge: str, dispute_id: str, status: str) -> list[dict[str, Any]]:
    """Wait until an agency was told a status; returns all that it was told. The test fails when it never comes."""
    end = time.monotonic() + RESULT_S
    while True:
        found = await hub.results_of(bridge, dispute_id)
        statuses = [result["status"] for result in found]
        if status in statuses:
            return found
        assert time.monotonic() < end, f"told {statuses}, and not {status}"
        await asyncio.sleep(0.2)


class CountedPlace(NamedTuple):
    """A town that only one test brings records of, and the day on which they count."""

    town: str
    day: date


async def counted(
    hub: RunningHub,
    place: CountedPlace,
    metric: str,
    channels: Iterable[str],
    at_least: stream_pb2.PositionVector,
) -> dict[str, tuple[int, int]]:
    """Return a metric of a place by channel, numerator and denominator; empty when stats knows no such metric.

    Args:
        hub: Hub under test.
        place: Where and when.
        metric: Name of the metric.
        channels: Channels, or `all`.
        at_least: Place in the journal that stats has to have read.
    """
    query = stats_pb2.Query(
        start_on=place.day.isoformat(),
        end_on=(place.day + DAY).isoformat(),
        town_code=place.town,
        metrics=[metric],
        channels=[*channels],
    )
    async with grpc.aio.insecure_channel(hub.grpc["stats"]) as line:
        stub: Any = hub.staff.stub(stats_pb2_grpc.StatsServiceStub(line))
        try:
            answer = await stub.GetRates(stats_pb2.GetRatesRequest(query=query, at_least=at_least), timeout=CALL_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                raise
            return {}
    return {rate.channel: (rate.numerator, rate.denominator) for rate in answer.rates}
