"""Refusals: a row of the catalogue becomes a value, and the value an exception."""

from __future__ import annotations

import pytest

from hub.errors import Bug, Code, Kind, Refusal, Rejected, Retryable

TOO_MANY = Code("too_many", Kind.MALFORMED, "至多 {limit} 项", "at most {limit} items", field="items")
FULL = Code("full", Kind.EXHAUSTED, "已满", "full")


def test_a_row_names_kind_field_and_both_texts() -> None:
    detail = "至多 3 项（at most 3 items）"
    assert TOO_MANY.refusal(limit=3, after_s=5) == Refusal("too_many", detail, Kind.MALFORMED, "items")
    assert TOO_MANY.refusal(limit=3, field="commands").field == "commands"


def test_what_was_seen_stands_after_the_text_as_it_is() -> None:
    assert FULL.refusal(why="{limit}").detail == "已满（full）: {limit}"


def test_a_temporary_refusal_says_when_to_come_back() -> None:
    assert (FULL.refusal().after_s, FULL.refusal(after_s=0.5).after_s) == (1.0, 0.5)


@pytest.mark.parametrize(("row", "error"), [(TOO_MANY, Rejected), (FULL, Retryable)])
def test_the_exception_tells_final_from_temporary_and_carries_the_value(row: Code, error: type[Exception]) -> None:
    refusal = row.refusal(limit=1)
    raised = refusal.error()
    assert type(raised) is error
    assert raised.refusal is refusal
    assert str(raised) == f"{refusal.code}: {refusal.detail}"
    assert refusal.is_final is (error is Rejected)


def test_a_bug_carries_the_exception_itself() -> None:
    bug = ZeroDivisionError()
    assert Bug(bug).error() is bug
