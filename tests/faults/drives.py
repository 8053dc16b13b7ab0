"""Drives: each leads a running hub into what one guard is for, proves that it got there, and says what came of it.

The same drive runs with the guard and without it. Injections are those of the matrix (`points.py`) and `traps.py`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from signal import SIGCONT
from typing import Any, Final

import sqlalchemy as sa

from dispute.contracts.topics import BRIDGES, JOURNAL
from hub.errors import Retryable
from hub.kafka.log import Log
from hub.streams.inbox import Inbox
from ops.console.exits import CommandError
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.answers import ReceivedReceipt
from ops.play.simulators.bodies import body_of
from ops.run.books import on_its_way
from tests.faults import points as at
from tests.faults import traps
from tests.faults.kinds import BY_NAME
from tests.faults.load import Load, Manner
from tests.faults.of_readers import put_offsets
from tests.faults.rig import Rig
from tests.faults.scene import Kind, NotBitten, Scene, on_cluster
from tests.faults.script import write

GROUP: Final = "hub-stats"
FIRED_S: Final = 20.0
WARM_S: Final = 1.5
STEADY: Final = Manner()
FINISH_S: Final = 60.0
LOOK_S: Final = 0.1
SLOW_S: Final = 0.3
RECORDS: Final = 24
RECORDS_OLD: Final = 12
"""Fewer than a flood."""
BEFORE_TABLES: Final = date(1999, 5, 1)
BUG_S: Final = 300.0
STARTS: Final = 6
"""How often a process that dies of a bug is started again: three times are enough to set a dispute aside."""


@dataclass
class Trip:
    """One drive under way.

    Attributes:
        rig: Running.
        seed: Decides the load.
        level_s: How long the hub may take to get level again.
        proof: That the drive got where it wanted.
        symptoms: What broke on the way: processes that ended, places that stand still, promises of the guard.
        expected: Dead letters and parked records that the drive itself provokes.
        stall_s: Longest wait of the load for any answer.
    """

    rig: Rig
    seed: int
    level_s: float
    proof: str = ""
    symptoms: list[str] = field(default_factory=list)
    expected: dict[str, int] = field(default_factory=dict)
    stall_s: float = 0.0

    @asynccontextmanager
    async def load(self, lead_s: float = WARM_S, manner: Manner = STEADY) -> AsyncIterator[Load]:
        """Let load flow for the time of the block, and finish what it began."""
        self.rig.episode += 1
        load = Load(self.rig.clients, self.rig.book, self.seed, self.rig.episode, manner)
        try:
            await load.start()
            await asyncio.sleep(lead_s)
            yield load
            await load.stop(FINISH_S)
        finally:
            self.stall_s = max(self.stall_s, load.stall.longest_s)
            await load.cancel()

    async def inject(self, kind: Kind, proof: str) -> None:
        """Do to the hub under load what a kind of the matrix does; a service that gives up meanwhile ends the drive.

        Raises:
            RuntimeError: One gave up.
        """
        async with self.load(manner=kind.manner) as load:
            scene = Scene(self.rig, load, random.Random(self.seed))  # noqa: S311 - reproducible, no secret
            self.proof = proof
            try:
                await self.rig.unless_broken(asyncio.create_task(kind.inject(scene)))
            finally:
                self.symptoms += scene.problems
            self.proof = "; ".join(scene.faults)

    async def level(self) -> None:
        """Wait until everything is where it belongs; a symptom when it is not in time, or can't be any more."""
        levelling = asyncio.create_task(self.rig.level(self.level_s))
        try:
            while not levelling.done() and not self.rig.fallen():
                await asyncio.wait({levelling}, timeout=LOOK_S)
            if levelling.done():
                levelling.result()
        except TimeoutError as error:
            self.symptoms.append(str(error))
        finally:
            levelling.cancel()
            await asyncio.gather(levelling, return_exceptions=True)
        self.symptoms += self.rig.fallen()

    async def tally(self) -> tuple[int, int]:
        """Return (repeats dropped, gaps fetched) of stats so far."""
        sheet = await self.rig.client.sheet("stats")
        return sheet.total("repeats_dropped"), sheet.total("gaps_fetched")

    async def fired(self, label: str, point: str) -> Mapping[str, Any]:
        """Wait until a point fired."""
        told = await self.rig.points[label].wait_fired(point, FIRED_S)
        if told is None:
            raise NotBitten(f"{label} never came to {point}")
        return told

    async def until(self, what: str, look: Callable[[], Awaitable[bool]], deadline_s: float = FIRED_S) -> None:
        """Wait for a condition that the drive needs."""
        end = time.monotonic() + deadline_s
        while not await look():
            if time.monotonic() > end:
                raise NotBitten(f"{what}: not within {deadline_s:.0f} s")
            await asyncio.sleep(LOOK_S)


Drive = Callable[[Trip], Awaitable[None]]


async def plain(trip: Trip) -> None:
    """Nothing but load."""
    known = len(trip.rig.book)
    async with trip.load():
        pass
    # not `level`: books that don't balance are for the oracle to find
    await trip.until("everybody has read everything", _read_by_all(trip.rig), trip.level_s)
    trip.proof = f"{len(trip.rig.book) - known} records acknowledged"


def _read_by_all(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def read() -> bool:
        return not await _behind(rig)

    return read


async def foreign_offsets(trip: Trip) -> None:
    """Restart stats with the group's offsets behind its place on one half of the partitions, ahead on the other."""
    rig = trip.rig
    async with trip.load():
        pass
    await trip.level()
    before = await trip.tally()
    workers = rig.hub.of("stats")
    for child in workers:
        child.terminate()
    await asyncio.gather(*(child.wait_ended() for child in workers))
    try:
        async with trip.load():
            pass
        await trip.until("intake has published everything", _published(rig))
        told = await _set_offsets(trip)
    finally:
        await asyncio.gather(*(rig.bring_back(child) for child in workers))
    await trip.level()
    repeats, gaps = (now - then for now, then in zip(await trip.tally(), before, strict=True))
    if repeats or gaps:
        trip.symptoms.append(f"the restart with foreign offsets cost {repeats} repeats and {gaps} fetched messages")
    trip.proof = f"{GROUP} restarted with offsets {told}"


def _published(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def published() -> bool:
        sheet = await rig.client.sheet("intake")
        return sheet.outbox_rows == 0

    return published


async def _set_offsets(trip: Trip) -> str:
    topic = JOURNAL.name
    log = Log(trip.rig.bus)
    ends = await asyncio.to_thread(log.ends, topic)
    await asyncio.to_thread(log.close)
    wanted = {partition: 0 if partition % 2 == 0 else end for partition, end in ends.items()}
    put = on_cluster(lambda: put_offsets(trip.rig.bus, GROUP, topic, wanted))
    await trip.until(f"offsets of {GROUP} are set", put)
    return str(wanted)


async def one_dropped(trip: Trip) -> None:
    """Lose one record between stats' consumer and its reader, with the next of its partition right behind it."""
    points = trip.rig.points["stats"]
    async with trip.load(0.0):
        # more than one record of a partition is looked at together only when the reader is not at once done
        points.arm(at.SLOW_APPLIER, seconds=SLOW_S)
        points.arm(traps.GAP)
        try:
            told = await trip.fired("stats", traps.GAP)
        finally:
            points.disarm(at.SLOW_APPLIER)
    await trip.level()
    trip.proof = f"{told['topic']}/{told['partition']}@{told['offset']} was dropped, the next came"


async def tail_dropped(trip: Trip) -> None:
    """Lose everything that one partition brings to stats until all load is over, its last record included."""
    points = trip.rig.points["stats"]
    async with trip.load(0.0):
        points.arm(at.DROP_TAIL)

        async def dropped() -> bool:
            return points.hits(at.DROP_TAIL) > 0

        await trip.until("stats loses records", dropped)
    await trip.level()
    trip.proof = f"{points.hits(at.DROP_TAIL)} records of one partition were dropped, none came after them"
    points.disarm(at.DROP_TAIL)


async def killed_before_mark(trip: Trip) -> None:
    """Kill intake after Kafka confirmed a batch and before the store knows: it comes again, with other borders."""
    rig = trip.rig
    before, _ = await trip.tally()
    async with trip.load():
        rig.points["intake"].arm(at.AFTER_SEND_BEFORE_MARK)
        told = await trip.fired("intake", at.AFTER_SEND_BEFORE_MARK)
        await rig.bring_back(rig.child("intake"))
    await trip.level()
    trip.proof = f"confirmed and not marked: {told['confirmed']} by shard"
    if not trip.symptoms and (await trip.tally())[0] == before:
        raise NotBitten("nothing came to stats a second time")


async def zombie(trip: Trip) -> None:
    """Stop a stats worker with a plan in its hands until the other one has moved that place, then wake it."""
    rig = trip.rig
    label = rig.hub.of("stats")[-1].label
    child = rig.child(label)
    engine = sa.create_engine(rig.hub.store_url("stats"))
    async with trip.load():
        rig.points[label].arm(at.BEFORE_APPLY_COMMIT, signal="stop")
        try:
            told = await trip.fired(label, at.BEFORE_APPLY_COMMIT)

            async def overtaken() -> bool:
                def offsets() -> dict[int, int]:
                    with engine.connect() as connection:
                        return Inbox(JOURNAL.name).offsets(connection)

                now = await asyncio.to_thread(offsets)
                return all(now.get(int(p), 0) > before for p, before in told["moves"].items())

            await trip.until("the other worker moves the zombie's place", overtaken, 30.0)
        finally:
            # slowed by nothing: it tells of each transaction, first of the one in its hands
            rig.points[label].arm(at.SLOW_APPLIER, seconds=0.0)
            child.signal(SIGCONT)
            engine.dispose()

        async def shown() -> bool:
            return not child.running or rig.points[label].hits(at.SLOW_APPLIER) > 1

        # The others may be level before it has even woken: what it makes of its plan has to be seen.
        await trip.until("the woken worker gives up, or applies what comes after its plan", shown, FINISH_S)
        rig.points[label].disarm(at.SLOW_APPLIER)
    await trip.level()
    trip.proof = f"{label} woke with {told['records']} records in its hands that the other worker had applied"


async def wedged(trip: Trip) -> None:
    """Let intake's producer take messages and never resolve one of them."""
    trip.rig.points["intake"].arm(traps.WEDGE)
    async with trip.load():
        await trip.fired("intake", traps.WEDGE)
    await trip.level()
    trip.proof = "deliveries of the producer in use never resolved"


async def old_backlog(trip: Trip) -> None:
    """Tell petitions of 1999, of which no table of holidays is kept anywhere."""
    rig = trip.rig
    rig.episode += 1
    script = await asyncio.to_thread(write, trip.seed, rig.episode)
    old = [replace(one, received_on=BEFORE_TABLES) for one in script.records if one.channel is Docking.PETITION]
    await _hand_over(rig, old[:RECORDS_OLD])
    trip.proof = f"{RECORDS_OLD} petitions registered on {BEFORE_TABLES}"
    await trip.level()


async def _hand_over(rig: Rig, records: Sequence[Record]) -> None:
    for record in records:
        answer = await rig.clients.systems[record.channel].submit(body_of(record))
        if not isinstance(answer, ReceivedReceipt):
            raise NotBitten(f"record {record.number} was refused: {answer}")
        rig.book.enter(record.agency, answer)


async def asked_together(trip: Trip) -> None:
    """Let intake's reader and its alarm clock ask the log in one turn, as they do when the loop has stood still."""
    points = trip.rig.points["intake"]

    async def met() -> bool:
        return points.hits(traps.MEET) > 0

    async with trip.load():
        points.arm(traps.MEET)
        await trip.until("two questions meet", met)
        trip.proof = "two questions to the log began in one turn"
    points.disarm(traps.MEET)
    await trip.level()


async def bug_at_one(trip: Trip) -> None:
    """Let intake die at every record of one dispute, and start it again each time."""
    rig = trip.rig
    child = rig.child("intake")
    trip.expected["parked"] = 1
    rig.points["intake"].arm(traps.BUG)
    rig.episode += 1
    script = await asyncio.to_thread(write, trip.seed, rig.episode)
    await _hand_over(rig, script.records[:RECORDS])
    told = await trip.fired("intake", traps.BUG)
    starts = 0
    end = time.monotonic() + BUG_S
    while await _behind(rig):
        if time.monotonic() > end:
            raise NotBitten(f"only {starts} starts in {BUG_S:.0f} s")
        if not child.running:
            if starts == STARTS:
                break
            starts += 1
            # it may die of the bug again before it ever serves
            with suppress(CommandError):
                await rig.bring_back(child)
        await asyncio.sleep(LOOK_S)
    if await _behind(rig):
        trip.symptoms.append(f"after {starts} starts intake still has not got past the record")
    trip.proof = f"intake died at dispute {told['dispute']} and was started {starts} times"


def of_kind(name: str, what: str) -> Drive:
    """Return the drive that does what a kind of the matrix does.

    Args:
        name: Of the kind.
        what: For people; the first line of the drive's text.
    """

    async def drive(trip: Trip) -> None:
        await trip.inject(BY_NAME[name], what)
        await trip.level()

    drive.__doc__ = what
    return drive


async def _behind(rig: Rig) -> bool:
    """Tell whether intake, or anybody behind it, has something left to read; a parked record is read."""
    try:
        async with asyncio.timeout(4.0):
            sheets = await rig.sheets()
    except (TimeoutError, Retryable):
        return True
    return bool(on_its_way(sheets, BRIDGES))
