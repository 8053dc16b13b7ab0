"""Keeps the partners' receipts outside the hub.

The ledger lists all acknowledged records, as JSON lines.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.streams.envelope import StreamName
from ops.play.simulators.answers import ReceivedReceipt


class ReceiptFile:
    """Receipts by agency and reference.

    Each is written to the file when it arrives.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._receipts: dict[tuple[str, str], ReceivedReceipt] = {}
        self._vector: dict[StreamName, int] = {}
        self.contradictions: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def enter(self, agency: str, receipt: ReceivedReceipt) -> None:
        """Record a receipt.

        A second receipt for the same reference must be equal to the first.
        """
        known = self._receipts.get((agency, receipt.source_ref))
        if known is None:
            self._receipts[agency, receipt.source_ref] = receipt
        elif (known.receipt_id, known.dispute_id) != (receipt.receipt_id, receipt.dispute_id):
            self.contradictions.append(f"{agency}: {receipt.source_ref} has two receipts")
        self.passed(receipt.stream, receipt.position)
        line = {
            "agency": agency,
            "source_ref": receipt.source_ref,
            "receipt_id": receipt.receipt_id,
            "dispute_id": receipt.dispute_id,
            "stream": receipt.stream,
            "position": receipt.position,
            "repeated": receipt.repeated,
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def passed(self, stream: str, position: int) -> None:
        """Record a hand-off position of one of our records."""
        name = StreamName.parse(stream)
        self._vector[name] = max(self._vector.get(name, 0), position)

    def dispute_of(self, agency: str, ref: str) -> str | None:
        """Return the dispute's id.

        None while the record is not acknowledged.
        """
        receipt = self._receipts.get((agency, ref))
        return None if receipt is None else receipt.dispute_id

    def disputes(self) -> frozenset[str]:
        """Return the ids of all acknowledged records."""
        return frozenset(receipt.dispute_id for receipt in self._receipts.values())

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def vector(self) -> dict[StreamName, int]:
        """Last acknowledged position of each hand-off stream."""
        return dict(self._vector)
