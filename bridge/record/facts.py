"""Facts common to every agency, as frozen dataclasses.

The inside form that a bridge's domain uses. Imports no transport, so that every part of a bridge may use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from bridge.record import checks
from dispute.calendar.days import business_day
from dispute.refusals.interfaces import COUNTY_OUT_OF_SCOPE, DATE_IN_FUTURE, DATE_ORDER
from hub.errors import Refusal

Record = TypeVar("Record")

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a partner's clock may run ahead of ours before an instant counts as in the future."""

NOT_STATED: Final = datetime.min.replace(tzinfo=UTC)
"""Instant of a hand-over that nobody wrote down; the one of its receipt takes its place."""

GROUP_FROM: Final = 5
"""Five people and more make a group matter (集体访, reported apart in the daily summary)."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Agency of the credential.

    Attributes:
        agency: For example `court-620725`.
        county: GB/T 2260 prefix that its records must lie in: 6 digits, or 4 or 2 for a higher court or office.
    """

    agency: str
    county: str


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """Answer of one side about mediation."""

    role: str
    answer: str
    answered_on: date | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """One person or organisation.

    Everything but the role stays out of `repr`, and so out of tracebacks.
    """

    role: str
    name: str = field(repr=False)
    id_type: str = field(default="", repr=False)
    id_number: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Confidential:
    """The part that leaves the bridge only sealed.

    Attributes:
        accusation: What accuses somebody, apart from the dispute.
        happened_on: Day of the event, where it may not travel in clear.
    """

    parties: tuple[Party, ...] = field(default=(), repr=False)
    brief: str = field(default="", repr=False)
    place: str = field(default="", repr=False)
    subject_ref: str = field(default="", repr=False)
    accusation: str = field(default="", repr=False)
    happened_on: date | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Matter:
    """The common part of the three agencies' records.

    Attributes:
        handed_over_at: UTC, aware.
        county_code: 6 digits; prefix of `town_code` (9), which is the prefix of `village_code` (12, may be empty).
        persons: People concerned; 0 when the agency did not say.
        happened_on: Day of the event that it is about; None when the agency did not say.
        relation_clarity: Empty when nobody judged it yet, as `facts_clarity`.
        round: Which hand-over of the record it is: 1 for the first.
    """

    handed_over_at: datetime
    category: str
    county_code: str
    town_code: str
    village_code: str
    grid_code: str
    relation_clarity: str
    facts_clarity: str
    consents: tuple[ConsentAnswer, ...]
    circumstances: tuple[str, ...]
    persons: int
    confidential: Confidential
    happened_on: date | None = None
    round: int = 1

    @property
    def headcount(self) -> int:
        """Number of people concerned: as sent, else the parties."""
        return self.persons or len(self.confidential.parties)

    @property
    def scale(self) -> str:
        """`group` from five people on, else `individual`."""
        return "group" if self.headcount >= GROUP_FROM else "individual"


class AgencyRecord(Protocol):
    """Properties that every agency's record has."""

    @property
    def source_ref(self) -> str:
        """The agency's own reference."""

    @property
    def matter(self) -> Matter:
        """The part common to all agencies."""


RecordT = TypeVar("RecordT", bound=AgencyRecord)


@dataclass(frozen=True, slots=True)
class LaterFactReport:
    """A fact about a known record; only set fields change."""

    kind: str
    consent: ConsentAnswer | None = None
    category: str = ""
    case_cause: str = ""
    relation_clarity: str = ""
    facts_clarity: str = ""


@dataclass(frozen=True, slots=True)
class WithdrawalReport:
    """The applicant withdrew at the source."""

    reason_code: str


@dataclass(frozen=True, slots=True)
class RulingReport:
    """The court's ruling on an application for judicial confirmation."""

    confirmed: bool
    reason_code: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A fact after the record was handed over."""

    source_ref: str
    occurred_at: datetime
    body: LaterFactReport | WithdrawalReport | RulingReport


@dataclass(frozen=True, slots=True)
class Submission(Generic[Record]):
    """One record as REST or gRPC received it.

    Attributes:
        record: Validated.
        source_ref: The agency's own reference, as written this time.
        reference: The dispute's id is made of it: the same for every spelling.
        key: Idempotency key; made of `reference` and the round unless the agency sent one.
        content_sha256: Digest of the canonical content; equal for equal content over REST and gRPC.
        correlation_id: Links everything that this request causes.
    """

    record: Record
    source_ref: str
    reference: str
    key: str
    content_sha256: bytes
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of acceptance.

    It exists only after the durable commit.

    Attributes:
        source_ref: As first written.
        content_sha256: Lower-case hex.
        repeated: The record had been accepted before; everything else is the first receipt's.
        stream: Stream of the hand-off, `<producer>/<shard>/<epoch>`.
        position: Its position there.
        round: Of the record; 0 for a later fact.
        case_code: Printed code of the case; empty until it is registered, so that a repeat may tell it first.
    """

    receipt_id: str
    source_ref: str
    dispute_id: str
    content_sha256: str
    accepted_at: datetime
    stream: str
    position: int
    repeated: bool = False
    round: int = 0
    case_code: str = ""


Verdict = Receipt | Refusal


def with_hand_over(record: RecordT, now: datetime) -> RecordT:
    """Return the record with the instant of its receipt where its hand-over was not written down."""
    if record.matter.handed_over_at != NOT_STATED:
        return record
    return replace(record, matter=replace(record.matter, handed_over_at=now))  # type: ignore[type-var] # a dataclass


def in_order(judged: Sequence[object], verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return a verdict for each item, in order.

    A refusal among `judged` is its own verdict; the others take the next of `verdicts`.
    """
    following = iter(verdicts)
    return [one if isinstance(one, Refusal) else next(following) for one in judged]


def refuse_future(now: datetime, *, instants: Mapping[str, datetime | None], days: Mapping[str, date | None]) -> None:
    """Refuse times that are in the future by our clock.

    Args:
        now: UTC, aware.
        instants: Field name -> instant; a partner's clock may be `CLOCK_SKEW` ahead.
        days: Field name -> day in Asia/Shanghai.

    Raises:
        Rejected: `date_in_future`, naming the field.
    """
    latest = now + CLOCK_SKEW
    for name, instant in instants.items():
        if instant is not None and instant > latest:
            raise DATE_IN_FUTURE.error(field=name)
    today = business_day(latest)
    for name, day in days.items():
        if day is not None and day > today:
            raise DATE_IN_FUTURE.error(field=name)


def refuse_disorder(earlier: date | None, later: date | None, field_name: str) -> None:
    """Refuse two days in the wrong order.

    An absent day has no order.

    Raises:
        Rejected: `date_order`, naming `field_name`.
    """
    if earlier is not None and later is not None and later < earlier:
        raise DATE_ORDER.error(field=field_name)


def refuse_foreign_county(sender: Sender, county_code: str) -> None:
    """Refuse a record outside the credential's county.

    Raises:
        Rejected: `county_out_of_scope`, kind DENIED.
    """
    if not county_code.startswith(sender.county):
        raise COUNTY_OUT_OF_SCOPE.error()


def check_matter(matter: Matter, sender: Sender, now: datetime) -> None:
    """Check what holds for every agency's record.

    The county is in scope, nothing is in the future, neither a consent nor the event comes after the hand-over.

    Raises:
        Rejected: `county_out_of_scope`, `date_in_future`, `date_order`, `id_birth_date`.
    """
    refuse_foreign_county(sender, matter.county_code)
    refuse_future(
        now,
        instants={"handed_over_at": matter.handed_over_at},
        days={
            "happened_on": matter.happened_on,
            **{f"consents.{at}.answered_on": consent.answered_on for at, consent in enumerate(matter.consents)},
        },
    )
    handed_over_on = business_day(matter.handed_over_at)
    refuse_disorder(matter.happened_on, handed_over_on, "happened_on")
    for at, consent in enumerate(matter.consents):
        refuse_disorder(consent.answered_on, handed_over_on, f"consents.{at}.answered_on")
    today = business_day(now)
    for at, party in enumerate(matter.confidential.parties):
        if party.id_type == "citizen_id" and party.id_number:
            checks.refuse_unborn(party.id_number, today, f"parties.{at}.id_number")


def check_report(report: Report, now: datetime) -> None:
    """Check the times of a later fact.

    They may not be in the future, and a consent's answer may not be later than the fact.

    Raises:
        Rejected: `date_in_future`, `date_order`.
    """
    consent = report.body.consent if isinstance(report.body, LaterFactReport) else None
    refuse_future(
        now,
        instants={"occurred_at": report.occurred_at},
        days={"later_fact.consent.answered_on": consent.answered_on if consent else None},
    )
    if consent is not None:
        refuse_disorder(consent.answered_on, business_day(report.occurred_at), "later_fact.consent.answered_on")
