"""Builds kafka-python's clients.

When one can't be built it names the cause, which kafka-python's `Unable to bootstrap` does not.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiokafka.codec import has_lz4 as reader_has_lz4
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.codec import has_lz4 as writer_has_lz4
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    SaslAuthenticationFailedError,
)
from kafka.net.compat import KafkaNetClient

from hub.errors import Bug, Fault, Refusal
from hub.kafka.bus import Bus, SaslCredentials
from hub.refusals import BUS_UNAVAILABLE

CLIENT: Final = "santiao-hub"
RECONNECT_MAX_MS: Final = 1000
PROBE_TIMEOUT_S: Final = 2.0


def common_settings(bus: Bus) -> dict[str, Any]:
    """Return what every kafka-python client gets."""
    return {
        "bootstrap_servers": bus.servers,
        "client_id": CLIENT,
        "request_timeout_ms": int(bus.request_timeout_s * 1000),
        "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
        **bus.security(),
    }


def named(bus: Bus, error: Exception) -> Refusal | Bug:
    """Return the meaning of an error, with its cause in words.

    The cause is the password, a missing right, or just an unavailable bus.
    """
    user = bus.credentials.username if bus.credentials else "ANONYMOUS"
    if isinstance(error, SaslAuthenticationFailedError):
        return Bug(
            Fault("bus_auth_failed", f"{bus.bootstrap} refuses user {user!r}: wrong name, password or mechanism")
        )
    if isinstance(error, AuthorizationError):
        return Bug(Fault("bus_not_allowed", f"user {user!r} lacks a right on {bus.bootstrap}: {error}"))
    return BUS_UNAVAILABLE.refusal(why=f"{bus.bootstrap}: {error}")


def knock(bus: Bus) -> None:
    """Check by hand that the bus can be reached.

    kafka-python would retry until its time-out and then give no cause.

    Raises:
        Fault: `bus_auth_failed` when TLS or the password is refused.
        Retryable: `bus_unavailable` when no address takes connections.
    """
    refusals = []
    for server in bus.servers:
        host, _, port = server.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), PROBE_TIMEOUT_S) as plain:
                if bus.credentials is not None:
                    _try_tls(bus.credentials, plain, host)
        except ssl.SSLError as error:
            raise Fault("bus_auth_failed", f"{server}: TLS refused, check the authority: {error.reason}") from error
        except (OSError, ValueError) as error:
            refusals.append(f"{server} ({getattr(error, 'strerror', None) or error})")
        else:
            if bus.credentials is not None:
                _try_password(bus)
            return
    raise BUS_UNAVAILABLE.error(why="no route to the broker: " + ", ".join(refusals))


def _try_tls(credentials: SaslCredentials, plain: socket.socket, host: str) -> None:
    if credentials.ca_file:
        context = ssl.create_default_context(cafile=credentials.ca_file)
        with context.wrap_socket(plain, server_hostname=host):
            pass


def _try_password(bus: Bus) -> None:
    """Await one handshake to check the password.

    Inside a constructor a refusal would only be logged and retried.
    """
    # twice, because a broker that is just stopping answers the same
    if all(_refused(bus) for _ in range(2)):
        raise named(bus, SaslAuthenticationFailedError()).error()


def _refused(bus: Bus) -> bool:
    client = KafkaNetClient(**common_settings(bus))
    manager = client._manager  # noqa: SLF001 - the compat layer hides the handshake's result
    connection = manager.get_connection(
        manager.cluster.bootstrap_brokers()[0].node_id,
        timeout_ms=PROBE_TIMEOUT_S * 1000,
        refresh_metadata_on_err=False,
    )

    async def handshake() -> None:
        await connection

    try:
        manager.run(handshake)
    except SaslAuthenticationFailedError:
        return True
    except KafkaError:
        # the broker closes the connection with its refusal, and kafka-python drops the refusal unread: the broker had
        # sent its version, so it refused the password
        return connection.broker_version_data is not None
    finally:
        client.close()
    return False


class _Kept:
    """Keeps the network client, to close it after a failure.

    kafka-python does not close it when a constructor fails.
    """

    def __init__(self) -> None:
        self.clients: list[Any] = []

    def __call__(self, **settings: Any) -> Any:  # noqa: ANN401 - kafka-python has no types
        client = KafkaNetClient(**settings)
        self.clients.append(client)
        return client

    def close(self) -> None:
        for client in self.clients:
            client.close()


def _build(bus: Bus, kind: Any, timeout_s: float, settings: dict[str, Any]) -> Any:  # noqa: ANN401 - no types
    knock(bus)
    kept = _Kept()
    try:
        return kind(
            **common_settings(bus),
            **settings,
            kafka_client=kept,
            bootstrap_timeout_ms=int(timeout_s * 1000),
        )
    except KafkaError as error:
        kept.close()
        raise named(bus, error).error() from error


@contextmanager
def admin(bus: Bus, timeout_s: float | None = None) -> Iterator[Any]:
    """Open an admin client for a short time.

    Its errors are raised with their cause.

    Raises:
        Fault: `bus_auth_failed` or `bus_not_allowed`.
        Retryable: `bus_unavailable`.
    """
    client = _build(bus, KafkaAdminClient, timeout_s or bus.request_timeout_s, {})
    try:
        yield client
    except KafkaError as error:
        raise named(bus, error).error() from error
    finally:
        client.close()


def consumer(bus: Bus, timeout_s: float | None = None) -> Any:  # noqa: ANN401 - kafka-python has no types
    """Build a consumer without a group.

    It never changes its position by itself.

    Raises:
        Fault: `bus_auth_failed` or `bus_not_allowed`.
        Retryable: `bus_unavailable`.
    """
    return _build(
        bus,
        KafkaConsumer,
        timeout_s or bus.request_timeout_s,
        {
            "group_id": None,
            "enable_auto_commit": False,
            # no reset to another offset: a jump would hide a truncated log
            "auto_offset_reset": "none",
            "allow_auto_create_topics": False,
            "fetch_max_wait_ms": 100,
        },
    )


def codec(wanted: str) -> str | None:
    """Return kafka-python's name of a compression.

    A compression that Faust's driver can't read would kill every reader.
    """
    if wanted == "auto":
        return "lz4" if reader_has_lz4() and writer_has_lz4() else None
    return None if wanted == "none" else wanted


def producer(bus: Bus) -> Any:  # noqa: ANN401 - kafka-python has no types
    """Build the idempotent producer of the relay.

    Raises:
        Fault: `bus_auth_failed` or `bus_not_allowed`.
        Retryable: `bus_unavailable`.
    """
    return _build(
        bus,
        KafkaProducer,
        bus.max_block_s,
        {
            "enable_idempotence": True,
            "acks": "all",
            "compression_type": codec(bus.compression),
            "delivery_timeout_ms": int(bus.delivery_timeout_s * 1000),
            "max_block_ms": int(bus.max_block_s * 1000),
            "linger_ms": 0,
            "allow_auto_create_topics": False,
            "metrics_enabled": False,
        },
    )
