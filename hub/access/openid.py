"""Verifies the tokens of an identity provider (OpenID Connect).

The provider says who calls; what that person may do stands in the hub's own set, as for everybody. Nothing is fetched
while a call is verified: the provider's keys are in memory, and the last ones go on being used while it is away.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

import httpx2
import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import InvalidSubjectError
from msgspec import Struct
from typing_extensions import override

from hub.access.credential import digest_of, is_subject
from hub.access.verifier import Caller, SetVerifier, TokenVerifier
from hub.errors import Refused
from hub.refusals import OPENID_KEYS_OLD, UNAUTHENTICATED
from hub.runtime.periodic import Periodic

EVERY_S: Final = 600.0
SOON_S: Final = 30.0
"""Shortest time between two fetches, whatever tokens say and however the provider fails."""
FETCH_S: Final = 5.0
KEYS_BYTES: Final = 256 * 1024
OLD_S: Final = 3600.0
"""Health says so when the newest keys are older."""

TOKEN_CHARS: Final = 8192
LIFETIME_S: Final = 3600.0
"""Longest time from `iat` to `exp`: what was ended at the provider alone may be shown for so long."""
LEEWAY_S: Final = 30.0
"""Clocks of the provider and of this host may differ by so much."""
REMEMBERED: Final = 4096
"""Tokens whose signature is not verified again, in one process."""

_DOTS: Final = 2
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Of ID and access tokens; a logout token (`logout+jwt`) has the same issuer, audience and subject."""
_RSA_BITS: Final = 2048
_YEAR_10000: Final = 253_402_300_800
"""In seconds since 1970: later than any time that is meant."""
_ALGORITHMS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("RSA", ""): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""All that is accepted, by type and curve of the key: asymmetric ones, so that a public key is never a secret."""

_log = structlog.stdlib.get_logger(__name__)

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class ProviderKey(Struct, frozen=True):
    """A public key, and the algorithms that its signatures may have."""

    public: PublicKey
    algorithms: tuple[str, ...]


class _Jwk(Struct, frozen=True):
    """What is read of a key (RFC 7517): its public part alone."""

    kty: str
    kid: str = ""
    use: str = "sig"
    alg: str = ""
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


class _Jwks(Struct, frozen=True):
    keys: list[msgspec.Raw]


class _Person(Struct, frozen=True):
    """Whom a verified token names, and until when it is accepted (seconds since 1970, with the leeway)."""

    subject: str
    until: float


class ProviderKeys(Periodic):
    """Fetches the provider's keys, as a part of a service.

    Args:
        url: Of the JWKS: https, or http on the loopback.
        elapsed: Monotonic seconds.
    """

    name = "openid_keys"

    def __init__(self, url: str, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._url = url
        self._elapsed = elapsed
        self._tls: ssl.SSLContext | None = None
        self._current: Mapping[str, ProviderKey] = {}
        self._tried_at = self._fetched_at = float("-inf")
        self._is_wanted = False

    @property
    def current(self) -> Mapping[str, ProviderKey]:
        """The newest keys by their `kid`: another object after each fetch."""
        return self._current

    def want(self) -> None:
        """Fetch soon, because a token named a key that is not known: `SOON_S` after the last fetch, not before."""
        if not self._is_wanted:
            self._is_wanted = True
            self.wake()

    def trouble(self) -> str:
        """Return the code of the trouble for the health answer; empty when there is none."""
        is_old = self._elapsed() - self._fetched_at > OLD_S
        return OPENID_KEYS_OLD.name if is_old or not self._current else ""

    @override
    async def step(self) -> float:
        """Fetch the keys, unless that was tried just now; those of before stay when it fails."""
        since_s = self._elapsed() - self._tried_at
        if since_s < SOON_S:
            return SOON_S - since_s
        self._tried_at = self._elapsed()
        self._is_wanted = False
        try:
            async with asyncio.timeout(FETCH_S):
                found = read_keys(await self._fetch())
        except (Refused, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            reason = error.detail if isinstance(error, Refused) else type(error).__name__
            _log.warning("openid_keys_not_fetched", reason=reason)
            return SOON_S
        self._current, self._fetched_at = found, self._elapsed()
        return SOON_S if self._is_wanted else EVERY_S

    async def _fetch(self) -> bytes:
        if self._tls is None:
            # Reading the machine's authorities takes 0.1 s; plain http, on the loopback, needs none.
            secure = self._url.startswith("https:")
            self._tls = (
                await asyncio.to_thread(ssl.create_default_context)
                if secure
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        # No redirect is followed, and no proxy of the environment: only who is named in the settings is asked. What is
        # counted is what came, so that nothing unpacks to more.
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        async with (
            httpx2.AsyncClient(verify=self._tls, trust_env=False, timeout=FETCH_S) as client,
            client.stream("GET", self._url, headers=headers) as response,
        ):
            if response.status_code != httpx2.codes.OK:
                raise OPENID_KEYS_OLD.error(why=f"status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > KEYS_BYTES:
                    raise OPENID_KEYS_OLD.error(why="the answer is too large")
        return bytes(body)


class OpenIdVerifier(TokenVerifier):
    """Verifies what has the form of a JWT by the provider's keys, and everything else by the set.

    Args:
        own: Of this service: knows all other tokens, and what each person may do.
        keys: Of the provider.
        issuer: As tokens name it, to the letter.
        audience: That tokens have to be for.
    """

    def __init__(self, own: SetVerifier, keys: ProviderKeys, *, issuer: str, audience: str) -> None:
        self._own = own
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        # By digest, so that no token lies in memory for an hour. What was verified by keys of before is forgotten.
        self._remembered: dict[str, _Person] = {}
        self._verified_by = keys.current

    @override
    def caller_of(self, token: str, at: datetime) -> Caller:
        """Return the caller of a token; errors as of the port: the same for every reason."""
        caller = self.known(token, at)
        if caller is None:
            raise UNAUTHENTICATED.error()
        return caller

    @override
    def known(self, token: str, at: datetime) -> Caller | None:
        """Return the caller of a token; None for one that is not valid."""
        if token.count(".") != _DOTS:
            return self._own.known(token, at)
        try:
            subject = self._subject_of(token, at.timestamp())
        except jwt.PyJWTError as error:
            # The class names the reason; the message may quote the token.
            _log.debug("openid_token_refused", reason=type(error).__name__)
            return None
        return self._own.person(self._issuer, subject, at)

    def _subject_of(self, token: str, now: float) -> str:
        """Return whom a token names.

        Raises:
            PyJWTError: The token proves nobody.
        """
        if len(token) > TOKEN_CHARS:
            raise jwt.DecodeError
        if self._verified_by is not self._keys.current:
            self._verified_by = self._keys.current
            self._remembered.clear()
        digest = digest_of(token)
        person = self._remembered.get(digest)
        if person is None:
            person = self._verified(token, now)
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[digest] = person
        elif now >= person.until:
            del self._remembered[digest]
            raise jwt.ExpiredSignatureError
        return person.subject

    def _verified(self, token: str, now: float) -> _Person:
        header = jwt.get_unverified_header(token)
        if str(header.get("typ", "jwt")).lower() not in _TYPES:
            raise jwt.InvalidTokenError
        key = self._key(str(header.get("kid", "")))
        claims = jwt.decode(
            token,
            key.public,
            algorithms=key.algorithms,
            audience=self._audience,
            issuer=self._issuer,
            # The times are compared below: PyJWT would ask the machine's clock.
            options={
                "require": ["iss", "aud", "sub", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        issued, ends = _seconds(claims["iat"]), _seconds(claims["exp"])
        begins = max(issued, _seconds(claims.get("nbf", issued)))
        if now < begins - LEEWAY_S:
            raise jwt.ImmatureSignatureError
        if now >= ends + LEEWAY_S:
            raise jwt.ExpiredSignatureError
        if ends - issued > LIFETIME_S:
            raise jwt.InvalidIssuedAtError
        if not is_subject(claims["sub"]):
            raise InvalidSubjectError
        return _Person(claims["sub"], ends + LEEWAY_S)

    def _key(self, kid: str) -> ProviderKey:
        """Return the key of a token; without a name it is the only one, if there is only one."""
        known = self._keys.current
        key = known.get(kid) or (next(iter(known.values())) if not kid and len(known) == 1 else None)
        if key is None:
            self._keys.want()
            raise jwt.InvalidKeyError
        return key


def read_keys(document: bytes) -> Mapping[str, ProviderKey]:
    """Return the keys of a JWKS by `kid`; those that nothing accepted here is signed with are left out.

    Raises:
        Retryable: `openid_keys_old`: it is no JWKS.
    """
    try:
        listed = msgspec.json.decode(document, type=_Jwks).keys
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise OPENID_KEYS_OLD.error(why="the answer is no JWKS") from None
    found: dict[str, ProviderKey] = {}
    for raw in listed:
        try:
            its = msgspec.json.decode(raw, type=_Jwk)
            key = _key_of(its)
        except (msgspec.MsgspecError, jwt.PyJWTError, ValueError, RecursionError):
            key = None
        if key is None:
            _log.debug("openid_key_left_out")
        else:
            found.setdefault(its.kid, key)
    return found


def _key_of(its: _Jwk) -> ProviderKey | None:
    accepted = _ALGORITHMS.get((its.kty, its.crv), ())
    algorithms = tuple(name for name in accepted if its.alg in {"", name})
    if not algorithms or its.use != "sig":
        return None
    parts = {name: part for name in ("kty", "crv", "n", "e", "x", "y") if (part := getattr(its, name))}
    public = jwt.PyJWK(parts, algorithm=algorithms[0]).key
    if isinstance(public, RSAPublicKey) and public.key_size < _RSA_BITS:
        return None
    return ProviderKey(public, algorithms)


def _seconds(claim: object) -> float:
    """Return a time of a token in seconds since 1970; NaN and the infinite are none."""
    if not isinstance(claim, int | float) or not 0 <= claim < _YEAR_10000:
        raise jwt.DecodeError
    return float(claim)


__all__ = ["OpenIdVerifier", "ProviderKey", "ProviderKeys", "read_keys"]
