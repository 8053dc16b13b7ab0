"""Letters in the topic against letters in the stores: one that was given back stands in the topic alone."""

from __future__ import annotations

from dataclasses import replace

from dispute.contracts.topics import HANDOFFS
from tests.faults.county import county
from tests.faults.evidence import Evidence, Raw
from tests.faults.oracle import judge
from tests.faults.rows import Applied, StoreRows
from tests.faults.streams import place_of


def published(evidence: Evidence) -> Evidence:
    """Add a letter of the first hand-off to the topic, as it stays there after it was given back."""
    first = evidence.raw[HANDOFFS.name][0]
    place = place_of(first.headers)
    assert place is not None
    told = {"partition": first.partition, "offset": first.offset, "position": place.first, "stream": place.stream}
    headers = {f"dlq_{name}": str(value).encode() for name, value in told.items()}
    letter = Raw(f"{HANDOFFS.name}.dlq", 0, 0, headers, b"")
    return replace(evidence, raw={**evidence.raw, letter.topic: (letter,)})


def without_applied(evidence: Evidence) -> Evidence:
    intake = evidence.stores["intake"]
    emptied = StoreRows("intake", {**intake.tables, "handoff_applied": list[Applied]()})
    return replace(evidence, stores={**evidence.stores, "intake": emptied})


def test_a_letter_that_was_given_back_and_applied_is_no_problem() -> None:
    assert judge(published(county())).problems == ()


def test_a_letter_that_is_nowhere_else_is_found() -> None:
    verdict = judge(published(without_applied(county())))
    assert any("published and not stored" in problem for problem in verdict.problems)
