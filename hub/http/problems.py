"""Turns refusals and framework errors into RFC 9457 problems.

A problem never contains a value that was sent, since it may be personal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from hub import refusals
from hub.errors import MEANINGS, Code, Refusal
from hub.runtime.redaction import redact_text

MEDIA_TYPE: Final = "application/problem+json"

_TITLES: Final[Mapping[int, str]] = {
    400: "请求格式有误 / The request is not well formed",
    401: "身份未确认 / Not authenticated",
    403: "无权办理 / Not permitted",
    404: "没有找到 / Not found",
    405: "不支持该方法 / Method not allowed",
    408: "请求超时 / The request took too long to arrive",
    409: "与当前状态不符 / In conflict with the present state",
    413: "内容过大 / Content too large",
    415: "不支持该内容类型 / Content type not supported",
    422: "内容不合要求 / The content is not acceptable",
    429: "请求过多，请稍后再试 / Too many requests, come back later",
    500: "内部错误 / Internal error",
    503: "暂不可用，请稍后再试 / Not available now, come back later",
    504: "未能及时完成 / Not finished in time",
}
_CODES: Final[Mapping[int, Code]] = {
    401: refusals.UNAUTHENTICATED,
    403: refusals.DENIED,
    404: refusals.NOT_FOUND,
    405: refusals.METHOD_NOT_ALLOWED,
    413: refusals.TOO_LARGE,
    415: refusals.UNSUPPORTED_MEDIA_TYPE,
}
_UNAUTHENTICATED: Final = 401
_SERVER_ERROR: Final = 500
_LONGEST_FIELD: Final = 200


class FieldError(BaseModel):
    """One field at fault."""

    field: str = Field(description="字段路径，用点分隔 Dotted path of the field")
    code: str = Field(description="固定代码 Stable code")
    detail: str = Field(description="说明 Explanation")


class Problem(BaseModel):
    """RFC 9457 problem details; every refusal has this form."""

    type: str = Field(description="问题类型 URI of the kind of problem")
    title: str = Field(description="标题（中文 / 英文）Title, Chinese and English")
    status: int = Field(description="HTTP 状态 HTTP status")
    detail: str = Field(description="说明 Explanation")
    code: str = Field(
        description="固定代码；多个字段有误时是第一个的 Stable code; of the first field when several are wrong"
    )
    errors: list[FieldError] = Field(description="有误的字段 Fields at fault")
    correlation_id: str = Field(description="关联号，查日志用 Id that finds this request in the logs")


def problem_of(
    refusal: Refusal,
    *,
    status: int = 0,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the response of a refusal.

    Args:
        refusal: What was refused, and why. `Retry-After` is set when the request may be retried.
        status: HTTP status; the kind's when left out.
        errors: Fields at fault; the refusal's own when left out.
        headers: More headers.
    """
    status = status or MEANINGS[refusal.kind].http
    if not errors and refusal.field:
        errors = [FieldError(field=refusal.field, code=refusal.code, detail=refusal.detail)]
    body = Problem(
        type=f"urn:santiao:problem:{refusal.code}",
        title=_TITLES.get(status, _TITLES[400 if status < _SERVER_ERROR else 500]),
        status=status,
        detail=refusal.detail,
        code=refusal.code,
        errors=list(errors),
        correlation_id=str(structlog.contextvars.get_contextvars().get("correlation_id", "")),
    )
    sent = dict(headers or {})
    if status == _UNAUTHENTICATED:
        sent.setdefault("WWW-Authenticate", 'ApiKey realm="santiao"')
    if not refusal.is_final:
        sent["Retry-After"] = str(math.ceil(refusal.after_s))
    return JSONResponse(body.model_dump(), status_code=status, headers=sent, media_type=MEDIA_TYPE)


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response of a framework refusal.

    Examples are an unknown path and a wrong method.
    """
    code = _CODES.get(status, refusals.BAD_REQUEST if status < _SERVER_ERROR else refusals.INTERNAL)
    return problem_of(code.refusal(), status=status, headers=headers)


def path_of(location: Sequence[int | str]) -> str:
    """Return the dotted path of a place in the request.

    `body` is left out. Names that clients chose are cut and masked.
    """
    parts = [str(part) for part in location]
    return redact_text(".".join(parts[1:] if parts[:1] == ["body"] else parts))[:_LONGEST_FIELD]
