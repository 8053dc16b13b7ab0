"""Tells by its events what a dispute heard from others of its matter."""

from __future__ import annotations

from typing import Any

from dispute.lifecycle import Event, EventKind
from services.intake.law.shared_results import (
    AnyResult,
    SharedAgreement,
    SharedFailure,
    SharedNonPerformance,
    SharedPerformance,
    SharedWithdrawal,
)


class HeardResults:
    """Goes through the events by which a dispute heard results, in order."""

    def __init__(self) -> None:
        self._shared_from = ""

    def by(self, event: Event) -> AnyResult:
        """Return the result that an event stands for.

        Raises:
            TypeError: It stands for none.
        """
        of: Any = event.payload
        # What became of an agreement does not tell again where it was reached: at the dispute that was heard last.
        self._shared_from = getattr(of, "shared_from", "") or self._shared_from
        whose = (self._shared_from, event.correlation_id)
        match event.type:
            case EventKind.AGREED:
                form = event.dimensions.outcome_form
                return SharedAgreement(*whose, form, of.amount_fen, of.document_sha256, of.partial)
            case EventKind.FAILED:
                return SharedFailure(*whose, event.reason_code)
            case EventKind.PERFORMED:
                return SharedPerformance(*whose, of.document_sha256)
            case EventKind.NOT_PERFORMED:
                return SharedNonPerformance(*whose)
            case EventKind.UNSHARED:
                return SharedWithdrawal(*whose)
            case _:
                raise TypeError(f"{event.type} stands for no result")
