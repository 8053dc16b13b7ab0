"""The police's format for REST and gRPC (`hub.police.v1`)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field
from typing_extensions import override

from bridge.record import fields as f
from bridge.record.dto import MatterDto, ReportDto
from services.police_bridge.record import PoliceIncident

EXAMPLE: Final = {
    "incident_number": "J6207252024030400017",
    "called_at": "2024-03-04T19:12:00+08:00",
    "handed_over_at": "2024-03-04T20:05:00+08:00",
    "class_as_called": "dispute",
    "class_as_found": "dispute",
    "category": "02",
    "county_code": "620725",
    "town_code": "620725101",
    "relation_clarity": "clear",
    "facts_clarity": "fairly_clear",
    "consents": [{"role": "applicant", "answer": "given"}, {"role": "respondent", "answer": "given"}],
    "parties": [{"role": "applicant", "name": "甲某"}, {"role": "respondent", "name": "乙某"}],
    "brief": "邻里因排水沟发生争吵。",
    "place": "清泉镇某村",
}
"""Shown in OpenAPI and sent by a test; not a real case."""


class PoliceIncidentDto(MatterDto):
    """一起警情 An incident as the police recorded it."""

    reference_field = "incident_number"
    example = EXAMPLE

    incident_number: f.Reference = f.reference("警情编号 Incident number", "J6207252024030400017")
    called_at: f.Instant = Field(description="接警时间 Instant of the call")
    class_as_called: Annotated[str, f.ListedCode("police_class")] = Field(description="接警类别 Class as called")
    class_as_found: Annotated[str, f.ListedCode("police_class", or_empty=True)] = Field(
        default="", description="反馈类别，优先于接警类别 Class as found; wins over the class as called"
    )
    place: f.Line = Field(default="", description="地点 Place", repr=False)

    @override
    def to_record(self) -> PoliceIncident:
        """Return the inside form."""
        return PoliceIncident(
            source_ref=self.incident_number,
            called_at=self.called_at,
            class_as_called=self.class_as_called,
            class_as_found=self.class_as_found,
            matter=self.matter(self.place),
        )


class PoliceReportDto(ReportDto):
    """公安报告的后续情况 A later fact or a withdrawal."""
