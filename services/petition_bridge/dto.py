"""The petition office's format for REST and gRPC (`hub.petition.v1`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field
from typing_extensions import override

from bridge.record import fields as f
from bridge.record.dto import MatterDto, ReportDto
from services.petition_bridge.record import Petition

EXAMPLE: Final = {
    "petition_number": "XF620725202403040008",
    "registered_on": "2024-03-04",
    "handed_over_at": "2024-03-05T10:00:00+08:00",
    "purpose": "request",
    "form": "visit",
    "recurrence": "first",
    "content_class": "990000",
    "category": "07",
    "county_code": "620725",
    "town_code": "620725101",
    "relation_clarity": "clear",
    "facts_clarity": "clear",
    "consents": [{"role": "petitioner", "answer": "given"}, {"role": "respondent", "answer": "given"}],
    "persons": 6,
    "parties": [{"role": "petitioner", "name": "甲某"}, {"role": "respondent", "name": "乙公司"}],
    "brief": "六名工人反映工资未按时发放。",
}
"""Shown in OpenAPI and sent by a test; not a real case."""


class PetitionDto(MatterDto):
    """一件信访事项 A petition as the petition office recorded it."""

    reference_field = "petition_number"
    example = EXAMPLE

    petition_number: f.Reference = f.reference("信访件编号 Petition number", "XF620725202403040008")
    registered_on: f.Day = Field(description="登记日期 Day of registration")
    purpose: Annotated[str, f.ListedCode("purpose")] = Field(description="信访目的 Purpose")
    form: Annotated[str, f.ListedCode("form")] = Field(description="信访形式 Form")
    recurrence: Annotated[str, f.ListedCode("recurrence", or_empty=True)] = Field(
        default="", description="初重信访，未知为空 First or repeat; empty when it is not known"
    )
    content_class: Annotated[str, Field(pattern=r"^([0-9]{6})?$")] = Field(
        default="", description="内容分类，未知为空 Content class, 6 digits; empty when it is not known"
    )

    accusation: f.Paragraphs = Field(
        default="",
        description="检举控告内容，可空；另行密封移送，不随诉求办理 "
        "What accuses somebody, apart from the request; leaves sealed, by an exit of its own. May be empty",
        repr=False,
    )

    @override
    def to_record(self) -> Petition:
        """Return the inside form."""
        matter = self.matter()
        return Petition(
            source_ref=self.petition_number,
            registered_on=self.registered_on,
            purpose=self.purpose,
            form=self.form,
            recurrence=self.recurrence,
            content_class=self.content_class,
            matter=replace(matter, confidential=replace(matter.confidential, accusation=self.accusation)),
        )


class PetitionReportDto(ReportDto):
    """信访部门报告的后续情况 A later fact or a withdrawal."""
