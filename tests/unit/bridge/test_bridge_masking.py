"""What is shown of a person whose data is masked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bridge.record.masking import masked
from dispute.wire.handoff.v1 import handoff_pb2

TODAY = date(2026, 11, 30)
CHILD = "11010520081201002X"
"""Eighteen tomorrow; the check digit is not looked at here."""


def party(**changes: Any) -> handoff_pb2.Party:  # noqa: ANN401 - any field
    fields = {
        "role": "applicant",
        "name": "张三丰",
        "id_type": "citizen_id",
        "id_number": "11010519491231002X",
        "phone": "13800001234",
        "address": "甘肃省张掖市山丹县清泉镇南关村 3 社",
    }
    return handoff_pb2.Party(**{**fields, **changes})


def shown(of: handoff_pb2.Party, *, minors: bool = False) -> tuple[str, str, str, str]:
    its = masked(of, TODAY, minors=minors)
    assert its.role == of.role
    return its.name, its.id_number, its.phone, its.address


def test_an_adult() -> None:
    assert shown(party()) == ("张**", "110***********002X", "138****1234", "甘肃省张掖市山丹县清泉镇")


@pytest.mark.parametrize(
    ("name", "seen"),
    [("张三", "张*"), ("欧阳锋", "欧阳*"), ("欧阳", "欧*"), ("李", "李"), ("", ""), ("阿不都·热合曼", "阿******")],
)
def test_names(name: str, seen: str) -> None:
    assert shown(party(name=name))[0] == seen


@pytest.mark.parametrize(
    ("number", "seen"),
    [("0936-2721234", "093*****1234"), ("2721234", "*******"), ("", ""), ("12345678", "123*5678")],
)
def test_phones(number: str, seen: str) -> None:
    assert shown(party(phone=number))[2] == seen


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("双江街道 5 号", "双江街道"),
        ("鄂托克旗阿尔巴斯苏木 2 队", "鄂托克旗阿尔巴斯苏木"),
        ("某小区 3 栋 201", ""),
        ("", ""),
    ],
)
def test_addresses_end_at_the_town(address: str, seen: str) -> None:
    assert shown(party(address=address))[3] == seen


def test_nothing_of_a_minor() -> None:
    assert shown(party(id_number=CHILD)) == ("未成年人", "", "", "")
    grown = masked(party(id_number=CHILD), date(2026, 12, 2), minors=True)
    assert grown.name == "张**"


def test_where_a_minor_is_named_nobody_of_unknown_age_is_shown() -> None:
    unknown = party(id_type="passport", id_number="E12345678")
    assert shown(unknown)[0] == "张**"
    assert shown(unknown, minors=True) == ("未成年人", "", "", "")
    assert shown(party(id_number="", id_type=""), minors=True)[0] == "未成年人"
    assert shown(party(), minors=True)[0] == "张**", "of full age by the number"


def test_an_organisation_is_public_its_phone_is_not() -> None:
    its = party(name="通道某公司", id_type="uscc", id_number="91350100M000100Y43")
    assert shown(its, minors=True) == ("通道某公司", "91350100M000100Y43", "138****1234", "")
