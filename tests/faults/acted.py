"""Commands that intake said it carried out: each has to stand in the journal, at the place that the answer named.

Imports nothing of ours but `hub.wire` and the oracle's own reading of the raw topics.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hub.wire.journal.v1 import journal_pb2
from tests.faults.evidence import JOURNAL, Evidence, read_lines
from tests.faults.streams import follow


def lost_commands(commands: Path, evidence: Evidence) -> list[str]:
    """Return a line for each acknowledged command whose last event is not where the answer said; pure but for the file.

    Args:
        commands: JSON lines of command_id, dispute_id, stream and position.
        evidence: Of the same run, gathered after the last answer.
    """
    records = _records(evidence)
    lines = []
    for told in read_lines(commands):
        record = records.get((told["stream"], told["position"]))
        event = None if record is None else journal_pb2.JournalEvent.FromString(record)
        if event is None or (event.causation_id, event.dispute_id) != (told["command_id"], told["dispute_id"]):
            lines.append(f"command {told['command_id']} is not at {told['stream']}@{told['position']}")
    return lines


def _records(evidence: Evidence) -> Mapping[tuple[str, int], bytes]:
    followed = follow(JOURNAL, evidence.raw.get(JOURNAL, ()), evidence.partitions.get(JOURNAL, 0))
    return {(stream, position): record for stream, position, record in followed.numbered()}
