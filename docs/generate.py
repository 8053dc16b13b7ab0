"""Write what the pages take from code and from saved runs (`make docs`; a test compares them).

Made of code: topics, metrics, codes, configuration, the tables in rules.md, the map in architecture.md. Made of
docs/results: the figures in the READMEs and the tables in reliability.md.
The lifecycle's page is made by dispute.lifecycle's own table.
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.page import pages as performance_pages
from dispute.access import role_page
from dispute.contracts.topics import BRIDGES, CATALOGUE, TOPICS
from dispute.lifecycle.vocabulary import DOCKED, Channel
from dispute.refusals.cases import CONSENT_REFUSED, GUARDIAN_CONSENT_MISSING, PARTY_UNREACHABLE
from hub.errors import MEANINGS
from hub.runtime.metrics import metrics_table
from hub.runtime.settings import PREFIX, ServiceSettings, settings_table
from hub.streams.topics import DAY_MS, DEAD_LETTER_RETENTION_MS, DEFAULT_PARTITIONS, SHARDS
from services.intake.law import rule_page
from services.intake.law.rule_changes import default_rules
from tests.faults.health_table import BRIDGE, EXPECTED, INTAKE, STATS
from tests.faults.kinds import BY_NAME
from tests.faults.save import ORIGIN, SAVED, Line, read, summed
from tests.support.tree import OURS, modules, tree_of
from tests.support.used_codes import CASES, COMMANDS, rows, users

ROOT: Final = Path(__file__).resolve().parent
SERVICES: Final = ("intake", *BRIDGES, "stats")
MOST_CHARS: Final = 120
"""Of a symptom, in a table."""
MADE: Final = "<!-- Made by docs/generate.py (`make docs`); never edited by hand. -->\n\n"


def topics() -> str:
    """Return the page of the topic catalogue."""
    rows = [
        "| 主题 Topic | 记录 Record | 写 Written by | 读 Read by | 保留 Kept |",
        "|---|---|---|---|---|",
    ]
    for topic in TOPICS:
        kept = "永久 for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // DAY_MS} 天 days"
        cells = (f"`{topic.name}`", f"`{topic.record}`", ", ".join(topic.producers), ", ".join(topic.readers), kept)
        rows.append("| " + " | ".join(cells) + " |")
    for topic in CATALOGUE:
        kept = f"{DEAD_LETTER_RETENTION_MS // DAY_MS} 天 days"
        cells = (
            f"`{topic.dead_letters}`",
            "as it came, plus `dlq_…` headers",
            ", ".join(topic.readers),
            "operators",
            kept,
        )
        rows.append("| " + " | ".join(cells) + " |")
    return (
        f"{MADE}# 主题目录 Topic catalogue\n\n"
        f"But for the last row of topics, which holds credentials ([ADR 0018](adr/0018-credentials.md)), every value "
        f"is one `hub.stream.v1.Batch` of consecutive records of one stream; its place stands in the "
        f"CloudEvents headers too. A stream is `<producer>/<shard>/<epoch>`; `shard = crc32(dispute id) % {SHARDS}`, "
        f"`partition = shard % partitions`, {DEFAULT_PARTITIONS} partitions by default. The hub creates the topics "
        f"itself and refuses to start on a topic that was created otherwise "
        f"([topic-mismatch](runbook.md#topic-mismatch)). Records are stamped by the broker (`LogAppendTime`); when "
        f"something happened stands in the record.\n\n" + "\n".join(rows) + "\n"
    )


def metrics() -> str:
    """Return the page of the metric register."""
    return (
        f"{MADE}# 指标登记表 Metric register\n\n"
        "Each process serves them at `/metrics` on its HTTP port. A rate is never exported: its numerator and its "
        "denominator are. No label names a person, a dispute or a township.\n\n"
        f"{metrics_table()}"
    )


CODES: Final = {
    "hub.refusals": "平台 The platform",
    COMMANDS: "被拒指令的原因 Reasons of refused commands",
    CASES: "不予调解的原因 Reasons of refused cases",
    "dispute.refusals.interfaces": "接口与服务 Interfaces and services",
    "ops.console.refusals": "运维命令 The operator's commands",
}
NO_ERRORS: Final = (
    "No errors: such a case is registered and goes back with the result `not_mediable`. "
    "`consent_missing`, `relation_unclear` and `facts_unclear`, above, are reasons of cases too.\n\n"
)


def codes() -> str:
    """Return the page of the catalogue of codes."""
    head = (
        f"{MADE}# 代码目录 Catalogue of codes\n\n"
        "Every code that anybody is told, once. The kind decides what it means on HTTP and gRPC "
        "([api.md](api.md#errors)); `{…}` stands for a value of the case.\n\n"
        "## 渠道 Channels\n\n| code | 名称 name | 有对接系统 docked |\n|---|---|---|\n"
    )
    parts = [head, *(f"| `{each}` | {each.zh} | {'✓' if each.docked else ''} |\n" for each in Channel)]
    found, clauses = rows(*CODES), _clauses()
    used = users(found, modules(*OURS, "bench"))
    columns = ("code", "kind", "HTTP", "gRPC", "含义", "meaning", "clause", "used in")
    for table, title in CODES.items():
        parts += [f"\n## {title}\n\n", NO_ERRORS if table == CASES else ""]
        parts += [f"| {' | '.join(columns)} |\n", "|---|---|--:|---|---|---|---|---|\n"]
        for row in (row for row in found if row.table == table):
            code, meaning = row.code, MEANINGS[row.code.kind]
            meanings = ("–",) * 3 if table == CASES else (code.kind, code.http or meaning.http, meaning.grpc)
            clause = code.clause or "; ".join(clauses.get(code.name, ()))
            places = ", ".join(f"`{place}`" for place in sorted(used[row]))
            cells = (f"`{code.name}`", *meanings, code.zh, code.en, clause, places)
            parts.append(f"| {' | '.join(map(str, cells))} |\n")
    return "".join(parts)


def _clauses() -> dict[str, list[str]]:
    """Return the clauses of each reason of a refused case, as the rules in force give them."""
    rules = default_rules().book.screening
    pairs = [(exclusion.reason_code, exclusion.clause) for exclusion in rules.exclusions]
    pairs += [
        (code.name, rules.consent_clause) for code in (CONSENT_REFUSED, PARTY_UNREACHABLE, GUARDIAN_CONSENT_MISSING)
    ]
    clauses: dict[str, list[str]] = {}
    for name, clause in dict.fromkeys(pairs):
        clauses.setdefault(name, []).append(clause)
    return clauses


def settings_class(service: str) -> type[ServiceSettings]:
    """Return the settings class that a service reads; all bridges read the same."""
    module = importlib.import_module("bridge.settings" if service in BRIDGES else f"services.{service}.settings")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value.__module__ == module.__name__
    )
    return found


def configuration() -> str:
    """Return the page of the settings: what all services read, then what each adds."""
    head = (
        f"{MADE}# 设置 Configuration\n\n"
        "Environment variables only. A misspelt `HUB_…` name is an error at start-up that names the nearest known one. "
        "The launcher (`hub up`, `hub demo`) sets all of them for its children; "
        "[deploy/env](../deploy/env) has an example for each service.\n\n"
        "The launcher and the tests read `HUB_KAFKA` (auto | native | docker | external) and, with `external`, "
        "`HUB_KAFKA_BOOTSTRAP`; the tests read `HUB_REQUIRE_KAFKA=1` (a missing broker is a failure, not a skip).\n\n"
    )
    parts = [head, "## Every service\n\n", settings_table(ServiceSettings)]
    common = [f"`{PREFIX}{name.upper()}`" for name in ServiceSettings.model_fields]
    for service in SERVICES:
        own = [
            row
            for row in settings_table(settings_class(service)).splitlines()
            if not any(row.startswith(f"| {name} ") for name in common)
        ]
        if len(own) > len(settings_table(ServiceSettings).splitlines()) - len(common):
            parts += [f"\n## {service} adds\n\n", "\n".join(own), "\n"]
    return "".join(parts)


def _result(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((ROOT / "results" / name).read_text(encoding="utf-8"))


def _blocks(page: str, made: Mapping[str, str]) -> str:
    """Return a page with what stands between `<!-- mark:begin -->` and `<!-- mark:end -->` made anew, for each mark."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for mark, block in made.items():
        begin, end = f"<!-- {mark}:begin -->\n", f"<!-- {mark}:end -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f"{head}{begin}{block}{end}{tail}"
    return text


def demo_table(*, chinese: bool) -> str:
    """Return the table that a saved run of `make demo` ended with."""
    saved = _result("demo.json")
    run, result = saved["run"], saved["result"]
    rates = {(rate["channel"], rate["metric"]): rate for rate in result["rates"]}
    names = ("diversion", "success", "success_on_concluded", "resolution")
    heads = ("分流率", "成功率（÷受理）", "成功率（÷已结）", "化解率") if chinese else names
    rows = [f"| {'渠道' if chinese else 'channel'} | " + " | ".join(heads) + " |", "|---|--:|--:|--:|--:|"]
    labels = {str(channel): channel.zh for channel in DOCKED} | {"all": "合计"}
    for channel, label in labels.items():
        cells = [rates[channel, name] for name in names]
        figures = [f"{cell['numerator']}/{cell['denominator']} = {cell['percent']} %" for cell in cells]
        rows.append(f"| {label if chinese else channel} | " + " | ".join(figures) + " |")
    broker = f"Apache Kafka {result['broker']['version']} ({result['broker']['kind']})"
    if chinese:
        books = "账目平" if result["books"]["balanced"] else "账目不平"
        facts = (broker, f"{result['events']} 个事件", books, f"{result['seconds']} 秒")
    else:
        books = "books balanced" if result["books"]["balanced"] else "books NOT balanced"
        facts = (broker, f"{result['events']} events", books, f"{result['seconds']} s")
    return "\n".join([*rows, "", " · ".join((*facts, run["date"], run["machine"])), ""])


def chaos_table() -> str:
    """Return the saved runs of `hub demo --chaos` as a table."""
    heads = ("Store", "Intake workers", "Seed", "Table as expected", "Books", "Kills", "of them with work on hand")
    more_heads = ("Repeats dropped", "Gaps fetched", "Seconds", "Commit")
    rows = ["| " + " | ".join((*heads, *more_heads)) + " |", "|---|--:|--:|---|---|--:|--:|--:|--:|--:|---|"]
    for run in _result("chaos.json"):
        verdict = "yes" if run["ok"] else "**no**"
        books = "balanced" if run["balanced"] else "**not balanced**"
        cells = (run["store"], run["intake_workers"], run["seed"], verdict, books, run["kills"], run["loaded"])
        more = (run["repeats_dropped"], run["gaps_fetched"], run["seconds"], run["commit"])
        rows.append("| " + " | ".join(str(cell) for cell in (*cells, *more)) + " |")
    return "\n".join([*rows, ""])


def faults_table() -> str:
    """Return the saved runs of the fault matrix, by kind and store, a table for each product that ran."""
    lines = read(SAVED)
    products = dict.fromkeys(line["product"] for line in lines)
    tables = [_faults_of([line for line in lines if line["product"] == product]) for product in products]
    return "\n".join(tables) or "No run is saved yet.\n"


def _faults_of(lines: Sequence[Line]) -> str:
    rows = summed(lines)
    columns = {
        "Fault": "kind",
        "Store": "store",
        "Clock": "clock",
        "Runs": "runs",
        "Red": "red",
        "Acknowledged": "acknowledged",
        "Lost": "lost",
        "Double-counted": "double_counted",
        "Repeats dropped": "repeats_dropped",
        "Gaps fetched": "gaps_fetched",
        "Longest stall, s": "longest_stall_s",
        "Longest recovery, s": "longest_recovery_s",
    }
    table = ["| " + " | ".join(columns) + " |", "|---|---|---|" + "--:|" * 9]
    table += ["| " + " | ".join(str(row[name]) for name in columns.values()) + " |" for row in rows]
    sums = {name: sum(row[name] for row in rows) for name in ("runs", "red", "acknowledged", "lost", "double_counted")}
    totals = ", ".join(f"{number} {name.replace('_', '-')}" for name, number in sums.items())
    fewest = min(len(row["seeds"]) for row in rows)
    origin = {name: ", ".join(sorted(set().union(*(row[name] for row in rows)))) for name in ORIGIN}
    caption = (
        f"Product `{origin['product']}`: {totals}; at least {fewest} seeds of each kind and store here. Apache Kafka "
        f"{origin['broker']}, three nodes · {origin['date']} · commits {origin['commit']}."
    )
    return "\n".join([caption, "", *table, ""])


def health_table() -> str:
    """Return what each role of service says of itself while a fault lasts."""
    rows = ["| Fault | Bridges | Intake | Stats |", "|---|---|---|---|"]
    rows += [
        f"| {name}: {BY_NAME[name].what} | " + " | ".join(states[role] for role in (BRIDGE, INTAKE, STATS)) + " |"
        for name, states in EXPECTED.items()
    ]
    return "\n".join([*rows, ""])


def guards_table() -> str:
    """Return the saved run of the control: each guard with and without, and the naive counter."""
    saved = _result("faults-control.json")
    heads = (
        "Guard",
        "Promise",
        "Switched off: what then",
        "Driven into by",
        "Store",
        "With it",
        "Without it",
        "Caught",
    )
    rows = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in saved["rows"]:
        off = row["off"] + (f" ({row['behind']})" if row["behind"] else "")
        figures = (row["seen_by"],) if row["seen_by"] else ("lost", "double_counted")
        outcomes = (_outcome(row["with"], figures), _outcome(row["without"], figures))
        cells = (f"`{row['guard']}`", row["promise"], off, row["drive"], row["store"], *outcomes)
        rows.append("| " + " | ".join((*cells, "yes" if row["caught"] else "**no**")) + " |")
    lines = ["", f"{saved['broker']}, three nodes · {saved['date']} · {saved['commit']} · seeds {saved['seeds']}", ""]
    naive = saved["naive"]
    if naive is not None:
        summary = (
            f"A naive Faust counter (a table with `+= 1`, its changelog in Kafka) that read the same journal and was "
            f"killed with SIGKILL {naive['kills']} times counted {naive['counted']} events where there were "
            f"{naive['truth']}: {naive['counted'] - naive['truth']:+d}."
        )
        lines += [summary, ""]
    return "\n".join([*rows, *lines])


def _outcome(half: Mapping[str, Any] | None, figures: Sequence[str]) -> str:
    """Return in a few words what became of one half of a control; `figures` are those that it is about."""
    if half is None:
        return "not run"
    if not half["red"]:
        return "green"
    counted = [f"{half[name]} {name.replace('_', '-')}" for name in figures if half[name]]
    first = next(iter([*half["symptoms"], *half["problems"]]), "")
    summary = ", ".join(counted) or first[:MOST_CHARS].replace("|", "/")
    return f"red: {summary}"


def house_map() -> str:
    """Return every module with the first sentence of its docstring, room by room."""
    rooms: dict[str, list[str]] = {}
    for path in modules(*OURS):
        first = (ast.get_docstring(tree_of(path)) or "").partition("\n")[0]
        room = path.parent.relative_to(ROOT.parent).as_posix()
        if path.name != "__init__.py":
            rooms.setdefault(room, []).append(f"`{path.stem}` {first}")
    return "\n\n".join(f"**{room}/** {' '.join(told)}" for room, told in rooms.items()) + "\n"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "topics.md": topics,
    "metrics.md": metrics,
    "codes.md": codes,
    "configuration.md": configuration,
    "roles.md": lambda: _blocks("roles.md", {"roles": role_page.tables()}),
    "rules.md": lambda: _blocks("rules.md", {"rules": rule_page.tables()}),
    "architecture.md": lambda: _blocks("architecture.md", {"map": house_map()}),
    "../README.md": lambda: _blocks("../README.md", {"demo-output": demo_table(chinese=False)}),
    "../README.zh.md": lambda: _blocks("../README.zh.md", {"demo-output": demo_table(chinese=True)}),
    "reliability.md": lambda: _blocks(
        "reliability.md",
        {"chaos": chaos_table(), "faults": faults_table(), "health": health_table(), "guards": guards_table()},
    ),
    **performance_pages(ROOT),
}


def main() -> int:
    """Write all pages."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
