"""Nothing readable about a person passes the redaction, under whatever key or in whatever shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Kind, Refusal
from hub.runtime.redaction import MASK, describe, is_personal, redact, redact_text

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@st.composite
def citizen_ids(draw: st.DrawFn) -> str:
    """Made-up numbers with a right date and checksum (GB 11643)."""
    born = draw(st.dates(date(1900, 1, 1), date(2025, 12, 31)))
    body = f"{draw(st.integers(110000, 659999))}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


mobiles = st.from_regex(r"\A1[3-9][0-9]{9}\Z")


def event(**values: Any) -> Any:  # noqa: ANN401 - whatever was logged
    return redact(None, "info", {"event": "x", **values})


@given(citizen_ids(), mobiles)
def test_numbers_are_masked_wherever_they_stand(number: str, mobile: str) -> None:
    told = event(
        note=f"原告{number}，电话{mobile}。",
        deep={"list": [f"x {number.lower()}", {"more": (mobile,)}]},
        count=int(mobile),
        **{f"k{mobile}": 1},
    )
    printed = repr(told)
    assert number not in printed
    assert number.lower() not in printed
    assert mobile not in printed
    assert "原告" in printed


@pytest.mark.parametrize(
    "text",
    [
        "11010519491231002X",
        "11010519491231002x",
        "440524188001010014",
        "110105 19491231 002X",
        "１１０１０５１９４９１２３１００２Ｘ",
        "号码11010519491231002X。",
        "13812345678",
        "+8613812345678",
        "8613812345678",
        "138-1234-5678",
        "138 1234 5678",
        "电话:19912345678;",
    ],
)
def test_numbers_in_the_forms_people_write_are_masked(text: str) -> None:
    told = redact_text(text)
    assert MASK in told
    assert not any(letter.isdigit() for letter in told)


@pytest.mark.parametrize(
    "text",
    [
        "1732200000000",  # Unix time in ms
        "110105194913310021",  # month 13
        "110105202302300021",  # 30 February
        "12812345678",  # no mobile range
        "5f0c9a17-intake/3",
        "1000000",
        "138123456789",  # twelve digits
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    ["name", "Phone", "id_number", "ID-Number", "applicant_name", "parties", "brief", "address", "当事人", "token"],
)
def test_personal_keys_are_masked_whatever_they_hold(key: str) -> None:
    assert is_personal(key)
    assert event(**{key: {"any": ["张三"]}})[key] == MASK
    assert event(outer={key: "张三"})["outer"][key] == MASK


@pytest.mark.parametrize(
    "key", ["service", "part", "code", "stream_name", "topic_name", "dispute_id", "position", "kind"]
)
def test_technical_keys_stay(key: str) -> None:
    assert event(**{key: "value"})[key] == "value"


class Colour(StrEnum):
    RED = "red"


@dataclass
class Person:
    who: str


def test_values_keep_what_is_plain_and_lose_what_could_print_a_person() -> None:
    told = event(
        none=None,
        yes=True,
        ratio=0.5,
        count=7,
        colour=Colour.RED,
        at=datetime(2024, 1, 1, tzinfo=UTC),
        path=Path("a/b"),
        uid=UUID(int=1),
        raw=b"\xe5\xbc\xa0",
        thing=Person("张三"),
    )
    assert told == {
        "event": "x",
        "none": None,
        "yes": True,
        "ratio": 0.5,
        "count": 7,
        "colour": "red",
        "at": "2024-01-01 00:00:00+00:00",
        "path": "a/b",
        "uid": "00000000-0000-0000-0000-000000000001",
        "raw": "<3 bytes>",
        "thing": "<Person>",
    }


def test_nesting_without_end_is_cut() -> None:
    deep: list[Any] = ["张三"]
    for _ in range(50):
        deep = [deep]
    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert "张三" not in repr(event(deep=deep, loop=loop))


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    def fail() -> None:
        raise error from cause

    with pytest.raises(type(error)) as caught:
        fail()
    return caught.value


def test_an_exception_is_told_by_type_and_place_and_not_by_a_foreign_message() -> None:
    told = describe(raised(ValueError("张三"), cause=KeyError("李四")))
    assert told["type"] == "ValueError"
    assert told["frames"][-1].endswith("fail")  # type: ignore[index] # a list
    assert told["cause"] == {"type": "KeyError"}
    assert "张三" not in repr(told)


def test_messages_of_our_own_and_of_the_machine_are_told() -> None:
    assert describe(Refusal("consent_missing", "no consent").error())["message"] == "consent_missing: no consent"
    assert describe(Refusal("full", kind=Kind.EXHAUSTED).error())["message"] == "full"
    assert "Connection refused" in str(describe(ConnectionRefusedError(111, "Connection refused"))["message"])
    assert describe(Refusal("x", "13812345678").error())["message"] == f"x: {MASK}"


def test_members_of_a_group_are_told_each() -> None:
    told = describe(ExceptionGroup("two", [ValueError("张三"), OSError(2, "No such file")]))
    assert [member["type"] for member in told["members"]] == ["ValueError", "FileNotFoundError"]  # type: ignore[attr-defined] # a list
    assert "张三" not in repr(told)
