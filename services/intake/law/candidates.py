"""Decides what known records mean for a new one: links, proposals, repeated reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from dispute.lifecycle import Channel, Link, ProposeLink
from services.intake.law.matching import Match, MatchVerdict
from services.intake.law.screening import VIOLENCE

PROPOSED_MOST: Final = 3
"""Matters that a person is asked about, the best first: a longer list is read by nobody."""


class Candidate(Struct, frozen=True):
    """A known record that has people in common with a new one.

    Attributes:
        dispute_id: Dispute of the record.
        matter: First dispute of its matter; itself when it is not linked.
        channel: Channel it came through.
        organ: Organ that sent it.
        match: How it compares with the new record.
        circumstances: What its source recorded of it.
    """

    dispute_id: str
    matter: str
    channel: Channel
    organ: str
    match: Match
    circumstances: frozenset[str] = frozenset()


def links_of(candidates: Sequence[Candidate], channel: Channel, organ: str) -> tuple[Link | ProposeLink, ...]:
    """Return the link of a new record to its matter, or the proposals that a person decides.

    A candidate in any state counts: a suit after a failed mediation is the same matter. Two suits at one court stay two
    suits, also between the same people (a bank and its debtor), unless a person links them. When several matters are
    sure, nobody but a person knows which one it is.

    Args:
        candidates: Records that have people in common with it.
        channel: Channel of the new record.
        organ: Organ that sent it.
    """
    best: dict[str, Candidate] = {}
    sure: set[str] = set()
    suits: set[str] = set()
    for each in sorted(candidates, key=lambda known: (-known.match.score, known.matter, known.dispute_id)):
        if each.match.verdict is MatchVerdict.NONE:
            continue
        best.setdefault(each.matter, each)
        if each.match.verdict is MatchVerdict.SURE:
            sure.add(each.matter)
        if channel is Channel.COURT and (each.channel, each.organ) == (channel, organ):
            suits.add(each.matter)
    if len(sure) == 1 and sure.isdisjoint(suits):
        (matter,) = sure
        found = best[matter].match
        return (Link(matter, found.score, found.reasons),)
    return tuple(
        ProposeLink(each.matter, each.match.score, each.match.reasons) for each in [*best.values()][:PROPOSED_MOST]
    )


def earlier_reports(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the earlier reports of the same people, whatever became of them."""
    return tuple(each for each in candidates if each.match.is_repeat)


def earlier_violence(candidates: Iterable[Candidate]) -> int:
    """Count the earlier reports of violence at home between the same people (反家庭暴力法)."""
    return sum(VIOLENCE in each.circumstances for each in earlier_reports(candidates))
