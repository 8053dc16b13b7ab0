"""Fills docs/performance.md from saved results.

It makes the tables, targets and pictures for docs/generate.py. The block of a benchmark without a saved result names
the command that makes it; the result of a quick run is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bench.pictures import Document, pictures

NAMES: Final = ("fold", "handoff", "latency", "sustained", "growth", "recovery")
PROFILE: Final = "profile"
QUESTIONS: Final = {
    "fold": "B1 stats fold",
    "handoff": "B2 hand-off",
    "latency": "B3 latency",
    "sustained": "B4 sustained",
    "growth": "B5 growth",
    "recovery": "B6 recovery",
    PROFILE: "profiles",
}
CONTENDERS: Final = {
    "hub": "**the hub's stats**",
    "bare_decode": "bare loop, decodes only",
    "quix": "Quix Streams",
    "kafka_streams": "Kafka Streams",
    "faust_table": "Faust table",
    "unary": "**bridge, gRPC unary**",
    "unary_echo": "bare grpc.aio echo",
    "rest": "**bridge, REST**",
    "rest_echo": "bare FastAPI echo",
    "batch": "**bridge, gRPC batch**",
}
PROFILES: Final = {
    "fold": ("fold",),
    "handoff": ("handoff", "handoff-batch"),
    "latency": ("latency",),
    "sustained": ("sustained",),
}
"""Benchmark -> the views of it in the saved profile."""
SHARE_FROM: Final = 0.02
WHOLE_FROM: Final = 100
LEAST_CPU_US: Final = 200_000
"""Twenty ticks of the clock with which /proc counts a process's time."""


def load(folder: Path) -> dict[str, Document]:
    """Return the saved results by name.

    Raises:
        ValueError: A result was made with `--quick`, whose figures must not be quoted.
    """
    found: dict[str, Document] = {}
    for name in (*NAMES, PROFILE):
        path = folder / f"bench-{name}.json"
        if path.exists():
            found[name] = json.loads(path.read_text(encoding="utf-8"))
            if found[name].get("quick"):
                raise ValueError(f"{path.name} is of a quick run: save a whole one, `make bench-{name} BENCH=--save`")
    return found


def pages(docs: Path) -> dict[str, Callable[[], str]]:
    """Return the files that `make docs` writes.

    Each file name of the benchmarks comes with a function that makes its text.

    Args:
        docs: Folder of the pages, with the saved results in `results`.
    """
    saved = load(docs / "results")
    drawn = {file: one.svg for name, document in saved.items() for file, one in pictures(name, document).items()}
    return {
        "performance.md": lambda: filled((docs / "performance.md").read_text(encoding="utf-8"), saved),
        **{file: partial(str, svg) for file, svg in drawn.items()},
    }


def filled(page: str, saved: Mapping[str, Document]) -> str:
    """Return the page with all blocks made again.

    A block is the text between its two marks.

    Raises:
        ValueError: The page lacks a mark.
    """
    made = {"bench-targets": targets(saved), "bench-machine": machine(saved)}
    made |= {f"bench-{name}": block(name, saved.get(name)) for name in NAMES}
    made |= {f"profile-{name}": profile(name, saved.get(PROFILE)) for name in PROFILES}
    for mark, text in made.items():
        begin, end = f"<!-- {mark}:begin -->\n", f"<!-- {mark}:end -->"
        head, found, rest = page.partition(begin)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the page lacks the marks of {mark}")
        page = f"{head}{begin}{text}{end}{tail}"
    return page


def targets(saved: Mapping[str, Document]) -> str:
    """Return the table of all targets."""
    rows = []
    for name in NAMES:
        document = saved.get(name)
        if document is None:
            rows.append((QUESTIONS[name], "–", "–", "–", "not run yet"))
            continue
        for what, one in document["targets"].items():
            met = "yes" if one["met"] else f"**no**, see [why](#{name})"
            reached = _figure(one["reached"]) + (" (extrapolated)" if one.get("extrapolated") else "")
            rows.append((QUESTIONS[name], f"`{what}`", _figure(one["target"]), reached, met))
    return _table(("Benchmark", "Figure", "Target", "Reached", "Met"), rows, right=(2, 3))


def machine(saved: Mapping[str, Document]) -> str:
    """Return the table of each result's machine."""
    rows = []
    for name, document in saved.items():
        facts = document["machine"]
        where = f"{facts['cores']} × {facts['cpu']}, {facts['memory_bytes'] / 1e9:.0f} GB, {facts['file_system']}"
        with_ = f"Linux {facts['kernel']}, Python {facts['python']}, {facts['java']}"
        turn = facts["turn_ns"]
        pace = f"{_figure(turn['median'])} ({_figure(turn['min'])}–{_figure(turn['max'])})"
        rows.append((QUESTIONS[name], facts["date"][:10], facts["commit"], pace, where, with_))
    heads = ("Benchmark", "Date", "Commit", "ns a turn", "Machine", "With")
    return _table(heads, rows, right=(3,)) if rows else "Nothing is saved yet.\n"


def block(name: str, document: Document | None) -> str:
    """Return one benchmark's part of the page."""
    if document is None:
        return f"Not run yet on this page's machine: `make bench-{name} BENCH=--save`, then `make docs`.\n"
    text = BLOCKS[name](document)
    return text + "".join(f"\n![{one.alternative}]({file})\n" for file, one in pictures(name, document).items())


def profile(name: str, document: Document | None) -> str:
    """Return the table of a benchmark's time shares.

    Each part of the code has a row, each process a column.
    """
    views = {} if document is None else document["views"]
    columns = {
        process if view == name else f"{process}, {view.removeprefix(name + '-')}": shares["parts"]
        for view in PROFILES[name]
        for process, shares in views.get(view, {}).items()
    }
    if not columns:
        return "Not profiled yet: `make bench-profile BENCH=--save`, then `make docs`.\n"
    parts = {part: max(of.get(part, 0.0) for of in columns.values()) for of in columns.values() for part in of}
    rows = [
        (f"`{part}`", *(f"{of.get(part, 0.0):.0%}" for of in columns.values()))
        for part, most in sorted(parts.items(), key=lambda item: -item[1])
        if most >= SHARE_FROM
    ]
    return _table(("Share of the time under the GIL", *columns), rows, right=range(1, len(columns) + 1))


def fold(document: Document) -> str:
    """Return the fold's tables: rates, work, ratios."""
    figures = document["figures"]
    stages = list(figures)
    names = list(dict.fromkeys(name for stage in stages for name in figures[stage]))

    def cells(name: str, unit: str) -> list[str]:
        return [_spread(figures[stage].get(name, {}).get(unit)) for stage in stages]

    heads = [f"{stage} a value" for stage in stages]
    rates = _table(
        ("events/s, median (min–max)", *heads),
        [(_named(name), *cells(name, "events_s")) for name in names],
        right=range(1, len(stages) + 1),
    )
    work = _table(
        ("µs CPU/event", *heads),
        [(_named(name), *cells(name, "cpu_us")) for name in names],
        right=range(1, len(stages) + 1),
    )
    ratios = document["ratios_by_records_a_value"]
    sizes = _table(
        ("the hub is … times as fast as", *heads),
        [(_named(name), *(_figure(ratios[stage].get(name)) for stage in stages)) for name in names if name != "hub"],
        right=range(1, len(stages) + 1),
    )
    return f"{rates}\n{work}\n{sizes}"


def handoff(document: Document) -> str:
    """Return the hand-off's table."""
    columns = ("records_s", "server_cpu_us", "p50_ms", "p99_ms", "server_cores", "callers_cores")
    heads = ("", "records/s", "µs CPU/record", "p50 ms", "p99 ms", "server's cores", "callers' cores")
    rows = [
        (_named(name), *(_spread(figures.get(column)) for column in columns))
        for name, figures in document["figures"].items()
    ]
    ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in document["ratios"].items())
    receipts = ", ".join(f"{name} {count}" for name, count in document["receipts"].items())
    return f"{_table(heads, rows, right=range(1, 7))}\nRatios: {ratios}. Receipts: {receipts}.\n"


def latency(document: Document) -> str:
    """Return the latency's table.

    Rounds and cores show how close the machine was to full load.
    """
    columns = {
        "arrived": "arrived_s",
        "reached": "reached_s",
        "samples": "samples",
        "p50 ms": "p50_ms",
        "p99 ms": "p99_ms",
        "max ms": "max_ms",
        "p99 from due": "from_due_p99_ms",
        "receipt p99": "receipt_p99_ms",
        "cores of the services": "services_cores",
    }
    rows = []
    for rate, figures in document["figures"].items():
        rounds = " · ".join(_figure(one) for one in figures["p99_ms_by_round"])
        rows.append((rate, *(_figure(figures[key]) for key in columns.values()), rounds))
    heads = ("events/s wanted", *columns, "p99 of each round")
    return _table(heads, rows, right=range(len(heads)))


def sustained(document: Document) -> str:
    """Return the long run's figures and costs.

    The cost is given for each process.
    """
    driver, age, events = document["driver"], document["age_s"], document["events"]
    cores, driver_cores = document["hub_cores"], document["cpu"]["driver"]["cores"]
    head = (
        f"**{document['events_s']:,} events/s** over {document['seconds'] / 60:.1f} minutes ({events:,} events, "
        f"{document['store']}); age of the newest visible event p50 {age['p50']:.2f} s, at most {age['max']:.2f} s. "
        f"The hub with its broker used {cores:.2f} cores, {document['hub_cpu_us_per_event']:.0f} µs an event, its "
        f"driver {driver_cores:.2f}. {driver['records']:,} records and {driver['commands']:,} commands were "
        f"acknowledged, {sum(driver['refused'].values())} refused, {driver['results']:,} results fetched; stats "
        f"counted {driver['stats']:,} of {driver['journal']:,} journal events.\n\n"
    )
    rows = []
    for name, cost in document["cpu"].items():
        memory = document["memory"][name]
        sizes = (f"{memory[at] / 1e6:.0f}" for at in ("half_way_bytes", "end_bytes"))
        rows.append((name, f"{cost['cores']:.2f}", f"{cost['cpu_us_per_event']:.0f}", *sizes, f"{memory['ratio']:.3f}"))
    heads = ("Process", "Cores", "µs CPU/event", "MB half-way", "MB at the end", "Ratio")
    return head + _table(heads, rows, right=range(1, 6))


def growth(document: Document) -> str:
    """Return each pass's sizes and its tenths' cost."""
    sizes = [
        (
            f"{one['service']}, {one['region']}",
            *(_figure(size[name]) for name in ("disputes", "records", "rss_mb", "disk_mb", "disk_bytes_per_record")),
            _figure(_measurable(size)),
        )
        for one in document["passes"]
        for size in one["sizes"]
    ]
    heads = ("Service, region", "Disputes", "Records", "Peak RSS MB", "Disk MB", "Bytes/record", "µs CPU/record")
    passes = [
        (
            f"{one['service']}, {one['region']}",
            *(_figure(one[name]) for name in ("disputes", "records_s", "cost_ratio", "cost_ratio_in_turns")),
            *(_figure(one[name]) for name in ("restarted_rss_mb", "log_bytes_per_record")),
        )
        for one in document["passes"]
    ]
    more = (
        "Pass",
        "Disputes",
        "Records/s",
        "Last tenth ÷ first",
        "in turns",
        "RSS MB after a restart",
        "Kafka bytes/record",
    )
    return f"{_table(heads, sizes, right=range(1, 7))}\n{_table(more, passes, right=range(1, 7))}"


def recovery(document: Document) -> str:
    """Return the tables of recovery.

    They are restarts, hand-overs and rebuilds, if measured.
    """
    tables = {"restarts": _restarts, "hand_overs": _hand_overs, "rebuilds": _rebuilds}
    return "\n".join(table(document[part]) for part, table in tables.items() if part in document)


def _restarts(document: Document) -> str:
    names = ("serving_s", "reading_s", "at_rest_s", "importing_s")
    rows = [(name, *(_spread(of[what]) for what in names)) for name, of in document["services"].items()]
    heads = (
        "kill -9, started again",
        "s until serving, under load",
        "s until it has read on",
        "s until serving, at rest",
        "s to import it alone",
    )
    held = f"\nStores held {document['events']:,} events, {document['stores_bytes'] / 1e6:.0f} MB.\n"
    return _table(heads, rows, right=range(1, 5)) + held


def _hand_overs(document: Document) -> str:
    rows = [(name, _spread(of["applied_s"]), _spread(of.get("relayed_s"))) for name, of in document.items()]
    heads = ("kill -9 of one of two workers (PostgreSQL)", "s until the other applied", "s until it relayed")
    return _table(heads, rows, right=(1, 2))


def _rebuilds(document: Document) -> str:
    names = ("events", "events_a_value", "events_s", "cpu_us_per_event", "from_start_s")
    heads = ("Journal recorded", "Events", "a value", "Events/s", "µs CPU/event", "s with its start", "Same answers")
    rows = [
        (pace.replace("_", " "), *(_figure(of[name]) for name in names), "yes" if of["same_answers"] else "**no**")
        for pace, of in document.items()
    ]
    return _table(heads, rows, right=range(1, 6))


def _measurable(size: Mapping[str, float]) -> float | None:
    """Return the cost at a size.

    None when the half of the run that it covers was too short to be measured.
    """
    return size["cpu_us_per_record"] if size["cpu_us_per_record"] * size["records"] / 2 >= LEAST_CPU_US else None


BLOCKS: Final[Mapping[str, Callable[[Document], str]]] = {
    "fold": fold,
    "handoff": handoff,
    "latency": latency,
    "sustained": sustained,
    "growth": growth,
    "recovery": recovery,
}


def _named(name: str) -> str:
    bare, _, mark = name.partition(" (")
    return CONTENDERS.get(bare, bare) + (f" ({mark}" if mark else "")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    numbers = set(right)
    rule = "|".join("--:" if number in numbers else "---" for number in range(len(heads)))
    lines = [f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _spread(figures: Mapping[str, float] | None) -> str:
    if figures is None:
        return "–"
    middle, low, high = (_figure(figures[name]) for name in ("median", "min", "max"))
    return middle if figures["n"] == 1 else f"{middle} ({low}–{high})"


def _figure(value: float | None) -> str:
    """Return a number with a fitting number of digits."""
    if value is None:
        return "–"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.3g}"
