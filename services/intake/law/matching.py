"""Decides whether two records are one matter.

A matter is who against whom, and what it is about. Compares keyed tokens instead of people, so that nobody's identity
is stored for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Final

from msgspec import Meta, Struct
from typing_extensions import override

from services.intake.law.marks import Marks, Side, same_people, shared_people
from services.intake.law.rule_rows import Clause, Gap, RuleFile, RuleRow


class MatchReason(StrEnum):
    """What speaks for or against one matter.

    Each is a row of `rules/matching.yaml`, which has its points and its texts.
    """

    SAME_PARTIES = "same_parties"
    SOME_PARTIES = "some_parties"
    GROUP_MEMBER = "group_member"
    SAME_SUBJECT = "same_subject"
    OTHER_SUBJECT = "other_subject"
    SAME_HAPPENED_ON = "same_happened_on"
    NEAR_HAPPENED_ON = "near_happened_on"
    OTHER_HAPPENED_ON = "other_happened_on"
    SAME_AMOUNT = "same_amount"
    OTHER_AMOUNT = "other_amount"
    SAME_CATEGORY = "same_category"
    OTHER_CATEGORY = "other_category"
    SAME_TOWN = "same_town"
    SAME_VILLAGE = "same_village"
    SAME_CAUSE = "same_cause"
    INCOMPLETE_SIDES = "incomplete_sides"
    OUTSIDE_WINDOW = "outside_window"


class MatchVerdict(StrEnum):
    """What follows: a link, a proposal to a person, nothing."""

    SURE = "sure"
    LIKELY = "likely"
    NONE = "none"


ALIKE: Final = (
    MatchReason.SAME_PARTIES,
    MatchReason.SAME_CATEGORY,
    MatchReason.SAME_TOWN,
    MatchReason.SAME_VILLAGE,
    MatchReason.SAME_CAUSE,
)
"""Reasons that hold for every loan between the same two people."""
HINTS: Final = (MatchReason.SAME_AMOUNT, MatchReason.NEAR_HAPPENED_ON)
NEVER: Final = (MatchReason.INCOMPLETE_SIDES, MatchReason.OUTSIDE_WINDOW)


class MatchingRule(RuleRow, frozen=True, kw_only=True):
    """Points of one reason, which is its id.

    Attributes:
        points: Added when the reason holds.
        clause: Clause it is based on; a link rests on the sum of all its reasons.
    """

    points: Annotated[int, Meta(ge=-200, le=200)]
    clause: Clause


class MatchingRules(RuleFile, frozen=True, kw_only=True, dict=True):
    """How much each reason counts.

    Attributes:
        sure: Score from which two records are one matter.
        likely: Score from which a person is asked.
        window_days: Days between the receipts of two records; beyond it only the same subject makes them one matter.
        near_days: Events that are at most so many days apart are near.
        other_days: Events that are more days apart are others.
        amount_percent: Amounts that differ by more, in percent of the larger one, are others.
        group_from: People who make a group matter.
        rows: One row for each reason.
    """

    sure: Annotated[int, Meta(ge=1, le=400, title="多少分起直接关联 Points from which two records are linked")]
    likely: Annotated[int, Meta(ge=1, le=400, title="多少分起提请人工判断 Points from which a person is asked")]
    window_days: Annotated[int, Meta(ge=1, le=3650, title="收件间隔最长日数 Days between two receipts at the most")]
    near_days: Annotated[int, Meta(ge=0, le=30, title="发生日期相近的日数 Days within which events are near")]
    other_days: Annotated[int, Meta(ge=1, le=400, title="发生日期不同的日数 Days beyond which events are others")]
    amount_percent: Annotated[int, Meta(ge=1, le=99, title="金额不同的百分比 Percent beyond which amounts are others")]
    group_from: Annotated[int, Meta(ge=2, le=1000, title="群体事项人数 People who make a group matter")]
    rows: Annotated[tuple[MatchingRule, ...], Meta(title="匹配理由 Reasons")]

    @cached_property
    def row_of(self) -> Mapping[str, MatchingRule]:
        """Reason -> its row: the first, as everywhere."""
        return {row.id: row for row in reversed(self.rows)}

    @override
    def gaps(self) -> Iterator[Gap]:
        points = {row.id: row.points for row in self.rows}
        if points.keys() != set(MatchReason):
            listed = ", ".join(MatchReason)
            yield Gap("rows", f"每个理由须有且只有一行：{listed}", f"each of these needs one row: {listed}")
            return
        for_it = [reason for reason in MatchReason if reason.startswith(("same_", "near_", "some_", "group_"))]
        against_it = [reason for reason in MatchReason if reason.startswith("other_")]
        # Silently linked is only what is known to be one matter.
        hinted = sum(points[reason] for reason in ALIKE) + max(points[reason] for reason in HINTS)
        if self.likely > self.sure:
            yield Gap("likely", "likely 不得高于 sure", "likely may not be above sure", ("sure",))
        if self.near_days > self.other_days:
            zh, en = "near_days 不得大于 other_days", "near_days may not be above other_days"
            yield Gap("near_days", zh, en, ("other_days",))
        if any(points[reason] < 0 for reason in for_it):
            yield Gap("rows", "相同不得扣分", "what is the same may not speak against one matter")
        if any(points[reason] > 0 for reason in against_it):
            yield Gap("rows", "不同不得加分", "what is another may not speak for one matter")
        if any(points[reason] for reason in NEVER):
            yield Gap("rows", f"不计分：{'、'.join(NEVER)}", f"{' and '.join(NEVER)} have no points")
        if hinted >= self.sure:
            zh = "当事人、类别、地点相同加一条线索，不得直接关联"
            yield Gap("rows", zh, "the same people, category and place with one hint may not be sure", ("sure",))


class Match(Struct, frozen=True):
    """Result of comparing two records.

    Attributes:
        score: Sum of the points.
        reasons: Codes with signed points, such as `same_parties+50`.
    """

    score: int
    reasons: tuple[str, ...]
    verdict: MatchVerdict

    @property
    def is_repeat(self) -> bool:
        """Whether the same people are concerned, not too long after each other, whatever it is about."""
        codes = {code_of(reason) for reason in self.reasons}
        return MatchReason.SAME_PARTIES in codes and MatchReason.OUTSIDE_WINDOW not in codes


Sides = tuple[Side, Side]
"""People of one side of a record, and those of the other."""

STRANGERS: Final = Match(0, (), MatchVerdict.NONE)
"""No two people of opposite sides in common."""


def compare(new: Marks, known: Marks, rules: MatchingRules) -> Match:
    """Return whether two records are one matter, and why.

    Neither the order of the two records nor that of the sides counts. Without a common pair of people nothing else is
    looked at. Whoever is not identified might be anybody, so incomplete sides are never sure.

    Args:
        new: Marks of one record.
        known: Marks of the other.
        rules: Points and thresholds.
    """
    found = [*_parties(new, known, rules)]
    if not found:
        return STRANGERS
    of_group = MatchReason.GROUP_MEMBER in found
    found += _about(new, known, rules, of_group=of_group)
    found += _kind_and_place(new, known)
    apart = abs((new.received_on - known.received_on).days)
    is_late = apart > rules.window_days and MatchReason.SAME_SUBJECT not in found
    is_complete = new.complete and known.complete
    if not is_complete:
        found.append(MatchReason.INCOMPLETE_SIDES)
    if is_late:
        found.append(MatchReason.OUTSIDE_WINDOW)
    points = [rules.row_of[reason].points for reason in found]
    score = sum(points)
    reasons = tuple(f"{reason}{each:+d}" for reason, each in zip(found, points, strict=True))
    verdict = MatchVerdict.LIKELY
    if is_late or score < rules.likely:
        verdict = MatchVerdict.NONE
    elif is_complete and score >= rules.sure:
        verdict = MatchVerdict.SURE
    return Match(score, reasons, verdict)


def code_of(reason: str) -> MatchReason:
    """Return the code of a reason without its points."""
    return MatchReason(reason.rstrip("+-0123456789"))


def _parties(new: Marks, known: Marks, rules: MatchingRules) -> Iterator[MatchReason]:
    """Yield what the people say; nothing for strangers."""
    if set(new.pairs).isdisjoint(known.pairs):
        return
    mine, theirs = (new.claiming, new.answering), (known.claiming, known.answering)
    ways = (theirs, theirs[::-1])
    if new.complete and known.complete and any(_same_sides(mine, way) for way in ways):
        yield MatchReason.SAME_PARTIES
        return
    if not any(shared_people(mine[0], way[0]) and shared_people(mine[1], way[1]) for way in ways):
        # Only a phone in common, and another identity number: somebody else of the family.
        return
    yield MatchReason.SOME_PARTIES
    for way in ways:
        some = ((mine, way, known.persons), (way, mine, new.persons))
        if any(
            _are_of_group(few, many, persons, rules.group_from)
            or _are_of_group(few[::-1], many[::-1], persons, rules.group_from)
            for few, many, persons in some
        ):
            yield MatchReason.GROUP_MEMBER
            return


def _same_sides(one: Sides, other: Sides) -> bool:
    return same_people(one[0], other[0]) and same_people(one[1], other[1])


def _are_of_group(few: Sides, many: Sides, persons: int, group_from: int) -> bool:
    """Return whether the first side of `few` are some of the group that is the first side of `many`.

    Both have the same opponents. A large group names only its representatives; then the headcount makes it a group, if
    they are the larger side.
    """
    (people, against), (group, opponents) = few, many
    is_group = len(group) >= group_from or (persons >= group_from and len(group) > len(opponents))
    if not is_group or len(people) >= len(group) or not same_people(against, opponents):
        return False
    return len(shared_people(people, group)) == len(people)


def _about(new: Marks, known: Marks, rules: MatchingRules, *, of_group: bool) -> Iterator[MatchReason]:
    """Yield what is said of the subject: its number, its day, its amount.

    Each of a group has a contract and a sum of his own, so that others say nothing about a member.
    """
    if new.subject and known.subject:
        if new.subject == known.subject:
            yield MatchReason.SAME_SUBJECT
        elif not of_group:
            yield MatchReason.OTHER_SUBJECT
    if new.happened_on is not None and known.happened_on is not None:
        yield from _days(new.happened_on, known.happened_on, rules)
    if new.amount_fen and known.amount_fen:
        apart = abs(new.amount_fen - known.amount_fen)
        if not apart:
            yield MatchReason.SAME_AMOUNT
        elif not of_group and apart * 100 > max(new.amount_fen, known.amount_fen) * rules.amount_percent:
            yield MatchReason.OTHER_AMOUNT


def _days(new: date, known: date, rules: MatchingRules) -> Iterator[MatchReason]:
    apart = abs((new - known).days)
    if not apart:
        yield MatchReason.SAME_HAPPENED_ON
    elif apart <= rules.near_days:
        yield MatchReason.NEAR_HAPPENED_ON
    elif apart > rules.other_days:
        yield MatchReason.OTHER_HAPPENED_ON


def _kind_and_place(new: Marks, known: Marks) -> Iterator[MatchReason]:
    """Yield what category, cause and place say; some sources send only two digits of a category."""
    if new.category and known.category:
        same = new.category[:2] == known.category[:2]
        yield MatchReason.SAME_CATEGORY if same else MatchReason.OTHER_CATEGORY
    if new.town and new.town == known.town:
        yield MatchReason.SAME_TOWN
    if new.village and new.village == known.village:
        yield MatchReason.SAME_VILLAGE
    if new.cause and new.cause == known.cause:
        yield MatchReason.SAME_CAUSE
