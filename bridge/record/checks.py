"""Checks single values that a partner sends.

Identity numbers, phones, text; no error shows the value.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from operator import mul
from typing import Final

from dispute.refusals import interfaces as refusals
from hub.errors import Refused

_CITIZEN_ID: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_ZEROS: Final = ord("0") * sum(_CITIZEN_WEIGHTS)
_CITIZEN_CHECKS: Final = "10X98765432"
_BIRTH_YEARS: Final = range(1850, 2101)

_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC: Final = re.compile(f"[{_USCC_ALPHABET}]{{18}}")
_USCC_WEIGHTS: Final = tuple(pow(3, at, 31) for at in range(17))

_COUNTRY_PREFIX: Final = re.compile(r"^(?:\+|00)86[ -]?")
_TRUNK: Final = "0"
_AT_HOME: Final = re.compile(
    r"1[3-9][0-9]{9}"  # mobile
    r"|0[0-9]{2,3}-?[0-9]{7,8}"  # landline with its area
    r"|[48]00(?:[ -]?[0-9]){7}"  # a company's number for the whole country
    r"|9[56][0-9]{3,4}"  # banks, insurers, public utilities
    r"|1[0-2][0-9]{3}"  # carriers and public services: 10086, 12345
)
_FROM_ABROAD: Final = re.compile(r"(?P<area>10|2[0-9]|[3-9][0-9]{2})(?P<dash>[ -]?)(?P<number>[0-9]{7,8})")
"""A landline behind the country prefix, where the trunk 0 is left out."""

# Controls, line separators, zero-width and direction marks, surrogates, tags. Tab and newline are checked apart.
# Private-use characters stay allowed: older registers write rare surnames with them.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
_SCRIPT: Final = re.compile("[\u180e\u200c\u200d]")
"""Invisible, but part of the spelling: the vowel separator of Mongolian, joiners of several scripts."""
_LINE_BREAKS: Final = re.compile("[\t\n]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Me", "Mn", "Zl", "Zp", "Zs"})
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Unicode counts them as letters or symbols, but they are displayed as nothing."""


def citizen_id(text: str) -> str:
    """Return a citizen identity number in upper case.

    The area code is not looked up: codes of abolished counties stay valid on the cards issued there.

    Raises:
        Rejected: `id_format`, `id_birth_date`, `id_checksum`.

    Source:
        GB 11643-1999; ISO 7064 MOD 11-2.
    """
    number = text.upper()
    if not _CITIZEN_ID.fullmatch(number):
        raise refusals.ID_FORMAT.error()
    try:
        born = date.fromisoformat(number[6:14])
    except ValueError:
        born = None
    if born is None or born.year not in _BIRTH_YEARS:
        raise refusals.ID_BIRTH_DATE.error()
    total = sum(map(mul, number.encode(), _CITIZEN_WEIGHTS)) - _CITIZEN_ZEROS
    if _CITIZEN_CHECKS[total % 11] != number[17]:
        raise refusals.ID_CHECKSUM.error()
    return number


def refuse_unborn(number: str, today: date, field_name: str) -> None:
    """Refuse a citizen who is not born yet.

    Args:
        number: Valid, as `citizen_id` returns it.
        today: In Asia/Shanghai.
        field_name: Field of the number.

    Raises:
        Rejected: `id_birth_date`.
    """
    if date.fromisoformat(number[6:14]) > today:
        raise refusals.ID_BIRTH_DATE.error(field=field_name)


def is_under(years: int, number: str, day: date) -> bool:
    """Tell whether a citizen is younger than so many years on a day.

    A year of age is complete from the day after the birthday.

    Args:
        years: Age.
        number: Valid, as `citizen_id` returns it; nobody is young by an empty one.
        day: In Asia/Shanghai.

    Source:
        最高人民法院关于审理未成年人刑事案件具体应用法律若干问题的解释 (法释〔2006〕1号) art. 2, on counting 周岁.
    """
    if not number:
        return False
    born = date.fromisoformat(number[6:14])
    complete = (day.month, day.day) > (born.month, born.day)
    return day.year - born.year - (0 if complete else 1) < years


def uscc(text: str) -> str:
    """Return a unified social credit code in upper case.

    Raises:
        Rejected: `id_format`, `id_checksum`.

    Source:
        GB 32100-2015: weights 3^(i-1) mod 31; check value (31 - sum mod 31) mod 31.
    """
    number = text.upper()
    if not _USCC.fullmatch(number):
        raise refusals.ID_FORMAT.error()
    total = sum(_USCC_ALPHABET.index(char) * weight for char, weight in zip(number, _USCC_WEIGHTS, strict=False))
    if _USCC_ALPHABET[(31 - total % 31) % 31] != number[17]:
        raise refusals.ID_CHECKSUM.error()
    return number


def kind_of(number: str) -> str:
    """Return the kind of an identity number that its own check character proves; empty when none does."""
    for kind, check in (("citizen_id", citizen_id), ("uscc", uscc)):
        try:
            check(number)
        except Refused:
            continue
        return kind
    return ""


def phone(text: str) -> str:
    """Return a phone number of China without country prefix.

    In the form that is dialled in China. Mobile, landline, 400 and 800 numbers, five- and six-digit service numbers.

    Raises:
        Rejected: `phone_format`.

    Source:
        工业和信息化部，电信网编号计划 (2017); ITU-T E.123 for the form abroad.
    """
    number = _COUNTRY_PREFIX.sub("", text)
    if _AT_HOME.fullmatch(number):
        return number
    abroad = _FROM_ABROAD.fullmatch(number)
    if abroad is None or number == text:
        raise refusals.PHONE_FORMAT.error()
    dash = "-" if abroad["dash"] else ""
    return f"{_TRUNK}{abroad['area']}{dash}{abroad['number']}"


def visible(text: str) -> str:
    """Return the text if it has a visible character.

    Raises:
        Rejected: `blank`: nothing but blanks, marks and invisible characters.
    """
    if not any(unicodedata.category(char) not in _UNSEEN and char not in _FILLERS for char in text):
        raise refusals.BLANK.error()
    return text


def clean(text: str, *, lines: bool = False, script: bool = False) -> str:
    """Return the text in Unicode normal form C.

    Args:
        text: As it came.
        lines: Tab and newline are allowed (CR LF becomes LF).
        script: The text is language (a name, an address, a brief), so characters that a script needs are allowed; a
            code has none of them.

    Raises:
        Rejected: `forbidden_character` for NUL, control, zero-width and direction characters.
    """
    if text.isprintable():  # then it has none of the characters below; this holds for nearly every text
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    plain = text.replace("\r\n", "\n") if lines else text
    seen = _SCRIPT.sub("", plain) if script else plain
    if _FORBIDDEN.search(seen) or (not lines and _LINE_BREAKS.search(seen)):
        raise refusals.FORBIDDEN_CHARACTER.error()
    return unicodedata.normalize("NFC", plain)
