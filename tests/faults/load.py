"""The load of one episode: agencies submit, people act on what was accepted, and everybody repeats until answered."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import bearer, channel
from hub.streams.envelope import StreamName
from ops.console.exits import BrokenPromise
from ops.play.scenarios.journeys import Step
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem
from ops.play.simulators.answers import ReceivedReceipt, ReceivedRefusal
from ops.play.simulators.bodies import body_of
from ops.play.simulators.calls import ask
from ops.play.simulators.court import CourtSystem
from ops.play.simulators.mediators import FOUR_EYES, Mediators, command_of, rounds
from tests.faults.book import Book
from tests.faults.script import WALL, Script, write
from tests.faults.stall import Stall, TimedPatience

EVERY_S: Final = 0.25
"""Pause of an agency between two calls."""
AT_ONCE: Final = 6
"""Calls of one agency that may wait for an answer; then it waits as well."""
ACTORS: Final = 3
TOGETHER: Final = 8
PATIENT: Final = 100
"""Records that wait for people at most; of those that come while so many wait only the registration is load."""
ENOUGH: Final = 400
"""Records of one episode after which agencies tell one at a time."""
RULING: Final = "ruling"
CALL_S: Final = 8.0
TRANSIENT: Final = frozenset({"outbox_full", "unavailable", "in_flight"}) | {
    f"store_{why}" for why in ("busy", "full", "locked", "read_only", "unavailable")
}
"""Refusals of single records and commands that mean: not now."""
RETRY_S: Final = 0.2


@dataclass(frozen=True)
class Manner:
    """How the partners behave in one episode.

    Attributes:
        duplicates: Every record is told three times at once, and once more at the end.
        shuffled: Calls of one agency overtake each other, and people try a later step first.
        late: Every other record is one of the quarter before the last.
        rate: Records a second of all agencies together.
        left_alone: Channels whose records nobody acts on: what is held can't be acted on.
    """

    duplicates: bool = False
    shuffled: bool = False
    late: bool = False
    rate: float = 32.0
    left_alone: frozenset[Docking] = frozenset()


@dataclass(frozen=True)
class Clients:
    """Clients of the public interfaces.

    Attributes:
        systems: Channel to the agency's system.
        mediators: Client of all intake workers.
        intake: Addresses of intake's workers.
        tokens: Role to the token of somebody who has it.
        patience: Shared by all.
        clock: By which the hub's deadlines run: scenario or wall.
    """

    systems: Mapping[Docking, PartnerSystem]
    mediators: Mediators
    intake: Sequence[str]
    tokens: Mapping[str, str]
    patience: TimedPatience
    clock: str


@dataclass
class Tally:
    """What the load came to.

    Attributes:
        commands: Commands carried out.
        overtaken: Steps that were tried too early and refused, as they should.
        problems: Answers that no partner may get.
    """

    commands: int = 0
    repeated: int = 0
    overtaken: int = 0
    problems: list[str] = field(default_factory=list)


class Load:
    """Runs until stopped; then finishes what it began.

    Args:
        clients: Where to.
        book: Takes every receipt.
        seed: Of the episode.
        episode: Its number in this life of the hub.
        manner: How the partners behave.
    """

    def __init__(self, clients: Clients, book: Book, seed: int, episode: int, manner: Manner) -> None:
        self.clients = clients
        self._book = book
        self._seed = seed
        self._episode = episode
        self._manner = manner
        self._accepted: asyncio.Queue[tuple[Record, ReceivedReceipt, Sequence[Step]]] = asyncio.Queue()
        self._stopping = asyncio.Event()
        self._sending: list[asyncio.Task[None]] = []
        self._acting: list[asyncio.Task[None]] = []
        self._again: list[Record] = []
        self._known = len(book)
        self.stall = Stall()
        self.tally = Tally()
        self._channels = [channel(address) for address in clients.intake]
        self._stubs = [intake_pb2_grpc.IntakeServiceStub(opened) for opened in self._channels]
        self._turn = 0

    async def start(self) -> None:
        """Begin; returns when the first records are acknowledged."""
        scripts = [await self._chapter(0)]
        if self._manner.late:
            scripts.append(await asyncio.to_thread(write, self._seed, self._episode, late=True))
        for of, system in self.clients.systems.items():
            self._sending.append(asyncio.create_task(self._hand_over(of, system, scripts), name=f"load-{of}"))
        self._acting = [asyncio.create_task(self._act(), name=f"load-actor-{n}") for n in range(ACTORS)]
        while self.stall.answers < len(self.clients.systems):
            self.raise_for_dead()
            await asyncio.sleep(0.02)

    def raise_for_dead(self) -> None:
        """Raise what ended a task of the load: no load would look like no loss."""
        for task in (*self._sending, *self._acting):
            if task.done() and not self._stopping.is_set():
                task.result()
                raise RuntimeError(f"{task.get_name()} ended by itself")

    async def stop(self, deadline_s: float) -> None:
        """Tell nothing new, finish what was begun.

        Raises:
            TimeoutError: Something was not answered in time.
        """
        self._stopping.set()
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.gather(*self._sending)
                if self._manner.duplicates:
                    await asyncio.gather(*(self._once_more(record) for record in self._again))
                await self._accepted.join()
        except TimeoutError:
            unanswered = [task.get_name() for task in self._sending if not task.done()]
            raise TimeoutError(
                f"after {deadline_s:.0f} s there is no answer to {', '.join(unanswered) or 'people'}; "
                f"{self._accepted.qsize()} records wait for people to act on them"
            ) from None
        finally:
            await self.cancel()

    async def cancel(self) -> None:
        """Drop everything."""
        self._stopping.set()
        for task in (*self._sending, *self._acting):
            task.cancel()
        await asyncio.gather(*self._sending, *self._acting, return_exceptions=True)
        for opened in self._channels:
            await opened.close()

    # --- agencies ------------------------------------------------------------------------------------------------

    async def _hand_over(self, of: Docking, system: PartnerSystem, scripts: Sequence[Script]) -> None:
        dice = random.Random(f"{self._seed}/{of}")  # noqa: S311 - reproducible, no secret
        share = {Docking.COURT: 0.4, Docking.POLICE: 0.4, Docking.PETITION: 0.2}[of]
        size = max(1, round(self._manner.rate * share * EVERY_S))
        gate = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            async for some in self._portions(of, scripts, size):
                if self._manner.shuffled:
                    dice.shuffle(some)
                await gate.acquire()
                if self._stopping.is_set():
                    gate.release()
                    return
                task = group.create_task(self._portion(system, some))
                task.add_done_callback(lambda _: gate.release())
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), dice.uniform(0, 2 * EVERY_S))

    async def _portions(
        self, of: Docking, scripts: Sequence[Script], size: int
    ) -> AsyncIterator[list[tuple[Record, Sequence[Step]]]]:
        chapter = 0
        while True:
            lists = [[r for r in script.records if r.channel is of] for script in scripts]
            mixed = [record for records in zip(*lists, strict=True) for record in records]
            ways = {number: way for script in scripts for number, way in script.ways.items()}
            while mixed:
                # A long outage must not leave hours of work behind: after a while one at a time is load enough.
                taken = size if len(self._book) - self._known < ENOUGH else 1
                yield [(record, ways[record.number].steps) for record in mixed[:taken]]
                del mixed[:taken]
            chapter += 1
            scripts = [await self._chapter(chapter)]

    async def _chapter(self, chapter: int) -> Script:
        now = datetime.now(UTC) if self.clients.clock == WALL else None
        return await asyncio.to_thread(write, self._seed, self._episode, chapter, now=now)

    async def _portion(self, system: PartnerSystem, some: Sequence[tuple[Record, Sequence[Step]]]) -> None:
        records = [record for record, _ in some]
        times = 3 if self._manner.duplicates else 1
        # Singly or together, as the seed falls; a repeat goes out beside the first, not after it.
        answers = await asyncio.gather(*(self._submit(system, records, single=n % 2 == 1) for n in range(times)))
        for told in answers:
            for record, receipt in zip(records, told, strict=True):
                self._book.enter(record.agency, receipt)
        self._again += records if self._manner.duplicates else []
        for (record, steps), receipt in zip(some, answers[0], strict=True):
            # What nobody finds the time for stays open, as in any office.
            idle = self._accepted.qsize() >= PATIENT or record.channel in self._manner.left_alone
            self._accepted.put_nowait((record, receipt, () if idle else steps))

    async def _submit(self, system: PartnerSystem, records: Sequence[Record], *, single: bool) -> list[ReceivedReceipt]:
        if single or len(records) == 1:
            return list(await asyncio.gather(*(self._one(system, record) for record in records)))
        with self.stall.wanting():
            answers = await system.submit_batch([body_of(record) for record in records])
        return [
            answer if isinstance(answer, ReceivedReceipt) else await self._one(system, record, answer)
            for record, answer in zip(records, answers, strict=True)
        ]

    async def _one(
        self, system: PartnerSystem, record: Record, before: ReceivedRefusal | None = None
    ) -> ReceivedReceipt:
        answer: ReceivedReceipt | ReceivedRefusal | None = before
        while not isinstance(answer, ReceivedReceipt):
            if isinstance(answer, ReceivedRefusal):
                if answer.code not in TRANSIENT:
                    raise BrokenPromise(f"{record.channel} record {record.number} was refused: {answer}")
                await asyncio.sleep(RETRY_S)
            with self.stall.wanting():
                answer = await system.submit(body_of(record))
        if answer.source_ref != record.ref:
            raise BrokenPromise(f"{record.channel} record {record.number} got another record's receipt")
        return answer

    async def _once_more(self, record: Record) -> None:
        receipt = await self._one(self.clients.systems[record.channel], record)
        if not receipt.repeated:
            self.tally.problems.append(f"{record.agency} {record.ref}: told again, taken for new")
        self._book.enter(record.agency, receipt)

    # --- people --------------------------------------------------------------------------------------------------

    async def _act(self) -> None:
        while True:
            some = [await self._accepted.get()]
            while len(some) < TOGETHER and not self._accepted.empty():
                some.append(self._accepted.get_nowait())
            try:
                await self._carry_through(some)
            finally:
                for _ in some:
                    self._accepted.task_done()

    async def _carry_through(self, some: Sequence[tuple[Record, ReceivedReceipt, Sequence[Step]]]) -> None:
        """Carry out everybody's steps, round by round: each round goes up to the next ruling of the court."""
        left = [(record, receipt, list(steps)) for record, receipt, steps in some if steps]
        places = [receipt for _, receipt, _ in left]
        while left:
            await self.clients.mediators.await_applied(_vector(places))
            commands: list[tuple[Record, str, Step]] = []
            rulings: list[tuple[Record, Step]] = []
            for record, receipt, steps in left:
                at = next((n for n, step in enumerate(steps) if step.action == RULING), len(steps))
                commands += [(record, receipt.dispute_id, step) for step in steps[:at]]
                rulings += [(record, step) for step in steps[at : at + 1]]
                del steps[: at + 1]
            await self._execute(commands)
            places = [await self._rule(record, step) for record, step in rulings]
            left = [one for one in left if one[2]]

    async def _execute(self, commands: Sequence[tuple[Record, str, Step]]) -> None:
        if not commands:
            return
        if self._manner.shuffled:
            await self._overtake(commands)
        lives: dict[str, list[tuple[Record, str, Step]]] = defaultdict(list)
        for one in commands:
            lives[one[1]].append(one)
        for role, some in rounds(
            lives.values(), lambda one: one[2].role, needs_two=lambda one: one[2].action in FOUR_EYES
        ):
            await self._together(role, some)

    async def _together(self, role: str, commands: Sequence[tuple[Record, str, Step]]) -> None:
        if commands[0][2].action in FOUR_EYES:
            await self.clients.mediators.approve([(where, step) for _, where, step in commands])
        request = intake_pb2.ExecuteBatchRequest(commands=[command_of(where, step) for _, where, step in commands])
        self._turn += 1
        stub = self._stubs[self._turn % len(self._stubs)]
        with self.stall.wanting():
            answer = await ask(
                stub.ExecuteBatch,
                request,
                patience=self.clients.patience,
                what="commands",
                timeout_s=CALL_S,
                metadata=bearer(self.clients.tokens[role]),
            )
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"a batch of {len(commands)} commands was refused: {answer}")
        again = []
        for (record, where, step), result in zip(commands, answer.results, strict=True):
            if result.WhichOneof("result") == "position":
                self.tally.commands += 1
                self.tally.repeated += result.repeated
                self._book.carried_out(step.command_id, where, result.position.stream, result.position.position)
            elif result.refusal.code in TRANSIENT:
                again.append((record, where, step))
            elif not self._manner.late:
                # What comes late may be judged after its term ran out; everything else has to go through.
                self.tally.problems.append(f"{step.action} of record {record.number} refused: {result.refusal.code}")
        if again:
            await asyncio.sleep(RETRY_S)
            await self._together(role, again)

    async def _overtake(self, commands: Sequence[tuple[Record, str, Step]]) -> None:
        """Try the second step of somebody before the first, under an id of its own: it has to be refused."""
        record, where, first = commands[0]
        early = next((step for r, _, step in commands if r is record and step.order == first.order + 1), None)
        if early is None:
            return
        command = command_of(where, early)
        command.command_id = command.command_id[:-4] + "0ff0"
        self._turn += 1
        stub = self._stubs[self._turn % len(self._stubs)]
        request = intake_pb2.ExecuteBatchRequest(commands=[command])
        who = bearer(self.clients.tokens[early.role])
        answer = await ask(stub.ExecuteBatch, request, patience=self.clients.patience, what="overtaking", metadata=who)
        if not isinstance(answer, ReceivedRefusal) and answer.results[0].WhichOneof("result") == "refusal":
            self.tally.overtaken += 1

    async def _rule(self, record: Record, step: Step) -> ReceivedReceipt:
        court = self.clients.systems[record.channel]
        if not isinstance(court, CourtSystem):
            raise TypeError(f"{record.channel} gives no rulings")
        confirmed = dict(step.arguments)["confirmed"] is True
        while True:
            with self.stall.wanting():
                answer = await court.report_ruling(record.ref, step.command_id, step.at, confirmed=confirmed)
            if isinstance(answer, ReceivedReceipt):
                self._book.passed(answer)
                return answer
            if answer.code not in TRANSIENT:
                raise BrokenPromise(f"a ruling on record {record.number} was refused: {answer}")
            await asyncio.sleep(RETRY_S)


def _vector(receipts: Sequence[ReceivedReceipt]) -> dict[StreamName, int]:
    found: dict[StreamName, int] = {}
    for receipt in receipts:
        name = StreamName.parse(receipt.stream)
        found[name] = max(found.get(name, 0), receipt.position)
    return found
