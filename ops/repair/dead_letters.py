"""`hub dlq` shows dead letters and redrives them.

A redrive publishes nothing. The store of the reader that refused the record still holds it, with its stream and
position. The record goes back to that reader's own queue in one transaction and keeps its position. So it is counted
once: first as dead, then as parked, at last as applied. A second redrive of the same letter finds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import sqlalchemy as sa
import typer
from rich.table import Table

from dispute.contracts.topics import HANDOFFS, JOURNAL
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.refusals import UNKNOWN_DEAD_LETTER
from hub.store.store import Store, Transaction
from hub.store.tables import dead_letter
from hub.streams.dead_letters import PREFIX
from hub.streams.dead_letters import redrive as give_back
from hub.streams.ports import FeedRecord
from ops.console import output
from ops.repair.dumps import records
from ops.run.status import Json, Run, find_or_fail

app = typer.Typer(help="死信 Dead letters: what a reader put aside.", no_args_is_help=True)
TOPICS: Final = {"handoffs": HANDOFFS, "journal": JOURNAL}
Which = Annotated[str, typer.Argument(help="主题 topic: handoffs | journal")]
Place = Annotated[str, typer.Argument(help="位置 place, as listed: <stream>@<position>")]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as its headers describe it.

    It never contains the record's value.
    """

    place: str
    reason: str
    detail: str
    origin: str
    attempts: str
    first_failed: str
    service: str
    value_bytes: int


def letter_of(record: FeedRecord) -> Letter:
    """Read a dead letter's headers.

    A missing header is read as empty text.
    """
    named: Mapping[str, bytes] = dict(record.headers)

    def text(name: str) -> str:
        return named.get(PREFIX + name, b"").decode(errors="replace")

    return Letter(
        place=f"{text('stream')}@{text('position')}",
        reason=text("reason"),
        detail=text("detail"),
        origin=f"{text('topic')}/{text('partition')}@{text('offset')}",
        attempts=text("attempts"),
        first_failed=text("first_failed_time"),
        service=text("service_version"),
        value_bytes=len(record.value or b""),
    )


@app.command("list")
def list_(topic: Which = "handoffs", run: Run = None, *, json: Json = False) -> None:
    """列出 List the letters of a topic, oldest first."""
    letters = output.carry_out(_letters(find_or_fail(run).kafka, _known(topic)))
    if json:
        output.document([asdict(letter) for letter in letters])
        return
    table = Table(title=f"{TOPICS[topic].dead_letters}: {len(letters)}", title_justify="left")
    for column in ("位置 place", "原因 reason", "说明 detail", "来自 from", "时间 first failed"):
        table.add_column(column, overflow="fold")
    for letter in letters:
        table.add_row(letter.place, letter.reason, letter.detail, letter.origin, letter.first_failed)
    output.show(table)


@app.command()
def show(topic: Which, place: Place, run: Run = None) -> None:
    """查看 Show one letter's headers as JSON; its value may hold sealed parties and stays where it is."""
    letters = output.carry_out(_letters(find_or_fail(run).kafka, _known(topic)))
    found = [asdict(letter) for letter in letters if letter.place == place]
    with output.failing():
        if not found:
            raise UNKNOWN_DEAD_LETTER.error(why=place)
    output.document(found[-1])


@app.command()
def redrive(topic: Which, place: Place, run: Run = None, *, json: Json = False) -> None:
    """重投 Give a cured letter back to every reader that refused it: applied once, however often this is repeated."""
    running = find_or_fail(run)
    row = TOPICS[_known(topic)]
    with output.failing():
        counts = {name: _give_back(running.stores[name], row.name, place) for name in row.readers}
        counts = {name: count for name, count in counts.items() if count}
        if not counts:
            raise UNKNOWN_DEAD_LETTER.error(why=place)
    if json:
        output.document({"place": place, "records": sum(counts.values()), "readers": sorted(counts)})
    else:
        for name, count in counts.items():
            output.console().print(f"{place}: {count} 条退回读者 records went back to {name}")


def _give_back(store_url: str, topic: str, place: str) -> int:
    """Return the number of records given back.

    It is 0 when this reader has no such letter.
    """
    stream, _, position = place.rpartition("@")

    def unit(tx: Transaction) -> int:
        c = dead_letter.c
        where = (c.topic == topic, c.stream == stream, c.position == (int(position) if position.isdigit() else -1))
        letter_id = tx.execute(sa.select(c.id).where(*where)).scalar()
        if letter_id is None:
            return 0
        return give_back(tx, letter_id)

    store = Store(store_url)
    try:
        return store.write_blocking(unit)
    finally:
        store.close()


async def _letters(servers: str, topic: str) -> list[Letter]:
    def read() -> list[Letter]:
        log = Log(Bus(servers))
        try:
            return [letter_of(record) for record in records(log, TOPICS[topic].dead_letters)]
        finally:
            log.close()

    return await asyncio.to_thread(read)


def _known(topic: str) -> str:
    if topic not in TOPICS:
        raise typer.BadParameter("handoffs | journal", param_hint="topic")
    return topic
