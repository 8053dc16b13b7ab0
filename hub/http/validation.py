"""Translates pydantic's findings into our stable codes.

The texts are our own, because pydantic's texts quote what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from fastapi.responses import JSONResponse
from pydantic_core import core_schema

from hub import codes
from hub.errors import MEANINGS, Code, Refusal
from hub.http.problems import FieldError, path_of, problem_of

_EXACT: Final[Mapping[str, Code]] = {
    "missing": codes.MISSING,
    "extra_forbidden": codes.UNKNOWN_FIELD,
    "json_invalid": codes.INVALID_JSON,
    "string_too_long": codes.TOO_LONG,
    "too_long": codes.TOO_LONG,
    "bytes_too_long": codes.TOO_LONG,
    "url_too_long": codes.TOO_LONG,
    "string_too_short": codes.TOO_SHORT,
    "too_short": codes.TOO_SHORT,
    "bytes_too_short": codes.TOO_SHORT,
    "string_pattern_mismatch": codes.BAD_FORMAT,
    "string_unicode": codes.INVALID_TEXT,
    "literal_error": codes.NOT_IN_LIST,
    "enum": codes.NOT_IN_LIST,
    "union_tag_invalid": codes.NOT_IN_LIST,
    "union_tag_not_found": codes.MISSING,
    "int_from_float": codes.WRONG_TYPE,
    "int_parsing_size": codes.OUT_OF_RANGE,
    "finite_number": codes.OUT_OF_RANGE,
    "multiple_of": codes.OUT_OF_RANGE,
    "decimal_max_digits": codes.OUT_OF_RANGE,
    "decimal_max_places": codes.OUT_OF_RANGE,
    "decimal_whole_digits": codes.OUT_OF_RANGE,
    "date_past": codes.OUT_OF_RANGE,
    "date_future": codes.OUT_OF_RANGE,
    "datetime_past": codes.OUT_OF_RANGE,
    "datetime_future": codes.OUT_OF_RANGE,
    "int_parsing": codes.WRONG_TYPE,
    "float_parsing": codes.WRONG_TYPE,
    "bool_parsing": codes.WRONG_TYPE,
    "decimal_parsing": codes.WRONG_TYPE,
}
_BY_ENDING: Final = (
    ("_type", codes.WRONG_TYPE),
    ("_attributes_type", codes.WRONG_TYPE),
    ("_parsing", codes.BAD_FORMAT),
    ("_inexact", codes.BAD_FORMAT),
)
_BY_START: Final = (
    ("greater_than", codes.OUT_OF_RANGE),
    ("less_than", codes.OUT_OF_RANGE),
    ("timezone_", codes.BAD_FORMAT),
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
    return next((code for start, code in _BY_START if kind.startswith(start)), codes.INVALID_VALUE)


def field_errors(found: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return one entry for each finding of pydantic.

    At most 50, without the input.
    """
    return [_field_error(item) for item in found[:_MOST]]


def problem_of_validation(found: Sequence[Mapping[str, Any]]) -> JSONResponse:
    """Return the response to a request its model refused."""
    errors = field_errors(found)
    refusal = Refusal(errors[0].code, f"{len(found)} 处有误（fields at fault: {len(found)}）")
    status = codes.INVALID_JSON.http if refusal.code == codes.INVALID_JSON.name else MEANINGS[refusal.kind].http
    return problem_of(refusal, status=status, errors=errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    field, code = path_of(item["loc"]), code_of(item["type"])
    if code is None:
        return FieldError(field=field, code=item["type"], detail=item["msg"])
    context = item.get("ctx") or {}
    bounds = ", ".join(f"{name} {context[name]}" for name in _BOUNDS if isinstance(context.get(name), int | float))
    detail = code.refusal().detail
    return FieldError(field=field, code=code.name, detail=f"{detail} {bounds}" if bounds else detail)
