"""Validates a question: metrics, channels, window and codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dispute.refusals.interfaces import (
    BAD_COUNTY_CODE,
    BAD_TOWN_CODE,
    COUNTY_OUT_OF_SCOPE,
    TOO_MANY,
    TOWN_OUTSIDE_COUNTY,
    UNKNOWN_CHANNEL,
)
from services.stats.facts.measures import ALL, CHANNELS, DOCKED
from services.stats.facts.query import Scope
from services.stats.facts.windows import window
from services.stats.figures.definitions import METRICS, Metric, metric_named

_COUNTY_DIGITS: Final = 6
_TOWN_DIGITS: Final = 9
_MAX_ITEMS: Final = 64


@dataclass(frozen=True, slots=True)
class Question:
    """What to count; answers come per channel, then per metric."""

    where: Scope
    metrics: tuple[Metric, ...]
    channels: tuple[str, ...]


def where(start_on: str, end_on: str, county: str, town: str, area: str) -> Scope:
    """Read window and place, within the caller's area.

    Where no place is named it is the caller's own county or town.

    Args:
        start_on: First day, ISO.
        end_on: Last day, ISO.
        county: 6 digits, or empty.
        town: 9 digits, or empty.
        area: Division code of the caller's credential; empty is every county.

    Raises:
        Rejected: As `window`; `bad_county_code`, `bad_town_code`, `town_outside_county`; `county_out_of_scope` for
            another area's place, and where a province's or city's credential names no county.
    """
    if county and not _is_code(county, _COUNTY_DIGITS):
        raise BAD_COUNTY_CODE.error()
    if town and not _is_code(town, _TOWN_DIGITS):
        raise BAD_TOWN_CODE.error()
    if county and town and not town.startswith(county):
        raise TOWN_OUTSIDE_COUNTY.error()
    if not county and not town and len(area) >= _COUNTY_DIGITS:
        county, town = area[:_COUNTY_DIGITS], area if len(area) == _TOWN_DIGITS else ""
    if not (town or county).startswith(area):
        raise COUNTY_OUT_OF_SCOPE.error(field="query.county_code")
    return Scope(window(start_on, end_on), county, town)


def question(place: Scope, metrics: Sequence[str], channels: Sequence[str]) -> Question:
    """Read the whole question.

    No metric means every metric; no channel means court, police, petition and all.

    Raises:
        Rejected: `unknown_metric`, `unknown_channel`, `too_many`.
    """
    for name, asked in (("query.metrics", metrics), ("query.channels", channels)):
        if len(asked) > _MAX_ITEMS:
            raise TOO_MANY.error(field=name, limit=_MAX_ITEMS)
    chosen_metrics = tuple(metric_named(name, field=f"query.metrics[{index}]") for index, name in enumerate(metrics))
    chosen_channels = tuple(
        channel_named(name, field=f"query.channels[{index}]") for index, name in enumerate(channels)
    )
    return Question(
        place, tuple(dict.fromkeys(chosen_metrics)) or METRICS, tuple(dict.fromkeys(chosen_channels)) or DOCKED
    )


def channel_named(name: str, *, field: str) -> str:
    """Return the channel.

    Raises:
        Rejected: `unknown_channel`, naming `field`.
    """
    if name != ALL and name not in CHANNELS:
        raise UNKNOWN_CHANNEL.error(field=field, known=", ".join((*CHANNELS, ALL)))
    return name


def _is_code(text: str, digits: int) -> bool:
    return len(text) == digits and text.isascii() and text.isdigit()
