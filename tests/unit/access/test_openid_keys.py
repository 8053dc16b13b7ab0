"""The provider's keys are fetched beside the calls, bounded in time and size; the last ones hold while it is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hub.access.openid as module
from hub.access.credential import Credential, id_of, openid_digest
from hub.access.credential_set import CredentialSet
from hub.access.openid import EVERY_S, KEYS_BYTES, OLD_S, SOON_S, OpenIdVerifier, ProviderKeys, read_keys
from hub.access.verifier import SetVerifier
from tests.support.bridges import eventually
from tests.support.issuer import ISSUER, LocalIssuer, certificate, jwk, private_key, verifier_of

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
SUBJECT = "staff-7"


async def true_of(value: object) -> bool:
    return bool(value)


class Watch:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Service:
    """What a service has of a provider."""

    def __init__(self, url: str) -> None:
        self.watch = Watch()
        self.keys = ProviderKeys(url, elapsed=self.watch)
        self.own = SetVerifier()
        self.verifier: OpenIdVerifier = verifier_of(self.own, self.keys)

    def know(self) -> None:
        """Get the set with the person."""
        digest = openid_digest(ISSUER, SUBJECT, 1)
        its = Credential(id_of(digest), digest, "clerk-7", "clerk", frozenset(), "", NOW + timedelta(days=1))
        self.own.take(CredentialSet(1, (its,)))

    def serves(self, token: str) -> bool:
        return self.verifier.known(token, NOW) is not None

    async def pass_time(self, seconds: float) -> float:
        """Let time pass, and do what is due then."""
        self.watch.at += seconds
        return await self.keys.step()


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    async with LocalIssuer("rsa-1").serving() as issuer:
        yield issuer


@pytest.fixture
def service(issuer: LocalIssuer) -> Service:
    service = Service(issuer.url)
    service.know()
    return service


async def test_a_new_key_is_known_after_a_fetch_and_an_old_one_gone_with_it(
    issuer: LocalIssuer, service: Service
) -> None:
    old, new = issuer.token(SUBJECT, NOW), issuer.token(SUBJECT, NOW, kid="ec-1")
    assert not service.serves(old), "no key was fetched yet"
    assert await service.keys.step() == EVERY_S
    assert service.serves(old)
    issuer.listed = [jwk("rsa-1"), jwk("ec-1")]
    assert not service.serves(new)
    await service.pass_time(SOON_S)
    assert (service.serves(old), service.serves(new)) == (True, True)
    issuer.listed = [jwk("ec-1")]
    await service.pass_time(EVERY_S)
    assert (service.serves(old), service.serves(new)) == (False, True), "what was remembered by the old key too"


async def test_tokens_with_unknown_keys_fetch_soon_and_not_more_often(issuer: LocalIssuer, service: Service) -> None:
    assert await service.keys.step() == EVERY_S
    strange = issuer.token(SUBJECT, NOW, kid="ec-9")
    for _ in range(50):
        assert not service.serves(strange)
        assert 0 < await service.pass_time(0.1) <= SOON_S
    assert issuer.asked == 1
    await service.pass_time(SOON_S)
    assert issuer.asked == 2
    assert await service.pass_time(SOON_S) == EVERY_S, "nobody named a strange key since"


async def test_a_strange_key_wakes_the_part(
    issuer: LocalIssuer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOON_S", 0.0)
    await service.keys.start()
    try:
        await eventually(lambda: true_of(service.keys.current))
        issuer.listed = [jwk("ec-1")]
        token = issuer.token(SUBJECT, NOW, kid="ec-1")
        await eventually(lambda: true_of(service.serves(token)))
    finally:
        await service.keys.stop()


async def test_while_the_provider_is_away_the_last_keys_hold_and_health_says_so(issuer: LocalIssuer) -> None:
    async with LocalIssuer("rsa-1").serving() as away:
        service = Service(away.url)
        service.know()
        assert service.keys.trouble() == "openid_keys_old", "never fetched"
        await service.keys.step()
        assert service.keys.trouble() == ""
    token = issuer.token(SUBJECT, NOW)
    assert await service.pass_time(EVERY_S) == SOON_S
    assert (service.serves(token), service.keys.trouble()) == (True, "")
    await service.pass_time(OLD_S - EVERY_S)
    assert service.keys.trouble() == ""
    await service.pass_time(1)
    assert (service.serves(token), service.keys.trouble()) == (True, "openid_keys_old")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", "200 OK"),
        (b"", "200 OK"),
        (b"[]", "200 OK"),
        (b'{"keys": {}}', "200 OK"),
        (b'{"keys": ' + b"[" * 3000, "200 OK"),
        (b'{"keys": [], "x": "' + b"x" * KEYS_BYTES + b'"}', "200 OK"),
        (None, "503 Service Unavailable"),
        (None, "302 Found"),
    ],
)
async def test_a_wrong_answer_changes_nothing(
    issuer: LocalIssuer, service: Service, body: bytes | None, status: str
) -> None:
    await service.keys.step()
    issuer.body, issuer.status = body, status
    assert await service.pass_time(EVERY_S) == SOON_S
    assert service.serves(issuer.token(SUBJECT, NOW))
    assert issuer.asked == 2, "a redirect is not followed"


@pytest.mark.parametrize("every_s", [0.01, 60.0])
async def test_a_provider_that_takes_too_long_is_left(
    service: Service, monkeypatch: pytest.MonkeyPatch, every_s: float
) -> None:
    """It answers nothing, or so slowly that no single read takes too long."""
    monkeypatch.setattr(module, "FETCH_S", 0.1)
    gone = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not gone.is_set():
            writer.write(b"x")
            with suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), every_s)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    service.keys._url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        async with asyncio.timeout(10):
            assert await service.keys.step() == SOON_S
    finally:
        gone.set()
        server.close()
        await server.wait_closed()
    assert service.keys.current == {}


async def test_over_tls_only_a_known_authority_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, file = certificate(tmp_path)
    async with LocalIssuer("rsa-1").serving(tls) as issuer:
        stranger = ProviderKeys(issuer.url)
        assert await stranger.step() == SOON_S
        assert (stranger.current, issuer.asked) == ({}, 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        keys = ProviderKeys(issuer.url)
        assert await keys.step() == EVERY_S
        assert set(keys.current) == {"rsa-1"}
        other = ProviderKeys(issuer.url.replace("127.0.0.1", "localhost"))
        assert await other.step() == SOON_S, "the certificate is of another host"
        assert issuer.asked == 1


async def test_keys_that_cannot_be_used_are_none_and_health_says_so(issuer: LocalIssuer, service: Service) -> None:
    token = issuer.token(SUBJECT, NOW)
    await service.keys.step()
    assert (service.serves(token), service.keys.trouble()) == (True, "")
    issuer.listed = [jwk("small-1")]
    assert await service.pass_time(EVERY_S) == EVERY_S
    assert (service.serves(token), service.keys.trouble()) == (False, "openid_keys_old")


async def test_two_services_verify_by_keys_and_sets_of_their_own(issuer: LocalIssuer, service: Service) -> None:
    other = Service(issuer.url)
    token = issuer.token(SUBJECT, NOW)
    for each in (service, other):
        await each.keys.step()
    assert (service.serves(token), other.serves(token)) == (True, False)
    other.know()
    assert other.serves(token)


def test_keys_that_are_of_no_use_are_left_out() -> None:
    listed: list[Any] = [
        jwk("rsa-1"),
        jwk("rsa-1", n=jwk("rsa-2")["n"]),
        jwk("small-1"),
        jwk("curve-1"),
        jwk("ec-1", use="enc"),
        jwk("ec-2", alg="ES512"),
        jwk("ec-3", x="AA"),
        jwk("ec-4", x=5),
        {"kty": "oct", "kid": "hs", "k": "c2VjcmV0", "alg": "HS256"},
        {"kid": "nothing"},
        "no key",
        jwk("ed-1", alg="EdDSA", key_ops=["verify"], x5c=["…"]),
    ]
    found = read_keys(json.dumps({"keys": listed}).encode())
    assert {kid: its.algorithms for kid, its in found.items()} == {"rsa-1": ("RS256", "PS256"), "ed-1": ("EdDSA",)}
    assert found["rsa-1"].public == private_key("rsa-1").public_key(), "the first of a name counts"


def test_an_algorithm_that_a_key_names_is_its_only_one() -> None:
    found = read_keys(json.dumps({"keys": [jwk("rsa-1", alg="PS256")]}).encode())
    assert found["rsa-1"].algorithms == ("PS256",)
