"""The broker of `hub up`, `hub demo` and the tests: which one to take (`HUB_KAFKA`), and running it (D10)."""

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
    """A broker that a launcher holds."""

    @property
    def kind(self) -> str:
        """`external`, `native` or `docker`."""

    @property
    def bootstrap(self) -> str:
        """Address for clients."""

    @property
    def version(self) -> str:
        """Its own statement, after `start`; `unknown` when it makes none."""

    def start(self) -> None:
        """Start it and wait until it is ready."""

    def alive(self) -> bool:
        """Tell whether what was started here has not ended."""

    def revive(self) -> bool:
        """Start again what ended, on its port and data, without waiting for it; False when its data is gone.

        Raises:
            Retryable: `bus_unavailable` when it can't be started.
        """

    def stop(self) -> None:
        """Stop it within a bounded time."""


class ExternalKafka:
    """Somebody else's cluster: only waited for."""

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
        """Somebody else watches over it; the services' health says when it is away."""
        return True

    def revive(self) -> bool:
        """Leave it alone."""
        return True

    def stop(self) -> None:
        """Leave it alone."""


def open_broker(choice: Choice, folder: Path, say: Say, *, brokers: int = 1) -> Broker:
    """Return the chosen broker, not started yet; tells which one it is.

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
