"""`hub exits list` shows which accusations wait to be fetched.

It shows that they are there, never what they say or of which record they are made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Annotated, Final

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table

from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import channel
from ops.console import output
from ops.run.client import INTAKE, PAGE, pages
from ops.run.credentials import AUDITOR, shown
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

COLUMNS: Final = (
    "密封件 exit",
    "收件单位 organ",
    "收到 received",
    "移送 target",
    "领取 fetched",
)
WAITING: Final = "未领取 not yet"

app = typer.Typer(help="密封移送 Accusations on their way to the discipline inspection body.", no_args_is_help=True)
All = Annotated[bool, typer.Option("--all", help="含已领取的 those that were fetched too")]


@dataclass(frozen=True, slots=True)
class ExitLine:
    """One accusation on its way out.

    Attributes:
        received_at: ISO 8601, UTC.
        fetched_at: As above; empty while it waits.
    """

    exit_id: str
    organ: str
    received_at: str
    target: str
    fetched_at: str


@app.callback()
def _exits() -> None:
    """密封移送 Accusations on their way to the discipline inspection body."""


@app.command("list")
def list_exits(run: Run = None, *, all_: All = False, json: Json = False) -> None:
    """列出 Which accusations nobody fetched yet; no content, no people, no dispute."""
    lines = output.carry_out(exits(find_or_fail(run), waiting_only=not all_))
    if json:
        output.document([asdict(line) for line in lines])
        return
    waiting = sum(not line.fetched_at for line in lines)
    table = Table(title=f"未领取的密封件 sealed exits that wait: {waiting}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(line.exit_id, line.organ, line.received_at, line.target, line.fetched_at or WAITING)
    output.show(table)


async def exits(running: Running, *, waiting_only: bool) -> list[ExitLine]:
    """Return the sealed exits, the oldest first.

    Raises:
        Retryable: Intake does not answer in time.
    """
    request = intake_pb2.ListSealedExitsRequest(waiting_only=waiting_only, page_size=PAGE)
    async with channel(running.grpc[INTAKE]) as opened:
        stub = intake_pb2_grpc.IntakeServiceStub(opened)
        answers = pages(stub.ListSealedExits, request, shown(running.folder, AUDITOR))
        lines = [_line(each) async for answer in answers for each in answer.exits]
    return sorted(lines, key=lambda line: (line.received_at, line.exit_id))


def _line(each: intake_pb2.SealedExit) -> ExitLine:
    fetched_at = _iso(each.fetched_at) if each.HasField("fetched_at") else ""
    return ExitLine(each.exit_id, each.organ, _iso(each.received_at), each.target, fetched_at)


def _iso(at: Timestamp) -> str:
    return at.ToDatetime(tzinfo=UTC).isoformat()
