"""Checks of single values that a partner sends: identity numbers, phones, text; none shows the value."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from operator import mul
from typing import Final

from hub.errors import Rejected

_CITIZEN_ID: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_ZEROS: Final = ord("0") * sum(_CITIZEN_WEIGHTS)
_CITIZEN_CHECKS: Final = "10X98765432"
_BIRTH_YEARS: Final = range(1850, 2101)

_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC: Final = re.compile(f"[{_USCC_ALPHABET}]{{18}}")
_USCC_WEIGHTS: Final = tuple(pow(3, at, 31) for at in range(17))

_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE: Final = re.compile(r"0[0-9]{2,3}-?[0-9]{7,8}")
_COUNTRY_PREFIX: Final = re.compile(r"(?:\+|00)86[ -]?")

# Controls, line separators, zero-width and direction marks, surrogates, tags. Tab and newline are judged apart.
# Private-use characters stay allowed: older registers write rare surnames with them.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
_LINE_BREAKS: Final = re.compile("[\t\n]")


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
        raise Rejected("id_format", "应为18位身份证号码 / expected 18 characters of a citizen ID")
    try:
        born = date.fromisoformat(number[6:14])
    except ValueError:
        born = None
    if born is None or born.year not in _BIRTH_YEARS:
        raise Rejected(
            "id_birth_date", "身份证号码中的出生日期不存在 / the birth date in the citizen ID does not exist"
        )
    total = sum(map(mul, number.encode(), _CITIZEN_WEIGHTS)) - _CITIZEN_ZEROS
    if _CITIZEN_CHECKS[total % 11] != number[17]:
        raise Rejected("id_checksum", "身份证号码校验码不符 / the check character of the citizen ID is wrong")
    return number


def uscc(text: str) -> str:
    """Return a unified social credit code in upper case.

    Raises:
        Rejected: `id_format`, `id_checksum`.

    Source:
        GB 32100-2015: weights 3^(i-1) mod 31; check value (31 - sum mod 31) mod 31.
    """
    number = text.upper()
    if not _USCC.fullmatch(number):
        raise Rejected("id_format", "应为18位统一社会信用代码 / expected 18 characters of a unified social credit code")
    total = sum(_USCC_ALPHABET.index(char) * weight for char, weight in zip(number, _USCC_WEIGHTS, strict=False))
    if _USCC_ALPHABET[(31 - total % 31) % 31] != number[17]:
        raise Rejected("id_checksum", "统一社会信用代码校验码不符 / the check character of the credit code is wrong")
    return number


def phone(text: str) -> str:
    """Return a mobile or landline number of China without the country prefix.

    Raises:
        Rejected: `phone_format`.
    """
    number = _COUNTRY_PREFIX.sub("", text, count=1) if text.startswith(("+", "00")) else text
    if not (_MOBILE.fullmatch(number) or _LANDLINE.fullmatch(number)):
        raise Rejected("phone_format", "不是有效的手机或固定电话号码 / not a mobile or landline number")
    return number


def clean(text: str, *, lines: bool = False) -> str:
    """Return the text in Unicode normal form C.

    Args:
        text: As it came.
        lines: Tab and newline are allowed (CR LF becomes LF).

    Raises:
        Rejected: `forbidden_character` for NUL, control, zero-width and direction characters.
    """
    if text.isprintable():  # then it has none of the characters below, which is so for nearly every text
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    plain = text.replace("\r\n", "\n") if lines else text
    if _FORBIDDEN.search(plain) or (not lines and _LINE_BREAKS.search(plain)):
        raise Rejected("forbidden_character", "含有控制字符或不可见字符 / contains control or invisible characters")
    return unicodedata.normalize("NFC", plain)
