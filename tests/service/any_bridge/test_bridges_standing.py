"""Results that take earlier ones back, as an agency gets them by both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import pytest
import sqlalchemy as sa
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.assembly import open_store
from bridge.outbound import results
from bridge.outbound.applier import ResultsApplier
from bridge.tables import receipt
from dispute.contracts.topics import JOURNAL
from dispute.lifecycle.identity import dispute_id_of
from dispute.wire.journal.v1 import journal_pb2
from hub.store.store import Store
from hub.streams.envelope import StreamName
from hub.streams.judge import Numbered
from services.court_bridge.specification import SPECIFICATION
from tests.support.bridges import Partner, event_of, eventually

AGENCY = "court-620725"


async def test_both_ways_tell_what_is_taken_back_and_what_is_asked_for(partner: Partner) -> None:
    running, pb = partner.running, partner.pb
    of = running.bridge.spec.channel
    dispute = (await running.post(running.noun, running.numbered(1))).json()["dispute_id"]
    asked = event_of(dispute, of, "information_requested", 3)
    asked.particulars.missing.extend(["consent_missing", "facts_unclear"])
    asked.particulars.wait_until = "2024-03-11"
    alarm = event_of(dispute, of, "supervised", 5)
    alarm.limit, alarm.particulars.supervision = "local_due_on", "overdue"
    reminder = event_of(dispute, of, "supervised", 4)
    reminder.limit, reminder.particulars.supervision = "local_due_on", "reminded"
    refused = event_of(dispute, of, "mediation_refused", 6, reason_code="consent_missing")
    refused.limit = "screen_by"
    returned = event_of(dispute, of, "returned", 7)
    returned.particulars.target = of
    accepted = event_of(dispute, of, "accepted", 9)
    accepted.rewinds_to = 6
    accepted.retracts.add(type="supervised", sequence=5)
    unpaid = event_of(dispute, of, "not_performed", 11)
    unpaid.particulars.target = "suit"
    visit, closed = event_of(dispute, of, "follow_up_begun", 12), event_of(dispute, of, "closed", 13)
    running.pen.write(asked, reminder, alarm, refused, returned, event_of(dispute, of, "tracked", 8))
    running.pen.write(accepted, event_of(dispute, of, "agreed", 10), unpaid, visit, closed)

    async def there() -> bool:
        return len((await running.get("results?after=0")).json()["results"]) == 7

    await eventually(there)
    told = (await running.get("results?after=0")).json()["results"]
    assert [(one["status"], one["final"], one["superseded"]) for one in told] == [
        ("to_complete", False, False),
        ("alarm", False, True),
        ("not_mediable", False, True),
        ("returned", True, True),
        ("accepted", False, False),
        ("agreed", False, False),
        ("not_performed", True, False),
    ]
    assert told[0]["missing"] == ["consent_missing", "facts_unclear"]
    assert told[0]["due_dates"] == [{"name": "screen_by", "day": "2024-03-11", "missing_year": 0, "note": ""}]
    assert [one["limit"] for one in told] == ["", "local_due_on", "screen_by", "", "", "", ""]
    assert [one["way"] for one in told] == ["", "", "", of, "", "", "suit"]
    assert told[4]["supersedes"] == [one["event_id"] for one in told[1:4]]
    assert {one["opening"] for one in told} == {1}
    over_rpc = (await partner.call("ListResults", pb.ListResultsRequest())).results
    plain = [
        MessageToDict(one, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for one in over_rpc
    ]
    assert [{**one, "cursor": int(one["cursor"]), "occurred_at": ""} for one in plain] == [
        {**one, "occurred_at": ""} for one in told
    ]
    where = (await partner.call("Get", pb.GetRequest(source_ref="T-00001"))).results
    assert list(where) == list(over_rpc)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(SPECIFICATION, f"sqlite:///{tmp_path_factory.mktemp('standing') / 'bridge.db'}")
    yield opened
    opened.close()


def record_of(dispute: str, reference: str, number: int) -> dict[str, object]:
    made = {"receipt_id": dispute, "dispute_id": dispute, "case_of": dispute, "round": 1, "opening": 1}
    named = {"agency": AGENCY, "source_ref": reference, "idempotency_key": reference, "correlation_id": "c"}
    return made | named | {"content_sha256": bytes(32), "accepted_at": 1, "stream": "s/0/e", "position": number}


def numbered(events: Sequence[journal_pb2.JournalEvent]) -> list[Numbered]:
    stream = StreamName("intake", 0, "e")
    return [Numbered(JOURNAL.name, 0, n, stream, n, event.SerializeToString()) for n, event in enumerate(events)]


KINDS = ("accepted", "failed", "returned", "agreed", "closed", "not_performed", "signed", "linked", "reopened")
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5)), min_size=1, max_size=12)
examples = count(1)


@settings(max_examples=40, deadline=None)
@given(told=STEPS, cuts=st.sets(st.integers(1, 12)), data=st.data())
def test_results_are_the_same_however_the_journal_is_cut_and_repeated(
    store: Store, told: list[tuple[str, int]], cuts: set[int], data: st.DataObject
) -> None:
    example = next(examples)
    references = [f"{kind}-{example}" for kind in ("once", "cut")]
    disputes = [dispute_id_of(AGENCY, reference) for reference in references]
    store.write_blocking(
        lambda tx: tx.execute(
            sa.insert(receipt),
            [record_of(*pair, number) for number, pair in enumerate(zip(disputes, references, strict=True))],
        )
    )
    once, cut = ([*events_of(dispute, told)] for dispute in disputes)
    applier = ResultsApplier("court")
    store.write_blocking(lambda tx: applier.apply(tx, numbered(once)))
    last = 0
    for end in (*sorted(each for each in cuts if each < len(cut)), len(cut)):
        again = data.draw(st.lists(st.integers(0, max(0, last - 1)), max_size=3)) if last else []
        part = [*(cut[place] for place in again), *cut[last:end]]
        store.write_blocking(lambda tx, part=part: applier.apply(tx, numbered(part)))  # type: ignore[misc]
        last = end
    found = [
        store.read_blocking(lambda tx, ref=ref: results.of_reference(tx, AGENCY, ref))  # type: ignore[misc]
        for ref in references
    ]
    places = [{one.event_id: place for place, one in enumerate(rows)} for rows in found]
    first, second = (
        [
            (one.status, one.final, one.superseded, one.opening, [place[event_id] for event_id in one.supersedes])
            for one in rows
        ]
        for rows, place in zip(found, places, strict=True)
    )
    assert first == second
    finals = [opening for _, final, superseded, opening, _ in first if final and not superseded]
    assert len(finals) == len(set(finals))


def events_of(dispute: str, told: Sequence[tuple[str, int]]) -> Iterator[journal_pb2.JournalEvent]:
    opening = 0
    for sequence, (kind, back) in enumerate(told, start=1):
        event = event_of(dispute, "court", kind, sequence)
        opening += kind == "reopened"
        event.reopen_seq = opening
        if back > 2 and kind != "reopened":
            event.rewinds_to = max(1, sequence - back)
        yield event
