"""Writes what callers did to the audit, in the transaction in which it was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.audit.chain import AuditEntry, append
from hub.errors import Refusal
from hub.store.store import Transaction
from services.intake.cases.unit_of_work import Outcome, Task, TaskResult


def trace(tx: Transaction, tasks: Sequence[Task], outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write one entry for each call, with everything that it did; call it last in the transaction."""
    calls: dict[tuple[str, str], list[str]] = {}
    firsts: dict[tuple[str, str], Task] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        if task.act is not None:
            key = (task.act.caller.credential_id, task.act.correlation_id)
            firsts.setdefault(key, task)
            calls.setdefault(key, []).append(f"{task.dispute_id} {task.act.what} {_said(outcome)}")
    acts = [(act, about) for key, about in calls.items() if (act := firsts[key].act) is not None]
    if acts:
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
                for act, about in acts
            ],
        )


def _said(outcome: Outcome) -> str:
    """Return in a word what came of a task: its transitions, `repeated`, or why it was refused."""
    if isinstance(outcome, TaskResult):
        return "repeated" if outcome.repeated else "+".join(event.transition for event in outcome.events) or "nothing"
    return outcome.code if isinstance(outcome, Refusal) else "failed"
