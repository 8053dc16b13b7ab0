"""Shows a run's result to people or as JSON."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from ops.play.session import RunReport
from ops.run.tables import books_table, rates_table


def as_json(report: RunReport) -> dict[str, object]:
    """Return the JSON document for `--json`."""
    return {
        "broker": {"kind": report.broker_kind, "version": report.broker_version},
        "rates": [asdict(rate) for rate in report.rates],
        "books": {"balanced": False, "stages": []} if report.books is None else report.books.as_json(),
        "events": report.events,
        "kills": [asdict(kill) for kill in report.kills],
        "pauses": report.pauses,
        "repeats_dropped": 0 if report.books is None else report.books.repeats_dropped,
        "gaps_fetched": 0 if report.books is None else report.books.gaps_fetched,
        "seconds": report.seconds,
        "ok": report.ok,
    }


def show(console: Console, report: RunReport) -> None:
    """Print the result of a run."""
    scenario = report.script.scenario
    window = scenario.window
    title = f"{scenario.title.zh} {scenario.title.en}  [{window.start} – {window.end})"
    console.print(rates_table(report.rates, title))
    if scenario.note is not None:
        console.print(f"{scenario.note.zh}\n{scenario.note.en}")
    if report.books is not None:
        console.print(books_table(report.books))
        console.print(
            f"丢弃的重复 repeats dropped: {report.books.repeats_dropped}   "
            f"补取的缺口 gaps fetched: {report.books.gaps_fetched}"
        )
    for kill in report.kills:
        console.print(f"  kill -9 {kill.service} @ {kill.at} s: outbox {kill.outbox_rows}, unread {kill.unread}")
    if report.pauses:
        console.print(f"  暂停 3 秒 paused for 3 s: {report.pauses} ×")
    console.print(
        f"个人信息检查 privacy check: {report.traces} 处 traces in {report.dumped_bytes:,} bytes "
        "(主题 topics, 死信 dead letters, 日志 logs, /metrics)"
    )
    console.print(
        f"Apache Kafka {report.broker_version} ({report.broker_kind}) · "
        f"事件 events {report.events} · {report.seconds} s"
    )
    if report.differences:
        differences(console, report)
    else:
        console.print("[bold green]全部相符 everything agrees[/]: gRPC = Prometheus = 场景合计 scenario's sums")


def differences(console: Console, report: RunReport) -> None:
    """Print the differences, one line each."""
    table = Table(title="不符 differences", title_justify="left")
    for column in ("什么 what", "应为 expected", "实为 found"):
        table.add_column(column, overflow="fold")
    for line in report.differences:
        table.add_row(line.what, line.expected, line.found)
    console.print(table)
