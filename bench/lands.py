"""The places from which disputes come in a run.

They form a county or a province with a realistic number of places.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, product
from typing import Final, Literal

Name = Literal["county", "province"]
NAMES: Final[tuple[Name, ...]] = ("county", "province")
COUNTY: Final = "627000"
"""Made up, as its towns are: in a county that it knows the hub refuses towns that don't exist."""
FIRST_TOWN: Final = 101
SEAT_WEIGHT, VILLAGE_WEIGHT = 0.7, 0.5
SUBCATEGORIES: Final = 3
"""Each of the scenario's about 15 categories is split into three: about 40 in all."""

_SIZES: Final[dict[Name, tuple[tuple[str, ...], tuple[int, ...], int]]] = {
    "county": ((COUNTY,), (20,), 15),
    "province": (tuple(f"62{7001 + number}" for number in range(120)), (12, 13), 10),
}
"""County codes, towns of a county (counties take them in turn), villages of a town."""


@dataclass(frozen=True, slots=True)
class Land:
    """Places that are drawn by weight.

    Attributes:
        name: `county`: 1 county, 20 towns, 300 villages; `province`: 120, 1,500 and 15,000.
        villages: 12-digit codes; a village's county and town are the start of its code.
        weights: Cumulated weight of each village; the first town of a county is its seat and sends the most.
    """

    name: Name
    villages: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def counties(self) -> tuple[str, ...]:
        """6-digit codes of the counties, each once."""
        return tuple(dict.fromkeys(village[:6] for village in self.villages))


def land(name: Name) -> Land:
    """Return a land by its name; always the same."""
    counties, towns, villages = _SIZES[name]
    codes: list[str] = []
    weights: list[float] = []
    for number, county in enumerate(counties):
        for town, village in product(range(towns[number % len(towns)]), range(villages)):
            codes.append(f"{county}{FIRST_TOWN + town:03d}{village + 1:03d}")
            weights.append((town + 1) ** -SEAT_WEIGHT * (village + 1) ** -VILLAGE_WEIGHT)
    return Land(name, tuple(codes), tuple(accumulate(weights)))
