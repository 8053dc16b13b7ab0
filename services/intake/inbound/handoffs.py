"""Applies hand-offs.

Decodes a hand-off, opens its sealed part only for matching, and carries it out. The reader calls it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from typing_extensions import override

from dispute.contracts.sealing import Sealer
from dispute.lifecycle import Actor, Role
from hub.errors import Bug, Refusal, Refused
from hub.runtime.clock import Clock
from hub.store.store import Transaction
from hub.streams.applier import Answer, Applier
from hub.streams.judge import Numbered
from services.intake.cases.ports import Counters, DisputeRegister, DoneTable
from services.intake.cases.tasks import Marker, task_of_handoff
from services.intake.cases.unit_of_work import Task, TaskResult, carry_out
from services.intake.inbound.messages import handoff_of, raw_handoff_of
from services.intake.law.rulebook import Rules

AGENCY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""An agency's code; any other text may be confidential and is not repeated in logs."""


class HandoffApplier(Applier):
    """Applies hand-offs to the register.

    Args:
        bind: Makes the register of a transaction.
        sealer: Opens what bridges sealed.
        mark: Makes the marks of cases; holds their key.
        rules: In force.
        clock: Wall clock.
        counters: Metrics.
    """

    def __init__(
        self,
        *,
        bind: Callable[[Transaction], DisputeRegister],
        sealer: Sealer,
        mark: Marker,
        rules: Rules,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._bind = bind
        self._sealer = sealer
        self._mark = mark
        self._rules = rules
        self._clock = clock
        self._counters = counters

    @override
    def key_of(self, record: bytes) -> str:
        return raw_handoff_of(record).dispute_id

    @override
    def source_of(self, record: bytes) -> str:
        try:
            agency = raw_handoff_of(record).agency_id
        except Refused:
            return ""
        return agency if AGENCY.fullmatch(agency) else ""

    @override
    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        answers: list[Answer] = [None] * len(records)
        tasks: list[tuple[int, Task]] = []
        for number, item in enumerate(records):
            try:
                tasks.append((number, self._task(item.record)))
            except Refused as refused:
                answers[number] = refused.refusal
        if not tasks:
            return answers
        outcomes = carry_out(self._bind(tx), [task for _, task in tasks], self._rules.current, self._clock.now())
        for (number, _), outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                answers[number] = outcome
            elif isinstance(outcome, Bug):
                raise outcome.error()
        self._counters.events(event for answer in outcomes if isinstance(answer, TaskResult) for event in answer.events)
        return answers

    def _task(self, record: bytes) -> Task:
        handoff = handoff_of(raw_handoff_of(record), self._sealer)
        actor = Actor(Role.AGENCY, handoff.sender)
        return task_of_handoff(handoff, DoneTable.HANDOFF, actor, self._mark)
