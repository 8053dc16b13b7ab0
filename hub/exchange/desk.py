"""The order of steps at a bridge's desk: check against sender and clock, then admit what is sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic

from hub.errors import Rejected
from hub.exchange.facts import Receipt, Report, Sender, Told, Verdict, check_report
from hub.exchange.ports import Admission, RecordT
from hub.runtime.clock import Clock

Prepare = Callable[[RecordT, Sender, datetime], RecordT]
"""An agency's own step: refuse what its rules forbid (`Rejected`), return the record as it may leave the bridge."""


class Desk(Generic[RecordT]):
    """Takes what an agency tells; knows the steps, not the rules and not the storage."""

    def __init__(self, admission: Admission[RecordT], clock: Clock, prepare: Prepare[RecordT]) -> None:
        self._admission = admission
        self._clock = clock
        self._prepare = prepare

    async def hand_over(self, sender: Sender, told: Sequence[Told[RecordT]]) -> list[Verdict]:
        """Take records; one verdict each, in order. What is refused leaves the others alone."""
        now = self._clock.now()
        verdicts: list[Verdict | None] = [None] * len(told)
        sound: dict[int, Told[RecordT]] = {}
        for place, item in enumerate(told):
            try:
                sound[place] = replace(item, record=self._prepare(item.record, sender, now))
            except Rejected as refused:
                verdicts[place] = refused
        admitted = await self._admission.admit(sender, list(sound.values())) if sound else []
        for place, verdict in zip(sound, admitted, strict=True):
            verdicts[place] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    async def report(self, sender: Sender, told: Told[Report]) -> Receipt:
        """Take a later fact.

        Raises:
            Rejected: `date_in_future`, `not_found`, `key_reused`.
            Retryable: As the admission's.
        """
        check_report(told.record, self._clock.now())
        return await self._admission.admit_report(sender, told)
