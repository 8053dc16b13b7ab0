"""Parses and checks a JSON body before any model.

It checks encoding, number of values, well-formedness, depth and sizes, once.
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import Final, NoReturn

from hub.errors import Code
from hub.refusals import (
    BYTE_ORDER_MARK,
    DUPLICATE_KEY,
    INVALID_JSON,
    INVALID_TEXT,
    INVALID_UTF8,
    TOO_DEEP,
    TOO_MANY_ITEMS,
    TOO_MANY_VALUES,
)

_BAD_REQUEST: Final = 400


class Unacceptable(Exception):  # noqa: N818 - a verdict on the transport's form, not a programming error
    """A request refused before it reached a route, with the HTTP status of its code, or else 400.

    Attributes:
        refusal: Why.
        status: HTTP status.
    """

    def __init__(self, code: Code, *, limit: int = 0) -> None:
        super().__init__(code.name)
        self.refusal = code.refusal(limit=limit)
        self.status = code.http or _BAD_REQUEST


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """What a JSON body may be.

    Attributes:
        max_depth: Levels of nested objects and arrays.
        max_items: Entries of one array.
        max_members: Members of one object.
        max_values: Values in total; a batch of a thousand rich records has about 100,000.
    """

    max_depth: int = 20
    max_items: int = 10_000
    max_members: int = 200
    max_values: int = 200_000


def parse_json(raw: bytes, limits: JsonLimits) -> object:
    """Return the value of a JSON body.

    Raises:
        Unacceptable: 400 with `byte_order_mark`, `invalid_utf8`, `invalid_json`, `duplicate_key`, `too_deep`,
            `too_many_items`, `too_many_values`, `invalid_text`.
    """
    if raw.startswith(codecs.BOM_UTF8):
        raise Unacceptable(BYTE_ORDER_MARK)
    if _more_values_than(raw, limits.max_values):
        raise Unacceptable(TOO_MANY_VALUES, limit=limits.max_values)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unacceptable(INVALID_UTF8) from error
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as error:
        raise Unacceptable(TOO_DEEP, limit=limits.max_depth) from error
    except ValueError as error:  # a JSONDecodeError, or an integer of thousands of digits
        raise Unacceptable(INVALID_JSON) from error
    _walk(value, limits, check_text=rb"\u" in raw)
    return value


def _more_values_than(raw: bytes, most: int) -> bool:
    """Return, before parsing, whether there are too many values.

    For input that is not JSON the answer may be either. Each value but the outermost follows a comma, or opens an array
    or object. Counting bytes is enough for nearly every body; in a body with many such bytes the strings are left out
    first.
    """
    if _separators(raw) <= most:
        return False
    plain = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    # A value has two strings at most, its name and itself.
    return plain.count(b'"') > 4 * (most + 1) or _separators(b"".join(plain.split(b'"')[::2])) > most


def _separators(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _walk(value: object, limits: JsonLimits, *, check_text: bool) -> None:
    level, depth = [value], 0
    while level:
        below: list[object] = []
        for item in level:
            if isinstance(item, dict | list):
                _check_size(item, depth, limits)
                below += item
                if isinstance(item, dict):
                    below += item.values()
            elif check_text and isinstance(item, str):
                _check_text(item)
        level, depth = below, depth + 1


def _check_size(item: dict[str, object] | list[object], depth: int, limits: JsonLimits) -> None:
    if depth >= limits.max_depth:
        raise Unacceptable(TOO_DEEP, limit=limits.max_depth)
    most = limits.max_members if isinstance(item, dict) else limits.max_items
    if len(item) > most:
        raise Unacceptable(TOO_MANY_ITEMS, limit=most)


def _check_text(text: str) -> None:
    # Escapes can encode what UTF-8 cannot (lone surrogates) and what PostgreSQL does not store (NUL).
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Unacceptable(INVALID_TEXT)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Parsers differ in which of two equal keys they take: an agency and we must not read different records.
        raise Unacceptable(DUPLICATE_KEY)
    return found


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
