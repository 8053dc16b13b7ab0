"""Removes personal data from what is logged.

It masks by key and by pattern, and never prints a value that it cannot judge.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Final
from uuid import UUID

from structlog.typing import EventDict, WrappedLogger

MASK: Final = "[redacted]"

PERSONAL_KEYS: Final = frozenset(
    {
        *("name", "names", "person", "persons", "party", "parties", "birth", "birthday", "birth_date"),
        *("phone", "mobile", "tel", "telephone", "email", "wechat", "address", "place"),
        *("id_number", "id_no", "id_card", "idcard", "citizen_id", "passport"),
        *("brief", "text", "body", "content", "confidential"),
        *("secret", "password", "token", "api_key", "authorization", "cookie"),
        *("姓名", "电话", "手机", "手机号", "身份证", "身份证号", "住址", "地址", "当事人", "案情", "简要案情"),
    }
)
"""Keys whose values are never logged; also as the last word of a longer key (`applicant_phone`)."""

HARMLESS_KEYS: Final = frozenset(
    {"service_name", "topic_name", "logger_name", "host_name", "stream_name", "thread_name", "task_name", "key_name"}
)

_CITIZEN_ID: Final = re.compile(r"(?<!\d)\d{6}[ -]?((?:18|19|20)\d{2})[ -]?(\d{2})[ -]?(\d{2})[ -]?\d{3}[\dXx](?!\d)")
_MOBILE: Final = re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")

_NARROW: Final = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")

# Messages of these are written by us or by a library that speaks of brokers, files and code, not of people.
_PLAIN_MODULES: Final = ("hub.errors", "kafka.", "aiokafka.", "faust.", "mode.", "grpc.", "sqlite3", "ssl", "socket")
_PLAIN_TYPES: Final = (OSError, ImportError, TypeError, AttributeError, NotImplementedError, RuntimeError, MemoryError)
_MAX_DEPTH: Final = 6


def redact(_logger: WrappedLogger | None, _method: str, event: EventDict) -> EventDict:
    """Redact one log record.

    structlog calls it before anything is written.
    """
    return {redact_text(key): _value(key, value, 0) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Return a text with its personal numbers masked.

    These are citizen ids and mobile numbers; full-width digits become plain ones.
    """
    narrow = text if text.isascii() else text.translate(_NARROW)
    return _MOBILE.sub(MASK, _CITIZEN_ID.sub(_mask_id, narrow))


def describe(error: BaseException) -> dict[str, object]:
    """Return what may be shown of an exception.

    That is types, places in the code, and messages that are ours or technical. A message of another type may contain
    the value that it complains about (pydantic's input, a database's parameters).
    """
    shown: dict[str, object] = {"type": type(error).__qualname__}
    message = message_of(error)
    if message:
        shown["message"] = message
    frames = _frames(error.__traceback__)
    if frames:
        shown["frames"] = frames
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        shown["cause"] = describe(cause)
    if isinstance(error, BaseExceptionGroup):
        shown["members"] = [describe(member) for member in error.exceptions]
    return shown


def message_of(error: BaseException) -> str:
    """Return an exception's message if it is safe.

    It is safe when this type of exception never quotes data; otherwise the result is empty.
    """
    module = type(error).__module__
    if module.startswith(_PLAIN_MODULES) or type(error) in _PLAIN_TYPES or isinstance(error, OSError):
        return redact_text(str(error))
    return ""


def is_personal(key: str) -> bool:
    """Return whether values under `key` are never logged."""
    lower = key.lower().replace("-", "_")
    if lower in HARMLESS_KEYS:
        return False
    return lower in PERSONAL_KEYS or any(lower.endswith(f"_{word}") for word in PERSONAL_KEYS)


def _value(key: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if is_personal(key):
        return MASK
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(key, item, depth + 1) for item in value] if depth < _MAX_DEPTH else f"<{len(value)} items>"
    return _scalar(value)


def _mapping(value: Mapping[object, object], depth: int) -> object:
    if depth >= _MAX_DEPTH:
        return f"<{len(value)} keys>"
    return {redact_text(str(key)): _value(str(key), item, depth + 1) for key, item in value.items()}


def _scalar(value: object) -> object:
    if isinstance(value, Enum):
        return redact_text(str(value.value))
    if isinstance(value, int):
        return value if redact_text(str(value)) == str(value) else MASK
    if isinstance(value, BaseException):
        return describe(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, str | date | datetime | time | timedelta | PurePath | UUID):
        return redact_text(str(value))
    # Anything else could print personal data; its type is enough to find the line that logs it.
    return f"<{type(value).__qualname__}>"


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def _mask_id(match: re.Match[str]) -> str:
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return match[0]
    return MASK
