"""Folds journal events into facts and cells.

Facts and cells are integers. The fold is pure: it looks nothing up and keeps nothing per dispute. The events are read
through protocols that have the same fields as the wire message, so that nothing is copied on the hot path and this
module knows no transport.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol

from dispute.refusals.interfaces import BAD_DISPUTE_ID
from hub.errors import Fault
from services.stats.facts.measures import (
    CODES,
    CONCLUDING,
    CONCLUSIONS,
    DECISIONS,
    FIRST,
    FLAGS,
    SUMMED,
    UNCOUNTED,
    CohortCount,
    FactType,
)
from services.stats.facts.windows import day_number

_UUID_BYTES: Final = 16
_CORE: Final = 3
_ENTERED: Final = 3
"""The first three of `COHORTS`: received, registered, accepted."""
_REFUSED: Final = "not_mediable"
"""State of a dispute whose mediation was refused."""
_WITHDRAWN: Final = int(FactType.WITHDRAWN)
_DECIDED: Final = int(CohortCount.DECIDED)
_CONCLUDED: Final = int(CohortCount.CONCLUDED)


class CohortLike(Protocol):
    """Cohort dates, ISO or empty; fields as in `hub.dispute.v1.CohortDates`."""

    received_on: str
    registered_on: str
    accepted_on: str
    due_on: str
    agreed_on: str
    concluded_on: str
    closed_on: str
    local_due_on: str
    statutory_due_on: str


class DimensionsLike(Protocol):
    """Dimensions of a dispute; fields as in `hub.dispute.v1.Dimensions`."""

    channel: str
    county_code: str
    town_code: str
    source_organ: str
    village_code: str
    grid_code: str
    category: str
    case_cause: str
    regime: str
    level: str
    lead_department: str
    organisation: str
    mediation_kind: str
    dispatch_mode: str
    mediator_id: str
    colour: str
    recurrence: str
    scale: str
    outcome_form: str
    outcome_code: str
    rule_version: str


class InstantLike(Protocol):
    """Seconds and nanoseconds since 1970."""

    seconds: int
    nanos: int


class RetractionLike(Protocol):
    """A retraction; fields as in `hub.journal.v1.Retraction`."""

    type: str
    business_day: str
    restated: bool
    ordinal: int
    conclusion_ordinal: int
    reopen_seq: int

    @property
    def cohort(self) -> CohortLike:
        """Cohort dates it was counted with."""

    @property
    def dimensions(self) -> DimensionsLike:
        """Dimensions it was counted under."""

    @property
    def restated_as(self) -> DimensionsLike:
        """Dimensions from now on, when it is restated."""

    @property
    def restated_cohort(self) -> CohortLike:
        """Cohort dates from now on, where set."""

    def HasField(self, name: Literal["restated_cohort"]) -> bool:  # noqa: N802 - protobuf's own spelling
        """Tell whether the restatement changes cohort dates too."""


class EventLike(Protocol):
    """Fields of `hub.journal.v1.JournalEvent` that counting needs."""

    dispute_id: str
    type: str
    business_day: str
    from_state: str
    reopen_seq: int
    ordinal: int
    conclusion_ordinal: int

    @property
    def recorded_at(self) -> InstantLike:
        """When the hub recorded it."""

    @property
    def cohort(self) -> CohortLike:
        """Cohort dates after the event."""

    @property
    def dimensions(self) -> DimensionsLike:
        """Dimensions after the event."""

    @property
    def retracts(self) -> Sequence[RetractionLike]:
        """Counted facts that no longer hold."""


Ids = tuple[int, ...]
IdsOf = Callable[[DimensionsLike], Ids]
"""Returns the interned ids of all dimensions, in the order of `DIMENSIONS`; 0 is the empty value."""

DIMENSIONS: Final = (
    "channel",
    "county_code",
    "town_code",
    "source_organ",
    "village_code",
    "grid_code",
    "category",
    "case_cause",
    "regime",
    "level",
    "lead_department",
    "organisation",
    "mediation_kind",
    "dispatch_mode",
    "mediator_id",
    "colour",
    "recurrence",
    "scale",
    "outcome_form",
    "outcome_code",
    "rule_version",
)
"""Dimensions of a fact, in column order; the first three are the core dimensions of a cell."""

COHORTS: Final = (
    "received_on",
    "registered_on",
    "accepted_on",
    "due_on",
    "agreed_on",
    "concluded_on",
    "closed_on",
    "local_due_on",
    "statutory_due_on",
)

FactRow = tuple[int | bytes | None, ...]
"""Values in the order of `FACT_COLUMNS`; plain integers, because the drivers bind subclasses of int slowly."""

FACT_COLUMNS: Final = (
    "stream_id",
    "position",
    "line",
    "type",
    "sign",
    "day",
    "first",
    "concluding",
    "opening",
    "recorded_ms",
    "dispute",
    *COHORTS,
    *DIMENSIONS,
)

Days = tuple[int | None, ...]
"""Day numbers in the order of `COHORTS`."""

DaysOf = Callable[[CohortLike], Days]
"""`cohort_days`, or a function that caches its answers."""

Line = tuple[int, int, int, int, int, int, tuple[int, int] | None, Days, Ids]
"""(fact, sign, day, first, concluding, opening, (day, cohort count), cohort, dimension ids)."""

CellKey = tuple[int, int, int, int, int, int]
"""(day, shard, measure, channel, county, town)."""


class Fold:
    """Facts and cells of one transaction's events.

    Discarded after they were written.

    Args:
        ids_of: Interns dimensions.
        days_of: Reads cohort dates.

    Attributes:
        facts: Rows in column order `FACT_COLUMNS`.
        cells: Change of each cell; may be 0 or negative.
    """

    __slots__ = ("_days_of", "_ids_of", "cells", "facts")

    def __init__(self, ids_of: IdsOf, days_of: DaysOf) -> None:
        self._ids_of = ids_of
        self._days_of = days_of
        self.facts: list[FactRow] = []
        self.cells: dict[CellKey, int] = {}

    def add(self, event: EventLike, stream: int, shard: int, position: int) -> None:
        """Count one event.

        Its own fact, and the facts that it takes back.

        Args:
            event: Not read again afterwards.
            stream: Interned id of the stream.
            shard: The stream's shard.
            position: The event's position in the stream.

        Raises:
            Rejected: `bad_date`, `bad_dispute_id`; nothing of the event was counted.
            Fault: `unknown_event_type`: the journal is kept for ever, so this release is too old for it.
        """
        kind, retracts = event.type, event.retracts
        fact = CODES.get(kind)
        if fact is None:
            if kind not in UNCOUNTED:
                raise _unknown(kind, shard, position)
            if not retracts:
                return
        # Everything that can be refused is read before anything is counted.
        dispute = dispute_bytes(event.dispute_id)
        lines: list[Line] = []
        if fact is not None:
            cohorts = self._days_of(event.cohort)
            ids = self._ids_of(event.dimensions)
            lines.append(_line(fact, event, cohorts, ids, refused=event.from_state == _REFUSED))
        if retracts:
            lines += self._taken_back(retracts, shard, position)
        instant = event.recorded_at
        recorded_ms = instant.seconds * 1000 + instant.nanos // 1_000_000
        self._count(lines, (stream, position), (recorded_ms, dispute), shard)

    def _count(self, lines: Sequence[Line], place: tuple[int, int], rest: tuple[int, bytes], shard: int) -> None:
        cells = self.cells
        for number, (fact, sign, day, first, concluding, opening, cohort_count, cohorts, ids) in enumerate(lines):
            # Tuples are joined as they are: unpacking them into one long tuple costs twice as much.
            counted = (number, fact, sign, day, first, concluding, opening)
            self.facts.append(place + counted + rest + cohorts + ids)
            if fact not in SUMMED:
                continue
            channel, county, town = ids[:_CORE]
            key = (day, shard, fact * FLAGS + first * FIRST + concluding * CONCLUDING, channel, county, town)
            cells[key] = cells.get(key, 0) + sign
            if cohort_count is not None:
                key = (cohort_count[0], shard, cohort_count[1], channel, county, town)
                cells[key] = cells.get(key, 0) + sign

    def _taken_back(self, retracts: Sequence[RetractionLike], shard: int, position: int) -> list[Line]:
        """Return the lines of the retractions.

        Each has its whole fact, and all facts of the dispute are among them.
        """
        lines: list[Line] = []
        refused = any(retraction.type == "mediation_refused" for retraction in retracts)
        for retraction in retracts:
            fact = CODES.get(retraction.type)
            if fact is None:
                if retraction.type not in UNCOUNTED:
                    raise _unknown(retraction.type, shard, position)
                continue
            cohorts = self._days_of(retraction.cohort)
            old = self._ids_of(retraction.dimensions)
            lines.append(_line(fact, retraction, cohorts, old, sign=-1, refused=refused))
            if retraction.restated:
                new = self._ids_of(retraction.restated_as)
                if retraction.HasField("restated_cohort"):
                    cohorts = self._days_of(retraction.restated_cohort)
                lines.append(_line(fact, retraction, cohorts, new, refused=refused))
        return lines


def _line(
    fact: int, event: EventLike | RetractionLike, cohorts: Days, ids: Ids, *, sign: int = 1, refused: bool
) -> Line:
    """Return a fact's line, from its event or a retraction."""
    first = concluding = 0
    if fact in CONCLUSIONS:
        first, concluding = int(event.ordinal == 1), int(event.conclusion_ordinal == 1)
    cohort_count = cohort_count_of(fact, cohorts, concluding=concluding, refused=refused)
    return (fact, sign, day_number(event.business_day), first, concluding, event.reopen_seq, cohort_count, cohorts, ids)


def cohort_count_of(fact: int, cohorts: Days, *, concluding: int, refused: bool) -> tuple[int, int] | None:
    """Return the cohort count of a fact.

    Returns (day, cohort count) when the fact gives an earlier one its outcome, else None.

    Args:
        fact: Code of the fact.
        cohorts: Its cohort dates; `accepted_on` is that of its own opening.
        concluding: It is the first conclusion of its opening.
        refused: Mediation had been refused before: a withdrawal decides nothing any more.
    """
    received, registered, accepted = cohorts[:_ENTERED]
    if fact in DECISIONS or (fact == _WITHDRAWN and concluding and accepted is None and not refused):
        entered = registered if received is None else received
        return None if entered is None else (entered, _DECIDED)
    if concluding and accepted is not None:
        return (accepted, _CONCLUDED)
    return None


def cohort_days(cohort: CohortLike) -> Days:
    """Return day numbers in the order of `COHORTS`; None where not reached.

    Raises:
        Rejected: `bad_date`.
    """
    received, registered, accepted = cohort.received_on, cohort.registered_on, cohort.accepted_on
    due, agreed, concluded, closed = cohort.due_on, cohort.agreed_on, cohort.concluded_on, cohort.closed_on
    local, statutory = cohort.local_due_on, cohort.statutory_due_on
    return (
        day_number(received) if received else None,
        day_number(registered) if registered else None,
        day_number(accepted) if accepted else None,
        day_number(due) if due else None,
        day_number(agreed) if agreed else None,
        day_number(concluded) if concluded else None,
        day_number(closed) if closed else None,
        day_number(local) if local else None,
        day_number(statutory) if statutory else None,
    )


def dispute_bytes(dispute_id: str) -> bytes:
    """Return the 16 bytes of a dispute id.

    Raises:
        Rejected: `bad_dispute_id` unless it is a UUID.
    """
    try:
        packed = unhexlify(dispute_id.replace("-", ""))
    except ValueError:
        packed = b""
    if len(packed) != _UUID_BYTES:
        raise BAD_DISPUTE_ID.error()
    return packed


def _unknown(kind: str, shard: int, position: int) -> Fault:
    return Fault("unknown_event_type", f"{kind!r} at position {position} of shard {shard}; this stats is too old")
