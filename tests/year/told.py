"""What holds of the results that an agency has of its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from dispute.wire.exchange.v1 import exchange_pb2
from tests.year.invariants import OVER, History

Results = Sequence[exchange_pb2.Result]


def ill_ended(results: Results, history: History, state: str) -> Iterator[str]:
    """Yield openings of a record that have not the one final result that they are owed.

    Args:
        results: Of the record, in order.
        history: Of its dispute.
        state: Of its dispute.
    """
    standing = Counter(each.opening for each in results if each.final and not each.superseded)
    over = {event.reopen_seq: _ends_the_last(event.type, event.from_state) for event in history if event.reopen_seq}
    last = max((event.reopen_seq for event in history), default=0)
    for opening in range(last + 1):
        owed = state in OVER if opening == last else over.get(opening + 1, False)
        found = standing[opening + 1]
        if found > 1 or (owed and not found):
            yield f"{history[0].dispute_id}: {found} final results of opening {opening + 1}, state {state}"


def _ends_the_last(kind: str, from_state: str) -> bool:
    """Tell whether an event that opens a dispute again follows an opening that was over."""
    return kind == "resubmitted" or (kind == "reopened" and from_state in OVER)


def ill_chained(results: Results) -> Iterator[str]:
    """Yield corrections whose chain does not lead from what was told to what stands."""
    known: dict[str, exchange_pb2.Result] = {}
    taken: set[str] = set()
    for each in results:
        for earlier in each.supersedes:
            if earlier not in known:
                yield f"{each.dispute_id}: {each.status} takes back {earlier}, which was not told"
            taken.add(earlier)
        known[each.event_id] = each
    for event_id, each in known.items():
        if each.superseded != (event_id in taken):
            yield f"{each.dispute_id}: {each.status} {event_id} is superseded={each.superseded}"


def by_dispute(results: Results) -> Mapping[str, list[exchange_pb2.Result]]:
    """Return the results of each dispute, in order."""
    found: dict[str, list[exchange_pb2.Result]] = {}
    for each in sorted(results, key=lambda result: result.cursor):
        found.setdefault(each.dispute_id, []).append(each)
    return found
