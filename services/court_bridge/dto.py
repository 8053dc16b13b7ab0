"""The court's format for REST and gRPC (`hub.court.v1`)."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from typing_extensions import override

from bridge.record import facts
from bridge.record import fields as f
from bridge.record.dto import MatterDto, PartnerModel, ReportDto
from dispute.refusals.interfaces import REASON_MISMATCH
from services.court_bridge.record import CourtCase, kind_of, procedure_of

EXAMPLE: Final = {
    "case_number": "（2024）甘0725民初1023号",
    "suit_kind": "civil",
    "procedure": "ordinary",
    "cause_code": "9152",
    "category": "08",
    "court_received_on": "2024-03-01",
    "handed_over_at": "2024-03-04T09:30:00+08:00",
    "county_code": "620725",
    "town_code": "620725101",
    "relation_clarity": "clear",
    "facts_clarity": "fairly_clear",
    "consents": [
        {"role": "plaintiff", "answer": "given", "answered_on": "2024-03-02"},
        {"role": "defendant", "answer": "given", "answered_on": "2024-03-03"},
    ],
    "amount_fen": 3200000,
    "parties": [{"role": "plaintiff", "name": "甲某"}, {"role": "defendant", "name": "乙公司"}],
    "brief": "民间借贷，借款三万二千元逾期未还。",
}
"""Shown in OpenAPI and sent by a test; not a real case."""


class CourtCaseDto(MatterDto):
    """法院收到的一件案件，不论是否移送 A suit as the court's system recorded it, handed over or not."""

    reference_field = "case_number"
    example = EXAMPLE

    case_number: f.Reference = f.reference("案号 Case number", "（2024）甘0725民初1023号")
    suit_kind: Annotated[str, f.ListedCode("suit_kind", or_empty=True)] = Field(
        default="", description="案件类型，未定为空，待补充 Kind of suit; empty when not known: to be completed"
    )
    procedure: Annotated[str, f.ListedCode("procedure", or_empty=True)] = Field(
        default="",
        description="适用程序，未定为空，待补充；诉前调解号的案件尚无程序 "
        "Procedure; empty when not known: to be completed; a suit with a number of before filing (诉前调) has none yet",
    )
    cause_code: f.ClassCode = Field(default="", description="案由代码，未知为空 Cause of action; empty when not known")
    court_received_on: f.Day = Field(description="收案日期，决定适用规则 Day of receipt; decides the regime")
    filed_on: f.OptionalDay = Field(default=None, description="立案日期，未立案为空 Day of filing, or empty")
    amount_fen: f.Fen = Field(default=0, description="标的额（分） Amount in dispute, in fen")
    preserved_on: f.OptionalDay = Field(
        default=None, description="诉前保全日期，未保全为空 Day of a preservation before the suit, or empty"
    )

    @override
    def to_record(self) -> CourtCase:
        """Return the inside form."""
        return CourtCase(
            source_ref=self.case_number,
            suit_kind=self.suit_kind or kind_of(self.case_number),
            procedure=self.procedure or procedure_of(self.case_number),
            cause_code=self.cause_code,
            received_on=self.court_received_on,
            filed_on=self.filed_on,
            amount_fen=self.amount_fen,
            matter=self.matter(),
            preserved_on=self.preserved_on,
        )


class RulingDto(PartnerModel):
    """司法确认裁定 Ruling on an application for judicial confirmation."""

    confirmed: bool = Field(description="是否确认 Confirmed")
    reason_code: Annotated[str, f.ListedCode("ruling_reason", or_empty=True)] = Field(
        default="", description="驳回或不予受理的原因 Reason of a refusal"
    )

    @model_validator(mode="after")
    def _reason_of_a_refusal(self) -> Self:
        if self.confirmed == bool(self.reason_code):
            raise f.finding(REASON_MISMATCH.refusal())
        return self

    def to_fact(self) -> facts.RulingReport:
        """Return the inside form."""
        return facts.RulingReport(self.confirmed, self.reason_code)


class CourtReportDto(ReportDto):
    """法院报告的后续情况 A later fact, a withdrawal, or a ruling on judicial confirmation."""

    ruling: RulingDto | None = Field(default=None, description="司法确认裁定 Ruling on judicial confirmation")

    @override
    def bodies(self) -> list[facts.LaterFactReport | facts.WithdrawalReport | facts.RulingReport]:
        return [*super().bodies(), *([self.ruling.to_fact()] if self.ruling else [])]
