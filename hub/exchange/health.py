"""What can be in trouble at a bridge: it does its job while it can accept; the rest only makes it late."""

from __future__ import annotations

from collections.abc import Sequence

from hub.exchange.link import BusLink
from hub.journal.holds import held_remark
from hub.journal.reader import Reader
from hub.journal.relay import Relay
from hub.runtime.health import Bearing, Concern
from hub.store.probe import StoreProbe


def concerns_of(
    probe: StoreProbe, link: BusLink, relay: Relay, reader: Reader, unsent_alarm_s: float
) -> Sequence[Concern]:
    """Return a bridge's concerns.

    Args:
        probe: Of its store.
        link: While it is not up, neither the relay nor the reader runs.
        relay: Of the hand-offs.
        reader: Of the results.
        unsent_alarm_s: Age of the oldest unsent record that is trouble.
    """

    def relays() -> str:
        return relay.trouble(unsent_alarm_s) if link.up else "bus_unavailable"

    def results() -> str:
        return reader.trouble() if link.up else "bus_unavailable"

    return (
        Concern("writes", Bearing.ACCEPTING, probe.trouble, "不能受理 nothing can be accepted"),
        Concern("relays", Bearing.PASSING_ON, relays, "受理照常，转发延迟 accepting; sent on late"),
        Concern("results", Bearing.PASSING_ON, results, "受理照常，结果延迟 accepting; results come late"),
        Concern("sources", Bearing.PASSING_ON, lambda: held_remark(reader.held()), "来源 sources"),
    )
