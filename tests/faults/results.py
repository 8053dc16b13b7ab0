"""What agencies have to be told of their own records, and what they were told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from dispute.wire.journal.v1 import journal_pb2
from tests.faults.evidence import Line

STATUSES: Final[Mapping[str, str]] = {
    "accepted": "accepted",
    "mediation_refused": "not_mediable",
    "dispatched": "dispatched",
    "agreed": "agreed",
    "failed": "failed",
    "withdrawn": "withdrawn",
    "confirmed": "confirmed",
    "confirmation_refused": "refused",
    "performed": "performed",
    "not_performed": "returned",
    "returned": "returned",
    "referred": "referred",
    "closed": "closed",
    "duplicate_linked": "duplicate",
    "due_dates_settled": "due_dates_corrected",
}
"""What an agency is told of an event (docs/api.md); other events concern the centre's own work."""


class Due(NamedTuple):
    """A result that an agency is owed."""

    agency: str
    dispute_id: str
    source_ref: str
    status: str


def due_results(events: Iterable[journal_pb2.JournalEvent], owners: Mapping[str, tuple[str, str]]) -> dict[str, Due]:
    """Return what is owed by event id; `owners` gives agency and reference of a dispute."""
    return {
        event.event_id: Due(
            owners[event.dispute_id][0], event.dispute_id, owners[event.dispute_id][1], STATUSES[event.type]
        )
        for event in events
        if event.type in STATUSES and event.dispute_id in owners and not _is_inner(event)
    }


def _is_inner(event: journal_pb2.JournalEvent) -> bool:
    """Tell whether a correction concerns only by when a handler signs, which no agency is told."""
    names = {date.name for date in event.particulars.settled}
    return event.type == "due_dates_settled" and names == {"sign_by"}


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
