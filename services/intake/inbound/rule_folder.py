"""Reads a county's rules again when their folder changes.

Sound rules hold from the next unit of work on; faulty ones are refused whole, and the former rules stay in force.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog
from typing_extensions import override

from hub.runtime.metrics import Metrics
from hub.runtime.periodic import Periodic
from services.intake.law.deadlines import Calendar
from services.intake.law.rule_files import COUNTY, FolderText, LoadedRules, read_folder, rules_of
from services.intake.law.rule_text import Problem
from services.intake.law.rulebook import Rulebook, Rules

SAME_VERSION: Final = Problem(
    COUNTY,
    0,
    "version",
    "规则变了而版本没变，请改版本",
    "the rules changed and the version did not: give it another one",
)

_log = structlog.stdlib.get_logger(__name__)


class RuleFolder(Periodic):
    """Keeps the rules in force equal to the folder.

    A part of the service. What two looks in a row see is judged: a file that is being written is not. A change takes
    another version: `county.yaml` written last ends it.

    Args:
        rules: Get what is sound.
        known: Content of the folder that is in force.
        calendar: Counts the days of limits.
        folder: Of the county; None is none.
        metrics: Gets the version in force and the number of faulty files.
        every_s: How often to look.
    """

    name = "rule-folder"

    def __init__(
        self,
        rules: Rules,
        known: FolderText,
        calendar: Calendar,
        folder: Path | None,
        metrics: Metrics,
        *,
        every_s: float,
    ) -> None:
        super().__init__()
        self._rules = rules
        self._judged = self._seen = known
        self._calendar = calendar
        self._folder = folder
        self._metrics = metrics
        self._every_s = every_s
        self._problems: tuple[Problem, ...] = ()
        self._looking = asyncio.Lock()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folder now; the rules in force are then older than it."""
        return self._problems

    def trouble(self) -> str:
        """Return the first error, for health; empty while the folder is in force."""
        return self._problems[0].text() if self._problems else ""

    @override
    async def start(self) -> None:
        """Say which rules are in force."""
        version = self._rules.current.version
        self._metrics.set("hub_rules_info", 1, version=version)
        self._metrics.set("hub_rules_damaged_files", 0)
        if self._folder is not None:
            _log.info("rules_in_force", version=version)
        await super().start()

    async def look(self) -> bool:
        """Look at the folder once; tell whether its rules are in force now and were not before."""
        async with self._looking:
            found = await asyncio.to_thread(read_folder, self._folder)
            settled, self._seen = found == self._seen, found
            if not settled or found == self._judged:
                return False
            self._judged = found
            rules = await asyncio.to_thread(rules_of, found, self._calendar)
            return self._judge(rules)

    def _judge(self, rules: LoadedRules | tuple[Problem, ...]) -> bool:
        if not isinstance(rules, LoadedRules):
            return self._refuse(rules)
        before, book = self._rules.current, rules.book
        if book != before and book.version == before.version:
            # Events name the version alone. It also tells a finished change from files that were lost or cut off.
            return self._refuse((SAME_VERSION,))
        self._problems = ()
        self._metrics.set("hub_rules_damaged_files", 0)
        return book != before and self._accept(before, book)

    def _accept(self, before: Rulebook, book: Rulebook) -> bool:
        self._rules.replace(book)
        self._metrics.set("hub_rules_info", 0, version=before.version)
        self._metrics.set("hub_rules_info", 1, version=book.version)
        _log.info("rules_changed", before=before.version, after=book.version)
        return True

    def _refuse(self, problems: tuple[Problem, ...]) -> bool:
        self._problems = problems
        self._metrics.set("hub_rules_damaged_files", len({problem.file for problem in problems}))
        for problem in problems:
            _log.error("rules_refused", place=problem.text(), in_force=self._rules.current.version)
        return False

    @override
    async def step(self) -> float:
        """Look once."""
        await self.look()
        return self._every_s
