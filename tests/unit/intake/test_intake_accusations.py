"""What accuses is parted from what is handled, whatever way it was told."""

from __future__ import annotations

from typing import Any

import pytest

from dispute.lifecycle import Channel, Refer, ReferTarget
from dispute.wire.handoff.v1 import handoff_pb2
from services.intake.cases.ports import Accusation, Secret
from services.intake.inbound.accusations import part
from services.intake.law.registration import sent_back

WHISTLE = "whistle_blowing"


def case(**changes: Any) -> handoff_pb2.CaseReceived:  # noqa: ANN401 - any field
    return handoff_pb2.CaseReceived(**({"received_on": "2024-03-04", "happened_on": "2024-02-01"} | changes))


def told(**changes: Any) -> handoff_pb2.Confidential:  # noqa: ANN401 - any field
    fields = {"brief": "欠薪", "parties": [handoff_pb2.Party(role="petitioner", name="甲")]}
    return handoff_pb2.Confidential(**(fields | changes))


def opened(accusation: bytes | None) -> handoff_pb2.Accusation:
    assert accusation is not None
    return handoff_pb2.Accusation.FromString(accusation)


def alone(text: str) -> handoff_pb2.Accusation:
    return handoff_pb2.Accusation(confidential=handoff_pb2.Confidential(accusation=text))


def test_what_accuses_nobody_stays_as_it_is() -> None:
    facts, content = case(circumstances=["minor_party"]), told()
    parted = part(facts, content, "P-1")
    assert (parted.facts, parted.confidential, parted.accusation) == (facts, content, None)


@pytest.mark.parametrize(
    ("facts", "content"),
    [
        (case(purpose=WHISTLE), told()),
        (case(purpose=WHISTLE, circumstances=["criminal"]), told(accusation="检举")),
        (case(circumstances=[WHISTLE]), told()),
    ],
)
def test_what_only_accuses_leaves_as_a_whole(
    facts: handoff_pb2.CaseReceived, content: handoff_pb2.Confidential
) -> None:
    parted = part(facts, content, "P-1")
    assert parted.confidential == handoff_pb2.Confidential()
    assert list(parted.facts.circumstances) == [WHISTLE]
    assert not parted.facts.happened_on
    assert parted.facts.received_on == "2024-03-04"
    assert opened(parted.accusation) == handoff_pb2.Accusation(facts=facts, confidential=content, source_ref="P-1")


@pytest.mark.parametrize("purpose", ["request", "suggestion", ""])
def test_an_accusation_written_apart_leaves_alone(purpose: str) -> None:
    parted = part(case(purpose=purpose, circumstances=[WHISTLE, "minor_party"]), told(accusation="检举"), "P-1")
    assert parted.facts == case(purpose=purpose, circumstances=["minor_party"])
    assert parted.confidential == told()
    assert opened(parted.accusation) == alone("检举")


@pytest.mark.parametrize("purpose", ["request", "suggestion"])
def test_of_a_request_that_nobody_parted_the_brief_leaves(purpose: str) -> None:
    parted = part(case(purpose=purpose, circumstances=[WHISTLE]), told(), "P-1")
    assert parted.facts == case(purpose=purpose)
    assert parted.confidential == told(brief="")
    assert opened(parted.accusation) == alone("欠薪")


def test_neither_a_secret_nor_an_accusation_shows_in_a_repr() -> None:
    shown = repr((Secret("d", "petition-620725", (b"geheim",)), Accusation("h", "petition-620725", b"geheim")))
    assert "geheim" not in shown


@pytest.mark.parametrize("channel", list(Channel))
def test_whistle_blowing_of_every_channel_has_one_exit(channel: Channel) -> None:
    """信访工作条例 30: the discipline inspection body, and by itself."""
    assert sent_back(channel, WHISTLE) == (Refer(ReferTarget.DISCIPLINE_INSPECTION, told_in_writing=True),)
