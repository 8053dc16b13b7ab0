"""Compares what stats stored and answers with the recount: facts one by one, cells, totals, what is open, the rates."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from tests.faults.evidence import Answer, Evidence
from tests.faults.recount import EPOCH, ROUNDS, TYPES, CellKey, Line, OpenKey, Recount, Where
from tests.faults.rows import Cell, Fact, Interned, StoreRows, Total

FLAGS: Final = 4
"""`cell.measure` is type * 4 + first + 2 * concluding, or one of the next two (the layout of the store)."""
DECIDED: Final = 1001
CONCLUDED: Final = 1002

Part = tuple[tuple[str, str, int], ...]
"""What a figure sums: (type, which of them: all | first | concluding, its sign)."""
OPENINGS: Final[Part] = (("accepted", "all", 1), ("reopened", "all", 1))
RATES: Final[Mapping[str, tuple[Part, Part, str]]] = {
    "diversion": ((("accepted", "all", 1),), (("registered", "all", 1), ("resubmitted", "all", 1)), "rounds"),
    "success": ((("agreed", "first", 1),), OPENINGS, "openings"),
    "success_on_concluded": (
        (("agreed", "concluding", 1),),
        (("agreed", "concluding", 1), ("failed", "concluding", 1)),
        "",
    ),
    "resolution": ((("agreed", "first", 1),), OPENINGS, "openings"),
    "matters": ((("registered", "all", 1), ("linked", "all", -1)), (("registered", "all", 1),), ""),
}
"""Metric -> numerator, denominator, what of the denominator may be open (docs/figures.md)."""


@dataclass
class Difference:
    """Where stats and the recount differ.

    Attributes:
        missing: Facts that stats lacks.
        too_many: Facts that stats has and the journal has not, and what its cells and totals hold above the recount.
        problems: One line each, long lists cut.
    """

    missing: set[Line] = field(default_factory=set)
    too_many: int = 0
    problems: list[str] = field(default_factory=list)


def compare_figures(evidence: Evidence, count: Recount) -> Difference:
    """Compare everything that stats says with the recount."""
    found = Difference()
    stats = evidence.stores["stats"]
    names = {row.id: row.value for row in stats.of(Interned)} | {0: ""}
    _facts(found, stats, names, count)
    sums = count.cells()
    _cells(found, stats, names, sums)
    _totals(found, stats)
    found.problems += _open(stats, names, sums, count.open())
    found.problems += _answers(evidence.answers, sums, count.open())
    return found


def _facts(found: Difference, stats: StoreRows, names: Mapping[int, str], count: Recount) -> None:
    stored = {
        Line(
            names[row.stream_id],
            row.position,
            row.line,
            row.type,
            row.sign,
            row.day,
            row.first,
            row.concluding,
            bytes(row.dispute),
            names[row.channel],
            names[row.county_code],
            names[row.town_code],
            (row.due_on, row.local_due_on, row.statutory_due_on),
        )
        for row in stats.of(Fact)
    }
    found.missing = count.lines - stored
    extra = stored - count.lines
    found.too_many += len(extra)
    for word, lines in (("lacks", found.missing), ("has too many", extra)):
        if lines:
            told = [
                f"{line.stream}@{line.position} {TYPES.get(line.type)} {line.sign:+d}" for line in sorted(lines)[:5]
            ]
            found.problems.append(f"facts: stats {word}: {len(lines)}, as {told}")


def _cells(found: Difference, stats: StoreRows, names: Mapping[int, str], sums: Counter[CellKey]) -> None:
    stored: Counter[CellKey] = Counter()
    for row in stats.of(Cell):
        if row.measure in {DECIDED, CONCLUDED}:
            continue
        code, flags = divmod(row.measure, FLAGS)
        where = Where(names[row.channel], names[row.county], names[row.town])
        stored[row.day, row.shard, TYPES.get(code, str(code)), bool(flags & 1), bool(flags & 2), where] += row.count_
    for key in stored.keys() | sums.keys():
        above = stored[key] - sums[key]
        if above:
            found.too_many += max(0, above)
            found.problems.append(f"cells: {key} holds {stored[key]}, the recount {sums[key]}")


def _totals(found: Difference, stats: StoreRows) -> None:
    """Totals are sums of cells; the cells themselves are recounted."""
    sums: Counter[tuple[int, int, int, int]] = Counter()
    for cell in stats.of(Cell):
        sums[cell.county, cell.channel, cell.measure, cell.shard] += cell.count_
    for row in stats.of(Total):
        sums[row.county, row.channel, row.measure, row.shard] -= row.count_
    for key, short in sums.items():
        if short:
            found.too_many += max(0, -short)
            found.problems.append(f"totals: {key} holds {-short:+d} of what its cells hold together")


def _open(
    stats: StoreRows, names: Mapping[int, str], sums: Counter[CellKey], recounted: Counter[OpenKey]
) -> Iterator[str]:
    """What is open by the cells (began less answered) against what is open by each dispute's own history."""
    kinds = {DECIDED: "rounds", CONCLUDED: "openings"}
    stored: Counter[OpenKey] = Counter()
    for row in stats.of(Cell):
        if row.measure in kinds:
            where = Where(names[row.channel], names[row.county], names[row.town])
            stored[row.day, kinds[row.measure], where] -= row.count_
    for (day, _, kind, _, _, where), number in sums.items():
        if kind in ROUNDS | {"accepted", "reopened"}:
            stored[day, "rounds" if kind in ROUNDS else "openings", where] += number
    for key in stored.keys() | recounted.keys():
        if stored[key] != recounted[key]:
            yield f"open: {key}: {stored[key]} by stats' cells, {recounted[key]} by the disputes' histories"


def _answers(answers: Sequence[Answer], sums: Counter[CellKey], recounted: Counter[OpenKey]) -> Iterator[str]:
    """The rates over gRPC against the recount of their windows."""
    told: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        told.setdefault((answer.start, answer.end), []).append(answer)
    for (start, end), rates in told.items():
        days = range(_day(start, -sys.maxsize), _day(end, sys.maxsize))
        counts = _counts(sums, days)
        undone: Counter[tuple[str, str]] = Counter()
        for (day, kind, where), number in recounted.items():
            if day in days:
                undone[kind, where.channel] += number
        for rate in rates:
            numerator, denominator, kind = RATES[rate.metric]
            mine = (
                _of_channel(counts, numerator, rate.channel),
                _of_channel(counts, denominator, rate.channel),
                sum(n for (k, channel), n in undone.items() if k == kind and rate.channel in {"all", channel}),
            )
            if (rate.numerator, rate.denominator, rate.open) != mine:
                yield f"rates: {rate.metric}: {rate}, recounted {mine}"


def _counts(sums: Counter[CellKey], days: range) -> Counter[tuple[tuple[str, str], str]]:
    """Return what can be summed, by (type, which) and channel."""
    counts: Counter[tuple[tuple[str, str], str]] = Counter()
    for (day, _, kind, first, concluding, where), number in sums.items():
        if day in days:
            counts[(kind, "all"), where.channel] += number
            counts[(kind, "first"), where.channel] += number * first
            counts[(kind, "concluding"), where.channel] += number * concluding
    return counts


def _of_channel(counts: Counter[tuple[tuple[str, str], str]], parts: Part, channel: str) -> int:
    signs = {(kind, which): sign for kind, which, sign in parts}
    chosen = ((part, number) for (part, where), number in counts.items() if channel in {"all", where})
    return sum(signs[part] * number for part, number in chosen if part in signs)


def _day(iso: str, otherwise: int) -> int:
    return date.fromisoformat(iso).toordinal() - EPOCH if iso else otherwise
