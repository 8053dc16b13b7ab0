"""Writes the generated part of docs/lifecycle.md: `python -m hub.lifecycle.document docs/lifecycle.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hub.lifecycle.reasons import REASONS
from hub.lifecycle.states import ENDS, OPEN, STATE_TERMS, State
from hub.lifecycle.table import TRANSITIONS, Transition
from hub.lifecycle.vocabulary import COUNTED

BEGIN: Final = "<!-- generated from hub/lifecycle by `python -m hub.lifecycle.document docs/lifecycle.md`: begin -->"
END: Final = "<!-- generated: end -->"


def generated() -> str:
    """Return the text between the marks."""
    return "\n".join([*_diagram(), "", *_states(), "", *_rows(), "", *_guards(), "", *_reasons()])


def with_generated(page: str) -> str:
    """Return the page with the part between the marks written anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{generated()}\n\n{END}{after}"


def _diagram() -> Iterator[str]:
    yield "## Diagram · 状态图"
    yield ""
    yield "Overlays, visits, ratings, milestones and corrections change no state and are left out."
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in State:
        yield f"  {state}: {state} {STATE_TERMS[state]}"
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TRANSITIONS:
        for source in row.sources:
            if row.target is not None:
                arrows.setdefault((source or "[*]", row.target), []).append(row.id)
    for (before, after), ids in arrows.items():
        yield f"  {before} --> {after}: {' '.join(ids)}"
    for state in State:
        if state in ENDS:
            yield f"  {state} --> [*]"
    yield "```"


def _states() -> Iterator[str]:
    yield "## States · 状态"
    yield ""
    yield "| state | 状态 | end |"
    yield "|---|---|---|"
    for state in State:
        yield f"| `{state}` | {STATE_TERMS[state]} | {'✓' if state in ENDS else ''} |"


def _rows() -> Iterator[str]:
    yield "## Table · 流转表"
    yield ""
    yield "Events in bold are counted facts: a later event may take them back or restate them."
    yield ""
    yield "| row | from | instruction | to | event | 含义 | meaning | guards |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in TRANSITIONS:
        kind = f"**{row.kind}**" if row.kind in COUNTED else str(row.kind)
        guards = ", ".join(f"`{guard.__name__}`" for guard in row.guards)
        when = f" (when `{row.when.__name__}`)" if row.when else ""
        cells = (
            row.id,
            _sources(row),
            f"`{row.instruction.__name__}`{when}",
            f"`{row.target}`" if row.target else "stays",
            kind,
            row.zh,
            row.en,
            guards,
        )
        yield "| " + " | ".join(cells) + " |"


def _sources(row: Transition[Any]) -> str:
    if row.sources == OPEN:
        return "all but `duplicate`, `closed`"
    if set(row.sources) == set(State):
        return "all"
    if set(OPEN) < set(row.sources):
        return "all but `duplicate`"
    return ", ".join(f"`{source}`" if source else "–" for source in row.sources)


def _guards() -> Iterator[str]:
    yield "## Guards · 条件"
    yield ""
    yield "| guard | what must hold |"
    yield "|---|---|"
    told: set[str] = set()
    for row in TRANSITIONS:
        for guard in row.guards:
            if guard.__name__ not in told:
                told.add(guard.__name__)
                yield f"| `{guard.__name__}` | {(guard.__doc__ or '').strip()} |"


def _reasons() -> Iterator[str]:
    yield "## Reason codes · 拒绝原因"
    yield ""
    yield "| code | kind | field | 含义 | meaning |"
    yield "|---|---|---|---|---|"
    for code, reason in REASONS.items():
        field = f"`{reason.field}`" if reason.field else ""
        yield f"| `{code}` | {reason.kind} | {field} | {reason.zh} | {reason.en} |"


def main(path: Path) -> int:
    """Rewrite the generated part of the page at `path`; returns the exit code."""
    path.write_text(with_generated(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/lifecycle.md")))
