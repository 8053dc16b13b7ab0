"""`hub case CODE` shows one case by the code that stands on its papers (一案一码)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Annotated, Final

import typer

from dispute.calendar.days import ZONE
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import call, channel
from ops.console import output
from ops.run.client import INTAKE, PERSON_S
from ops.run.credentials import shown
from ops.run.labels import LEVELS, channel_label, level_label, limit_label, state_label
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

DATES: Final[Mapping[str, str]] = {
    "received_on": "收件",
    "registered_on": "登记",
    "accepted_on": "受理",
    "agreed_on": "达成协议",
    "concluded_on": "办结",
    "closed_on": "销号",
}

Code = Annotated[str, typer.Argument(help="案件编号，横线可省 printed code, with or without hyphens")]
Found = tuple[intake_pb2.GetDisputeResponse, intake_pb2.GetMatterResponse]


def case(code: Code, run: Run = None, *, json: Json = False) -> None:
    """查案 One case by its printed code: state, channel, dates, next limit, matter."""
    found, matter = output.carry_out(look_up(find_or_fail(run), code))
    if json:
        output.document(as_json(found, matter))
        return
    console = output.console()
    for line in lines(found, matter):
        console.print(line, markup=False, soft_wrap=True)


async def look_up(running: Running, code: str) -> Found:
    """Return a case and its matter.

    Raises:
        Rejected: `case_code_malformed`, `case_code_check`, `unknown_dispute`.
        Retryable: Intake does not answer in time.
    """
    who = shown(running.folder)
    async with channel(running.grpc[INTAKE]) as opened:
        stub = intake_pb2_grpc.IntakeServiceStub(opened)
        asked = intake_pb2.GetDisputeRequest(case_code=code)
        found: intake_pb2.GetDisputeResponse = await call(stub.GetDispute, asked, timeout_s=PERSON_S, metadata=who)
        of = intake_pb2.GetMatterRequest(dispute_id=found.dispute.dispute_id)
        return found, await call(stub.GetMatter, of, timeout_s=PERSON_S, metadata=who)


def as_json(found: intake_pb2.GetDisputeResponse, matter: intake_pb2.GetMatterResponse) -> dict[str, object]:
    """Return a case as plain values; instants in UTC."""
    its, limit = found.dispute, None
    if found.HasField("next_limit"):
        following = found.next_limit
        ends_at = following.ends_at.ToDatetime(tzinfo=UTC).isoformat()
        limit = {
            "name": following.name,
            "ends_at": ends_at,
            "provisional": following.provisional,
            "passed": following.passed,
        }
    return {
        "case_code": its.case_code,
        "dispute_id": its.dispute_id,
        "state": its.state,
        "supervision": its.supervision,
        "channel": its.dimensions.channel,
        "source_organ": its.dimensions.source_organ,
        "source_ref": its.source_ref,
        "dates": {name: getattr(its.cohort, name) for name in DATES if getattr(its.cohort, name)},
        "next_limit": limit,
        "matter": [
            {name: getattr(each, name) for name in ("case_code", "dispute_id", "channel", "state", "master_dispute_id")}
            for each in matter.members
        ],
        "proposals": [
            {
                "dispute_id": each.dispute_id,
                "candidate_dispute_id": each.candidate_dispute_id,
                "score": each.score,
                "reasons": list(each.reasons),
            }
            for each in matter.proposals
        ],
    }


def lines(found: intake_pb2.GetDisputeResponse, matter: intake_pb2.GetMatterResponse) -> Iterator[str]:
    """Yield a case for people, Chinese first."""
    its = found.dispute
    yield f"案件 case: {its.case_code}   {its.dispute_id}"
    level = f"   {level_label(its.supervision)}" if its.supervision in LEVELS else ""
    yield f"状态 state: {state_label(its.state)}{level}"
    of = its.dimensions
    yield f"渠道 channel: {channel_label(of.channel)}   {of.source_organ} {its.source_ref}".rstrip()
    dates = ((zh, name, getattr(its.cohort, name)) for name, zh in DATES.items())
    yield "日期 dates: " + " · ".join(f"{zh} {name} {day}" for zh, name, day in dates if day)
    yield f"下一期限 next limit: {_limit(found)}"
    others = [each for each in matter.members if each.dispute_id != its.dispute_id]
    yield f"同一事项 matter: {'' if others else '仅此一件 this case alone'}".rstrip()
    for each in others:
        first = "   首件 first" if each.dispute_id == matter.master_dispute_id else ""
        code = each.case_code or each.dispute_id
        yield f"  {code}   {channel_label(each.channel)}   {state_label(each.state)}{first}"
    for link in matter.proposals:
        other = link.candidate_dispute_id if link.dispute_id == its.dispute_id else link.dispute_id
        yield f"待确认关联 proposed link: {other}   {link.score} 分 points   {' '.join(link.reasons)}"


def _limit(found: intake_pb2.GetDisputeResponse) -> str:
    if not found.HasField("next_limit"):
        return "无 none"
    its = found.next_limit
    ends_at = its.ends_at.ToDatetime(tzinfo=UTC).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
    note = "（暂定 provisional）" if its.provisional else ""
    when = "已过 passed" if its.passed else "之前 before"
    return f"{limit_label(its.name)} {ends_at} {when}{note}"
