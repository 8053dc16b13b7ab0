"""Generates people for a run.

Each has a name, a phone number and a citizen ID with a valid checksum (GB 11643).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS: Final = "10X98765432"
SURNAMES: Final = tuple(
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆汪范石廖贾韦"
)
GIVEN: Final = tuple(
    "昊璟瑜菡霖骁琰翊珺焱晗梓沐熙煜宸铄澜岚玥璇珩筠钰蕙薇菁婕妤岑巍皓炜烨鑫淼磊垚懿颢祺禛褀嫣婧娴媛翎翀羿聪颖慧敏捷锐锋"
)
PREFIXES: Final = ("130", "135", "138", "139", "150", "152", "157", "158", "159", "182", "183", "187", "188", "199")
FIRST_BIRTH: Final = date(1950, 1, 1)
BIRTH_SPAN_DAYS: Final = 365 * 50
OF_AGE: Final = 18
"""民法典 17. The sides of a run are of age: who is not is what a circumstance says."""


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """One generated person.

    The person is not real: the run's seed decides every digit.
    """

    name: str
    id_number: str
    phone: str


def check_character(first17: str) -> str:
    """Return the check character of a citizen ID.

    Args:
        first17: The 17 digits before it.

    Source:
        GB 11643-1999, ISO 7064 MOD 11-2.
    """
    return CHECKS[sum(int(digit) * weight for digit, weight in zip(first17, WEIGHTS, strict=True)) % 11]


class Registry:
    """Generates people one after the other.

    No ID number and no phone number occurs twice in a run.

    Args:
        county: Where the numbers were issued.
        first_day: By then everybody is of age.
        dice: Decides every digit.
    """

    def __init__(self, county: str, first_day: date, dice: random.Random) -> None:
        self._county = county
        adults = date(first_day.year - OF_AGE, 1, 1) - FIRST_BIRTH
        self._births = min(BIRTH_SPAN_DAYS, adults.days)
        self._dice = dice
        self._ids: set[str] = set()
        self._phones: set[str] = set()

    def person(self) -> InventedPerson:
        """Return a new person."""
        dice = self._dice
        # Three characters: long enough that the privacy check can't mistake other text for a name.
        name = dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice(GIVEN)
        return InventedPerson(name, self._new_id(), self._new_phone())

    def _new_id(self) -> str:
        while True:
            born = FIRST_BIRTH + timedelta(days=self._dice.randrange(self._births))
            first17 = f"{self._county}{born:%Y%m%d}{self._dice.randrange(1, 1000):03d}"
            number = first17 + check_character(first17)
            if number not in self._ids:
                self._ids.add(number)
                return number

    def _new_phone(self) -> str:
        while True:
            phone = self._dice.choice(PREFIXES) + f"{self._dice.randrange(10**8):08d}"
            if phone not in self._phones:
                self._phones.add(phone)
                return phone
