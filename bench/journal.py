"""Generates journal events of any number of disputes.

The events are lives of a pool with other ids, places and days, in order of time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from bench.lives import Life
from dispute.lifecycle import dispute_id_of, event_id_of
from dispute.wire.dispute.v1 import dimensions_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.streams.topics import shard_of

FIRST_DAY: Final = date(2023, 1, 1)
DAY_S: Final = 86_400
MEDIATORS: Final = 12
"""Number of mediators of a town."""

Written = tuple[int, bytes]
"""Shard, and the serialised event."""


@dataclass(frozen=True, slots=True)
class Region:
    """Places, matters and dispute rate of a region.

    Attributes:
        counties: Number of counties, at most 999.
        towns: Towns of all counties together.
        villages: Villages of all towns together.
        categories: Number of kinds of matter.
        a_day: Disputes registered per day; decides over how many days a number of disputes is spread.
    """

    counties: int
    towns: int
    villages: int
    categories: int
    a_day: int


COUNTY: Final = Region(counties=1, towns=20, villages=300, categories=40, a_day=30)
PROVINCE: Final = Region(counties=120, towns=1_500, villages=15_000, categories=40, a_day=4_000)


@dataclass(frozen=True, slots=True)
class _Place:
    county: str
    town: str
    village: str
    other_village: str
    category: str


class _Stamp:
    """One event of the pool as a template.

    It is written many times, each time with another id, place and day.
    """

    def __init__(self, event: journal_pb2.JournalEvent, opened: date, village: str) -> None:
        self._event = journal_pb2.JournalEvent()
        self._event.CopyFrom(event)
        start_s = _midnight_s(opened)
        self.after_s = event.occurred_at.seconds - start_s
        self._days: list[tuple[Message, str, int]] = []
        self._instants: list[tuple[Timestamp, int]] = []
        self._dimensions: list[tuple[dimensions_pb2.Dimensions, bool]] = []
        self._find(self._event, opened.toordinal(), start_s, village)

    def _find(self, message: Message, opened: int, start_s: int, village: str) -> None:
        """Collect all days, instants and dimensions at any depth."""
        for field, value in message.ListFields():
            if field.message_type is None:
                day = _day(value) if isinstance(value, str) else None
                if day is not None:
                    if day.toordinal() < opened:
                        raise ValueError(f"{field.name} lies before the registration")
                    self._days.append((message, field.name, day.toordinal() - opened))
                continue
            for inner in value if field.is_repeated else (value,):
                if isinstance(inner, Timestamp):
                    self._instants.append((inner, inner.seconds - start_s))
                elif isinstance(inner, dimensions_pb2.Dimensions):
                    self._dimensions.append((inner, inner.village_code != village))
                else:
                    self._find(inner, opened, start_s, village)

    def write(self, dispute_id: str, place: _Place, opened: int, days: Sequence[str]) -> bytes:
        """Return the serialised event of a dispute.

        `opened` is the dispute's day, counted from `FIRST_DAY`.
        """
        event = self._event
        event.dispute_id = dispute_id
        event.event_id = event.causation_id = event.correlation_id = event_id_of(dispute_id, event.sequence)
        for holder, name, after in self._days:
            setattr(holder, name, days[opened + after])
        start_s = _FIRST_S + opened * DAY_S
        for instant, after_s in self._instants:
            instant.seconds = start_s + after_s
        for dimensions, moved in self._dimensions:
            dimensions.county_code, dimensions.town_code = place.county, place.town
            dimensions.village_code = place.other_village if moved else place.village
            dimensions.category = place.category
            dimensions.source_organ = f"{dimensions.channel}-{place.county}"
            if dimensions.organisation:
                dimensions.organisation = f"committee-{place.town}"
            if dimensions.mediator_id:
                dimensions.mediator_id = f"mediator-{place.town}-{int(dispute_id[:4], 16) % MEDIATORS}"
        return event.SerializeToString()


class Journal:
    """Generates journal events.

    They are the same for the same pool, region and seed.

    Args:
        lives: From `bench.lives.pool`.
        region: Places, matters and pace.
        seed: Decides ids and places.
    """

    def __init__(self, lives: Sequence[Life], region: Region, seed: int = 1) -> None:
        self._region = region
        self._seed = seed
        self._lives = tuple(_stamps(life) for life in lives)
        self._after_s = tuple(_after_s(life) for life in self._lives)

    @property
    def events_a_dispute(self) -> float:
        """Mean number of events of a life."""
        return sum(map(len, self._lives)) / len(self._lives)

    def of_disputes(self, disputes: int) -> Iterator[Written]:
        """Yield all events of complete lives.

        They are in order of time over all disputes.
        """
        dice = random.Random(self._seed)  # noqa: S311 - reproducible simulation, no secret
        region = self._region
        days = _days(disputes // region.a_day)
        waiting: list[tuple[int, int, int, int, str, _Place]] = []
        for number in range(disputes):
            opened = number // region.a_day
            dispute_id = dispute_id_of("bench", f"{self._seed}/{number}")
            first_s = opened * DAY_S + self._after_s[number % len(self._lives)][0]
            place = _place(region, dice.randrange(region.villages), dice.randrange(region.categories))
            heapq.heappush(waiting, (first_s, number, 0, opened, dispute_id, place))
            if (number + 1) % region.a_day == 0:
                # no later dispute can have an event before the next day begins
                yield from self._until(waiting, (opened + 1) * DAY_S, days)
        yield from self._until(waiting, None, days)

    def _until(
        self, waiting: list[tuple[int, int, int, int, str, _Place]], end_s: int | None, days: Sequence[str]
    ) -> Iterator[Written]:
        while waiting and (end_s is None or waiting[0][0] < end_s):
            _, number, step, opened, dispute_id, place = waiting[0]
            life, after_s = self._lives[number % len(self._lives)], self._after_s[number % len(self._lives)]
            if step + 1 < len(life):
                next_s = opened * DAY_S + after_s[step + 1]
                heapq.heapreplace(waiting, (next_s, number, step + 1, opened, dispute_id, place))
            else:
                heapq.heappop(waiting)
            yield shard_of(dispute_id), life[step].write(dispute_id, place, opened, days)


_FIRST_S: Final = int(datetime.combine(FIRST_DAY, datetime.min.time(), UTC).timestamp())
LATEST_OFFSET: Final = 800
"""Days from a registration to the last date that a life names; more than any has."""


def _stamps(life: Life) -> tuple[_Stamp, ...]:
    opened = date.fromisoformat(life[0].business_day)
    village = life[0].dimensions.village_code
    return tuple(_Stamp(event, opened, village) for event in life)


def _after_s(life: Sequence[_Stamp]) -> tuple[int, ...]:
    """Return the time of each event in seconds.

    It counts from the midnight of the registration's day; no event is before its predecessor.
    """
    return tuple(accumulate((stamp.after_s for stamp in life), max))


def _place(region: Region, village_number: int, category: int) -> _Place:
    """Return a village with town, county and category."""
    town_number = village_number % region.towns
    county = f"620{town_number % region.counties:03d}"
    town = f"{county}{town_number // region.counties + 100:03d}"
    inside = village_number // region.towns
    village, other = (f"{town}{(inside + more) % 998 + 1:03d}" for more in (0, 1))
    return _Place(county, town, village, other, f"{category:02d}")


def _days(last: int) -> tuple[str, ...]:
    return tuple((FIRST_DAY + timedelta(days=n)).isoformat() for n in range(last + LATEST_OFFSET))


def _day(text: str) -> date | None:
    if len(text) != len("2024-01-01"):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight_s(day: date) -> int:
    return int(datetime.combine(day, datetime.min.time(), UTC).timestamp())
