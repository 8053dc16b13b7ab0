"""A new event type is a row of the list, a decision and a test: a planted one is carried by every part of the hub."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.tree import ROOT

PACKAGES: Final = ("hub", "dispute", "bridge", "services", "docs")
DECLARATION: Final = "dispute/lifecycle/event_types.py"
DECISION: Final = ("dispute/lifecycle/effects.py", "dispute/lifecycle/table.py")
PAYLOAD: Final = '''class Heard(Payload, frozen=True):
    """Second person of the hearing, a pseudonym."""

    {field}: str = ""


class EventKind(StrEnum):'''
ROW: Final = '    HEARD = "heard", "听证", Heard, True, "heard"\n    TRACKED = '
EFFECT: Final = """def hear(at: Situation, _: RecordVisit) -> Change:
    return keep(at.known, e.Heard(reviewer_id="r-9"))


def visit("""
TRANSITION: Final = """    Transition("H1", c.RecordVisit, (S.MEDIATING,), None, K.HEARD, do.hear,
            "听证", "hearing held"),
    Transition("V1","""
LIFE: Final = """
import json
from datetime import UTC, datetime, date

from bridge.outbound.standing import RESULT_KINDS
from dispute.contracts.codec import event_from_wire, event_to_wire, state_from_bytes, state_to_bytes
from dispute.lifecycle import (
    Actor, Channel, CohortDates, Command, Dimensions, Dispute, RecordVisit, Role, State, decide, dispute_id_of, evolve,
)
from services.stats.facts.fold import Fold, cohort_days

at = datetime(2024, 3, 5, 2, tzinfo=UTC)
own = dispute_id_of("court-620725", "1")
before = Dispute(
    dispute_id=own, state=State.MEDIATING, sequence=6, dimensions=Dimensions(Channel.COURT, "court-620725"),
    cohort=CohortDates(), registered_at=at,
)
given = decide(before, Command("c-1", own, Actor(Role.MEDIATOR, "m-1"), at, RecordVisit(clean=True)))
(event,) = given
wire = event_to_wire(event, at)
after = evolve(before, event)
fold = Fold(lambda _: (0,) * 21, cohort_days)
fold.add(wire, 1, 0, 7)
print(json.dumps({
    "type": wire.type,
    "told": wire.particulars.reviewer_id,
    "comes_back": event_from_wire(wire) == event,
    "state": state_from_bytes(state_to_bytes(after)) == after and after.times(event.type) == 1,
    "counted": [fact.type for fact in after.counted],
    "result": RESULT_KINDS["heard"].status,
}))
"""


def planted(tmp_path: Path, field: str = "reviewer_id") -> Path:
    """Return a tree with the event type `heard`."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    replaced(tmp_path / DECLARATION, "class EventKind(StrEnum):", PAYLOAD.format(field=field))
    replaced(tmp_path / DECLARATION, "    TRACKED = ", ROW)
    replaced(tmp_path / DECISION[0], "def visit(", EFFECT)
    replaced(tmp_path / DECISION[1], '    Transition("V1",', TRANSITION)
    return tmp_path


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=root, env=env, capture_output=True, text=True, check=False, timeout=60
    )


def digests(root: Path) -> dict[str, str]:
    paths = (path for name in PACKAGES for path in (root / name).rglob("*") if "__pycache__" not in path.parts)
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths if p.is_file()}


def test_a_new_event_type_is_carried_by_every_part(tmp_path: Path) -> None:
    root = planted(tmp_path)
    before, now = digests(ROOT), digests(root)
    assert {name for name in before if before[name] != now.get(name)} == {DECLARATION, *DECISION}
    done = run(root, "-c", LIFE)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told == {
        "type": "heard",
        "told": "r-9",
        "comes_back": True,
        "state": True,
        "counted": ["heard"],
        "result": "heard",
    }
    page = root / "docs" / "lifecycle.md"
    assert run(root, "-m", "dispute.lifecycle.document", str(page)).returncode == 0
    assert "| `heard` | 听证 | `reviewer_id` | ✓ | `heard` |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("field", ["hearing_room"])
def test_a_payload_that_the_wire_cannot_carry_stops_the_hub_at_its_start(tmp_path: Path, field: str) -> None:
    root = planted(tmp_path, field)
    done = run(root, "-c", "import dispute.contracts.codec")
    assert done.returncode != 0
    assert f"Heard and hub.journal.v1.Particulars differ in {field}" in done.stderr
