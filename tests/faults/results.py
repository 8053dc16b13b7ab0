"""What agencies have to be told of their own records, and what they were told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from dispute.wire.journal.v1 import journal_pb2
from tests.faults.evidence import Line

STATUSES: Final[Mapping[str, str]] = {
    "information_requested": "to_complete",
    "accepted": "accepted",
    "mediation_refused": "not_mediable",
    "dispatched": "dispatched",
    "agreed": "agreed",
    "failed": "failed",
    "withdrawn": "withdrawn",
    "confirmed": "confirmed",
    "confirmation_refused": "refused",
    "performed": "performed",
    "not_performed": "not_performed",
    "returned": "returned",
    "referred": "referred",
    "closed": "closed",
    "duplicate_linked": "duplicate",
    "due_dates_settled": "due_dates_corrected",
    "linked": "linked",
    "unlinked": "unlinked",
    "unshared": "unshared",
    "not_docked": "not_docked",
    "supervised": "alarm",
}
"""What an agency is told of an event (docs/api.md); other events concern the centre's own work."""


FINAL: Final = frozenset({"duplicate_linked", "not_performed", "returned", "referred", "closed", "not_docked"})
"""Events after which nothing of their opening is told, unless they are taken back."""
BESIDE: Final = frozenset({"linked", "unlinked", "unshared", "supervised", "due_dates_settled"})
"""Events that stand when the way of a dispute is taken back."""
LIMITS: Final = frozenset({"due_on", "local_due_on", "statutory_due_on", "confirm_by", "screen_by"})


class Due(NamedTuple):
    """A result that an agency is owed."""

    agency: str
    dispute_id: str
    source_ref: str
    status: str


def due_results(events: Iterable[journal_pb2.JournalEvent], owners: Mapping[str, tuple[str, str]]) -> dict[str, Due]:
    """Return what is owed by event id; `owners` gives agency and reference of a dispute."""
    histories: dict[str, list[journal_pb2.JournalEvent]] = {}
    for event in events:
        if event.dispute_id in owners:
            histories.setdefault(event.dispute_id, []).append(event)
    due: dict[str, Due] = {}
    for dispute, history in histories.items():
        agency, reference = owners[dispute]
        for event, status in _owed(sorted(history, key=lambda each: each.sequence)):
            due[event.event_id] = Due(agency, dispute, reference, status)
    return due


def _owed(history: Sequence[journal_pb2.JournalEvent]) -> Iterator[tuple[journal_pb2.JournalEvent, str]]:
    """Yield the events of one dispute that its agency is told of, with the status."""
    standing: dict[int, journal_pb2.JournalEvent] = {}
    for event in history:
        retracted = {
            each.sequence
            for each in event.retracts
            if not each.restated and (each.reopen_seq == event.reopen_seq or each.type in BESIDE)
        }
        taken = {
            number
            for number, told in standing.items()
            if number in retracted or (0 < event.rewinds_to <= number and told.type not in BESIDE)
        }
        kept = [told for number, told in standing.items() if number not in taken]
        if any(told.type in FINAL and told.reopen_seq == event.reopen_seq for told in kept):
            continue
        own = event.type in STATUSES and not _is_inner(event)
        if not own and not taken:
            continue
        for number in taken:
            del standing[number]
        standing[event.sequence] = event
        yield event, STATUSES[event.type] if own else "corrected"


def _is_inner(event: journal_pb2.JournalEvent) -> bool:
    """Tell whether a correction or an alarm concerns no limit that an agency is told."""
    if event.type == "supervised":
        level = event.particulars.supervision
        return event.limit not in LIMITS or level not in {"overdue", "supervised", "escalated"}
    names = {date.name for date in event.particulars.settled}
    return event.type == "due_dates_settled" and not names & LIMITS


def compare_results(told: Sequence[Line], due: Mapping[str, Due]) -> tuple[list[str], list[str]]:
    """Return the event ids that nobody was told, and all problems."""
    problems: list[str] = []
    seen: dict[str, dict[str, object]] = {}
    for line in told:
        # a bridge that was restored tells again under a new cursor; nothing else may differ
        content = {name: value for name, value in line.items() if name != "cursor"}
        if seen.setdefault(line["event_id"], content) != content:
            problems.append(f"results: event {line['event_id']} was told with two contents")
    for event_id, content in seen.items():
        owed = due.get(event_id)
        if owed is None:
            problems.append(f"results: event {event_id} was told to {content.get('agency')}, to whom it is no result")
        elif any(content.get(name) != value for name, value in owed._asdict().items()):
            problems.append(f"results: event {event_id} was told as {content}, owed is {owed}")
    missing = sorted(due.keys() - seen.keys())
    problems += [
        f"results: {due[event_id].status} of {due[event_id].dispute_id} did not reach {due[event_id].agency}"
        for event_id in missing
    ]
    return missing, problems
