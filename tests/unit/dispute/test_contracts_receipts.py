"""A receipt tells its holder when it was given, in Beijing time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dispute.contracts.receipts import receipt_note

AT = datetime(2026, 12, 31, 16, 0, 5, 999_999, tzinfo=UTC)


def test_the_note_names_beijing_time_and_the_clause() -> None:
    zh, _, en = receipt_note(AT).partition(" / ")
    assert zh == "已于北京时间 2027-01-01 00:00:05 收到；依法申请调解的，诉讼时效自该时刻中断（民法典第195条）"
    assert "2027-01-01 00:00:05 Beijing time" in en
    assert "Civil Code 195" in en


def test_the_note_is_made_of_the_instant_alone() -> None:
    assert receipt_note(AT) == receipt_note(AT.astimezone())
    assert receipt_note(AT) != receipt_note(AT + timedelta(seconds=1))
