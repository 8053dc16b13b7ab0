"""Parts what accuses from what is handled (信访工作条例 30).

Called for every case before anything of it is kept.
"""

from __future__ import annotations

from typing import NamedTuple

from dispute.lifecycle import WHISTLE_BLOWING
from dispute.wire.handoff.v1 import handoff_pb2


class PartedCase(NamedTuple):
    """A case, and its accusation apart from it.

    Attributes:
        facts: Facts that are screened and kept.
        confidential: People and text that are kept with the dispute.
        accusation: Serialised `Accusation`; None when nothing accuses.
    """

    facts: handoff_pb2.CaseReceived
    confidential: handoff_pb2.Confidential
    accusation: bytes | None = None


def part(facts: handoff_pb2.CaseReceived, confidential: handoff_pb2.Confidential, source_ref: str) -> PartedCase:
    """Return what is handled, and what leaves by a sealed exit.

    A record that accuses and asks for nothing leaves as a whole: of it the register keeps codes and figures. Of a
    record that asks for something too, only the accusation leaves (what was written apart, else the whole brief), and
    nothing of what stays says that there was one.
    """
    if facts.purpose == WHISTLE_BLOWING:
        return _whole(facts, confidential, source_ref)
    if confidential.accusation:
        return _split(facts, confidential)
    if WHISTLE_BLOWING not in facts.circumstances:
        return PartedCase(facts, confidential)
    # Only a petition says what it asks for; elsewhere nobody told the accusation from the rest.
    return _split(facts, confidential) if facts.purpose else _whole(facts, confidential, source_ref)


def _split(facts: handoff_pb2.CaseReceived, confidential: handoff_pb2.Confidential) -> PartedCase:
    kept, people = handoff_pb2.CaseReceived(), handoff_pb2.Confidential()
    kept.CopyFrom(facts)
    kept.ClearField("circumstances")
    kept.circumstances.extend(code for code in facts.circumstances if code != WHISTLE_BLOWING)
    people.CopyFrom(confidential)
    people.ClearField("accusation")
    if not confidential.accusation:
        people.ClearField("brief")
    text = confidential.accusation or confidential.brief
    return PartedCase(kept, people, _sealed(handoff_pb2.Confidential(accusation=text)))


def _whole(facts: handoff_pb2.CaseReceived, confidential: handoff_pb2.Confidential, source_ref: str) -> PartedCase:
    kept = handoff_pb2.CaseReceived()
    kept.CopyFrom(facts)
    kept.ClearField("happened_on")
    # The one circumstance that decides: no other may give it another reason, and another exit.
    kept.ClearField("circumstances")
    kept.circumstances.append(WHISTLE_BLOWING)
    return PartedCase(kept, handoff_pb2.Confidential(), _sealed(confidential, facts, source_ref))


def _sealed(
    confidential: handoff_pb2.Confidential, facts: handoff_pb2.CaseReceived | None = None, source_ref: str = ""
) -> bytes:
    accusation = handoff_pb2.Accusation(facts=facts, confidential=confidential, source_ref=source_ref)
    return accusation.SerializeToString(deterministic=True)
