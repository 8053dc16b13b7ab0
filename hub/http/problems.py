"""Turns verdicts and framework errors into RFC 9457 problems.

A problem never contains a value that was sent, since it may be personal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from hub.errors import MEANINGS, Rejected, Retryable
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
_CODES: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "unauthenticated",
    403: "denied",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
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


def problem(
    status: int,
    code: str,
    detail: str = "",
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the response of one problem."""
    body = Problem(
        type=f"urn:santiao:problem:{code}",
        title=_TITLES.get(status, _TITLES[400 if status < _SERVER_ERROR else 500]),
        status=status,
        detail=detail,
        code=code,
        errors=list(errors),
        correlation_id=str(structlog.contextvars.get_contextvars().get("correlation_id", "")),
    )
    sent = dict(headers or {})
    if status == _UNAUTHENTICATED:
        sent.setdefault("WWW-Authenticate", 'ApiKey realm="santiao"')
    return JSONResponse(body.model_dump(), status_code=status, headers=sent, media_type=MEDIA_TYPE)


def problem_of(verdict: Rejected | Retryable) -> JSONResponse:
    """Return the response of a verdict.

    The kind decides the status. `Retry-After` is set when the request may be retried.
    """
    status = MEANINGS[verdict.kind].http
    if isinstance(verdict, Retryable):
        return problem(status, verdict.code, verdict.detail, headers={"Retry-After": str(math.ceil(verdict.after_s))})
    errors = [FieldError(field=verdict.field, code=verdict.code, detail=verdict.detail)] if verdict.field else []
    return problem(status, verdict.code, verdict.detail, errors=errors)


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response of a framework refusal.

    Examples are an unknown path and a wrong method.
    """
    code = _CODES.get(status, "bad_request" if status < _SERVER_ERROR else "internal")
    return problem(status, code, headers=headers)


def path_of(location: Sequence[int | str]) -> str:
    """Return the dotted path of a place in the request.

    `body` is left out. Names that clients chose are cut and masked.
    """
    parts = [str(part) for part in location]
    return redact_text(".".join(parts[1:] if parts[:1] == ["body"] else parts))[:_LONGEST_FIELD]
