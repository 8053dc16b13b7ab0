"""Reads the holiday tables that operators provide.

A folder of files is checked again and again; new tables settle provisional dates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import structlog
from typing_extensions import override

from dispute.calendar.working_days import Notice, WorkCalendar, read_notices
from dispute.lifecycle import end_of
from hub.errors import Fault, Retryable
from hub.runtime.metrics import Metrics
from hub.runtime.periodic import Periodic
from services.intake.cases.provisional_dates import Settler

RETRY_S: Final = 1.0
PATTERN: Final = "*.yaml"

_log = structlog.stdlib.get_logger(__name__)


@dataclass
class HolidayFolder:
    """The tables of a folder.

    Each file counts whole or not at all: of a damaged one, the last sound content stays in force.

    Attributes:
        folder: Has one file for each year, or several years in one file; None is no folder.
        damaged: File -> what is wrong with it now.
    """

    folder: Path | None
    damaged: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _sound: dict[str, dict[int, Notice]] = field(default_factory=dict)

    def read(self) -> Mapping[int, Notice] | None:
        """Return the tables.

        None when no file changed since the last time.
        """
        texts, unread = self._look()
        if texts == self._texts and unread.keys() == self.damaged.keys() - texts.keys():
            return None
        self._texts, self.damaged = texts, unread
        self._sound = {name: known for name, known in self._sound.items() if name in texts or name in unread}
        for name, text in texts.items():
            try:
                self._sound[name] = read_notices(text)
            except Fault as fault:
                self.damaged[name] = fault.detail
        return self._together()

    def _look(self) -> tuple[dict[str, str], dict[str, str]]:
        texts: dict[str, str] = {}
        unread: dict[str, str] = {}
        for path in sorted(self.folder.glob(PATTERN)) if self.folder is not None else ():
            try:
                texts[path.name] = path.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                unread[path.name] = f"{type(error).__name__}: {error}"
        return texts, unread

    def _together(self) -> dict[int, Notice]:
        notices: dict[int, Notice] = {}
        for name, known in sorted(self._sound.items()):
            for year in notices.keys() & known.keys():
                self.damaged[name] = f"{year} 年已有另一张表 / another file has a table of {year}"
            notices = known | notices
        return notices


class HolidayTables(Periodic):
    """Keeps the calendar equal to the folder.

    A part of the service. It settles the dates that a new table makes certain.

    Args:
        calendar: Gets the tables.
        folder: Has them.
        settler: Puts provisional dates right.
        metrics: Gets how far the tables reach, how old they are, and how many files are damaged.
        every_s: How often to look.
    """

    name = "holiday-tables"

    def __init__(
        self, calendar: WorkCalendar, folder: HolidayFolder, settler: Settler, metrics: Metrics, every_s: float
    ) -> None:
        super().__init__()
        self._calendar = calendar
        self._folder = folder
        self._settler = settler
        self._metrics = metrics
        self._every_s = every_s

    @property
    def damaged(self) -> Mapping[str, str]:
        """File -> what is wrong with it.

        Its last sound content is in force.
        """
        return self._folder.damaged

    @override
    async def start(self) -> None:
        """Read the tables before counting any limit."""
        await self._read()
        self._set_gauges()
        await super().start()

    async def look(self) -> int:
        """Read the folder once and settle dates.

        Returns the number of disputes corrected.

        Raises:
            Retryable: The store takes nothing now.
        """
        await self._read()
        settled, refused = await self._settler.settle_all()
        for dispute_id, refusal in refused.items():
            _log.error("due_dates_not_settled", dispute_id=dispute_id, code=refusal.code, detail=refusal.detail)
        if settled:
            _log.info("due_dates_settled", disputes=settled)
        return settled

    async def _read(self) -> None:
        notices = await asyncio.to_thread(self._folder.read)
        if notices is None:
            return
        self._calendar.notices = notices
        self._set_gauges()
        for name, why in sorted(self.damaged.items()):
            _log.error("holiday_table_damaged", file=name, detail=why)
        _log.info("holiday_tables_read", years=sorted(notices), missing_from=self._calendar.first_missing_year())

    def _set_gauges(self) -> None:
        end = end_of(date(self._calendar.first_missing_year() - 1, 12, 31))
        self._metrics.set("hub_calendar_covered_until_timestamp_seconds", end.timestamp())
        self._metrics.set("hub_calendar_damaged_files", len(self.damaged))
        if self._calendar.notices:
            newest = self._calendar.notices[max(self._calendar.notices)]
            self._metrics.set(
                "hub_calendar_issued_timestamp_seconds", end_of(newest.issued - timedelta(days=1)).timestamp()
            )

    @override
    async def step(self) -> float:
        """Look once."""
        try:
            await self.look()
        except Retryable as error:
            _log.warning("holiday_tables_wait", code=error.code, detail=error.detail)
            return RETRY_S
        return self._every_s
