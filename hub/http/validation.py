"""Translates pydantic's findings into our stable codes.

The texts are our own, because pydantic's texts quote what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from fastapi.responses import JSONResponse
from pydantic_core import core_schema

from hub.http.problems import FieldError, path_of, problem

_TEXTS: Final[Mapping[str, str]] = {
    "missing": "必填字段缺失 required field is missing",
    "unknown_field": "没有这个字段 no such field",
    "wrong_type": "类型不对 wrong type",
    "too_long": "过长 too long",
    "too_short": "过短 too short",
    "out_of_range": "超出范围 out of range",
    "bad_format": "格式不对 wrong format",
    "not_in_list": "不在代码表内 not in the list of values",
    "invalid_text": "文本含有不允许的字符 text holds characters that are not allowed",
    "invalid_json": "不是合格的 JSON not well-formed JSON",
    "invalid_value": "值不合要求 value is not acceptable",
}
_EXACT: Final[Mapping[str, str]] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "json_invalid": "invalid_json",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "bytes_too_long": "too_long",
    "url_too_long": "too_long",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "bytes_too_short": "too_short",
    "string_pattern_mismatch": "bad_format",
    "string_unicode": "invalid_text",
    "literal_error": "not_in_list",
    "enum": "not_in_list",
    "union_tag_invalid": "not_in_list",
    "union_tag_not_found": "missing",
    "int_from_float": "wrong_type",
    "int_parsing_size": "out_of_range",
    "finite_number": "out_of_range",
    "multiple_of": "out_of_range",
    "decimal_max_digits": "out_of_range",
    "decimal_max_places": "out_of_range",
    "decimal_whole_digits": "out_of_range",
    "date_past": "out_of_range",
    "date_future": "out_of_range",
    "datetime_past": "out_of_range",
    "datetime_future": "out_of_range",
    "int_parsing": "wrong_type",
    "float_parsing": "wrong_type",
    "bool_parsing": "wrong_type",
    "decimal_parsing": "wrong_type",
}
_BY_ENDING: Final = (
    ("_type", "wrong_type"),
    ("_attributes_type", "wrong_type"),
    ("_parsing", "bad_format"),
    ("_inexact", "bad_format"),
)
_BY_START: Final = (("greater_than", "out_of_range"), ("less_than", "out_of_range"), ("timezone_", "bad_format"))
# Bounds that a rule states; nothing else of a finding's context is shown.
_BOUNDS: Final = ("max_length", "min_length", "ge", "gt", "le", "lt", "multiple_of")
_STATUS_BAD_REQUEST: Final = 400
_STATUS_UNPROCESSABLE: Final = 422
_MOST: Final = 50


def code_of(kind: str) -> str:
    """Return our code of a pydantic error type.

    A `PydanticCustomError` keeps its own code, which is one of ours already.
    """
    if kind in _EXACT:
        return _EXACT[kind]
    if kind not in get_args(core_schema.ErrorType):
        return kind
    for ending, code in _BY_ENDING:
        if kind.endswith(ending):
            return code
    return next((code for start, code in _BY_START if kind.startswith(start)), "invalid_value")


def field_errors(found: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return one entry for each finding of pydantic.

    At most 50, without the input.
    """
    return [
        FieldError(field=path_of(item["loc"]), code=code, detail=_detail(code, item))
        for item in found[:_MOST]
        for code in (code_of(item["type"]),)
    ]


def problem_of_validation(found: Sequence[Mapping[str, Any]]) -> JSONResponse:
    """Return the response to a request its model refused."""
    errors = field_errors(found)
    code = errors[0].code if errors else "invalid_value"
    status = _STATUS_BAD_REQUEST if code == "invalid_json" else _STATUS_UNPROCESSABLE
    return problem(status, code, f"{len(found)} 处有误 fields at fault: {len(found)}", errors=errors)


def _detail(code: str, item: Mapping[str, Any]) -> str:
    if code not in _TEXTS:
        return str(item["msg"])  # a custom error's text is ours
    context = item.get("ctx") or {}
    bounds = ", ".join(f"{name} {context[name]}" for name in _BOUNDS if isinstance(context.get(name), int | float))
    return f"{_TEXTS[code]} ({bounds})" if bounds else _TEXTS[code]
