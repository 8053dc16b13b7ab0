"""What came of a case, in the values that people compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields, replace

from dispute.calendar.days import last_day_before
from dispute.lifecycle import Dispute, Event, EventKind
from dispute.lifecycle.dimensions import CohortDates

DECISIONS: Final = frozenset(
    {EventKind.ACCEPTED, EventKind.MEDIATION_REFUSED, EventKind.NOT_DOCKED, EventKind.INFORMATION_REQUESTED}
)
COHORT: Final = tuple(entry.name for entry in fields(CohortDates))
PAYLOAD_DATES: Final = {"sign_by": "sign_by", "wait_until": "screen_by", "confirm_by": "confirm_by"}
"""Field of a payload -> limit that it tells."""
APART: Final = frozenset({"sequence", "checkpoints", "ordinals", "provisional", "dimensions", "alarms", "counted"})
"""Fields of a dispute that other histories of one life may differ in, or that are compared by their content."""
ALONE: Final = tuple(entry.name for entry in fields(Dispute) if entry.name not in APART)
COUNTS: Final = ("registered", "accepted", "reopened", "agreed", "failed")


class CaseOutcome(Struct, frozen=True):
    """What came of a case.

    Attributes:
        decision: Status of the screening's last verdict.
        reason: Its reason code.
        clause: Its clause.
        state: State now.
        result: Form of the agreement, or why there is none.
        dates: Limits, alarms that stand, and days of the way, each by its name.
    """

    decision: str
    reason: str
    clause: str
    state: str
    result: str
    dates: Mapping[str, str]


def outcome_of(events: Iterable[Event]) -> CaseOutcome:
    """Return what came of a case by its events."""
    decision = reason = clause = ""
    dates: dict[str, str] = {}
    alarms: dict[int, tuple[str, str]] = {}
    last: Event | None = None
    for event in events:
        last = event
        for taken in event.retracts:
            if not taken.restated:
                alarms.pop(taken.sequence, None)
        if event.type in DECISIONS:
            decision, reason, clause = event.type.status, event.reason_code, getattr(event.payload, "clause", "")
        if event.type is EventKind.SUPERVISED:
            rung = getattr(event.payload, "supervision", "")
            alarms[event.sequence] = (f"{event.limit or 'person'}:{rung}", event.business_day.isoformat())
        for field, name in PAYLOAD_DATES.items():
            value = getattr(event.payload, field, None)
            if value is not None:
                dates[name] = _day(value)
    if last is None:
        return CaseOutcome("", "", "", "", "", {})
    dates |= {name: day.isoformat() for name in COHORT if (day := getattr(last.cohort, name)) is not None}
    dates |= dict(alarms.values())
    result = last.dimensions.outcome_form.value or last.dimensions.outcome_code
    return CaseOutcome(decision, reason, clause, last.to_state.value, result, dict(sorted(dates.items())))


def _day(value: date | datetime) -> str:
    """Return a day; an instant is the end of its last day."""
    return (last_day_before(value) if isinstance(value, datetime) else value).isoformat()


def differences(before: CaseOutcome, after: CaseOutcome) -> dict[str, tuple[str, str]]:
    """Return what differs, by name: before and after, empty where there is none."""
    found = {
        name: (getattr(before, name), getattr(after, name))
        for name in ("decision", "reason", "clause", "state", "result")
    }
    found |= {
        name: (before.dates.get(name, ""), after.dates.get(name, "")) for name in sorted({*before.dates, *after.dates})
    }
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def first_difference(recorded: Dispute, lived: Dispute | None) -> tuple[str, str, str] | None:
    """Return the first field in which a dispute is not as it was recorded: name, recorded, lived.

    Versions of rules are left out: a rule may have been in an earlier version that decided the same.
    """
    if lived is None:
        return "state", recorded.state.value, ""
    for name, one, other in _pairs(recorded, lived):
        if one != other:
            return name, str(one), str(other)
    return None


def _pairs(recorded: Dispute, lived: Dispute) -> Iterator[tuple[str, Any, Any]]:
    for name in ALONE:
        yield name, getattr(recorded, name), getattr(lived, name)
    yield "dimensions", _plain(recorded.dimensions), _plain(lived.dimensions)
    yield "alarms", _alarms(recorded), _alarms(lived)
    yield "counted", _counted(recorded), _counted(lived)


def _alarms(dispute: Dispute) -> list[Any]:
    return [(each.limit, each.rung.value, each.at) for each in dispute.alarms]


def _counted(dispute: Dispute) -> list[Any]:
    return [
        (fact.type.value, fact.business_day, _plain(fact.dimensions), fact.cohort, fact.ordinal, fact.reopen_seq)
        for fact in dispute.counted
    ]


def _plain(dimensions: Any) -> Any:  # noqa: ANN401 - given back as it came
    return replace(dimensions, rule_version="") if dimensions.rule_version else dimensions


def counts_of(dispute: Dispute) -> Counter[str]:
    """Return what a dispute counts for, as the figures count it."""
    found: Counter[str] = Counter()
    for fact in dispute.counted:
        name = fact.type.value
        first = fact.ordinal == 1 if fact.type is EventKind.AGREED else fact.conclusion_ordinal == 1
        if name in COUNTS and (fact.type not in {EventKind.AGREED, EventKind.FAILED} or first):
            found[name] += 1
    return found
