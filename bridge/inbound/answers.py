"""Answers of REST, as JSON.

Receipts, results and refusals; also their text in the OpenAPI document.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from bridge.outbound.standing import AGENCY_LIMITS, STATUSES
from bridge.record import facts
from dispute.contracts.receipts import receipt_note
from hub.errors import Refusal


class Answer(BaseModel):
    """What a partner is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class StreamPositionAnswer(Answer):
    """在移送流中的位置 Place in the hand-off stream."""

    stream: str
    position: int


class ReceiptAnswer(Answer):
    """回执：落库之后才给 Receipt, given after the durable commit."""

    receipt_id: str = Field(description="回执号 Id of the receipt")
    source_ref: str = Field(description="来件编号 The agency's own reference")
    dispute_id: str = Field(description="一案一码 Dispute that the record belongs to")
    content_sha256: str = Field(description="内容摘要 SHA-256 of the canonical content, hex")
    accepted_at: datetime = Field(description="受理时刻 Instant of acceptance")
    repeated: bool = Field(description="此前已收过 Accepted before; this is the first receipt")
    position: StreamPositionAnswer
    note: str = Field(description="收到时刻及时效中断 When it was received, and that this interrupts limitation")
    round: int = Field(description="轮次，后续情况为0 Which hand-over of the record; 0 for a later fact")
    case_code: str = Field(
        description="一案一码编号，登记之前为空 Printed code of the case; empty until the case is registered"
    )

    @classmethod
    def of(cls, receipt: facts.Receipt) -> ReceiptAnswer:
        """Return the answer of a receipt."""
        return cls(
            receipt_id=receipt.receipt_id,
            source_ref=receipt.source_ref,
            dispute_id=receipt.dispute_id,
            content_sha256=receipt.content_sha256,
            accepted_at=receipt.accepted_at,
            repeated=receipt.repeated,
            position=StreamPositionAnswer(stream=receipt.stream, position=receipt.position),
            note=receipt_note(receipt.accepted_at),
            round=receipt.round,
            case_code=receipt.case_code,
        )


class RefusalAnswer(Answer):
    """未受理，什么也没存 Not accepted; nothing was stored."""

    code: str = Field(description="固定代码 Stable code")
    field: str = Field(description="有误的字段，可空 Field at fault; may be empty")
    detail: str = Field(description="说明 Explanation")

    @classmethod
    def of(cls, refusal: Refusal) -> RefusalAnswer:
        """Return the answer of a refusal."""
        return cls(code=refusal.code, field=refusal.field, detail=refusal.detail)


class ItemAnswer(Answer):
    """一件的结果：回执或原因 Result of one item: a receipt or why not."""

    receipt: ReceiptAnswer | None = None
    refusal: RefusalAnswer | None = None

    @classmethod
    def of(cls, verdict: facts.Verdict) -> ItemAnswer:
        """Return the answer of a verdict."""
        if isinstance(verdict, facts.Receipt):
            return cls(receipt=ReceiptAnswer.of(verdict))
        return cls(refusal=RefusalAnswer.of(verdict))


class BatchAnswer(Answer):
    """各件的结果，按来件顺序 A result for each item, in the order given."""

    results: list[ItemAnswer]


class DueDateAnswer(Answer):
    """期限 Last day of one limit."""

    name: str = Field(description="期限名称 Which limit", json_schema_extra={"enum": [*sorted(AGENCY_LIMITS)]})
    day: str = Field(description="最后一日 Last day, ISO date")
    missing_year: int = Field(description="缺节假日表的年份；0为确定 Year without a holiday table; 0: certain")
    note: str = Field(description="暂定时的说明，可空 What it means when the day is provisional; may be empty")


class ResultAnswer(Answer):
    """一条办理结果 What came of a record."""

    cursor: int = Field(description="游标，升序 Cursor, ascending")
    event_id: str = Field(description="事件号，重发不变 Event id; the same for every repeat")
    source_ref: str = Field(description="来件编号 The agency's own reference")
    dispute_id: str = Field(description="一案一码 Dispute")
    status: str = Field(
        description="状态 Status",
        json_schema_extra={"enum": [*sorted(STATUSES)]},
    )
    reason_code: str = Field(description="原因代码 Reason code")
    clause: str = Field(description="依据条款 Clause that the decision rests on")
    occurred_at: datetime = Field(description="发生时刻 When it happened")
    outcome_form: str = Field(description="达成形式 Outcome form of a success")
    document_sha256: str = Field(description="调解协议摘要 Digest of the agreement")
    lead_department: str = Field(description="牵头部门 Lead department")
    final: bool = Field(
        description="本次办理的最终结果，除非被撤回，此后不再有结果 "
        "The one final result of this opening: nothing further follows, unless it is taken back"
    )
    due_dates: list[DueDateAnswer] = Field(description="此时的各项期限 Limits as they stand after it")
    supersedes: list[str] = Field(
        description="所撤回的此前结果的事件号 Event ids of the results that this one takes back"
    )
    superseded: bool = Field(description="已被后来的结果撤回，仍列出 A later result took it back; it stays listed")
    way: str = Field(
        description="去向：未履行 enforcement 申请执行、suit 起诉、penalty_procedure 处罚程序；退回、引导的目标；可空 "
        "Way that is open now: the remedy of what was not performed, the target of a return or referral; may be empty"
    )
    missing: list[str] = Field(description="所缺内容的原因代码，最要紧的在前 Reason codes of what is asked for")
    opening: int = Field(
        description="第几次办理，反弹或再次移交加一；0为旧版所存 Opening of the dispute; 0: not kept then"
    )
    limit: str = Field(description="所报期限的名称，可空 Limit whose end it reports; may be empty")
    case_code: str = Field(
        description="一案一码编号，旧版登记的为空 Printed code of the case; empty when an earlier release registered it"
    )


class ResultsAnswer(Answer):
    """结果 Results, ascending."""

    results: list[ResultAnswer]
    next_cursor: int = Field(description="下次从此游标取 Ask with this cursor next")


class RecordAnswer(Answer):
    """一件的回执和结果 Receipt and results of one reference."""

    receipt: ReceiptAnswer
    results: list[ResultAnswer]


class RemainingAnswer(Answer):
    """确认之后 After an acknowledgement."""

    remaining: int = Field(description="尚未确认的条数 Results still unconfirmed")
