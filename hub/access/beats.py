"""Tells every service which credentials hold.

Who issues them sends a beat again and again: which version of the set holds, and the set itself after each change and
every ten minutes. A beat that is lost, repeated or late does no harm, because a higher version wins; one that is
missing for too long is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from typing_extensions import override

from hub.access.credential import Credential
from hub.access.credential_set import CredentialSet, adopt, reconcile, stored_set, stored_version, take_over
from hub.access.verifier import STALE_S, SetVerifier
from hub.errors import Bug, Retryable
from hub.refusals import BUS_UNAVAILABLE, CREDENTIALS_STALE
from hub.runtime.clock import Clock
from hub.runtime.periodic import Periodic
from hub.store.instants import from_micros, to_micros
from hub.store.store import Store
from hub.streams.envelope import Message
from hub.streams.heads import TopicLog
from hub.streams.ports import Publisher
from hub.wire.access.v1 import access_pb2

TOPIC: Final = "access.credentials.v1"
LOOK_S: Final = 0.5
"""A change is heard after this long: who makes it sends it at once, and another worker of the issuing service looks as
often."""
BEAT_S: Final = 15.0
WHOLE_S: Final = 600.0
BACK_S: Final = 1500.0
"""Who begins to hear reads the beats of this long: the whole set is among them."""
CONFIRM_S: Final = 0.02
SENT_S: Final = 10.0
"""Time for the bus to confirm a beat; then the producer is renewed."""

_log = structlog.stdlib.get_logger(__name__)


class BeatWriter(Periodic):
    """Sends the beats, as a part of the service that issues credentials.

    Args:
        store: Where they are issued.
        verifier: Of this service: it hears of its own changes here.
        publisher: For the beats alone.
        log: Of the bus: what was told before the store was restored from a backup is brought back into it.
        clock: Wall clock.
        given: Credentials of the service's file.
        elapsed: Monotonic seconds.
    """

    name = "credential_beats"

    def __init__(
        self,
        store: Store,
        verifier: SetVerifier,
        publisher: Publisher,
        log: TopicLog,
        clock: Clock,
        *,
        given: Sequence[Credential] = (),
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._store = store
        self._given = given
        self._verifier = verifier
        self._publisher = publisher
        self._log = log
        self._reconciled = False
        self._clock = clock
        self._elapsed = elapsed
        self._confirmed = -1
        self._beat_at = self._whole_at = float("-inf")

    @override
    async def start(self) -> None:
        """Verify by what is stored, and by the file, then begin to send."""
        await self._store.write(lambda tx: adopt(tx, self._given, issues=True))
        self._verifier.take(await self._store.read(stored_set))
        await super().start()

    def trouble(self) -> str:
        """Return the code of the trouble for the health answer: none, whoever issues knows what holds."""
        return ""

    def is_stale(self) -> bool:
        """Tell whether a revocation might wait behind: never here."""
        return False

    @override
    async def stop(self) -> None:
        """Finish, and close the connections."""
        await super().stop()
        await asyncio.to_thread(self._publisher.close)
        await asyncio.to_thread(self._log.close)

    @override
    async def step(self) -> float:
        """Send a beat if one is due."""
        try:
            await self._look()
        except Retryable as error:
            _log.warning("credential_beat_awaits", code=error.code, detail=error.detail)
            return error.after_s
        return LOOK_S

    async def _look(self) -> None:
        if not self._reconciled:
            earlier = await asyncio.to_thread(_newest, self._log)
            await self._store.write(lambda tx: reconcile(tx, earlier))
            self._reconciled = True
        version = await self._store.read(stored_version)
        now, whole = self._elapsed(), None
        if version != self._confirmed or now - self._whole_at >= WHOLE_S:
            whole = await self._store.read(stored_set)
            self._verifier.take(whole)
        elif now - self._beat_at < BEAT_S:
            return
        await self._send(version if whole is None else whole.version, whole)
        self._beat_at = now
        if whole is not None:
            self._whole_at, self._confirmed = now, whole.version

    async def _send(self, version: int, whole: CredentialSet | None) -> None:
        beat = access_pb2.CredentialBeat(
            version=version,
            sent_at=_stamp(self._clock.now()),
            set=None if whole is None else _set_to_wire(whole),
        )
        message = Message(TOPIC, 0, b"credentials", beat.SerializeToString(), ())
        delivery = await asyncio.to_thread(self._publisher.send, message)
        end = self._elapsed() + SENT_S
        while not delivery.done():
            if self._elapsed() >= end:
                self._publisher.renew()
                raise BUS_UNAVAILABLE.error(why="a beat was not confirmed in time")
            await asyncio.sleep(CONFIRM_S)
        failure = delivery.failure()
        if isinstance(failure, Bug):
            raise failure.error()
        if failure is not None:
            self._publisher.renew()
            raise failure.error()


class BeatReader(Periodic):
    """Hears the beats, as a part of every other service.

    Args:
        store: Keeps the newest set.
        verifier: Verifies by it.
        log: Of the bus.
        clock: Wall clock; not far from that of the host that sends.
        given: Credentials of the service's file.
    """

    name = "credential_news"

    def __init__(
        self, store: Store, verifier: SetVerifier, log: TopicLog, clock: Clock, *, given: Sequence[Credential] = ()
    ) -> None:
        super().__init__()
        self._given = given
        self._store = store
        self._verifier = verifier
        self._log = log
        self._clock = clock
        self._next: int | None = None
        self._heard_at: datetime | None = None
        self._heard_of = 0

    @override
    async def start(self) -> None:
        """Verify by the copy, and by the file, then begin to hear."""
        await self._store.write(lambda tx: adopt(tx, self._given, issues=False))
        self._verifier.take(await self._store.read(stored_set))
        await self.step()  # so that nobody is refused for want of news when there is some
        await super().start()

    @override
    async def stop(self) -> None:
        """Finish, and close the connection."""
        await super().stop()
        await asyncio.to_thread(self._log.close)

    def trouble(self) -> str:
        """Return the code of the trouble for the health answer; empty when there is none."""
        return CREDENTIALS_STALE.name if self.is_stale() else ""

    def is_stale(self) -> bool:
        """Tell whether a revocation might wait behind: nothing was heard for too long.

        Where no set was ever heard of, nothing was issued yet that could have been revoked: so it is while the other
        services are upgraded before the one that issues.
        """
        if max(self._verifier.version, self._heard_of) <= 0:
            return False
        return self._heard_at is None or (self._clock.now() - self._heard_at).total_seconds() > STALE_S

    @override
    async def step(self) -> float:
        """Take what was sent since the last step."""
        try:
            values = await asyncio.to_thread(self._news)
            for value in values:
                await self._take(value)
        except Retryable as error:
            return max(LOOK_S, error.after_s)
        return LOOK_S

    def _news(self) -> list[bytes]:
        if self._next is None:
            back = self._clock.now().timestamp() - BACK_S
            self._next = self._log.since(TOPIC, back).get(0, 0)
        values = []
        for page in self._log.pages(TOPIC, 0, self._next):
            values += [record.value for record in page if record.value]
            self._next = page[-1].offset + 1
        return values

    async def _take(self, value: bytes) -> None:
        try:
            beat = access_pb2.CredentialBeat.FromString(value)
        except DecodeError:
            _log.error("credential_beat_undecodable")
            return
        if beat.HasField("set"):
            newer = _set_from_wire(beat.version, beat.set)
            if newer.version > self._verifier.version:
                self._verifier.take(await self._store.write(lambda tx: take_over(tx, newer)))
        self._heard_of = max(self._heard_of, beat.version)
        if beat.version <= self._verifier.version:
            self._heard_at = max(filter(None, (self._heard_at, instant_of(beat.sent_at))))


def _newest(log: TopicLog) -> CredentialSet:
    """Return the newest set on the bus; that of nothing when there is none."""
    newest = CredentialSet(0, ())
    for page in log.pages(TOPIC, 0, log.beginnings(TOPIC).get(0, 0)):
        for record in page:
            with suppress(DecodeError):
                beat = access_pb2.CredentialBeat.FromString(record.value or b"")
                if beat.HasField("set"):
                    newest = _set_from_wire(beat.version, beat.set)
    return newest


def _set_to_wire(its: CredentialSet) -> access_pb2.CredentialSet:
    return access_pb2.CredentialSet(credentials=[credential_to_wire(each) for each in its.credentials])


def _set_from_wire(version: int, message: access_pb2.CredentialSet) -> CredentialSet:
    return CredentialSet(version, tuple(_credential_from_wire(each) for each in message.credentials))


def credential_to_wire(its: Credential) -> access_pb2.Credential:
    """Return the message of a credential."""
    return access_pb2.Credential(
        credential_id=its.credential_id,
        token_sha256=its.token_sha256,
        holder=its.holder,
        role=its.role,
        scopes=sorted(its.scopes),
        area=its.area,
        expires_at=_stamp(its.expires_at),
        revoked_at=None if its.revoked_at is None else _stamp(its.revoked_at),
    )


def _credential_from_wire(message: access_pb2.Credential) -> Credential:
    return Credential(
        credential_id=message.credential_id,
        token_sha256=message.token_sha256,
        holder=message.holder,
        role=message.role,
        scopes=frozenset(message.scopes),
        area=message.area,
        expires_at=instant_of(message.expires_at),
        revoked_at=instant_of(message.revoked_at) if message.HasField("revoked_at") else None,
    )


def _stamp(at: datetime) -> Timestamp:
    micros = to_micros(at)
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def instant_of(stamp: Timestamp) -> datetime:
    """Return the instant of a timestamp on the wire, UTC, in whole microseconds."""
    return from_micros(stamp.seconds * 1_000_000 + stamp.nanos // 1000)


__all__ = ["TOPIC", "BeatReader", "BeatWriter", "credential_to_wire", "instant_of"]
