"""What the driver of the load knows and the hub must never lose: receipts and carried-out commands, as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.streams.envelope import StreamName
from ops.play.simulators.answers import ReceivedReceipt


class Book:
    """Receipts of the agencies and answers to the mediators; each is written down before anybody relies on it.

    Args:
        folder: Gets `ledger.jsonl`, `commands.jsonl` and `results.jsonl`.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ledger, self.commands, self.results = (
            folder / f"{name}.jsonl" for name in ("ledger", "commands", "results")
        )
        for path in (self.ledger, self.commands, self.results):
            path.touch()
        self._receipts: dict[tuple[str, str], ReceivedReceipt] = {}
        self._vector: dict[StreamName, int] = {}
        self.contradictions: list[str] = []
        self.repeats = 0

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def vector(self) -> dict[StreamName, int]:
        """Hand-off streams, each up to its last acknowledged record."""
        return dict(self._vector)

    def enter(self, agency: str, receipt: ReceivedReceipt) -> None:
        """Note a receipt; a second one of the same reference must be the first one again."""
        known = self._receipts.get((agency, receipt.source_ref))
        if known is not None and (known.receipt_id, known.dispute_id, known.position) != (
            receipt.receipt_id,
            receipt.dispute_id,
            receipt.position,
        ):
            self.contradictions.append(f"{agency}: {receipt.source_ref} has two receipts")
        self.repeats += receipt.repeated
        self._receipts.setdefault((agency, receipt.source_ref), receipt)
        self.passed(receipt)
        _append(
            self.ledger,
            agency=agency,
            source_ref=receipt.source_ref,
            receipt_id=receipt.receipt_id,
            dispute_id=receipt.dispute_id,
            stream=receipt.stream,
            position=receipt.position,
            repeated=receipt.repeated,
            acknowledged_at=datetime.now(UTC).isoformat(),
        )

    def passed(self, receipt: ReceivedReceipt) -> None:
        """Note a place of a hand-off stream that something of ours stands at."""
        name = StreamName.parse(receipt.stream)
        self._vector[name] = max(self._vector.get(name, 0), receipt.position)

    def carried_out(self, command_id: str, dispute_id: str, stream: str, position: int) -> None:
        """Note a command that intake says it carried out, with the place of its last event."""
        _append(self.commands, command_id=command_id, dispute_id=dispute_id, stream=stream, position=position)

    def told(self, agency: str, result: dict[str, Any]) -> None:
        """Note a result that an agency fetched."""
        _append(self.results, agency=agency, **result)


def _append(path: Path, **line: object) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
