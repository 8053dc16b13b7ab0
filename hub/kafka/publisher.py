"""The relay's publisher to Kafka.

It is an idempotent producer that can be abandoned and built anew, because it can get stuck for good.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from kafka.errors import (
    AuthorizationError,
    InvalidProducerEpochError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    RetriableError,
    SaslAuthenticationFailedError,
    UnknownProducerIdError,
)
from typing_extensions import override

from hub.errors import Bug, Fault, Refusal
from hub.kafka.bus import Bus
from hub.kafka.clients import named, producer
from hub.refusals import BUS_UNAVAILABLE, CLOCK_AHEAD
from hub.streams.envelope import Message
from hub.streams.ports import Delivery, Publisher

CLOSE_S: Final = 1.0
# errors that a new producer ends; positions make its repeats harmless
HEALED_BY_RENEWAL: Final = (OutOfOrderSequenceNumberError, UnknownProducerIdError, InvalidProducerEpochError)


class KafkaDelivery(Delivery):
    """Outcome of one send, from kafka-python's future."""

    def __init__(self, bus: Bus, future: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        self._bus = bus
        self._future = future

    @override
    def done(self) -> bool:
        return bool(self._future.is_done)

    @override
    def failure(self) -> Refusal | Bug | None:
        if not self._future.failed():
            return None
        return verdict(self._bus, self._future.exception)


def verdict(bus: Bus, error: Exception) -> Refusal | Bug:
    """Return the meaning of a refusal.

    A refusal: try again, with a new producer if needed. A fault: the process ends.
    """
    match error:
        case AuthorizationError() | SaslAuthenticationFailedError():
            return named(bus, error)
        case MessageSizeTooLargeError():
            return Bug(Fault("bus_refused", f"message larger than the bus takes: {error}"))
        case InvalidTimestampError():
            # the producer is now unusable for every topic; a new one is refused too until a clock is set right
            return CLOCK_AHEAD.refusal(why=error)
        case RetriableError():
            return BUS_UNAVAILABLE.refusal(why=error)
        case _ if isinstance(error, HEALED_BY_RENEWAL) or _without_id(error):
            return BUS_UNAVAILABLE.refusal(why=error)
        case _:
            return Bug(Fault("bus_refused", f"{type(error).__name__}: {error}"))


def _without_id(error: Exception) -> bool:
    """Return whether the producer failed to get its id.

    A missing right does not count. kafka-python 3.0.12 gives up for good where Java's client retries: a request for the
    id that timed out, on a busy broker for example. It puts the reason into the text of a plain `KafkaError`, and the
    producer is unusable from then on.
    """
    return type(error) is KafkaError and "AuthorizationFailed" not in str(error)


class KafkaPublisher(Publisher):
    """Sends through one producer at a time; thread-safe.

    The producer is built at the first send, so a service starts while Kafka is down. When the first request for an id
    is answered with "coordinator load in progress", the producer itself retries within its delivery time-out.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._producer: Any = None
        self._closed = False

    @override
    def send(self, message: Message) -> Delivery:
        current = self._current()
        try:
            future = current.send(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                partition=message.partition,
            )
        except KafkaError as error:
            raise verdict(self._bus, error).error() from error
        except ValueError as error:
            # no such partition, or a topic that the metadata does not know yet
            raise BUS_UNAVAILABLE.error(why=error) from error
        return KafkaDelivery(self._bus, future)

    def _current(self) -> Any:  # noqa: ANN401 - kafka-python has no types
        with self._lock:
            if self._closed:
                raise BUS_UNAVAILABLE.error(why="the publisher is closed")
            if self._producer is None:
                self._producer = producer(self._bus)
            return self._producer

    @override
    def renew(self) -> None:
        with self._lock:
            old, self._producer = self._producer, None
        if old is not None:
            abandon(old)

    @override
    def close(self) -> None:
        with self._lock:
            self._closed = True
            old, self._producer = self._producer, None
        if old is None:
            return
        try:
            old.close(timeout=CLOSE_S)
        except KafkaError:
            # a stuck producer can't flush; what it holds stays unconfirmed and is sent again by the next process
            abandon(old)


def abandon(old: Any) -> None:  # noqa: ANN401 - kafka-python has no types
    """End a producer's thread without waiting for it.

    The thread drops everything. `close` would flush first and may hang.
    """
    old._unregister_cleanup()  # noqa: SLF001 - its exit handler would flush, and delay the end of the process
    old._closed = True  # noqa: SLF001 - or its finaliser flushes
    old._sender.force_close()  # noqa: SLF001 - `close` can't skip the flush
