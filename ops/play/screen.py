"""Shows the progress of a run.

A terminal gets a live screen; any other output gets a plain line every few seconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ops.play.progress import RunProgress
from ops.run.tables import CHANNEL_NAMES, books_table, rates_table

REFRESH_S: Final = 0.25
HIGH: Final = 50
"""Lines of a console on which everything fits; a lower one gets no throughput, and the rest without frames."""

PLAIN_EVERY_S: Final = 5.0


class Screen:
    """Shows progress until it is cancelled.

    Args:
        console: Target; a terminal gets the live screen.
        progress: Counters to show; they are only read.
        quiet: Show nothing at all (`--json`).
    """

    def __init__(self, console: Console, progress: RunProgress, *, quiet: bool = False) -> None:
        self._console = console
        self._progress = progress
        self._quiet = quiet
        self._live: Live | None = None
        self._before: tuple[float, Counter[str], int] = (0.0, Counter(), 0)
        self._speed: Counter[str] = Counter()

    def say(self, line: str) -> None:
        """Show one line.

        It appears on the live screen; without a live screen it is printed at once.
        """
        self._progress.line = line
        if self._quiet or self._live is not None:
            return
        self._console.print(line, highlight=False)

    async def run(self) -> None:
        """Show progress until cancelled."""
        if self._quiet:
            return
        if not self._console.is_terminal:
            await self._plain()
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                while True:
                    self._measure()
                    live.update(self._picture(), refresh=True)
                    await asyncio.sleep(REFRESH_S)
            finally:
                self._live = None

    async def _plain(self) -> None:
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            shown = self._progress
            sent = " ".join(f"{channel}={count}" for channel, count in sorted(shown.sent.items()))
            self._console.print(
                f"{shown.seconds:5.0f} s  {shown.tick}/{shown.ticks}  {shown.business_date or ''}  {sent}  "
                f"commands={shown.commands} events={shown.events} kills={shown.kills}",
                highlight=False,
            )

    def _measure(self) -> None:
        """Measure the speed over at least two seconds.

        A shorter interval would change too fast to be read.
        """
        now, sent, events = self._before
        elapsed = self._progress.seconds - now
        if elapsed < 2.0:  # noqa: PLR2004 - as the docstring says
            return
        counts = Counter(self._progress.sent)
        self._speed = Counter({name: round((counts[name] - sent[name]) / elapsed) for name in counts})
        self._speed["events"] = round((self._progress.events - events) / elapsed)
        self._before = (self._progress.seconds, counts, self._progress.events)

    def _picture(self) -> Group:
        shown, low = self._progress, self._console.height < HIGH
        head = Text.assemble(
            ("三调对接枢纽 Santiao hub  ", "bold"),
            f"业务日 business day {shown.business_date or '—'}   {shown.seconds:.0f} s   ",
            (f"kill -9 × {shown.kills}" if shown.kills else "", "bold red"),
        )
        parts: list[Text | Table | ProgressBar] = [
            head,
            ProgressBar(total=max(1, shown.ticks), completed=shown.tick, width=60),
            # The bar does not end its line.
            Text(),
            *(() if low else (self._sources(),)),
            rates_table(shown.rates, "比率 rates", low=low),
        ]
        if shown.books is not None:
            parts.append(books_table(shown.books, live=True, low=low))
        parts.append(Text(shown.line, style="dim"))
        return Group(*parts)

    def _sources(self) -> Table:
        shown = self._progress
        table = Table(title="吞吐 throughput", title_justify="left")
        for column in ("来源 source", "已收 acknowledged", "件/秒 per s", "拒收 refused"):
            table.add_column(column, justify="right")
        for channel, name in CHANNEL_NAMES.items():
            if channel != "all":
                counts = (shown.sent[channel], self._speed[channel], shown.refused[channel])
                table.add_row(name, *map(str, counts))
        age = "—" if shown.lag_s is None else f"{shown.lag_s:.1f} s"
        table.add_row("指令 commands", str(shown.commands), "", "")
        table.add_row("事件 events", str(shown.events), str(self._speed["events"]), f"落后 lag {age}")
        return table
