"""Types of single fields of a DTO.

What they accept, and how OpenAPI describes them. Every check answers with a stable code; no check repeats the value.
Code lists come from the validation context.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, PlainSerializer, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bridge.record import checks, references
from bridge.record.codelists import CodeLists, as_sent
from dispute.calendar.days import is_plausible_day, is_plausible_instant
from dispute.refusals import interfaces as refusals
from hub.errors import Refusal, Refused
from hub.refusals import WRONG_TYPE

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MICROS: Final = re.compile(r"(\.[0-9]{6})[0-9]+")
_COUNTY: Final = re.compile(r"[1-9][0-9]{5}")
_TOWN: Final = re.compile(r"[1-9][0-9]{8}")
_VILLAGE: Final = re.compile(r"[1-9][0-9]{11}")
_GRID: Final = re.compile(r"[0-9A-Za-z-]{1,32}")


def finding(refusal: Refusal) -> PydanticCustomError:
    """Return a refusal for pydantic, which reports it under the field's path."""
    return PydanticCustomError(refusal.code, refusal.detail)


def checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """Turn a check's refusals into pydantic's errors.

    For checks of `bridge.record.checks`.
    """

    def validate(value: str) -> str:
        try:
            return check(value)
        except Refused as refused:
            raise finding(refused.refusal) from None

    return validate


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise finding(WRONG_TYPE.refusal())
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        raise finding(refusals.DATE_FORMAT.refusal())
    if not is_plausible_day(day):
        raise finding(refusals.DATE_OUT_OF_RANGE.refusal())
    return day


def _instant(value: object) -> object:
    instant = value.astimezone(UTC) if isinstance(value, datetime) else _instant_of(value)
    if instant is None:
        raise finding(refusals.TIME_FORMAT.refusal())
    if not is_plausible_instant(instant):
        raise finding(refusals.DATE_OUT_OF_RANGE.refusal())
    return instant


def _instant_of(value: object) -> datetime | None:
    if not isinstance(value, str):
        raise finding(WRONG_TYPE.refusal())
    try:
        instant = datetime.fromisoformat(_MICROS.sub(r"\1", value.upper())) if _INSTANT.fullmatch(value) else None
        return instant.astimezone(UTC) if instant else None
    except (ValueError, OverflowError):
        return None


def _is_given(value: object) -> bool:
    return value is not None and value != ""


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def lists_of(info: ValidationInfo) -> CodeLists:
    """Return the code lists that a model is validated with."""
    lists = info.context
    if not isinstance(lists, CodeLists):
        message = "validate with the bridge's code lists as context"
        raise TypeError(message)
    return lists


@dataclass(frozen=True, slots=True)
class ListedCode:
    """Marks a string as a listed code.

    The closed list itself comes from the validation context.

    Attributes:
        name: Of the list.
        or_empty: An empty string is allowed and means absent.
    """

    name: str
    or_empty: bool = False

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check membership after the string check."""
        sent = core_schema.plain_serializer_function_ser_schema(
            as_sent, return_schema=core_schema.str_schema(), when_used="json"
        )
        return core_schema.with_info_after_validator_function(self._check, handler(source), serialization=sent)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Callable[[CoreSchema], Any]) -> Any:  # noqa: ANN401 - pydantic's own type of a JSON schema
        """Name the list in the schema.

        `bridge.inbound.openapi` replaces the name by its codes.
        """
        return {**handler(schema), "x-code-list": self.name}

    def _check(self, value: str, info: ValidationInfo) -> str:
        code = lists_of(info).ours(self.name, value)
        if code is None and (value or not self.or_empty):
            raise finding(refusals.UNKNOWN_CODE.refusal(listed=self.name))
        return code or value


def _line(value: str) -> str:
    return checks.clean(value, script=True)


def _lines(value: str) -> str:
    return checks.clean(value, lines=True, script=True)


def _name(value: str) -> str:
    return checks.visible(_line(value))


def _county(value: str) -> str:
    if not _COUNTY.fullmatch(value):
        raise finding(refusals.DIVISION_FORMAT.refusal(digits=6))
    return value


def _town(value: str) -> str:
    if value and not _TOWN.fullmatch(value):
        raise finding(refusals.DIVISION_FORMAT.refusal(digits=9))
    return value


def _village(value: str) -> str:
    if value and not _VILLAGE.fullmatch(value):
        raise finding(refusals.DIVISION_FORMAT.refusal(digits=12))
    return value


def _grid(value: str) -> str:
    if value and not _GRID.fullmatch(value):
        raise finding(refusals.GRID_FORMAT.refusal())
    return value


AS_SENT: Final = PlainSerializer(as_sent, return_type=str, when_used="json")
"""The digest of a record is made of the codes as they were sent."""
Line = Annotated[str, Field(max_length=200), AfterValidator(checked(_line))]
"""One line of text."""
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(checked(_name))]
"""Text with a visible character."""
Paragraphs = Annotated[str, Field(max_length=4000), AfterValidator(checked(_lines))]
"""Text with line breaks."""
REFERENCE_RULE: Final = (
    "全角半角、年份括号（）()〔〕[]【】不同的写法是同一编号（带年份括号的，空格不计），回执保留原写法；"
    "不得含其他空格、网址符号、. 或 .. 路径段。"
    "Width, the kind of brackets around a year, and blanks in such a number make no other reference; it is kept as "
    "written. No other blanks, no URL signs, no path segments . or .."
)
Reference = Annotated[str, Field(max_length=references.LIMIT), AfterValidator(checked(references.check_new))]
"""The partner's own reference, kept as written."""


def reference(title: str, example: str) -> Any:  # noqa: ANN401 - as pydantic's own Field
    """Return the declaration of a record's own reference."""
    return Field(description=f"{title}. {REFERENCE_RULE}", examples=[example])


KnownReference = Annotated[str, Field(max_length=references.LIMIT), AfterValidator(checked(references.check_known))]
"""The reference of a record sent before, in any of its spellings."""
Phone = Annotated[
    str, Field(max_length=32), AfterValidator(lambda value: checked(checks.phone)(value) if value else value)
]
Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: _day(value) if _is_given(value) else None)]
Instant = Annotated[datetime, BeforeValidator(_instant, json_schema_input_type=datetime), PlainSerializer(_iso)]
"""RFC 3339 with an offset; UTC inside."""
OptionalInstant = Annotated[
    datetime | None,
    BeforeValidator(lambda value: _instant(value) if _is_given(value) else None),
    PlainSerializer(lambda value: None if value is None else _iso(value)),
]
County = Annotated[str, Field(max_length=12), AfterValidator(_county)]
Town = Annotated[str, Field(max_length=12), AfterValidator(_town), AS_SENT]
Village = Annotated[str, Field(max_length=12), AfterValidator(_village), AS_SENT]
Grid = Annotated[str, Field(max_length=32), AfterValidator(_grid)]
ClassCode = Annotated[str, Field(max_length=32, pattern=r"^[0-9A-Za-z._-]{0,32}$")]
"""A code of a vocabulary that the hub does not hold (case causes); empty when it is not known."""
Category = Annotated[str, ListedCode("category", or_empty=True)]
"""Empty: nobody classed it yet."""
Clarity = Annotated[str, ListedCode("clarity", or_empty=True)]
"""Empty: nobody judged it yet."""
Answer = Annotated[str, ListedCode("consent_answer")]
Role = Annotated[str, ListedCode("role")]
IdType = Annotated[str, ListedCode("id_type", or_empty=True)]
Persons = Annotated[int, Field(ge=0, le=1_000_000)]
Round = Annotated[int, Field(ge=1, le=99)]
"""Which hand-over of a record it is."""
Fen = Annotated[int, Field(ge=0, le=10**15)]
"""Money in fen; up to ten trillion yuan."""
