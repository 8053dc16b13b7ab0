"""Restarts the processes of a hub.

A process that ended or no longer answers is started again and the restart is reported; a process that keeps ending is
given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn, Protocol

from hub.errors import Retryable
from ops.console.exits import CommandError, Exit
from ops.run.broker import Broker
from ops.run.children import Child, cause_of
from ops.run.launcher import Hub
from ops.run.restarts import End, EndList, RestartPolicy

LOOK_S: Final = 0.2
BETWEEN_S: Final = 1.0
ANSWER_S: Final = 5.0
"""Timeout of one liveness check; a process that was paused for three seconds answers within it."""

SILENT_LOOKS: Final = 3
"""Consecutive checks without an answer after which a process counts as hung: 15 s. Checks are counted, not time: after
a machine has slept for an hour, no process counts as silent."""

STARTING_S: Final = 180.0
"""Limit for the first answer: until then a process may be busy with its start."""

KAFKA: Final = "kafka"


class Silence:
    """Counts failed checks of one process since its start.

    Args:
        answered: The process has answered before.
    """

    def __init__(self, *, answered: bool) -> None:
        self._answered = answered
        self._silent = 0

    def hung(self, *, answered: bool, since_start_s: float) -> bool:
        """Count one check.

        Returns whether the process has been silent for too long.
        """
        self._answered |= answered
        self._silent = 0 if answered else self._silent + 1
        return self._silent >= SILENT_LOOKS and (self._answered or since_start_s > STARTING_S)


class Ward(Protocol):
    """A process, or a cluster, that is kept running."""

    @property
    def label(self) -> str:
        """Name for people and the list of ends."""

    async def ended(self) -> str:
        """Wait until it has ended and needs a restart.

        Returns the cause, for people.
        """

    async def start(self) -> bool:
        """Start it again.

        Returns whether that is possible at all.
        """

    def obituary(self, note: str) -> CommandError:
        """Return the error that ends the command.

        It is raised when the process is given up and everything stops.
        """


@dataclass(slots=True)
class ServiceWard:
    """One service, watched through its liveness.

    Its health is not used: a service that answers 503 is alive, and a restart would not help it.
    """

    child: Child
    clock: Callable[[], float] = time.monotonic
    _served: bool = True
    """True at first: the launcher waited until the service was ready. False after a restart, which does not wait."""

    @property
    def label(self) -> str:
        """Label of the process."""
        return self.child.label

    async def ended(self) -> str:
        """Wait until it ended or no longer answers.

        A process that no longer answers is killed.
        """
        hung = asyncio.create_task(self._hung())
        try:
            while self.child.running:
                if hung.done():
                    await self._kill()
                    return hung.result()
                await asyncio.wait({hung}, timeout=LOOK_S)
        finally:
            hung.cancel()
            await asyncio.gather(hung, return_exceptions=True)
        await self.child.wait_ended()
        return cause_of(self.child.exit_code)

    async def _kill(self) -> None:
        self.child.kill()
        await self.child.wait_ended()

    async def _hung(self) -> str:
        """Check it until it is silent for too long.

        Returns the cause, for people.
        """
        silence, started = Silence(answered=self._served), self.clock()
        while True:
            looked_at = self.clock()
            answered = await self.child.answers(ANSWER_S)
            if silence.hung(answered=answered, since_start_s=self.clock() - started):
                return f"{SILENT_LOOKS * ANSWER_S:.0f} 秒无应答 no answer for {SILENT_LOOKS * ANSWER_S:.0f} s"
            # A refused connection returns at once; wait as long as a check without an answer takes.
            wait_s = BETWEEN_S if answered else looked_at + ANSWER_S - self.clock()
            await asyncio.sleep(max(0.0, wait_s))

    async def start(self) -> bool:
        """Start it again on its old addresses."""
        self.child.start()
        self._served = False
        return True

    def obituary(self, note: str) -> CommandError:
        """Return the child's error with its last log lines."""
        return self.child.obituary(note)


@dataclass(frozen=True, slots=True)
class BrokerWard:
    """The broker that was started here."""

    broker: Broker

    @property
    def label(self) -> str:
        """The label `kafka`; there is only one broker."""
        return KAFKA

    async def ended(self) -> str:
        """Wait until its process has ended."""
        while await asyncio.to_thread(self.broker.alive):  # noqa: ASYNC110 - a process of a leash has no event
            await asyncio.sleep(BETWEEN_S)
        return "Kafka 进程已结束 its process has ended"

    async def start(self) -> bool:
        """Start it again on its port and data.

        Returns False when its data is gone. The services wait for it by themselves.
        """
        try:
            return await asyncio.to_thread(self.broker.revive)
        except Retryable as error:
            raise self.obituary(error.detail or error.code) from error

    def obituary(self, note: str) -> CommandError:
        """Return the error that Kafka has ended."""
        return CommandError(
            Exit.DIFFERENCE, f"Kafka 已退出 Kafka ended. {note}\n全部服务均已停止 All services were stopped."
        )


def supervisor_of(hub: Hub, say: Callable[[str], None]) -> Supervisor:
    """Return the supervisor of a running hub.

    `say` gets a line for each end of a process.
    """
    wards: list[Ward] = [BrokerWard(hub.broker), *(ServiceWard(child) for child in hub.children)]
    return Supervisor(wards, EndList(hub.plan.folder), say)


class Supervisor:
    """Keeps the processes of a hub running until cancelled.

    Args:
        wards: What is kept running.
        list_: Records every end.
        say: Gets a line for each end.
        policy: Makes the back-off of one process.
    """

    def __init__(
        self,
        wards: Sequence[Ward],
        list_: EndList,
        say: Callable[[str], None],
        policy: Callable[[], RestartPolicy] = RestartPolicy,
    ) -> None:
        self._wards = wards
        self._list = list_
        self._say = say
        self._policy = policy

    async def run(self) -> None:
        """Keep all of them running.

        Returns only when there is nothing to watch.

        Raises:
            CommandError: One of them keeps ending and was given up.
        """
        async with asyncio.TaskGroup() as group:
            for ward in self._wards:
                group.create_task(self._keep(ward))

    async def _keep(self, ward: Ward) -> NoReturn:
        policy = self._policy()
        while True:
            cause = await ward.ended()
            pause_s = policy.pause_s()
            self._list.add(End(ward.label, datetime.now(UTC).isoformat(timespec="milliseconds"), cause, pause_s))
            if pause_s is None:
                raise ward.obituary(
                    f"放弃：{policy.within_s:.0f} 秒内已重启 {policy.most} 次 "
                    f"given up: restarted {policy.most} times within {policy.within_s:.0f} s."
                )
            count = f"{policy.recent}/{policy.most}"
            self._say(
                f"{ward.label} 已退出 ended: {cause}；{pause_s:g} 秒后重启（{count}） "
                f"starting again in {pause_s:g} s ({count} within {policy.within_s:.0f} s)"
            )
            await asyncio.sleep(pause_s)
            if not await ward.start():
                raise ward.obituary("其数据随容器消失，无法接续 its data went with its container: it can't go on.")
