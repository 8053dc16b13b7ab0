"""docs/lifecycle.md tells what the table says."""

from __future__ import annotations

from pathlib import Path

from dispute.lifecycle import TRANSITIONS, State
from dispute.lifecycle.document import BEGIN, generated, main, with_generated

PAGE = Path(__file__).parents[3] / "docs" / "lifecycle.md"


def test_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_generated(page), "python -m dispute.lifecycle.document docs/lifecycle.md"


def test_page_names_every_row_state_and_guard() -> None:
    text = generated()
    assert all(f"| {row.id} |" in text for row in TRANSITIONS)
    assert all(f"`{guard.__name__}`" in text for row in TRANSITIONS for guard in row.guards)
    assert all(f"  {state}: {state}" in text for state in State)


def test_only_the_generated_part_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n<!-- generated: end -->\nafter\n", encoding="utf-8")
    assert main(page) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "\nold\n" not in text
