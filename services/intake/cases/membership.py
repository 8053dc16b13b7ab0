"""Which disputes are of one matter, as a unit sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from services.intake.cases.ports import Case, StoredLinks


class Membership:
    """Links between disputes: stored ones, and those of this unit.

    A matter is all disputes that links connect, because a person may link the first dispute of one matter to another.

    Args:
        stored: Bound to the transaction.
        cases: Disputes of the unit as they stand now; they outweigh what is stored.
    """

    def __init__(self, stored: StoredLinks, cases: Mapping[str, Case]) -> None:
        self._stored = stored
        self._cases = cases
        self._masters: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        self._followed: set[str] = set()
        self._loaded: set[str] = set()
        self._known = 0

    def follow(self, dispute_ids: Iterable[str]) -> None:
        """Read the links that lead from these disputes to the first of their matter."""
        open_ids = set(dispute_ids) - self._followed
        while open_ids:
            self._followed |= open_ids
            unknown = open_ids - self._cases.keys()
            self._masters |= self._stored.masters_of(unknown) if unknown else {}
            open_ids = self._masters_of(open_ids) - self._followed

    def load(self, dispute_ids: Collection[str]) -> None:
        """Read all links of the matters of these disputes."""
        open_ids = set(dispute_ids) - self._loaded
        while open_ids:
            self._loaded |= open_ids
            self.follow(open_ids)
            near = self._masters_of(open_ids)
            for member, master in self._stored.members_of(open_ids).items():
                self._masters[member] = master
                self.add(member, master)
                near.add(member)
            open_ids = near - self._loaded

    def load_all(self) -> None:
        """Read all links of the matters of the unit's disputes: once for all that they tell each other."""
        if len(self._cases) > self._known:
            self.load(self._cases.keys())
            self._known = len(self._cases)

    def add(self, dispute_id: str, master: str) -> None:
        """Note a link that a dispute of this unit got."""
        self._members.setdefault(master, set()).add(dispute_id)

    def first_of(self, dispute_id: str) -> str:
        """Return the first dispute of a matter, as far as its links were read; itself when it is not linked."""
        seen = {dispute_id}
        while (master := self._master(dispute_id)) and master not in seen:
            seen.add(master)
            dispute_id = master
        return dispute_id

    def others_of(self, dispute_id: str) -> list[str]:
        """Return the other disputes of a matter, ascending."""
        found, open_ids = {dispute_id}, {dispute_id}
        while open_ids:
            self.load(open_ids)
            members = {member for each in open_ids for member in self._members_of(each)}
            open_ids = (self._masters_of(open_ids) | members) - found
            found |= open_ids
        return sorted(found - {dispute_id})

    def _master(self, dispute_id: str) -> str:
        case = self._cases.get(dispute_id)
        return self._masters.get(dispute_id, "") if case is None else case.dispute.master_dispute_id

    def _masters_of(self, dispute_ids: Iterable[str]) -> set[str]:
        return {master for each in dispute_ids if (master := self._master(each))}

    def _members_of(self, dispute_id: str) -> list[str]:
        return [each for each in self._members.get(dispute_id, ()) if self._master(each) == dispute_id]
