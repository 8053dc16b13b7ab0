"""Compares what a hub told before an upgrade with what it tells afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LONGEST = 160


def changes(before: object, after: object, what: str = "") -> list[str]:
    """Return each point in which the later answer takes back the earlier one.

    What was told stays: a key with its value, a list with each item and no more. A new key, such as the field of a
    later release or a result with a later cursor, is no change.

    Args:
        before: Told by the old build: mappings, sequences and plain values.
        after: Told by the new one.
        what: Path to the two.
    """
    match before, after:
        case Mapping(), Mapping():
            found: list[str] = []
            for name, value in before.items():
                path = f"{what}.{name}" if what else str(name)
                found += changes(value, after[name], path) if name in after else [f"{path} is missing: {_short(value)}"]
            return found
        case (str(), str()):
            pass
        case Sequence(), Sequence() if len(before) == len(after):
            pairs = enumerate(zip(before, after, strict=True))
            return [change for at, (old, new) in pairs for change in changes(old, new, f"{what}[{at}]")]
    return [] if before == after else [f"{what}: {_short(before)} became {_short(after)}"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
