"""Searches the known records of a matter for the new cases of a unit.

Once for all of them, under the locks of their pairs, so that two workers which register one matter at once see each
other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.intake.cases.membership import Membership
from services.intake.cases.ports import Case, DisputeRegister
from services.intake.law.candidates import Candidate
from services.intake.law.marks import Marks
from services.intake.law.matching import Match, MatchingRules, MatchVerdict, compare

NOBODY: Final[Mapping[str, Marks]] = {}


class CandidateSearch:
    """Finds candidates for each new case: stored records, and new ones before it in the unit.

    Args:
        register: Bound to the transaction.
        wanted: Marks of the new cases, by dispute.
        cases: Disputes of the unit as they stand now.
        links: Links of the unit.
        rules: Rules of matching.
    """

    def __init__(
        self,
        register: DisputeRegister,
        wanted: Mapping[str, Marks],
        cases: Mapping[str, Case],
        links: Membership,
        rules: MatchingRules,
    ) -> None:
        tokens = {token for marks in wanted.values() for token in marks.pairs}
        register.lock_pairs(tokens)
        stored = register.candidates(tokens) if tokens else NOBODY
        near = _Index(stored)
        self._cases = cases
        self._links = links
        self._rules = rules
        self._wanted = wanted
        self._found = {
            dispute_id: found
            for dispute_id, marks in (wanted.items() if stored else ())
            if (found := _near_enough(dispute_id, marks, near.sharing(marks), stored, rules))
        }
        self._new: dict[str, Marks] = {}
        self._index = _Index(self._new)
        known = {each for found in self._found.values() for each in found}
        # Read without their locks: of a candidate only the facts and the link are needed.
        self._others = register.cases(known - cases.keys()) if known else {}
        links.follow(known)

    def candidates_of(self, dispute_id: str) -> Sequence[Candidate]:
        """Return the candidates of a new case; none of a case without marks."""
        marks = self._wanted.get(dispute_id)
        if marks is None:
            return ()
        fresh = _near_enough(dispute_id, marks, self._index.sharing(marks), self._new, self._rules)
        found = {**self._found.get(dispute_id, {}), **fresh}
        return [made for each, match in found.items() if (made := self._candidate(each, match)) is not None]

    def add(self, dispute_id: str) -> Marks | None:
        """Note that a new case was registered; returns its marks."""
        marks = self._wanted.get(dispute_id)
        if marks is not None:
            self._new[dispute_id] = marks
            self._index.add(dispute_id, marks)
        return marks

    def _candidate(self, dispute_id: str, match: Match) -> Candidate | None:
        case = self._cases.get(dispute_id) or self._others.get(dispute_id)
        if case is None:
            return None
        of, facts = case.dispute.dimensions, case.facts
        circumstances = facts.circumstances if facts is not None else frozenset[str]()
        first = self._links.first_of(dispute_id)
        return Candidate(dispute_id, first, of.channel, of.source_organ, match, circumstances)


class _Index:
    """Disputes by the tokens of their pairs."""

    def __init__(self, rows: Mapping[str, Marks]) -> None:
        self._by_token: dict[str, list[str]] = {}
        for dispute_id, marks in rows.items():
            self.add(dispute_id, marks)

    def add(self, dispute_id: str, marks: Marks) -> None:
        for token in marks.pairs:
            self._by_token.setdefault(token, []).append(dispute_id)

    def sharing(self, marks: Marks) -> set[str]:
        return {each for token in marks.pairs for each in self._by_token.get(token, ())}


def _near_enough(
    dispute_id: str, marks: Marks, near: Collection[str], rows: Mapping[str, Marks], rules: MatchingRules
) -> dict[str, Match]:
    """Return the records that may be the same matter, or another report of the same people."""
    if not near:
        return {}
    compared = {each: compare(marks, rows[each], rules) for each in sorted(near) if each != dispute_id}
    return {
        each: match for each, match in compared.items() if match.verdict is not MatchVerdict.NONE or match.is_repeat
    }
