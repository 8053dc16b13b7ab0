"""The one list of channels."""

from __future__ import annotations

from dispute.contracts.topics import BRIDGES
from dispute.lifecycle import DOCKED, Channel
from services.stats.facts import measures


def test_every_channel_has_a_name_of_its_own() -> None:
    names = [channel.zh for channel in Channel]
    assert all(names)
    assert len(set(names)) == len(names)


def test_codes_and_their_order_stay() -> None:
    """Codes are in stores and in the journal for ever; their order is that of answers."""
    known = ["court", "police", "petition", "window", "hotline", "grid", "app", "department", "self"]
    assert [str(channel) for channel in Channel] == known == list(measures.CHANNELS)


def test_docked_channels_have_a_bridge() -> None:
    assert DOCKED == (Channel.COURT, Channel.POLICE, Channel.PETITION)
    assert BRIDGES == ("court_bridge", "police_bridge", "petition_bridge")
    assert measures.DOCKED == ("court", "police", "petition", "all")
