"""The JSON guard: what no model ever gets to see."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http.json_guard import JsonLimits, Unacceptable, parse_json

LIMITS = JsonLimits(max_depth=5, max_items=12, max_members=10)
FEW = JsonLimits(max_values=120)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=10),
    max_leaves=20,
)  # fmt: skip


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def code(raw: bytes, limits: JsonLimits = LIMITS) -> str:
    try:
        parse_json(raw, limits)
    except Unacceptable as refused:
        status, found = refused.status, refused.refusal.code
    else:
        return ""
    assert status == 400
    return found


@given(values, st.booleans())
def test_json_within_the_limits_passes_and_deeper_does_not(value: object, escaped: bool) -> None:  # noqa: FBT001 - drawn
    raw = json.dumps(value, ensure_ascii=escaped).encode()
    assert code(raw) == ("too_deep" if depth(value) > LIMITS.max_depth else "")


def values_in(value: object) -> int:
    """Count values below; an empty array or object as one more."""
    if not isinstance(value, dict | list):
        return 0
    below = value.values() if isinstance(value, dict) else value
    return max(len(value), 1) + sum(map(values_in, below))


@given(values)
def test_the_number_of_values_is_counted_before_they_are_parsed(value: object) -> None:
    raw, most = json.dumps(value, ensure_ascii=False).encode(), values_in(value)
    assert code(raw, JsonLimits(max_values=most)) == ""
    if most:
        assert code(raw, JsonLimits(max_values=most - 1)) == "too_many_values"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (json.dumps([[0] * 10] * 10 + [[0] * 10] * 10).encode(), "too_many_values"),
        (b"[" * 121 + b"]" * 121, "too_many_values"),
        (b'["' + b"," * 500 + b'"]', ""),
        (b'["' + b'\\",{[' * 500 + b'"]', ""),
        (b'["' + b"\\\\" * 500 + b'"' + b',""' * 200 + b"]", "too_many_values"),
        (b'"' * 1000, "invalid_json"),
        (b'"' * 1000 + b"," * 200, "too_many_values"),
    ],
)
def test_texts_do_not_count_as_values(raw: bytes, expected: str) -> None:
    assert code(raw, FEW) == expected


@given(st.binary(max_size=200))
def test_any_bytes_get_a_verdict(raw: bytes) -> None:
    code(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\xff\xfe", "invalid_utf8"),
        ("张三".encode("gb18030"), "invalid_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_utf8"),
        (b"{", "invalid_json"),
        (b"", "invalid_json"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        (b"\xef\xbb\xbf", "byte_order_mark"),
        (b'{"n": NaN}', "invalid_json"),
        (b'{"n": -Infinity}', "invalid_json"),
        (b"1" * 5000, "invalid_json"),
        (b'{"a": 1} {"a": 2}', "invalid_json"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
        (b'[{"x": {"a": 1, "a": 1}}]', "duplicate_key"),
        (b"[" * 6 + b"]" * 6, "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 50_000, "too_deep"),
        (b"[" * 5 + b"]" * 5, ""),
        (json.dumps([0] * 13).encode(), "too_many_items"),
        (json.dumps({str(number): 0 for number in range(11)}).encode(), "too_many_items"),
        (json.dumps({str(number): 0 for number in range(10)}).encode(), ""),
        (json.dumps([[0] * 10] * 10).encode(), ""),
        (b'{"a": "\\u0000"}', "invalid_text"),
        (b'{"\\u0000": 1}', "invalid_text"),
        (b'["\\ud800"]', "invalid_text"),
        (b'["\\ud83d\\ude00"]', ""),
        (b'["\\\\u0000"]', ""),
    ],
)
def test_each_guard(raw: bytes, expected: str) -> None:
    assert code(raw) == expected
