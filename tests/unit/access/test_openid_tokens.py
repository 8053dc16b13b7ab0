"""A token of the provider says who calls, the set says what that person may do; every guess gets one answer."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

import hub.access.openid as module
from hub.access.credential import Credential, digest_of, id_of, is_subject, new_token, openid_digest
from hub.access.credential_set import CredentialSet
from hub.access.gate import Gate
from hub.access.openid import LEEWAY_S, LIFETIME_S, TOKEN_CHARS, OpenIdVerifier, ProviderKeys
from hub.access.rates import CallRates
from hub.access.verifier import SetVerifier
from hub.errors import Refused
from hub.refusals import UNAUTHENTICATED
from hub.runtime.clock import FixedClock
from tests.support.issuer import AUDIENCE, ISSUER, LocalIssuer, jwk, private_key, unsigned, verifier_of

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
SUBJECT = "8d1c7c1e-staff"


def row(
    subject: str = SUBJECT,
    number: int = 1,
    *,
    role: str = "clerk",
    ends: datetime = NOW + 24 * HOUR,
    issuer: str = ISSUER,
) -> Credential:
    digest = openid_digest(issuer, subject, number)
    return Credential(id_of(digest), digest, f"{role}-7", role, frozenset({"read"}), "620725", ends)


class Door:
    """A verifier, its set and its provider."""

    def __init__(self, issuer: LocalIssuer) -> None:
        self.issuer = issuer
        self.own = SetVerifier()
        self.version = 0
        self.hold(row())
        self.keys = ProviderKeys(issuer.url)
        self.verifier = verifier_of(self.own, self.keys)

    def hold(self, *rows: Credential) -> None:
        """Replace the set."""
        self.version += 1
        self.own.take(CredentialSet(self.version, rows))

    def token(self, subject: str = SUBJECT, at: datetime = NOW, **changes: Any) -> str:  # noqa: ANN401 - any claim
        return self.issuer.token(subject, at, **changes)

    def holder(self, token: str, at: datetime = NOW) -> str:
        """Return who is served; empty for nobody, with the one answer that there is."""
        caller = self.verifier.known(token, at)
        if caller is not None:
            assert self.verifier.caller_of(token, at) == caller
            return caller.holder
        with pytest.raises(Refused) as error:
            self.verifier.caller_of(token, at)
        assert error.value.refusal == UNAUTHENTICATED.refusal()
        return ""


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with LocalIssuer("rsa-1", "ec-1", "ed-1").serving() as issuer:
        door = Door(issuer)
        await door.keys.step()
        yield door


@pytest.mark.parametrize(
    ("kid", "algorithm"), [("rsa-1", "RS256"), ("rsa-1", "PS256"), ("ec-1", "ES256"), ("ed-1", "EdDSA")]
)
async def test_a_person_is_the_row_of_the_set(door: Door, kid: str, algorithm: str) -> None:
    token = door.token(kid=kid, algorithm=algorithm, roles=["operator"], scope="all")
    caller = door.verifier.caller_of(token, NOW)
    its = row()
    assert (caller.credential_id, caller.holder, caller.role) == (its.credential_id, "clerk-7", "clerk")
    assert (caller.scopes, caller.area) == (its.scopes, its.area), "no claim of the provider adds anything"


async def test_the_audience_may_be_one_of_several_and_the_type_that_of_an_access_token(door: Door) -> None:
    assert door.holder(door.token(aud=["another", AUDIENCE], header={"typ": "at+jwt"})) == "clerk-7"


async def test_whom_the_set_does_not_know_is_nobody(door: Door) -> None:
    assert door.holder(door.token("somebody-else")) == ""
    assert door.holder(door.token(f"{SUBJECT}\x001")) == "", "a subject is no place to write a number into"
    door.hold(row(issuer="https://id.example.invalid/realms/other"))
    assert door.holder(door.token()) == "", "another provider's person of the same name is another person"


async def test_a_revoked_or_ended_row_ends_a_remembered_token_too(door: Door) -> None:
    token = door.token()
    assert door.holder(token) == "clerk-7"
    door.hold(Credential(**{name: getattr(row(), name) for name in row().__struct_fields__} | {"revoked_at": NOW}))
    assert door.holder(token) == ""
    door.hold(row(ends=NOW + SECOND))
    assert door.holder(token) == "clerk-7"
    assert door.holder(token, NOW + SECOND) == ""


async def test_a_person_gets_a_new_credential_after_an_end_and_the_first_valid_one_counts(door: Door) -> None:
    door.hold(row(ends=NOW + SECOND), row(number=2, role="mediator"), row(number=4, role="leader"))
    token = door.token()
    assert door.holder(token) == "clerk-7"
    assert door.holder(token, NOW + SECOND) == "mediator-7"
    door.hold(row(ends=NOW), row(number=3, role="leader"))
    assert door.holder(token) == "", "a number that was never made ends the search"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-service"},
        {"aud": [AUDIENCE[:-1], AUDIENCE + "x"]},
        {"aud": None},
        {"aud": []},
        {"iss": ISSUER + "/"},
        {"iss": ISSUER[:-1]},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": f"{SUBJECT}\n"},
        {"sub": "\ud800"},
        {"sub": ["8d1c7c1e-staff"]},
        {"exp": None},
        {"iat": None},
        {"exp": "2026-11-20"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"iat": float("-inf")},
        {"exp": NOW.timestamp() + LIFETIME_S + 1},
        {"exp": NOW.timestamp() - LEEWAY_S, "iat": NOW.timestamp() - 600},
        {"iat": NOW.timestamp() + LEEWAY_S + 1, "exp": NOW.timestamp() + 600},
        {"nbf": NOW.timestamp() + LEEWAY_S + 1},
        {"nbf": NOW.timestamp(), "iat": NOW.timestamp() + LEEWAY_S + 1, "exp": NOW.timestamp() + 600},
        {"nbf": "soon"},
        {"padding": "x" * TOKEN_CHARS},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"crit": ["exp2"], "exp2": 1}},
        {"kid": "rsa-2"},
        {"key": private_key("rsa-2")},
        {"kid": "ec-1", "key": private_key("ec-2")},
        {"kid": "rsa-1", "algorithm": "RS512"},
        {"kid": "rsa-1", "algorithm": "ES256", "key": private_key("ec-1")},
    ],
)
async def test_a_token_that_does_not_prove_it_is_refused(door: Door, changes: dict[str, Any]) -> None:
    assert door.holder(door.token(**changes)) == ""


async def test_clocks_may_differ_a_little_and_a_life_may_be_an_hour(door: Door) -> None:
    start = NOW.timestamp()
    allowed: tuple[dict[str, Any], ...] = (
        {"exp": start + LIFETIME_S},
        {"exp": start - LEEWAY_S + 1, "iat": start - 600},
        {"iat": start + LEEWAY_S, "exp": start + 600},
        {"nbf": start + LEEWAY_S},
    )
    for changes in allowed:
        assert door.holder(door.token(**changes)) == "clerk-7", changes


async def test_a_remembered_token_ends_when_it_says(door: Door) -> None:
    token = door.token(exp=int(NOW.timestamp()) + 60)
    for seconds, holder in ((0, "clerk-7"), (60 + LEEWAY_S - 1, "clerk-7"), (60 + LEEWAY_S, ""), (60 + LEEWAY_S, "")):
        assert door.holder(token, NOW + timedelta(seconds=seconds)) == holder


async def test_a_public_key_is_no_secret_and_no_signature_is_none(door: Door) -> None:
    claims = json.dumps(
        {"iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT, "iat": NOW.timestamp(), "exp": NOW.timestamp() + 60}
    ).encode()
    public = private_key("rsa-1").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header: dict[str, Any] = {"kid": "rsa-1", "typ": "JWT"}
    for secret in (pem, json.dumps(jwk("rsa-1")).encode(), b""):
        for algorithm in ("HS256", "HS512"):
            unproven = unsigned({**header, "alg": algorithm}, claims)
            assert door.holder(unproven + _mac(unproven[:-1], secret, algorithm)) == ""
    for none in ("none", "None", "", None, ["RS256"]):
        assert door.holder(unsigned({**header, "alg": none}, claims)) == ""
        assert door.holder(unsigned({**header, "alg": none, "jwk": jwk("rsa-1")}, claims, b"x" * 256)) == ""


def _mac(signed: str, secret: bytes, algorithm: str) -> str:
    mac = hmac.digest(secret, signed.encode(), f"sha{algorithm[2:]}")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


async def test_a_token_without_the_name_of_its_key_needs_an_only_key(door: Door) -> None:
    nameless = door.token(header={"kid": ""})
    assert door.holder(nameless) == ""
    door.issuer.listed = [jwk("rsa-1")]
    door.keys = ProviderKeys(door.issuer.url)
    door.verifier = verifier_of(door.own, door.keys)
    await door.keys.step()
    assert door.holder(nameless) == "clerk-7"


def test_nobody_can_send_the_text_of_a_person_s_digest() -> None:
    own = SetVerifier()
    own.take(CredentialSet(1, (row(), row(issuer="county"))))
    for issuer in (ISSUER, "county"):
        text = f"\x00openid\x00{issuer}\x00{SUBJECT}\x001"
        assert digest_of(text) == openid_digest(issuer, SUBJECT, 1), "it is the text of the digest"
        for verifier in (own, verifier_of(own, ProviderKeys("http://127.0.0.1:9/"))):
            assert verifier.known(text, NOW) is None
            with pytest.raises(Refused) as error:
                verifier.caller_of(text, NOW)
            assert error.value.code == "unauthenticated"


def test_pairs_have_digests_of_their_own() -> None:
    pairs = [("a", "b", 1), ("a", "b", 2), ("a", "b1", 1), ("ab", "", 1), ("", "ab", 1), ("a", "b\x001", 1)]
    assert len({openid_digest(*pair) for pair in pairs}) == len(pairs)
    assert [is_subject(text) for text in ("a", "张三 8", "x" * 255, "", "x" * 256, "a\x00", "a\n", "\ud800")] == [
        *(True, True, True),
        *(False, False, False, False, False),
    ]


async def test_everything_else_goes_to_the_set_also_without_any_key(door: Door) -> None:
    token, dotted = new_token(), "a.key"
    made = [
        Credential(one, digest_of(one), f"court-{one[:1]}", "court", frozenset(), "", NOW + HOUR)
        for one in (token, dotted)
    ]
    door.hold(*made)
    door.keys = ProviderKeys("http://127.0.0.1:9/")
    door.verifier = verifier_of(door.own, door.keys)
    assert [door.holder(one) for one in (token, dotted, new_token(), "", "a.b.c.d")] == [
        "court-h",
        "court-a",
        "",
        "",
        "",
    ]


async def test_a_token_that_was_verified_is_not_verified_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    token, verified, real = door.token(), [], jwt.decode

    def counted(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - as it is
        verified.append(args[0])
        return real(*args, **more)

    monkeypatch.setattr(jwt, "decode", counted)
    for _ in range(3):
        assert door.holder(token) == "clerk-7"
    assert len(verified) == 1
    monkeypatch.setattr(module, "REMEMBERED", 2)
    tokens = [door.token(jti=str(number)) for number in range(3)]
    for one in (*tokens, token):
        assert door.holder(one) == "clerk-7"
    assert len(verified) == 5, "the oldest one was forgotten"
    assert len(door.verifier._remembered) == 2
    assert token not in repr(door.verifier._remembered)


class Table:
    """Everybody may call."""

    def may_call(self, _role: str, _scopes: frozenset[str], _call: str) -> bool:
        return True

    def is_person(self, _role: str) -> bool:
        return True

    def goes_on(self, _role: str) -> bool:
        return True


async def test_a_wrong_one_counts_as_a_guess(door: Door) -> None:
    gate = Gate(
        door.verifier, Table(), FixedClock(NOW), rates=CallRates(staff=9, systems=9, guesses=1, elapsed=lambda: 7.0)
    )
    codes = []
    for _ in range(2):
        with pytest.raises(Refused) as error:
            gate.admit("a/B", door.token(aud="another"), "127.0.0.1")
        codes.append(error.value.code)
    assert codes == ["unauthenticated", "too_many_guesses"]
    assert gate.admit("a/B", door.token(), "127.0.0.1").holder == "clerk-7"


async def test_the_reason_is_in_the_log_alone_and_names_nobody(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as lines:
        token = door.token(aud="another")
        assert door.holder(token) == ""
    assert {(line["event"], line["reason"], line["log_level"]) for line in lines} == {
        ("openid_token_refused", "InvalidAudienceError", "debug")
    }
    shown = f"{lines}{caplog.text}"
    assert not any(secret in shown for secret in (SUBJECT, ISSUER, *token.split(".")))


PARTS = st.binary(max_size=60).map(lambda data: unsigned({}, data).split(".")[1]) | st.text(max_size=40)


@given(st.tuples(PARTS, PARTS, PARTS))
def test_whatever_has_the_form_of_a_token_is_refused_and_ends_nothing(parts: tuple[str, str, str]) -> None:
    keys = ProviderKeys("http://127.0.0.1:9/")
    keys._current = module.read_keys(json.dumps({"keys": [jwk("rsa-1")]}).encode())
    verifier: OpenIdVerifier = verifier_of(SetVerifier(), keys)
    assert verifier.known(".".join(parts), NOW) is None


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "b64", "crit", "cty"]),
        st.sampled_from(["RS256", "ES256", "rsa-1", "JWT"])
        | st.recursive(st.none() | st.booleans() | st.text(), st.lists),
    ),
    st.binary(max_size=300),
    st.binary(max_size=300),
)
def test_whatever_header_is_refused_and_ends_nothing(header: dict[str, Any], claims: bytes, signature: bytes) -> None:
    keys = ProviderKeys("http://127.0.0.1:9/")
    keys._current = module.read_keys(json.dumps({"keys": [jwk("rsa-1")]}).encode())
    assert verifier_of(SetVerifier(), keys).known(unsigned(header, claims, signature), NOW) is None


def test_deep_and_long_ones_are_refused() -> None:
    keys = ProviderKeys("http://127.0.0.1:9/")
    keys._current = module.read_keys(json.dumps({"keys": [jwk("rsa-1")]}).encode())
    verifier = verifier_of(SetVerifier(), keys)
    deep = unsigned({}, b"[" * 5000).split(".")[1]
    number = unsigned({}, b'{"alg":' + b"9" * 5000 + b"}").split(".")[1]
    for token in (f"{deep}.e30.e30", f"{number}.e30.e30", "A" * 1_000_000 + ".e30.e30", "." * 2, "é.é.é"):
        assert verifier.known(token, NOW) is None
