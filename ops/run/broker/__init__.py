"""Selects and runs the broker.

`hub up`, `hub demo` and the tests use it; `HUB_KAFKA` selects the kind (ADR-0004).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hub.kafka.admin import describe
from hub.kafka.bus import Bus
from ops.run.broker.choice import BrokerKind, Choice, choose
from ops.run.broker.docker import DockerKafka
from ops.run.broker.jars import Say
from ops.run.broker.native import NativeKafka

__all__ = ["Broker", "BrokerKind", "Choice", "ExternalKafka", "NativeKafka", "choose", "open_broker"]


class Broker(Protocol):
    """A broker that a launcher starts and stops."""

    @property
    def kind(self) -> str:
        """Kind: `external`, `native` or `docker`."""

    @property
    def bootstrap(self) -> str:
        """Address for clients."""

    @property
    def version(self) -> str:
        """Version that the broker states after `start`.

        `unknown` when it states none.
        """

    def start(self) -> None:
        """Start it and wait until it is ready."""

    def alive(self) -> bool:
        """Tell whether what was started here still runs."""

    def revive(self) -> bool:
        """Start again what ended, without waiting for it.

        It keeps its port and data. Returns False when its data is gone.

        Raises:
            Retryable: `bus_unavailable` when it can't be started.
        """

    def stop(self) -> None:
        """Stop it within a bounded time."""


class ExternalKafka:
    """An external cluster; the hub only waits for it."""

    kind = "external"

    def __init__(self, bootstrap: str, *, deadline_s: float = 30.0) -> None:
        self.bootstrap = bootstrap
        self.version = "unknown"
        self._deadline_s = deadline_s

    def start(self) -> None:
        """Wait until it answers.

        Raises:
            Retryable: `bus_unavailable`, naming the cause.
            Fault: `bus_auth_failed`.
        """
        self.version = describe(Bus(self.bootstrap), deadline_s=self._deadline_s).version

    def alive(self) -> bool:
        """Always true: its operator watches over it.

        The services' health shows when it is not reachable.
        """
        return True

    def revive(self) -> bool:
        """Do nothing: the cluster is not ours."""
        return True

    def stop(self) -> None:
        """Do nothing: the cluster is not ours."""


def open_broker(choice: Choice, folder: Path, say: Say, *, brokers: int = 1) -> Broker:
    """Return the chosen broker, not started yet.

    Args:
        choice: From `choose`.
        folder: For data and logs of a native one.
        say: Gets the choice and progress lines.
        brokers: Size of a native cluster: 1 or 3.
    """
    say(choice.why)
    match choice.kind:
        case BrokerKind.EXTERNAL:
            return ExternalKafka(choice.bootstrap)
        case BrokerKind.NATIVE:
            return NativeKafka(folder, brokers=brokers, say=say)
        case BrokerKind.DOCKER:
            return DockerKafka(say=say)
