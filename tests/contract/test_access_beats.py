"""Every service hears which credentials hold: at once, also after it was away, and it knows when it does not hear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.access import beats
from hub.access.beats import BEAT_S, TOPIC, WHOLE_S, BeatReader, BeatWriter
from hub.access.credential import Credential
from hub.access.credential_set import IssuedCredential, issue, revoke, stored_set
from hub.access.verifier import STALE_S, SetVerifier
from hub.errors import Refused
from hub.runtime.clock import FixedClock
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.streams.envelope import Message
from hub.streams.memory import MemoryBus, MemoryPublisher, SendMode
from hub.streams.memory_log import MemoryLog
from hub.streams.topics import Topic
from hub.wire.access.v1 import access_pb2

NOW = datetime.now(UTC).replace(microsecond=0)
WANTED = Credential("", "", "clerk-1", "clerk", frozenset({"read"}), "620725", NOW + timedelta(days=90))
ROW = Topic(
    TOPIC, "hub.access.v1.CredentialBeat", "cn.santiao.access.v1", ("intake",), ("stats",), "intake", 86_400_000
)


class Pair:
    """Who issues, and who hears; time stands until a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.bus = MemoryBus([ROW], 1)
        self.clock = FixedClock(NOW)
        self.seconds = 1000.0
        self.issuing, self.hearing = Store(f"sqlite:///{folder}/a.db"), Store(f"sqlite:///{folder}/b.db")
        for store in (self.issuing, self.hearing):
            migrate(store, folder)
        self.writer = BeatWriter(
            self.issuing,
            SetVerifier(),
            MemoryPublisher(self.bus),
            MemoryLog(self.bus),
            self.clock,
            elapsed=lambda: self.seconds,
        )
        self.restart()

    def restart(self) -> None:
        """Begin to hear anew, with the same store."""
        self.verifier = SetVerifier()
        self.reader = BeatReader(self.hearing, self.verifier, MemoryLog(self.bus), self.clock)

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.move_to(self.clock.at + timedelta(seconds=seconds))

    async def tell(self) -> None:
        await self.writer.step()
        await self.reader.step()

    async def issued(self) -> IssuedCredential:
        return await self.issuing.write(lambda tx: issue(tx, WANTED))

    def is_known(self, made: IssuedCredential) -> bool:
        try:
            return self.verifier.caller_of(made.token, self.clock.now()).holder == "clerk-1"
        except Refused:
            return False

    @property
    def sent(self) -> list[access_pb2.CredentialBeat]:
        return [access_pb2.CredentialBeat.FromString(record.value or b"") for record in self.bus.records(TOPIC, 0)]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.issuing.close()
    made.hearing.close()


async def test_a_change_is_heard_in_one_step(pair: Pair) -> None:
    made = await pair.issued()
    assert not pair.is_known(made)
    await pair.tell()
    assert pair.is_known(made)
    assert await pair.hearing.read(stored_set) == await pair.issuing.read(stored_set)
    await pair.issuing.write(lambda tx: revoke(tx, made.credential.credential_id, pair.clock.now()))
    await pair.tell()
    assert not pair.is_known(made)


async def test_beats_are_few_and_the_whole_set_fewer(pair: Pair) -> None:
    await pair.issued()
    for _ in range(int(2 * WHOLE_S)):
        await pair.tell()
        pair.pass_by(1)
    whole = [beat.HasField("set") for beat in pair.sent]
    assert (len(whole), sum(whole)) == (int(2 * WHOLE_S / BEAT_S), 2)
    assert made_of(pair.sent) == {1}


def made_of(sent: list[access_pb2.CredentialBeat]) -> set[int]:
    return {beat.version for beat in sent}


async def test_no_token_and_no_digest_of_a_name_is_sent(pair: Pair) -> None:
    made = await pair.issued()
    await pair.tell()
    assert all(made.token.encode() not in (record.value or b"") for record in pair.bus.records(TOPIC, 0))


async def test_who_was_away_verifies_by_its_copy_and_then_by_what_it_hears(pair: Pair) -> None:
    one = await pair.issued()
    await pair.tell()
    two = await pair.issued()
    await pair.writer.step()
    pair.restart()
    await pair.reader.start()
    await pair.reader.stop()
    assert pair.is_known(one), "before it has heard anything"
    await pair.reader.step()
    assert pair.is_known(two)


async def test_who_does_not_hear_knows_it(pair: Pair) -> None:
    assert not pair.reader.is_stale(), "nothing was issued yet"
    await pair.issued()
    await pair.tell()
    assert not pair.reader.is_stale()
    pair.pass_by(STALE_S)
    assert not pair.reader.is_stale()
    pair.pass_by(1)
    assert pair.reader.is_stale()
    await pair.tell()
    assert not pair.reader.is_stale()


async def test_old_beats_that_are_read_now_are_no_news(pair: Pair) -> None:
    await pair.issued()
    await pair.tell()
    pair.pass_by(STALE_S + 1)
    pair.restart()
    await pair.reader.step()
    assert pair.reader.is_stale()


async def test_a_copy_that_has_not_heard_again_since_a_restart_is_stale(pair: Pair) -> None:
    await pair.issued()
    await pair.tell()
    pair.restart()
    await pair.reader.start()
    await pair.reader.stop()
    assert not pair.reader.is_stale(), "it reads the beats of the last minutes as it starts"
    pair.pass_by(STALE_S + 1)
    pair.restart()
    await pair.reader.start()
    await pair.reader.stop()
    assert pair.reader.is_stale()


async def test_a_beat_of_a_version_that_is_not_known_is_no_news(pair: Pair) -> None:
    await pair.tell()
    beat = access_pb2.CredentialBeat(version=9, sent_at=pair.sent[-1].sent_at)
    pair.pass_by(STALE_S + 1)
    beat.sent_at.FromDatetime(pair.clock.now())
    pair.bus.append(Message(TOPIC, 0, b"credentials", beat.SerializeToString()))
    await pair.reader.step()
    assert pair.reader.is_stale(), "a revocation may be in what it lacks"


async def test_what_the_bus_did_not_confirm_is_sent_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await pair.issued()
    pair.bus.sending = SendMode.REFUSED
    assert await pair.writer.step() > 0
    pair.bus.sending = SendMode.DOWN
    await pair.writer.step()
    pair.bus.sending = SendMode.HELD
    monkeypatch.setattr(beats, "SENT_S", 0.0)
    await pair.writer.step()
    assert pair.sent == []
    pair.bus.sending = SendMode.NORMAL
    await pair.tell()
    assert pair.is_known(made)


@pytest.mark.parametrize("value", [b"\xff", b"not a beat"])
async def test_what_is_no_beat_is_passed_over(pair: Pair, value: bytes) -> None:
    pair.bus.append(Message(TOPIC, 0, b"x", value))
    made = await pair.issued()
    await pair.tell()
    assert pair.is_known(made)


async def test_an_older_set_takes_nothing_back(pair: Pair) -> None:
    made = await pair.issued()
    await pair.writer.step()
    await pair.issuing.write(lambda tx: revoke(tx, made.credential.credential_id, pair.clock.now()))
    await pair.tell()
    first = pair.bus.records(TOPIC, 0)[0].value or b""
    pair.bus.append(Message(TOPIC, 0, b"credentials", first))
    await pair.reader.step()
    assert not pair.is_known(made)
