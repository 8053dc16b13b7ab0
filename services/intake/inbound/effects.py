"""Lets the disputes of a matter hear the results of one another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from msgspec import Struct
from typing_extensions import override

from hub.errors import Bug, Refusal, Retryable
from hub.runtime.periodic import Periodic
from hub.store.store import Store
from services.intake.cases.membership import Membership
from services.intake.cases.ports import Counters, DisputeRegister, UnitChanges, Units
from services.intake.cases.register import effects_left
from services.intake.cases.tasks import task_of_effect
from services.intake.cases.unit_of_work import Outcome, TaskResult, carry_out
from services.intake.inbound.commits import CommitSignal
from services.intake.law.rulebook import Rulebook, Rules
from services.intake.law.shared_results import SharedWithdrawal

CHUNK: Final = 200
"""Effects of one transaction; commands can run between two transactions."""
RETRY_S: Final = 1.0
PAUSE_S: Final = 0.1
"""Between two looks, however many commits there are: a look costs a read, and a result may be heard a moment later."""
UNSEEN: Final = -1
"""Fewer commits than any: there is something to look at."""

_log = structlog.stdlib.get_logger(__name__)


class EffectChunk(Struct, frozen=True):
    """Result of one chunk.

    Attributes:
        taken: Effects removed.
        outcomes: What came of those whose disputes are still of one matter.
    """

    taken: int
    outcomes: tuple[Outcome, ...] = ()


def carry_out_effects(register: DisputeRegister, book: Rulebook, now: Callable[[], datetime]) -> EffectChunk:
    """Carry out the earliest effects as one unit.

    Whoever was unlinked meanwhile hears no more than that it was.

    Args:
        register: Bound to the transaction.
        book: Rules.
        now: Wall clock.

    Raises:
        Retryable: `outbox_full`.
        Exception: A bug that an effect met; the process stops loudly.
    """
    effects = register.effects(CHUNK)
    if not effects:
        return EffectChunk(0)
    links = Membership(register, {})
    links.load({effect.dispute_id for effect in effects})
    due = [
        effect
        for effect in effects
        if isinstance(effect.result, SharedWithdrawal)
        or effect.result.shared_from in links.others_of(effect.dispute_id)
    ]
    outcomes = carry_out(register, [task_of_effect(effect) for effect in due], book, now()) if due else []
    register.write(UnitChanges(carried_out=[effect.effect_id for effect in effects]))
    for effect, outcome in zip(due, outcomes, strict=True):
        if isinstance(outcome, Bug):
            raise outcome.error()
        if isinstance(outcome, Refusal):
            # The dispute moved on: it has a result of its own.
            _log.debug("effect_dropped", dispute_id=effect.dispute_id, code=outcome.code)
    return EffectChunk(len(effects), tuple(outcomes))


class Effects(Periodic):
    """Carries out effects.

    A part of the service, woken by commits of this process; from time to time it looks for what another worker left.
    """

    name = "effects"

    def __init__(
        self,
        store: Store,
        units: Units,
        rules: Rules,
        now: Callable[[], datetime],
        counters: Counters,
        *,
        commits: CommitSignal,
        every_s: float,
    ) -> None:
        super().__init__()
        self._store = store
        self._units = units
        self._rules = rules
        self._now = now
        self._counters = counters
        self._commits = commits
        self._every_s = every_s
        self._seen = UNSEEN

    @override
    async def stop(self) -> None:
        self._stopped.set()
        self._commits.wake()
        await super().stop()

    @override
    async def step(self) -> float | None:
        """Wait for a commit, or for a while, and carry out what is there."""
        await self._commits.wait(self._seen, self._every_s)
        if self._stopped.is_set():
            return None
        self._seen = self._commits.count
        try:
            await self.drain()
        except Retryable as error:
            _log.warning("effects_wait", code=error.code, detail=error.detail)
            self._seen = UNSEEN
            return RETRY_S
        return PAUSE_S

    async def drain(self) -> None:
        """Carry out all effects, chunk by chunk, also those that they cause.

        Raises:
            Retryable: The store or its outbox takes nothing now.
        """
        while await self._store.read(effects_left):
            chunk = await self._units.write(
                lambda register: carry_out_effects(register, self._rules.current, self._now)
            )
            self._counters.events(
                event for outcome in chunk.outcomes if isinstance(outcome, TaskResult) for event in outcome.events
            )
