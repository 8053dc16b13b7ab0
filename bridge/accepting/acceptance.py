"""Checks records and admits the valid ones.

A record is checked against its sender and the clock before it gets a receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic

from bridge.accepting.ports import Admission
from bridge.record.facts import (
    RecordT,
    Report,
    Sender,
    Submission,
    Verdict,
    check_matter,
    check_report,
    in_order,
    with_hand_over,
)
from hub.errors import Refusal, Refused
from hub.runtime.clock import Clock
from hub.runtime.turns import in_turns

Admitted = Callable[[RecordT, datetime], RecordT]
"""An agency's own step: refuse what its rules forbid (`Rejected`), return the record as it may leave the bridge."""


def checked(record: RecordT, sender: Sender, now: datetime, admitted: Admitted[RecordT]) -> RecordT:
    """Check a record; return it as it may be sent.

    Raises:
        Rejected: As `check_matter` and the agency's own step.
    """
    record = with_hand_over(record, now)
    check_matter(record.matter, sender, now)
    return admitted(record, now)


class Acceptance(Generic[RecordT]):
    """Accepts what an agency sends.

    It knows the order of the steps, not the rules and not the storage.
    """

    def __init__(self, admission: Admission[RecordT], clock: Clock, admitted: Admitted[RecordT]) -> None:
        self._admission = admission
        self._clock = clock
        self._admitted = admitted

    async def hand_over(self, sender: Sender, submissions: Sequence[Submission[RecordT]]) -> list[Verdict]:
        """Take records.

        Returns one verdict each, in order. A refused record does not affect the others.
        """
        now = self._clock.now()
        prepared = [self._prepared(item, sender, now) async for item in in_turns(submissions)]
        sound = [item for item in prepared if isinstance(item, Submission)]
        return in_order(prepared, await self._admission.admit(sender, sound) if sound else ())

    def _prepared(
        self, submission: Submission[RecordT], sender: Sender, now: datetime
    ) -> Submission[RecordT] | Refusal:
        try:
            record = checked(submission.record, sender, now, self._admitted)
        except Refused as refused:
            return refused.refusal
        return submission if record is submission.record else replace(submission, record=record)

    async def report(self, sender: Sender, submission: Submission[Report]) -> Verdict:
        """Take a later fact.

        Returns its verdict: `date_in_future`, `date_order`, and the admission's.
        """
        try:
            check_report(submission.record, self._clock.now())
        except Refused as refused:
            return refused.refusal
        return await self._admission.admit_report(sender, submission)
