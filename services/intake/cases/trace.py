"""Writes what callers did to the audit, in the transaction in which it was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.audit.chain import AuditEntry, append
from hub.errors import Refusal
from hub.store.store import Transaction
from services.intake.cases.rights import Act
from services.intake.cases.unit_of_work import Outcome, Task, TaskResult


def trace(tx: Transaction, tasks: Sequence[Task], outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write one entry for each call, with everything that it did; call it last in the transaction."""
    calls: dict[tuple[str, str], tuple[Act, list[str]]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        if (act := task.act) is not None:
            _, about = calls.setdefault((act.caller.credential_id, act.correlation_id), (act, []))
            about.append(f"{task.dispute_id} {act.what} {_said(outcome)}")
    if calls:
        append(
            tx,
            [
                AuditEntry(
                    at=now,
                    call=act.call,
                    credential_id=act.caller.credential_id,
                    holder=act.caller.holder,
                    role=act.caller.role,
                    about=tuple(about),
                    correlation_id=act.correlation_id,
                )
                for act, about in calls.values()
            ],
        )


def _said(outcome: Outcome) -> str:
    """Return in a word what came of a task: its transitions, `repeated`, or why it was refused."""
    if isinstance(outcome, TaskResult):
        return "repeated" if outcome.repeated else "+".join(event.transition for event in outcome.events) or "nothing"
    return outcome.code if isinstance(outcome, Refusal) else "failed"
