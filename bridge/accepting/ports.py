"""Ports of acceptance; pure, like `bridge.record.facts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge.record.facts import RecordT, Report, Sender, Submission, Verdict


class Admission(Protocol[RecordT]):
    """Admits records durably.

    A receipt is given after the commit, never before.
    """

    async def admit(self, sender: Sender, submissions: Sequence[Submission[RecordT]]) -> Sequence[Verdict]:
        """Store records.

        Returns one verdict each, in order. A repeat (same content under the same key or reference) gets the first
        receipt, marked `repeated`. Verdicts that refuse: `key_reused`, `round_not_next`, `round_not_over`,
        `record_too_large`, `outbox_full`.
        """

    async def admit_report(self, sender: Sender, submission: Submission[Report]) -> Verdict:
        """Store a later fact.

        Returns its verdict: `not_found` unless the sender handed that reference over, `key_reused`,
        `record_too_large`, `outbox_full`, or the store's own.
        """
