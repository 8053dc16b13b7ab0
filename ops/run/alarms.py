"""`hub alarms` shows which cases are late or nearly so, the highest level first, and who has to act."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from msgspec import Struct, to_builtins
from rich.table import Table

from dispute.calendar.days import ZONE
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import channel
from ops.console import output
from ops.run.client import INTAKE, PAGE, pages
from ops.run.credentials import shown
from ops.run.labels import LEVELS, channel_label, level_label, limit_label, owner_label, state_label
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

COLUMNS: Final = ("级别 level", "案件 case", "渠道 channel", "状态 state", "事项与起始 limit since", "责任 owner")
HEIGHTS: Final = {level: height for height, level in enumerate(LEVELS)}

Level = Annotated[str, typer.Option(help=f"从该级别起 from this level up: {' | '.join(LEVELS)}")]
ChannelCode = Annotated[str, typer.Option("--channel", help="只看该渠道 only this channel, for example court")]


class AlarmLine(Struct, frozen=True):
    """One limit that was missed or draws near.

    Attributes:
        limit: Its name; empty for a level that a person set or a colour gave.
        level: Level of supervision that it led to.
        at: When that was; ISO 8601, UTC.
    """

    limit: str
    level: str
    at: str


class SupervisedLine(Struct, frozen=True):
    """One case under supervision.

    Attributes:
        case_code: Printed code; empty where the case has none.
        owner: Role that has to act, or the lead department where the rule of the state names none.
        alarms: What led to its level.
    """

    case_code: str
    dispute_id: str
    channel: str
    state: str
    level: str
    owner: str
    alarms: tuple[AlarmLine, ...]


def alarms(level: Level = "", channel_code: ChannelCode = "", run: Run = None, *, json: Json = False) -> None:
    """告警 Cases that are late or nearly so: level, limit, since when, who has to act; the highest first."""
    if level and level not in LEVELS:
        raise typer.BadParameter(" | ".join(LEVELS), param_hint="--level")
    lines = output.carry_out(supervised(find_or_fail(run), level, channel_code))
    if json:
        output.document(to_builtins(lines))
        return
    table = Table(title=f"督办案件 cases under supervision: {len(lines)}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*cells(line))
    output.show(table)


async def supervised(running: Running, level: str, channel_code: str) -> list[SupervisedLine]:
    """Return the cases under supervision, the highest level first, then the longest.

    Raises:
        Rejected: `unknown_code` for a level or a channel that is none.
        Retryable: Intake does not answer in time.
    """
    request = intake_pb2.ListAlarmsRequest(level=level, channel=channel_code, page_size=PAGE)
    async with channel(running.grpc[INTAKE]) as opened:
        stub = intake_pb2_grpc.IntakeServiceStub(opened)
        answers = pages(stub.ListAlarms, request, shown(running.folder))
        lines = [_line(each) async for answer in answers for each in answer.disputes]
    return sorted(lines, key=_urgency)


def cells(line: SupervisedLine) -> tuple[str, ...]:
    """Return a case as a row of the table; of each limit its last step."""
    last = {each.limit: each for each in line.alarms}
    since = [f"{limit_label(limit)} {_local(each.at)}".strip() for limit, each in last.items()]
    return (
        level_label(line.level),
        line.case_code or line.dispute_id,
        channel_label(line.channel),
        state_label(line.state),
        "\n".join(since),
        owner_label(line.owner),
    )


def _line(each: intake_pb2.SupervisedDispute) -> SupervisedLine:
    its = each.dispute
    steps = tuple(
        AlarmLine(alarm.limit, alarm.level, alarm.at.ToDatetime(tzinfo=UTC).isoformat()) for alarm in each.alarms
    )
    owner = each.owner or its.dimensions.lead_department
    return SupervisedLine(
        its.case_code, its.dispute_id, its.dimensions.channel, its.state, its.supervision, owner, steps
    )


def _urgency(line: SupervisedLine) -> tuple[int, str, str]:
    since = min((each.at for each in line.alarms if each.level == line.level), default="")
    return -HEIGHTS.get(line.level, len(HEIGHTS)), since, line.dispute_id


def _local(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
