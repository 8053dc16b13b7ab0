"""Draws results as SVG text.

Equal figures give equal text; the pictures are readable on light and dark and have a text alternative. No plotting
library is used: `make docs` makes them from the saved results and a test compares them, so they are made in the
product's own environment; and their colours follow the reader's colour scheme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 84, 190, 72, 56
BAR_HEIGHT, BAR_GAP, BAR_LEFT, BAR_RIGHT = 26, 12, 260, 170
TICKS: Final = 5
NEARLY: Final = 1.02
"""Factor by which a tick may lie beyond the last point, so that a round value just after it is still shown."""
MILLION, THOUSAND = 1_000_000, 1_000

FONT: Final = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
LIGHT: Final = ("#0369a1", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be185d", "#475569")
DARK: Final = ("#38bdf8", "#fb923c", "#4ade80", "#c084fc", "#facc15", "#f472b6", "#cbd5e1")
DASHES: Final = ("", "7 4", "2 3", "9 3 2 3", "", "7 4", "2 3")
"""Dash patterns, so that lines differ not only in colour."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a picture.

    Its points go from left to right.
    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a picture.

    Attributes:
        low: Lowest value measured; a whisker goes from it to `high`.
        ours: Drawn in the first colour; other bars are grey.
    """

    name: str
    value: float
    low: float
    high: float
    ours: bool


def lines(
    title: str,
    alternative: str,
    axes: tuple[str, str],
    drawn: Sequence[Line],
    *,
    log_x: bool = False,
    log_y: bool = False,
) -> str:
    """Return a picture of lines.

    Args:
        title: Title above the picture.
        alternative: What the picture shows, for those who don't see it.
        axes: Names of the horizontal and the vertical axis, with unit.
        drawn: At most seven, each with a point at least.
        log_x: Horizontal axis by powers of ten; every x above 0.
        log_y: Vertical axis by powers of ten, every y above 0; otherwise it begins at 0.
    """
    xs = [x for line in drawn for x, _ in line.points]
    ys = [y for line in drawn for _, y in line.points]
    left, right = min(xs), max(xs)
    y_ticks = _powers(min(ys), max(ys)) if log_y else ticks(0.0, max(ys))
    x_ticks = [x for x in (_powers if log_x else ticks)(left, right) if left <= x <= right * NEARLY]
    right = max(right, *x_ticks)
    across = _Axis(left, right, log=log_x)
    up = _Axis(y_ticks[0], y_ticks[-1], log=log_y)

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + across.share(x) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up.share(y) * (HEIGHT - TOP - BOTTOM)

    parts = [_grid(LEFT, place(left, y)[1], WIDTH - RIGHT, None, short(y)) for y in y_ticks]
    parts += [_text(place(x, y_ticks[0])[0], HEIGHT - BOTTOM + 20, short(x), "soft mid") for x in x_ticks]
    for number, line in enumerate(drawn):
        path = " ".join(f"{at[0]:.1f},{at[1]:.1f}" for at in (place(x, y) for x, y in line.points))
        dash = f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""
        parts.append(f'<polyline class="l{number}" points="{path}"{dash}/>')
        y = TOP + 14 + number * 24
        parts.append(f'<polyline class="l{number}" points="{WIDTH - RIGHT + 14},{y} {WIDTH - RIGHT + 44},{y}"{dash}/>')
        parts.append(_text(WIDTH - RIGHT + 52, y + 5, line.name, "ink"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, axes[0], "soft mid"))
    parts.append(_text(16, TOP - 20, axes[1], "soft"))
    return _picture(WIDTH, HEIGHT, title, alternative, parts)


def bars(title: str, alternative: str, unit: str, drawn: Sequence[Bar]) -> str:
    """Return a picture of horizontal bars.

    Whiskers go from the lowest to the highest value; zero is at the left.
    """
    height = TOP + len(drawn) * (BAR_HEIGHT + BAR_GAP) + BOTTOM
    x_ticks = ticks(0.0, max(bar.high for bar in drawn))
    scale = (WIDTH - BAR_LEFT - BAR_RIGHT) / x_ticks[-1]
    parts = []
    for x in x_ticks:
        parts.append(_grid(BAR_LEFT + x * scale, TOP, None, height - BOTTOM, ""))
        parts.append(_text(BAR_LEFT + x * scale, height - BOTTOM + 20, short(x), "soft mid"))
    for number, bar in enumerate(drawn):
        y = TOP + number * (BAR_HEIGHT + BAR_GAP) + BAR_GAP / 2
        middle = y + BAR_HEIGHT / 2
        kind = "b0" if bar.ours else "peer"
        parts.append(
            f'<rect class="{kind}" x="{BAR_LEFT}" y="{y:.1f}" width="{bar.value * scale:.1f}" height="{BAR_HEIGHT}"/>'
        )
        parts.append(
            f'<line class="whisker" x1="{BAR_LEFT + bar.low * scale:.1f}" y1="{middle:.1f}" '
            f'x2="{BAR_LEFT + bar.high * scale:.1f}" y2="{middle:.1f}"/>'
        )
        parts.append(_text(BAR_LEFT - 10, middle + 5, bar.name, "ink end"))
        parts.append(_text(BAR_LEFT + bar.high * scale + 10, middle + 5, short(bar.value), "ink"))
    parts.append(_text((BAR_LEFT + WIDTH - BAR_RIGHT) / 2, height - 10, unit, "soft mid"))
    return _picture(WIDTH, height, title, alternative, parts)


def ticks(low: float, high: float) -> list[float]:
    """Return about five round values for an axis.

    They go from `low` or below it to `high` or above it.
    """
    span = (high - low) or 1.0
    rough = span / TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * nice for nice in (1, 2, 2.5, 5, 10) if unit * nice >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def short(value: float) -> str:
    """Return a number in the form of an axis.

    Examples are 0.5, 250, 40k and 1.5M.
    """
    for size, letter in ((MILLION, "M"), (THOUSAND, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


class _Axis:
    """An axis from `low` to `high`."""

    def __init__(self, low: float, high: float, *, log: bool) -> None:
        self._log = log
        self._low = self._drawn(low)
        self._span = self._drawn(high) - self._low or 1.0

    def share(self, value: float) -> float:
        """Return a value's place along the axis.

        It is 0 for the lowest value and 1 for the highest.
        """
        return (self._drawn(value) - self._low) / self._span

    def _drawn(self, value: float) -> float:
        return math.log10(value) if self._log else value


def _powers(low: float, high: float) -> list[float]:
    """Return the powers of ten for an axis.

    They go from `low` or below it to `high` or above it.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _grid(x: float, y: float, x2: float | None, y2: float | None, label: str) -> str:
    line = f'<line class="grid" x1="{x:.1f}" y1="{y:.1f}" x2="{x2 or x:.1f}" y2="{y2 or y:.1f}"/>'
    return line + (_text(x - 10, y + 5, label, "soft end") if label else "")


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _picture(width: float, height: float, title: str, alternative: str, parts: Sequence[str]) -> str:
    def colours(of: Sequence[str]) -> str:
        return " ".join(f".l{n} {{ stroke: {c} }} .b{n} {{ fill: {c} }}" for n, c in enumerate(of))

    style = (
        f".ink {{ fill: #1f2937 }} .soft {{ fill: #4b5563 }} .grid {{ stroke: #d1d5db }} .peer {{ fill: #94a3b8 }} "
        f".whisker {{ stroke: #111827 }} {colours(LIGHT)}\n"
        f"    polyline {{ fill: none; stroke-width: 2.2 }} .whisker {{ stroke-width: 2 }}\n"
        f"    text {{ font-size: 14px }} .title {{ font-size: 17px; font-weight: 600 }} "
        f".mid {{ text-anchor: middle }} .end {{ text-anchor: end }}\n"
        f"    @media (prefers-color-scheme: dark) {{ .ink {{ fill: #e5e7eb }} .soft {{ fill: #9ca3af }} "
        f".grid {{ stroke: #374151 }} .peer {{ fill: #64748b }} .whisker {{ stroke: #f9fafb }} {colours(DARK)} }}"
    )
    body = "\n  ".join([_text(16, 24, title, "ink title"), *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" '
        f'role="img" aria-labelledby="t d">\n'
        f'  <title id="t">{escape(title)}</title>\n  <desc id="d">{escape(alternative)}</desc>\n'
        f"  <style>\n    {style}\n  </style>\n  {body}\n</svg>\n"
    )
