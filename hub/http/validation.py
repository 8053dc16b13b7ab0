"""Translates pydantic's findings into our stable codes.

The texts are our own, because pydantic's texts quote what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from fastapi.responses import JSONResponse
from pydantic_core import core_schema

from hub import refusals
from hub.errors import MEANINGS, Code, Refusal
from hub.http.problems import FieldError, path_of, problem_of

_EXACT: Final[Mapping[str, Code]] = {
    "missing": refusals.MISSING,
    "extra_forbidden": refusals.UNKNOWN_FIELD,
    "json_invalid": refusals.INVALID_JSON,
    "string_too_long": refusals.TOO_LONG,
    "too_long": refusals.TOO_LONG,
    "bytes_too_long": refusals.TOO_LONG,
    "url_too_long": refusals.TOO_LONG,
    "string_too_short": refusals.TOO_SHORT,
    "too_short": refusals.TOO_SHORT,
    "bytes_too_short": refusals.TOO_SHORT,
    "string_pattern_mismatch": refusals.BAD_FORMAT,
    "string_unicode": refusals.INVALID_TEXT,
    "literal_error": refusals.NOT_IN_LIST,
    "enum": refusals.NOT_IN_LIST,
    "union_tag_invalid": refusals.NOT_IN_LIST,
    "union_tag_not_found": refusals.MISSING,
    "int_from_float": refusals.WRONG_TYPE,
    "int_parsing_size": refusals.OUT_OF_RANGE,
    "finite_number": refusals.OUT_OF_RANGE,
    "multiple_of": refusals.OUT_OF_RANGE,
    "decimal_max_digits": refusals.OUT_OF_RANGE,
    "decimal_max_places": refusals.OUT_OF_RANGE,
    "decimal_whole_digits": refusals.OUT_OF_RANGE,
    "date_past": refusals.OUT_OF_RANGE,
    "date_future": refusals.OUT_OF_RANGE,
    "datetime_past": refusals.OUT_OF_RANGE,
    "datetime_future": refusals.OUT_OF_RANGE,
    "int_parsing": refusals.WRONG_TYPE,
    "float_parsing": refusals.WRONG_TYPE,
    "bool_parsing": refusals.WRONG_TYPE,
    "decimal_parsing": refusals.WRONG_TYPE,
}
_BY_ENDING: Final = (
    ("_type", refusals.WRONG_TYPE),
    ("_attributes_type", refusals.WRONG_TYPE),
    ("_parsing", refusals.BAD_FORMAT),
    ("_inexact", refusals.BAD_FORMAT),
)
_BY_START: Final = (
    ("greater_than", refusals.OUT_OF_RANGE),
    ("less_than", refusals.OUT_OF_RANGE),
    ("timezone_", refusals.BAD_FORMAT),
)
# Bounds that a rule states; nothing else of a finding's context is shown.
_BOUNDS: Final = ("max_length", "min_length", "ge", "gt", "le", "lt", "multiple_of")
_MOST: Final = 50


def code_of(kind: str) -> Code | None:
    """Return our code of a pydantic error type.

    None for a `PydanticCustomError`, whose type is one of our codes already.
    """
    if kind in _EXACT:
        return _EXACT[kind]
    if kind not in get_args(core_schema.ErrorType):
        return None
    for ending, code in _BY_ENDING:
        if kind.endswith(ending):
            return code
    return next((code for start, code in _BY_START if kind.startswith(start)), refusals.INVALID_VALUE)


def field_errors(found: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return one entry for each finding of pydantic.

    At most 50, without the input.
    """
    return [_field_error(item) for item in found[:_MOST]]


def problem_of_validation(found: Sequence[Mapping[str, Any]]) -> JSONResponse:
    """Return the response to a request its model refused."""
    errors = field_errors(found)
    refusal = Refusal(errors[0].code, f"{len(found)} 处有误（fields at fault: {len(found)}）")
    status = refusals.INVALID_JSON.http if refusal.code == refusals.INVALID_JSON.name else MEANINGS[refusal.kind].http
    return problem_of(refusal, status=status, errors=errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    field, code = path_of(item["loc"]), code_of(item["type"])
    if code is None:
        return FieldError(field=field, code=item["type"], detail=item["msg"])
    context = item.get("ctx") or {}
    bounds = ", ".join(f"{name} {context[name]}" for name in _BOUNDS if isinstance(context.get(name), int | float))
    detail = code.refusal().detail
    return FieldError(field=field, code=code.name, detail=f"{detail} {bounds}" if bounds else detail)
