"""Cases for intake's tests: each is mediable until a test changes one fact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from typing_extensions import override

from dispute.calendar.working_days import WorkCalendar
from dispute.lifecycle import Channel, Dimensions, Event
from hub.store.instants import to_micros
from hub.store.store import Transaction
from hub.streams.topics import shard_of
from services.intake.cases.ports import Case, DisputeRegister, Done, DoneTable, EventPlace, Series, UnitChanges
from services.intake.cases.rights import Approval
from services.intake.cases.tables import dispute
from services.intake.law.facts import Consent, Facts
from services.intake.law.handoff import Arrival, Person
from services.intake.law.marks import Marks, marks_of
from services.intake.law.rule_files import load_rules
from services.intake.law.shared_results import SharedEffect
from services.intake.law.timers import Timer, timers_from_bytes

TONGDAO = Path(__file__).parents[2] / "deploy/rules/431230-tongdao"
"""The example of a county's rules: petitions there have a local limit."""
BOOK = load_rules(WorkCalendar({})).book
TONGDAO_BOOK = load_rules(WorkCalendar({}), TONGDAO).book
RULES = BOOK.screening
LIMITS = BOOK.deadlines
MATCH_KEY = b"k" * 32


def suit(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a court's suit of regime A."""
    facts = Facts(
        channel="court",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 5),
        category="06",
        case_cause="contract",
        procedure="ordinary",
        suit_kind="civil",
        relation_clarity="clear",
        facts_clarity="fairly_clear",
        consents=(Consent("plaintiff", "given"), Consent("defendant", "given")),
    )
    return replace(facts, **changes)


def incident(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a police incident."""
    facts = Facts(
        channel="police",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 4),
        category="02",
        case_cause="dispute",
        relation_clarity="clear",
        facts_clarity="clear",
        consents=(Consent("applicant", "given"), Consent("respondent", "given")),
    )
    return replace(facts, **changes)


def petition(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a petition with a civil request."""
    facts = Facts(
        channel="petition",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 6),
        category="07",
        case_cause="990000",
        purpose="request",
        relation_clarity="fairly_clear",
        facts_clarity="fairly_clear",
        consents=(Consent("petitioner", "given"), Consent("respondent", "given")),
    )
    return replace(facts, **changes)


def arrival(people: Iterable[Person], facts: Facts, *, town: str = "620725101", **changes: Any) -> Arrival:  # noqa: ANN401 - any field of Arrival
    """Return a case of these people."""
    place = Dimensions(
        channel=Channel(facts.channel),
        source_organ=f"{facts.channel}-620725",
        county_code="620725",
        town_code=town,
        village_code=changes.pop("village", ""),
        category=facts.category,
    )
    return Arrival(facts, place, "A-1", changes.pop("amount_fen", 0), people=tuple(people), **changes)


def sides(claiming: Iterable[str], answering: Iterable[str], roles: tuple[str, str]) -> list[Person]:
    """Return two sides by their identity numbers; an empty one is somebody who is not identified."""
    return [
        Person(role, number, "") for role, side in zip(roles, (claiming, answering), strict=True) for number in side
    ]


def marks(claiming: Iterable[str], answering: Iterable[str], *, swap: bool = False, **changes: Any) -> Marks:  # noqa: ANN401 - any field of Facts or Arrival
    """Return the marks of a case of the hotline; `swap` has the other side claim."""
    told = {name: changes.pop(name) for name in list(changes) if name in Facts.__struct_fields__}
    facts = replace(suit(channel="hotline", case_cause=""), **told)
    one, other = (answering, claiming) if swap else (claiming, answering)
    made = marks_of(MATCH_KEY, arrival(sides(one, other, ("applicant", "respondent")), facts, **changes))
    assert made is not None
    return made


def timers_in(tx: Transaction) -> list[Timer]:
    """Return the timers of all disputes, by their limit; each dispute is found by the one that rings first."""
    found: list[Timer] = []
    for row in tx.execute(sa.select(dispute)):
        its = timers_from_bytes(row.dispute_id, row.timers)
        first = min((to_micros(timer.rings_at) for timer in its.values()), default=None)
        assert (row.rings_at, row.shard) == (first, shard_of(row.dispute_id))
        found += its.values()
    return sorted(found, key=lambda timer: (timer.limit, timer.dispute_id))


class MemoryRegister(DisputeRegister):
    """A register of nothing, which keeps what a unit of work writes.

    Attributes:
        at: Business time.
        known: Disputes that exist.
        changes: What the last unit wrote.
    """

    def __init__(self, at: datetime, *known: Case) -> None:
        self.at = at
        self.known = {case.dispute.dispute_id: case for case in known}
        self.changes = UnitChanges()

    @override
    def lock(self, dispute_ids: Collection[str]) -> None:
        pass

    @override
    def lock_pairs(self, tokens: Collection[str]) -> None:
        pass

    @override
    def candidates(self, tokens: Collection[str]) -> Mapping[str, Marks]:
        return {}

    @override
    def effects(self, limit: int) -> Sequence[SharedEffect]:
        return ()

    @override
    def masters_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        return {}

    @override
    def members_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        return {}

    @override
    def done(self, ledger: DoneTable, task_ids: Collection[str]) -> Mapping[str, Done]:
        return {}

    @override
    def cases(self, dispute_ids: Collection[str]) -> dict[str, Case]:
        return {name: self.known[name] for name in dispute_ids if name in self.known}

    @override
    def last_numbers(self, wanted: Collection[Series]) -> Mapping[Series, int]:
        return dict.fromkeys(wanted, 0)

    @override
    def record_of(self, event: Event) -> bytes:
        return event.event_id.encode()

    @override
    def append(self, records: Sequence[tuple[str, bytes]]) -> Sequence[EventPlace]:
        return [EventPlace("memory/0/e0000001", number) for number, _ in enumerate(records, 1)]

    @override
    def approve(self, approvals: Mapping[str, Approval]) -> None:
        raise NotImplementedError

    @override
    def write(self, changes: UnitChanges) -> None:
        self.changes = changes

    @override
    def due(self, now: datetime, shards: Collection[int], limit: int) -> Sequence[Timer]:
        return ()

    @override
    def missing_years(self) -> frozenset[int]:
        return frozenset()

    @override
    def waiting_for(self, years: Collection[int], after: str, limit: int) -> Sequence[str]:
        return ()

    @override
    def business_now(self) -> datetime:
        return self.at

    @override
    def scenario_now(self) -> datetime | None:
        return self.at

    @override
    def now(self) -> datetime:
        return self.at

    @override
    def move_clock(self, to: datetime) -> datetime:
        self.at = max(self.at, to)
        return self.at
