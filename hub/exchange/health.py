"""Whether a bridge works: it does while it can accept; without the bus it is degraded, not down."""

from __future__ import annotations

from dataclasses import dataclass

from hub.exchange.link import BusLink
from hub.journal.holds import held_remark
from hub.journal.reader import Reader
from hub.journal.relay import Relay


@dataclass(frozen=True, slots=True)
class Health:
    """Answers `/healthz`.

    Attributes:
        unsent_alarm_s: Age of the oldest unsent record from which the bridge is degraded.
    """

    link: BusLink
    relay: Relay
    reader: Reader
    unsent_alarm_s: float

    def __call__(self) -> tuple[bool, str]:
        """Return (works, remark); a remark means degraded."""
        if not self.link.up:
            return True, "受理照常，消息总线未连上 / accepting; the bus is not reached"
        if self.relay.oldest_unsent_s > self.unsent_alarm_s:
            age = int(self.relay.oldest_unsent_s)
            return True, f"受理照常，最早未发 {age} 秒 / accepting; the oldest unsent record waits for {age} s"
        if not self.reader.alive():
            return True, "受理照常，结果暂不更新 / accepting; results are not coming in"
        return True, held_remark(self.reader.held())
