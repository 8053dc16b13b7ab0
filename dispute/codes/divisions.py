"""Division codes with their validity.

Which town or village a code stands for on a day. Bridges and intake ask, at every way in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from dispute.refusals.interfaces import UNKNOWN_DIVISION

COUNTY: Final = 6
TOWN: Final = 9
VILLAGE: Final = 12
"""Digits of a code; each begins with the code of what it lies in (GB/T 2260, GB/T 10114)."""


class Division(Struct, frozen=True):
    """One county, town or village.

    Attributes:
        code: 6, 9 or 12 digits.
        name: Chinese.
        valid_from: First day; None is open.
        valid_until: Last day, inclusive; None is open.
    """

    code: str
    name: str
    valid_from: date | None = None
    valid_until: date | None = None


class DivisionMapping(Struct, frozen=True):
    """What an old or a partner's code stands for.

    Attributes:
        sent: Code that arrives.
        current: Code that is kept in its place.
        valid_from: First day of the records that it counts for; None is open.
        valid_until: Last day, inclusive; None is open.
    """

    sent: str
    current: str
    valid_from: date | None = None
    valid_until: date | None = None


def covers(row: Division | DivisionMapping, day: date) -> bool:
    """Tell whether a row counts on a day."""
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_until is None or day <= row.valid_until)


class Divisions:
    """The divisions of the counties that are known.

    A code is good that was valid on the record's day, because a record tells of then, or that the lists show now,
    because a partner that has moved to new codes sends them for older records too. No clock is asked: the same record
    gets the same answer as long as the lists stay.

    Args:
        divisions: Each code once.
        mappings: Windows of one code don't overlap.
        as_of: Name of each list -> day of its source.
    """

    def __init__(
        self, divisions: Sequence[Division], mappings: Sequence[DivisionMapping], as_of: Mapping[str, date]
    ) -> None:
        self.as_of = MappingProxyType(dict(as_of))
        self._shown_on = max(as_of.values())
        self._known = {division.code: division for division in divisions}
        self._mappings: dict[str, list[DivisionMapping]] = {}
        for mapping in mappings:
            self._mappings.setdefault(mapping.sent, []).append(mapping)
        digits = {(code[:COUNTY], len(code)) for code in self._known}
        self._with_towns = frozenset(county for county, length in digits if length == TOWN)
        self._with_villages = frozenset(county for county, length in digits if length == VILLAGE)

    def division(self, code: str) -> Division | None:
        """Return what a code stands for; None when it is not listed."""
        return self._known.get(code)

    def town(self, code: str, day: date) -> str:
        """Return the town that a code stands for.

        Args:
            code: 9 digits; of a county without listed towns it is not checked.
            day: Of the record, in Asia/Shanghai.

        Raises:
            Rejected: `unknown_division`, field `town_code`.
        """
        return self._current(code, day, "town_code") if code[:COUNTY] in self._with_towns else code

    def village(self, code: str, town: str, day: date) -> str:
        """Return the village that a code stands for.

        It may lie in another town: then the village decides, because it is the more precise of the two.

        Args:
            code: 12 digits; of a county without listed villages it is not checked.
            town: As `town` returned it; empty when none was sent.
            day: Of the record, in Asia/Shanghai.

        Raises:
            Rejected: `unknown_division`, field `village_code`; also when the town was replaced and the village stayed
                in the old one.
        """
        current = self._current(code, day, "village_code") if code[:COUNTY] in self._with_villages else code
        if current == code and not code.startswith(town):
            raise UNKNOWN_DIVISION.error(field="village_code")
        return current

    def place(self, town: str, village: str, day: date) -> tuple[str, str]:
        """Return the town and village that two codes stand for.

        Codes of a wrong length, or of which one does not lie in the other, come back as they are: the register's own
        rule refuses those.

        Args:
            town: Empty when none was sent.
            village: As above.
            day: Of the record, in Asia/Shanghai.

        Raises:
            Rejected: As `town` and `village`.
        """
        if len(town) not in {0, TOWN} or len(village) not in {0, VILLAGE} or (village and not village.startswith(town)):
            return town, village
        new_town = self.town(town, day) if town else ""
        new_village = self.village(village, new_town, day) if village else ""
        return (new_town if new_village == village else new_village[:TOWN]), new_village

    def _current(self, code: str, day: date, field: str) -> str:
        for mapping in self._mappings.get(code, ()):
            if covers(mapping, day):
                return mapping.current
        division = self._known.get(code)
        if division is None or not (covers(division, day) or covers(division, self._shown_on)):
            raise UNKNOWN_DIVISION.error(field=field)
        return code
