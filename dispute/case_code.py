"""Printed codes of cases 一案一码.

County, year, running number and two check digits, as they stand on paper and are typed again by people.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from typing_extensions import override

from dispute.refusals.interfaces import CASE_CODE_CHECK, CASE_CODE_MALFORMED

COUNTY_DIGITS: Final = 6
NUMBER_DIGITS: Final = 6
"""Digits of a running number at least; a county with more cases in a year gets longer ones."""
MOST_NUMBER_DIGITS: Final = 12
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2199

_MODULUS: Final = 97
_COUNTY: Final = re.compile(r"[1-9][0-9]{5}")
_HEAD: Final = COUNTY_DIGITS + 4
"""Digits of county and year."""
_CHECK: Final = 2
_DIGITS: Final = re.compile(r"[0-9]+")
_PASSED_OVER: Final = re.compile(r"[\s\-\u2010-\u2015\u2212\uff0d\ufe58\ufe63]+")
"""Blanks (the ideographic one too) and every hyphen, dash and minus that an input method offers."""
_WIDE: Final = {ord("０") + digit: str(digit) for digit in range(10)}


class CaseCode(Struct, frozen=True):
    """One case's printed code.

    Attributes:
        county: 6 digits.
        year: Of the registration.
        number: Running number of the county in that year, from 1 on.
    """

    county: str
    year: int
    number: int

    @override
    def __str__(self) -> str:
        """Return the code as it is printed, for example `620725-2024-000123-45`."""
        number = f"{self.number:0{NUMBER_DIGITS}d}"
        return f"{self.county}-{self.year}-{number}-{_check_of(f'{self.county}{self.year}{number}')}"


def is_county(text: str) -> bool:
    """Tell whether cases of this county can have codes: 6 digits, not the empty text of an unknown one."""
    return _COUNTY.fullmatch(text) is not None


def case_code(county: str, year: int, number: int) -> str:
    """Return the printed code of a case.

    Args:
        county: 6 digits.
        year: 1990 to 2199.
        number: From 1 on; at most 12 digits.

    Raises:
        Rejected: `case_code_malformed`, naming the part.
    """
    return str(_sound(county, year, number))


def parse_case_code(text: str) -> CaseCode:
    """Return what a typed code says.

    Blanks and hyphens may be missing or stand anywhere; digits may be full-width. The check digits notice every wrong
    digit and every two digits that were swapped.

    Raises:
        Rejected: `case_code_malformed`, naming the part; `case_code_check`.

    Source:
        ISO 7064, MOD 97-10.
    """
    digits = _PASSED_OVER.sub("", text.translate(_WIDE))
    if _DIGITS.fullmatch(digits) is None:
        raise CASE_CODE_MALFORMED.error(why="只能有数字和连字符 digits and hyphens only")
    running = digits[_HEAD:-_CHECK]
    is_padded = len(running) > NUMBER_DIGITS and running.startswith("0")
    if not NUMBER_DIGITS <= len(running) <= MOST_NUMBER_DIGITS or is_padded:
        raise CASE_CODE_MALFORMED.error(why="位数不对，多了或少了 a digit is missing or too many")
    code = _sound(digits[:COUNTY_DIGITS], int(digits[COUNTY_DIGITS:_HEAD]), int(running))
    if _check_of(digits[:-_CHECK]) != digits[-_CHECK:]:
        raise CASE_CODE_CHECK.error()
    return code


def _sound(county: str, year: int, number: int) -> CaseCode:
    if not is_county(county):
        raise CASE_CODE_MALFORMED.error(why="县码 county")
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise CASE_CODE_MALFORMED.error(why="年份 year")
    if not 1 <= number < 10**MOST_NUMBER_DIGITS:
        raise CASE_CODE_MALFORMED.error(why="序号 running number")
    return CaseCode(county, year, number)


def _check_of(digits: str) -> str:
    """Return the two check digits: all digits together leave the remainder 1."""
    return f"{_MODULUS + 1 - int(digits) * 100 % _MODULUS:02d}"
