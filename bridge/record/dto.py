"""DTOs that all three agencies share.

The base rules, parties, consents, the common part of a record, later facts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from msgspec.json import encode
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic import model_validator as after_all
from typing_extensions import override

from bridge.record import checks, facts
from bridge.record import fields as f
from bridge.record.codelists import CodeLists, OurCode, as_sent
from dispute.calendar.days import business_day
from dispute.codes.divisions import TOWN
from dispute.refusals.commands import DIVISION_MISMATCH
from dispute.refusals.interfaces import (
    CLARITY_MISMATCH,
    CLASS_MISMATCH,
    CONSENT_MISMATCH,
    ID_FORMAT,
    ID_TYPE_MISSING,
    ONE_BODY,
    TOO_MANY_FAULTS,
)
from hub.errors import Refusal, Refused, Rejected
from hub.http.validation import field_errors
from hub.runtime.clock import WallClock

_PARTIES: Final = 200
_MENTIONED: Final = 5
_KEPT: Final = 100
_FAULTS: Final = 1000
"""Reporting more faults would block the process for seconds and help nobody."""


class PartnerModel(BaseModel):
    """Whatever a partner sends: unknown fields and wrong types are refused, errors never show the input."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    def content_sha256(self) -> bytes:
        """Return the digest of the canonical content.

        32 bytes. Canonical: validated and normalised, defaults left out (so that a field added later changes no old
        digest), keys sorted, no blanks, UTF-8. REST and gRPC of one record give the same digest.
        """
        content = self.__pydantic_serializer__.to_python(self, mode="json", exclude_defaults=True)
        return hashlib.sha256(encode(content, order="sorted")).digest()


class ReferringModel(PartnerModel):
    """What names one record of the agency by the agency's own reference."""

    reference_field: ClassVar[str] = "source_ref"

    @property
    def reference(self) -> str:
        """The reference as written."""
        return str(getattr(self, self.reference_field))

    def key_under(self, reference: str) -> str:
        """Return the idempotency key when the agency sends none."""
        return reference

    def under(self, reference: str) -> Self:
        """Return the same content under another spelling.

        Its digest is that of every spelling.
        """
        return self if reference == self.reference else self.model_copy(update={self.reference_field: reference})


class ConsentDto(PartnerModel):
    """一方当事人的调解意愿 Answer of one side."""

    role: f.Role = Field(description="当事人地位 Side")
    answer: f.Answer = Field(description="是否同意调解 Answer")
    answered_on: f.OptionalDay = Field(default=None, description="答复日期 Day of the answer, Asia/Shanghai")

    def to_fact(self) -> facts.ConsentAnswer:
        """Return the inside form."""
        return facts.ConsentAnswer(self.role, self.answer, self.answered_on)


class PartyDto(PartnerModel):
    """当事人 One person or organisation; travels sealed from here on."""

    role: f.Role = Field(description="当事人地位 Role")
    name: f.Name = Field(description="姓名或名称 Name", repr=False)
    id_type: f.IdType = Field(default="", description="证件类型 Kind of identity number")
    id_number: str = Field(default="", max_length=32, description="证件号码 Identity number", repr=False)
    phone: f.Phone = Field(default="", description="联系电话 Phone", repr=False)
    address: f.Line = Field(default="", description="住址 Address", repr=False)

    @field_validator("id_number")
    @classmethod
    def _check_number(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("id_type")
        if kind is None or not value:
            return value  # the kind has its own error already, or there is no number
        if kind == "" and not (kind := checks.kind_of(value)):
            raise f.finding(ID_TYPE_MISSING.refusal())
        check = {"citizen_id": checks.citizen_id, "uscc": checks.uscc, "passport": _passport}.get(kind, _document)
        return f.checked(check)(value)

    def to_fact(self) -> facts.Party:
        """Return the inside form."""
        kind = self.id_type or checks.kind_of(self.id_number)
        return facts.Party(self.role, self.name, kind, self.id_number, self.phone, self.address)


def _passport(value: str) -> str:
    number = value.upper()
    if not (number.isascii() and number.isalnum() and 5 <= len(number) <= 20):  # noqa: PLR2004 - ICAO 9303 has 9, older ones vary
        raise ID_FORMAT.error()
    return number


def _document(value: str) -> str:
    return checks.visible(checks.clean(value))


def _no_repeats(codes: tuple[str, ...]) -> tuple[str, ...]:
    # In the order of what was sent: a mapping that changes later changes no digest.
    return tuple(sorted({as_sent(code): code for code in codes}.values(), key=as_sent))


class MatterDto(ReferringModel):
    """Fields that the records of all three agencies have; each agency's record adds its own.

    A subclass declares `circumstances` with its agency's list, and its own reference.

    Attributes:
        example: A record for the OpenAPI document.
    """

    example: ClassVar[Mapping[str, object]]

    handed_over_at: f.OptionalInstant = Field(
        default=None,
        description="移送时间，未记载为空，以收到时间为准 Instant of the hand-over, RFC 3339 with offset; "
        "empty when it was not written down: then it is the instant of its receipt here",
    )
    category: f.Category = Field(
        default="",
        description="纠纷类别，2或4位，未定为空，待补充 "
        "Dispute category, 2 or 4 digits; empty when not known: to be completed",
    )
    county_code: f.County = Field(description="县级区划代码 County, 6 digits")
    town_code: f.Town = Field(
        default="", description="乡镇区划代码，未知为空 Town, 9 digits; empty when it is not known"
    )
    village_code: f.Village = Field(default="", description="村级区划代码，可空 Village, 12 digits; may be empty")
    grid_code: f.Grid = Field(default="", description="网格代码，可空 Grid; may be empty")
    relation_clarity: f.Clarity = Field(
        default="", description="法律关系是否清楚，尚未判断为空 Is the legal relation clear; empty when not judged yet"
    )
    facts_clarity: f.Clarity = Field(
        default="", description="事实是否清楚，尚未判断为空 Are the facts clear; empty when not judged yet"
    )
    consents: Annotated[tuple[ConsentDto, ...], Field(strict=False, max_length=_PARTIES)] = Field(
        default=(), description="各方调解意愿 Consent of each side"
    )
    circumstances: Annotated[
        tuple[Annotated[str, f.ListedCode("circumstance")], ...],
        Field(strict=False, max_length=32),
        AfterValidator(_no_repeats),
    ] = Field(default=(), description="特殊情形 Circumstances from the code list")
    persons: f.Persons = Field(default=0, description="涉及人数 People concerned; 0 when not counted")
    parties: Annotated[tuple[PartyDto, ...], Field(strict=False, max_length=_PARTIES)] = Field(
        default=(), description="当事人 Parties"
    )
    brief: f.Paragraphs = Field(default="", description="情况摘要 Brief", repr=False)
    subject_ref: f.Line = Field(
        default="",
        description="合同、借据或事件编号，可空 Number of the contract, IOU or event; may be empty",
        repr=False,
    )
    happened_on: f.OptionalDay = Field(default=None, description="发生日期，可空 Day of the event; may be empty")
    round: f.Round = Field(
        default=1,
        description="轮次：第几次移交，上一轮有最终结果后才可报下一轮 "
        "Which hand-over of this record; the next one is taken after the final result of the one before",
    )

    @field_validator("town_code")
    @classmethod
    def _known_town(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            return value
        town, day = _inside(value, info.data.get("county_code")), _day_of(info)
        return town if day is None else _ours(town, lambda: f.lists_of(info).divisions.town(town, day))

    @field_validator("village_code")
    @classmethod
    def _known_village(cls, value: str, info: ValidationInfo) -> str:
        town, day = info.data.get("town_code"), _day_of(info)
        if not value or town is None:
            return value
        village = _inside(value, as_sent(town) or info.data.get("county_code"))
        if day is None:
            return village
        return _ours(village, lambda: f.lists_of(info).divisions.village(village, town, day))

    @override
    def key_under(self, reference: str) -> str:
        return reference if self.round == 1 else f"{reference}#{self.round}"

    def to_record(self) -> facts.AgencyRecord:
        """Return the agency's own inside form."""
        raise NotImplementedError

    def matter(self, place: str = "") -> facts.Matter:
        """Return the inside form of the common part."""
        return facts.Matter(
            handed_over_at=self.handed_over_at or facts.NOT_STATED,
            category=self.category,
            county_code=self.county_code,
            town_code=self.village_code[:TOWN] or self.town_code,  # a village of another town decides
            village_code=self.village_code,
            grid_code=self.grid_code,
            relation_clarity=self.relation_clarity,
            facts_clarity=self.facts_clarity,
            consents=tuple(consent.to_fact() for consent in self.consents),
            circumstances=self.circumstances,
            persons=self.persons,
            confidential=facts.Confidential(
                tuple(party.to_fact() for party in self.parties), self.brief, place, self.subject_ref
            ),
            happened_on=self.happened_on,
            round=self.round,
        )


def _day_of(info: ValidationInfo) -> date | None:
    """Return the day for which divisions are looked up; None when it or the county has a fault of its own."""
    if "county_code" not in info.data or "handed_over_at" not in info.data:
        return None
    return business_day(info.data["handed_over_at"] or WallClock().now())


def _inside(value: str, outer: str | None) -> str:
    if outer is not None and not value.startswith(outer):
        raise f.finding(DIVISION_MISMATCH.refusal())
    return value


def _ours(sent: str, current: Callable[[], str]) -> str:
    try:
        code = current()
    except Refused as refused:
        raise f.finding(refused.refusal) from None
    return sent if code == sent else OurCode(code, sent)


class LaterFactDto(PartnerModel):
    """后续事实 A later fact; only what is set changes."""

    kind: Annotated[str, f.ListedCode("later_fact")] = Field(description="种类 Kind")
    consent: ConsentDto | None = Field(default=None, description="调解意愿 Consent, for consent_*")
    category: Annotated[str, f.ListedCode("category", or_empty=True)] = Field(
        default="", description="新的纠纷类别 New category"
    )
    case_cause: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{0,32}$")] = Field(
        default="", description="新的案由、警情类别或内容分类 New class of the source"
    )
    relation_clarity: f.Clarity = Field(default="", description="法律关系是否清楚，仅 clarified For clarified only")
    facts_clarity: f.Clarity = Field(default="", description="事实是否清楚，仅 clarified For clarified only")

    @after_all(mode="after")
    def _fits_its_kind(self) -> Self:
        needs_consent = self.kind in {"consent_given", "consent_refused"}
        if needs_consent != (self.consent is not None):
            raise f.finding(CONSENT_MISMATCH.refusal())
        if self.consent is not None and self.kind != f"consent_{self.consent.answer}":
            raise f.finding(CONSENT_MISMATCH.refusal())
        if (self.kind == "reclassified") != bool(self.category or self.case_cause):
            raise f.finding(CLASS_MISMATCH.refusal())
        if (self.kind == "clarified") != bool(self.relation_clarity or self.facts_clarity):
            raise f.finding(CLARITY_MISMATCH.refusal())
        return self

    def to_fact(self) -> facts.LaterFactReport:
        """Return the inside form."""
        consent = self.consent.to_fact() if self.consent else None
        return facts.LaterFactReport(
            self.kind, consent, self.category, self.case_cause, self.relation_clarity, self.facts_clarity
        )


class WithdrawnDto(PartnerModel):
    """撤回 The applicant withdrew."""

    reason_code: Annotated[str, f.ListedCode("withdrawal_reason")] = Field(description="撤回原因 Reason")

    def to_fact(self) -> facts.WithdrawalReport:
        """Return the inside form."""
        return facts.WithdrawalReport(self.reason_code)


class ReportDto(ReferringModel):
    """后续情况 Something that happened after the hand-over; exactly one body."""

    source_ref: f.KnownReference = Field(
        description="原编号，写法不限 Reference of the record sent before, however spelt"
    )
    occurred_at: f.Instant = Field(description="发生时间 When it happened")
    later_fact: LaterFactDto | None = Field(default=None, description="后续事实 A later fact")
    withdrawn: WithdrawnDto | None = Field(default=None, description="撤回 The applicant withdrew")

    def bodies(self) -> list[facts.LaterFactReport | facts.WithdrawalReport | facts.RulingReport]:
        """Return the bodies that are set; a subclass adds kinds."""
        return [body.to_fact() for body in (self.later_fact, self.withdrawn) if body is not None]

    @after_all(mode="after")
    def _exactly_one_body(self) -> Self:
        if len(self.bodies()) != 1:
            raise f.finding(ONE_BODY.refusal())
        return self

    def to_report(self) -> facts.Report:
        """Return the inside form."""
        return facts.Report(self.source_ref, self.occurred_at, self.bodies()[0])


Dto = TypeVar("Dto", bound=PartnerModel)

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Invalid(Rejected):
    """A record that its model refused.

    `code` and `field` are those of the first fault.

    Attributes:
        findings: The first hundred faults as pydantic reports them, without input; unknown names that are no plain
            names are masked.
    """

    def __init__(self, findings: Sequence[Mapping[str, Any]]) -> None:
        faults = field_errors(findings)
        first, others = faults[0], sorted({fault.field for fault in faults[1:]} - {faults[0].field})
        more = f"（另见 / also: {', '.join(others[:_MENTIONED])}）" if others else ""
        super().__init__(Refusal(first.code, first.detail + more, field=first.field))
        self.findings = findings


def read(model: type[Dto], plain: object, codes: CodeLists) -> Dto:
    """Validate one value that a partner sent.

    Args:
        model: What it must be.
        plain: Parsed JSON: dicts, lists, strings, numbers.
        codes: The bridge's code lists.

    Raises:
        Invalid: MALFORMED; names fields and codes, never a value.
        Rejected: `too_many_faults`.
    """
    try:
        return model.model_validate(plain, context=codes)
    except ValidationError as error:
        if error.error_count() > _FAULTS:
            raise TOO_MANY_FAULTS.error(limit=_FAULTS) from None
        found = error.errors(include_url=False, include_input=False)[:_KEPT]
    raise Invalid([{**finding, "loc": tuple(_shown(part) for part in finding["loc"])} for finding in found])


def _shown(part: int | str) -> int | str:
    """Mask a name that the sender made up.

    The name of an unknown field may be confidential text.
    """
    return part if isinstance(part, int) or _PLAIN_NAME.fullmatch(part) else "?"
