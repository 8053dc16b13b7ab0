"""`hub events tail` prints the events of a topic.

It unpacks the batches into one JSON line for each event, for people and other tools.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated, Final

import typer
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from dispute.contracts.topics import HANDOFFS, JOURNAL
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Rejected
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.refusals import UNDECODABLE
from hub.streams.envelope import place_of, unpack
from hub.streams.ports import FeedRecord
from hub.streams.topics import Topic
from ops.console import output
from ops.run.status import Run, find_or_fail

app = typer.Typer(help="事件 Events as they stand on the bus.", no_args_is_help=True)
TOPICS: Final[dict[str, tuple[Topic, type[Message]]]] = {
    "journal": (JOURNAL, journal_pb2.JournalEvent),
    "handoffs": (HANDOFFS, handoff_pb2.Handoff),
}
LOOK_S: Final = 0.5


@app.callback()
def _events() -> None:
    """事件 Events as they stand on the bus."""


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="journal | handoffs")] = "journal",
    run: Run = None,
    bootstrap: Annotated[str, typer.Option(help="Kafka 地址 host:port; default: the run's")] = "",
    limit: Annotated[int, typer.Option(min=0, help="最多行数 stop after so many lines; 0 is no limit")] = 0,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="继续 wait for more")] = False,
    since_now: Annotated[bool, typer.Option("--new", help="只看新的 only what comes from now on")] = False,
) -> None:
    """逐条输出 One event a line, as JSON; parties of hand-offs stay sealed."""
    if topic not in TOPICS:
        raise typer.BadParameter("journal | handoffs", param_hint="topic")
    servers = bootstrap or find_or_fail(run).kafka
    output.carry_out(_tail(servers, *TOPICS[topic], limit=limit, follow=follow, since_now=since_now))


async def _tail(servers: str, topic: Topic, kind: type[Message], *, limit: int, follow: bool, since_now: bool) -> None:
    log = Log(Bus(servers))
    written = 0
    try:
        # The plain consumer blocks, so it runs in a thread; Ctrl-C takes effect between two pages.
        ends = await asyncio.to_thread(log.ends if since_now else log.beginnings, topic.name)
        places = dict(ends)
        while True:
            for partition, start in sorted(places.items()):
                found = await asyncio.to_thread(log.pages, topic.name, partition, start)
                while (page := await asyncio.to_thread(next, found, None)) is not None:
                    for record in page:
                        places[partition] = record.offset + 1
                        for line in lines(record, kind):
                            sys.stdout.write(line + "\n")
                            written += 1
                            if written == limit:
                                return
            sys.stdout.flush()
            if not follow:
                return
            await asyncio.sleep(LOOK_S)
    finally:
        log.close()


def lines(record: FeedRecord, kind: type[Message]) -> Iterator[str]:
    """Yield one JSON line per record of a batch.

    A value that can't be decoded gives one line with an `error`.
    """
    at = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    try:
        place = place_of(record.headers)
        for index, each in enumerate(unpack(place, record.value or b"")):
            event = json_format.MessageToDict(kind.FromString(each), preserving_proto_field_name=True)
            line = at | {"stream": str(place.stream), "position": place.first + index, "event": event}
            yield output.as_json(line)
    except (Rejected, DecodeError) as error:
        yield output.as_json(at | {"error": getattr(error, "code", UNDECODABLE.name)})
