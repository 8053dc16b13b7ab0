"""`hub privacy`: who the parties of a case are, masked; and having one of them forgotten, by two persons.

The leader approves, the operator carries it out; each shows a token of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from dispute.access.roles import role_table
from dispute.lifecycle import is_dispute_id
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import call, channel
from ops.console import output
from ops.run.client import INTAKE, PERSON_S
from ops.run.credentials import OPERATOR, shown
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

LEADER: Final = "leader"
LOOK: Final = "oversight"
COLUMNS: Final = ("序号 no.", "身份 role", "姓名 name", "证件 number", "电话 phone")
FORGOTTEN: Final = "已删除 forgotten"
GROUNDS: Final = " · ".join(f"{name} {row.zh}" for name, row in role_table().grounds.items())
REMINDER: Final = (
    "密钥目录的旧副本仍能读出此人：请重新备份密钥目录（含其他主机），并销毁旧副本\n"
    "older copies of the keys folder can still read this person: copy the folder anew, on every host, and destroy them"
)
WHOLE: Final = (
    "此件由旧版本整体密封：旧版本时的备份、桥接库和 Kafka（30 天）中的副本不能单独销毁\n"
    "an earlier release sealed this case as one: copies from then can't be destroyed one by one "
    "(docs/runbook.md#forget-a-party)"
)

app = typer.Typer(help="隐私 Parties of a case, and having one forgotten for good.", no_args_is_help=True)
Case = Annotated[str, typer.Argument(help="案件编号或纠纷编码 printed code, or id of the dispute")]
PartyNumber = Annotated[int, typer.Option("--party", min=1, help="当事人序号 its number: hub privacy parties CASE")]
Ground = Annotated[str, typer.Option("--ground", help=f"理由 ground (个人信息保护法 47): {GROUNDS}")]


@dataclass(frozen=True, slots=True)
class PartyLine:
    """One party, masked.

    Attributes:
        party: Number in the order of the source, from 1.
        forgotten: Nothing else of it is known any more.
    """

    party: int
    role: str
    name: str
    id_number: str
    phone: str
    forgotten: bool


@app.command()
def parties(case: Case, run: Run = None, *, json: Json = False) -> None:
    """当事人 The parties of a case with their numbers, masked; the look is in the audit."""
    request = intake_pb2.GetPartiesRequest(**_named(case), purpose=LOOK)
    answer = output.carry_out(_ask(find_or_fail(run), "GetParties", request, LEADER))
    lines = [
        PartyLine(number, its.role, its.name, its.id_number, its.phone, number in answer.forgotten)
        for number, its in enumerate(answer.parties, start=1)
    ]
    if json:
        output.document([asdict(line) for line in lines])
        return
    _show(lines)


@app.command()
def approve(case: Case, party: PartyNumber, ground: Ground, run: Run = None, *, json: Json = False) -> None:
    """批准 Approve, as the leader, that a party is forgotten; it holds until the case goes on."""
    request = intake_pb2.ApproveShreddingRequest(**_named(case), party=party, ground=ground)
    answer = output.carry_out(_ask(find_or_fail(run), "ApproveShredding", request, LEADER))
    if json:
        output.document({"dispute_id": answer.dispute_id, "party": party, "ground": ground})
        return
    output.console().print(f"已批准 approved: {answer.dispute_id} 第 {party} 人 party {party}", soft_wrap=True)


@app.command()
def shred(case: Case, party: PartyNumber, ground: Ground, run: Run = None, *, json: Json = False) -> None:
    """删除 Forget a party for good, in stores, backups and on Kafka; figures stay. Another person approved before."""
    request = intake_pb2.ShredPartyRequest(**_named(case), party=party, ground=ground)
    answer = output.carry_out(_ask(find_or_fail(run), "ShredParty", request, OPERATOR))
    if json:
        output.document(
            {
                "dispute_id": answer.dispute_id,
                "party": party,
                "repeated": answer.repeated,
                "sealed_whole": answer.sealed_whole,
            }
        )
        return
    done = "先前已删除 forgotten before" if answer.repeated else FORGOTTEN
    console = output.console()
    console.print(f"{done}: {answer.dispute_id} 第 {party} 人 party {party}", soft_wrap=True)
    console.print(REMINDER, markup=False, soft_wrap=True)
    if answer.sealed_whole:
        console.print(WHOLE, markup=False, soft_wrap=True)


def _named(case: str) -> dict[str, str]:
    return {"dispute_id": case} if is_dispute_id(case) else {"case_code": case}


async def _ask(running: Running, method: str, request: Any, role: str) -> Any:  # noqa: ANN401 - messages of the service
    who = shown(running.folder, role)
    async with channel(running.grpc[INTAKE]) as opened:
        stub = intake_pb2_grpc.IntakeServiceStub(opened)
        return await call(getattr(stub, method), request, timeout_s=PERSON_S, metadata=who)


def _show(lines: Sequence[PartyLine]) -> None:
    table = Table()
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        name = FORGOTTEN if line.forgotten else line.name
        table.add_row(str(line.party), line.role, name, line.id_number, line.phone)
    output.show(table)
