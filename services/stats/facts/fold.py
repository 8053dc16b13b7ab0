"""Folds journal events into facts and cells.

Facts and cells are integers. The fold is pure: it looks nothing up and keeps nothing per dispute.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Sequence
from typing import Final

from dispute.refusals.interfaces import BAD_DISPUTE_ID
from hub.errors import Fault
from services.stats.facts.fields import CohortLike, DimensionsLike, EventLike, RetractionLike
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
_ENTERED: Final = 2
"""The first two of `COHORTS`: received, registered."""
_ACCEPTED: Final = 2
"""Place of `accepted_on` in `COHORTS`."""
_REFUSED: Final = "not_mediable"
"""State of a dispute whose mediation was refused."""
_REFUSAL: Final = "mediation_refused"
_WITHDRAWN: Final = int(FactType.WITHDRAWN)
_LINKED: Final = int(FactType.LINKED)
_DECIDED: Final = int(CohortCount.DECIDED)
_CONCLUDED: Final = int(CohortCount.CONCLUDED)


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
            refused = event.from_state == _REFUSED and not _unrefused(retracts)
            lines.append(_line(fact, event, cohorts, ids, refused=refused))
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

        Each has its whole fact. A withdrawal is never among them without the refusal that it followed.
        """
        lines: list[Line] = []
        refusals = {retraction.reopen_seq for retraction in retracts if retraction.type == _REFUSAL}
        for retraction in retracts:
            fact = CODES.get(retraction.type)
            if fact is None:
                if retraction.type not in UNCOUNTED:
                    raise _unknown(retraction.type, shard, position)
                continue
            refused = retraction.reopen_seq in refusals
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
    """Return a fact's line, from its event or a retraction.

    A link counts under the day on which its record was received, whenever it was made: in every window, records less
    links are matters.
    """
    first = concluding = 0
    day = _entered_on(0, cohorts) if fact == _LINKED else None
    if day is None:
        day = day_number(event.business_day)
    if fact in CONCLUSIONS:
        first, concluding = int(event.ordinal == 1), int(event.conclusion_ordinal == 1)
    opening = event.reopen_seq
    cohort_count = cohort_count_of(fact, opening, cohorts, concluding=concluding, refused=refused)
    return (fact, sign, day, first, concluding, opening, cohort_count, cohorts, ids)


def _unrefused(retracts: Sequence[RetractionLike]) -> bool:
    """Tell whether a refusal is taken back: what came late is decided as if mediation had not been refused."""
    return any(retraction.type == _REFUSAL and not retraction.restated for retraction in retracts)


def _entered_on(opening: int, cohorts: Days) -> int | None:
    """Return the day on which a round was received.

    Only a record that was handed over anew is decided in a later opening: a relapse begins accepted.
    """
    received, registered = cohorts[:_ENTERED]
    return registered if received is None or opening else received


def cohort_count_of(
    fact: int, opening: int, cohorts: Days, *, concluding: int, refused: bool
) -> tuple[int, int] | None:
    """Return the cohort count of a fact.

    Returns (day, cohort count) when the fact gives an earlier one its outcome, else None.

    Args:
        fact: Code of the fact.
        opening: Its opening.
        cohorts: Its cohort dates; `accepted_on` is that of its own opening.
        concluding: It is the first conclusion of its opening.
        refused: Mediation had been refused before: a withdrawal decides nothing any more.
    """
    accepted = cohorts[_ACCEPTED]
    if fact in DECISIONS or (fact == _WITHDRAWN and concluding and accepted is None and not refused):
        entered = _entered_on(opening, cohorts)
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
