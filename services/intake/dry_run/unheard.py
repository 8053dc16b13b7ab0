"""Which results a dispute would not hear any more, because another dispute of its matter would not have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from dispute.lifecycle import Event, EventKind
from services.intake.dry_run.inputs import Inputs
from services.intake.law.shared_results import effect_id_of, result_of

Cause: TypeAlias = tuple[str, EventKind]
"""Command and type of an event: what stays of it when the events before it are others."""


class UnheardResults:
    """Results that disputes shared, and would not share under a changed rulebook."""

    def __init__(self) -> None:
        self._lost: dict[str, set[str]] = {}

    def note(self, was: Sequence[Event], now: Sequence[Event]) -> bool:
        """Note what a dispute would not share any more.

        Args:
            was: Its events under the rules in force.
            now: Its events under the changed ones.

        Returns:
            Whether any of it was not known yet.
        """
        kept = {_cause(event) for event in now if result_of(event) is not None}
        found = False
        for event in was:
            if result_of(event) is not None and _cause(event) not in kept:
                lost = self._lost.setdefault(event.dispute_id, set())
                found |= event.event_id not in lost
                lost.add(event.event_id)
        return found

    def of(self, its: Inputs) -> frozenset[str]:
        """Return the ids of the inputs that the dispute would not hear."""
        return frozenset(
            each.command_id
            for each in its.inputs
            if each.heard is not None
            and any(
                each.command_id == effect_id_of(event_id, its.dispute_id)
                for event_id in self._lost.get(each.heard.shared_from, ())
            )
        )


def _cause(event: Event) -> Cause:
    return event.causation_id, event.type
