"""Shows rates and books as tables for people.

Headings are Chinese and English.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich import box
from rich.table import Table

from dispute.lifecycle.vocabulary import DOCKED
from ops.run.books import Books
from ops.run.rates import FIGURES, METRICS, RateRow

CHANNEL_NAMES: Final = {str(channel): f"{channel.zh} {channel}" for channel in DOCKED} | {"all": "合计 all"}
SHORT_NAMES: Final = {
    "diversion": "分流率",
    "success": "成功÷受理",
    "success_on_concluded": "成功÷已结",
    "resolution": "化解率",
    "matters": "事项÷登记",
}
METRIC_NAMES: Final = {
    "diversion": "分流率\ndiversion",
    "success": "成功率（÷受理）\nsuccess on accepted",
    "success_on_concluded": "成功率（÷已结）\nsuccess on concluded",
    "resolution": "化解率\nresolution",
    "matters": "事项÷登记\nmatters of records",
}


def rates_table(rates: Iterable[RateRow], title: str, *, low: bool = False) -> Table:
    """Return the rates with numerators and denominators.

    A column for each figure that was asked for.

    Args:
        rates: To show.
        title: Of the table.
        low: For a console of 24 lines: no frame, one line a channel.
    """
    table = _table(title, low=low)
    table.add_column("渠道 channel", no_wrap=low)
    cells = {(rate.channel, rate.metric): rate for rate in rates}
    asked = {metric for _, metric in cells} or set(METRICS)
    columns = [metric for metric in FIGURES if metric in asked]
    for metric in columns:
        table.add_column(SHORT_NAMES[metric] if low else METRIC_NAMES[metric], justify="right", no_wrap=low)
    for channel, name in CHANNEL_NAMES.items():
        shown = [cells.get((channel, metric)) for metric in columns]
        if any(shown):
            cells_shown = [cell(rate) for rate in shown]
            table.add_row(name, *(text.replace(" = ", " ").replace(" %", "%") if low else text for text in cells_shown))
    return table


def _table(title: str, *, low: bool) -> Table:
    # A frame and wrapped headings need more lines than a low console has.
    return Table(
        title=title, title_justify="left", box=None if low else box.HEAVY_HEAD, padding=(0, 1, 0, 0) if low else (0, 1)
    )


def cell(rate: RateRow | None) -> str:
    """Return one rate as `numerator/denominator = percent`.

    The percent is a dash when the denominator is 0.
    """
    if rate is None:
        return "…"
    percent = "—" if rate.percent is None else f"{rate.percent} %"
    return f"{rate.numerator}/{rate.denominator} = {percent}"


def books_table(books: Books, *, live: bool = False, low: bool = False) -> Table:
    """Return the books, one line for each stage.

    Args:
        books: To show.
        live: Read while records move, each service at another moment; shown without a verdict.
        low: For a console of 24 lines: no frame, Chinese headings only.
    """
    verdict = "平 balanced" if books.balanced else "不平 NOT BALANCED"
    table = _table("账目 books（进行中 in motion）" if live else f"账目 books: {verdict}", low=low)
    for column in (
        "环节 stage",
        "收到 received",
        "处理 applied",
        "拒绝 rejected",
        "死信 dead",
        "暂停 parked",
        "暂扣 held",
        "在途 in flight",
        "差额 difference",
    ):
        table.add_column(column.partition(" ")[0] if low else column, justify="right", no_wrap=low)
    for stage in books.stages:
        counts = (stage.received, stage.applied, stage.rejected, stage.dead, stage.parked, stage.held, stage.in_flight)
        table.add_row(stage.stage, *map(str, counts), str(stage.difference))
    return table
