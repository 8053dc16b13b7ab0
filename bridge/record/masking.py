"""Shows as much of a person as a role may see, and nothing of a minor.

Name: the surname. Citizen ID: first 3 and last 4. Phone: first 3 and last 4. Address: to the town (domain of public
practice, 去标识化). Free text of a case is never masked but left out: names may stand anywhere in it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from bridge.record.checks import is_under
from dispute.wire.handoff.v1 import handoff_pb2

FULL_AGE: Final = 18
"""民法典 17."""
HIDDEN: Final = "*"
MINOR: Final = "未成年人"
SHORT: Final = 8
"""A number shorter than this shows nothing: first and last digits would nearly be the number."""
_COMPOUND: Final = re.compile(
    "欧阳|司马|上官|诸葛|皇甫|尉迟|公孙|慕容|长孙|宇文|司徒|令狐|夏侯|东方|西门|南宫|独孤|端木|百里|呼延|轩辕|澹台|申屠|"
    "公羊|赫连|钟离|闻人|濮阳|淳于|单于|太史"
)
"""Surnames of two characters."""
_TOWN: Final = re.compile(r"^.*?(?:街道|镇|乡|苏木|农场)")


def masked(party: handoff_pb2.Party, today: date, *, minors: bool) -> handoff_pb2.Party:
    """Return what may be shown of a party.

    Args:
        party: A person or an organisation; the name and the number of an organisation are public.
        today: Day on which it is looked at.
        minors: The case names a minor: then nobody whose age is not known is shown.
    """
    if party.id_type == "uscc":
        return handoff_pb2.Party(
            role=party.role, name=party.name, id_type=party.id_type, id_number=party.id_number, phone=_ends(party.phone)
        )
    if is_minor(party, today) or (minors and not _age_known(party)):
        return handoff_pb2.Party(role=party.role, name=MINOR)
    return handoff_pb2.Party(
        role=party.role,
        name=_name(party.name),
        id_type=party.id_type,
        id_number=_ends(party.id_number),
        phone=_ends(party.phone),
        address=_town(party.address),
    )


def is_minor(party: handoff_pb2.Party, today: date) -> bool:
    """Return whether a party's number says that the person is under age; no number says nothing."""
    return _age_known(party) and is_under(FULL_AGE, party.id_number, today)


def _age_known(party: handoff_pb2.Party) -> bool:
    return party.id_type == "citizen_id" and bool(party.id_number)


def _name(name: str) -> str:
    two, more = name[:2], name[2:]
    surname = two if more and _COMPOUND.match(two) else name[:1]
    return surname + HIDDEN * (len(name) - len(surname))


def _ends(number: str) -> str:
    if len(number) < SHORT:
        return HIDDEN * len(number)
    return number[:3] + HIDDEN * (len(number) - 7) + number[-4:]


def _town(address: str) -> str:
    found = _TOWN.match(address)
    return found.group() if found else ""
