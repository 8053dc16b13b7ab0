"""Makes pictures from benchmark results.

Each picture has a text alternative that says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.plots import Bar, Line, bars, lines, short

Document = Mapping[str, Any]
STAGE: Final = "500"
"""Records per value in the picture of the fold."""
PEERS: Final = {
    "hub": "Santiao hub, stats",
    "quix": "Quix Streams",
    "kafka_streams": "Kafka Streams",
    "faust_table": "Faust table",
    "bare_decode": "bare loop, decodes only",
}
PROCESSES: Final = ("intake", "stats", "court_bridge", "police_bridge", "petition_bridge", "broker", "postgres")


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG and its text alternative."""

    svg: str
    alternative: str


def pictures(name: str, document: Document) -> dict[str, Picture]:
    """Return one benchmark's pictures by file name.

    It is empty when there is nothing to draw.
    """
    found = {part: draw(document) for part, draw in _DRAWN.get(name, {}).items()}
    return {f"performance-{part}.svg": picture for part, picture in found.items() if picture is not None}


def _fold(document: Document) -> Picture | None:
    figures = document["figures"].get(STAGE)
    if figures is None:
        return None
    rates = {PEERS[name]: figures[name]["events_s"] for name in PEERS if name in figures}
    drawn = [Bar(name, rate["median"], rate["min"], rate["max"], name == PEERS["hub"]) for name, rate in rates.items()]
    texts = ", ".join(f"{name} {rate['median']:,.0f}" for name, rate in rates.items())
    title = f"Stats fold, {STAGE} records a value"
    alternative = f"Bars of events per second: {texts}."
    return Picture(bars(title, alternative, "events/s; whiskers: lowest to highest", drawn), alternative)


def _latency(document: Document) -> Picture:
    figures = {int(rate): figure for rate, figure in document["figures"].items()}
    drawn = [
        Line(name, [(rate, figures[rate][key]) for rate in sorted(figures)])
        for name, key in (("p50", "p50_ms"), ("p99", "p99_ms"))
    ]
    texts = ", ".join(f"{rate}/s p50 {of['p50_ms']:.0f} ms, p99 {of['p99_ms']:.0f} ms" for rate, of in figures.items())
    alternative = f"Time from receipt to a stats answer against the rate of events: {texts}."
    axes = ("journal events/s", "ms")
    return Picture(lines("From receipt to figures", alternative, axes, drawn, log_x=True, log_y=True), alternative)


def _sustained_rate(document: Document) -> Picture:
    drawn = [Line("visible in stats", [(row["at_s"], row["events_s"]) for row in document["series"]])]
    of = document["events_s_by_interval"]
    alternative = (
        f"Events that became visible per second over the run: {of['median']:,.0f} in the median interval, "
        f"{of['min']:,.0f} in the slowest, {of['max']:,.0f} in the fastest."
    )
    return Picture(lines("Sustained rate", alternative, ("seconds", "events/s"), drawn), alternative)


def _sustained_memory(document: Document) -> Picture:
    rows, memory = document["series"], document["memory"]
    names = [name for name in PROCESSES if name in memory]
    drawn = [Line(name, [(row["at_s"], row["rss_mb"][name]) for row in rows]) for name in names]
    texts = ", ".join(
        f"{name} {memory[name]['half_way_bytes'] / 1e6:.0f} then {memory[name]['end_bytes'] / 1e6:.0f}"
        for name in names
    )
    alternative = f"Resident memory of each process in MB, half-way and at the end: {texts}."
    return Picture(lines("Memory under sustained load", alternative, ("seconds", "MB"), drawn), alternative)


def _growth_memory(document: Document) -> Picture:
    drawn, texts = [], []
    for one in _largest(document, "service", "region"):
        share = one["disputes"] / one["records"]
        points = [(row["records"] * share, row["rss_mb"]) for row in one["series"] if row["records"] > 0]
        drawn.append(Line(f"{one['service']}, {one['region']}", points))
        texts.append(f"{one['service']} of a {one['region']} {points[-1][1]:.0f} at {one['disputes']:,}")
    alternative = f"Resident memory in MB against the number of disputes: {'; '.join(texts)}."
    axes = ("disputes", "MB")
    return Picture(lines("Memory as the register grows", alternative, axes, drawn, log_x=True), alternative)


def _growth_cost(document: Document) -> Picture | None:
    drawn, texts = [], []
    for one in _largest(document, "service"):
        tenths = zip(one["tenths_cpu_us_per_record"], one["tenths_turn_ns"], strict=True)
        costs = [us * 1_000 / turn for us, turn in tenths]
        if costs:
            drawn.append(Line(f"{one['service']}, {short(one['disputes'])}", list(enumerate(costs, start=1))))
            texts.append(
                f"{one['service']} on the way to {one['disputes']:,} disputes {costs[0]:,.0f} in the first, "
                f"{costs[-1]:,.0f} in the last"
            )
    if not drawn:
        return None
    alternative = f"Processor time per record in turns of the machine's loop, by tenth of the way: {'; '.join(texts)}."
    axes = ("tenth of the way", "turns a record")
    return Picture(lines("Cost as the register grows", alternative, axes, drawn, log_y=True), alternative)


def _largest(document: Document, *of: str) -> list[Document]:
    """Return the largest pass for each set of fields.

    They are in the document's order.
    """
    found: dict[tuple[str, ...], Document] = {}
    for one in document["passes"]:
        key = tuple(one[name] for name in of)
        if key not in found or one["disputes"] > found[key]["disputes"]:
            found[key] = one
    return list(found.values())


def _recovery(document: Document) -> Picture | None:
    drawn = [
        Bar(f"{name}: {what}", times[key]["median"], times[key]["min"], times[key]["max"], ours=True)
        for services, words in (
            (document.get("restarts", {}).get("services", {}), {"serving_s": "serves again"}),
            (document.get("hand_overs", {}), {"applied_s": "other worker took over"}),
        )
        for name, times in services.items()
        for key, what in words.items()
    ]
    if not drawn:
        return None
    alternative = "Seconds after kill -9: " + ", ".join(f"{bar.name} {bar.value:.1f}" for bar in drawn) + "."
    unit = "seconds after kill -9; whiskers: fastest to slowest"
    return Picture(bars("Recovery", alternative, unit, drawn), alternative)


_DRAWN: Final[Mapping[str, Mapping[str, Callable[[Document], Picture | None]]]] = {
    "fold": {"fold": _fold},
    "latency": {"latency": _latency},
    "sustained": {"sustained-rate": _sustained_rate, "sustained-memory": _sustained_memory},
    "growth": {"growth-memory": _growth_memory, "growth-cost": _growth_cost},
    "recovery": {"recovery": _recovery},
}
