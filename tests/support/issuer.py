"""An identity provider on the loopback: it serves its public keys and signs tokens."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.access.openid import OpenIdVerifier, ProviderKeys
from hub.access.verifier import SetVerifier

ISSUER: Final = "https://id.example.invalid/realms/county"
AUDIENCE: Final = "santiao-hub"
LIFE: Final = timedelta(minutes=10)
DAY: Final = timedelta(days=1)


@cache
def private_key(kid: str) -> Any:  # noqa: ANN401 - one of three types
    """Return the private key of a name that begins with its kind: `rsa-1`, `ec-1`, `ed-1`; made once a process."""
    match kid.partition("-")[0]:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "small":
            return rsa.generate_private_key(65537, 1024)  # noqa: S505 - too short, as the test wants it
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "curve":
            return ec.generate_private_key(ec.SECP384R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def jwk(kid: str, **changes: object) -> dict[str, Any]:
    """Return the public key of a name, as a JWKS has it."""
    key = private_key(kid)
    algorithm = {"rsa": "RS256", "small": "RS256", "ec": "ES256", "curve": "ES384", "ed": "EdDSA"}[
        kid.partition("-")[0]
    ]
    public = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, **changes}


class LocalIssuer:
    """The provider.

    Attributes:
        listed: Keys of its JWKS.
        body: Sent in place of the JWKS.
        status: Of its answers.
        asked: How often it was asked.
    """

    def __init__(self, *kids: str, issuer: str = ISSUER) -> None:
        self.listed: list[dict[str, Any]] = [jwk(kid) for kid in kids]
        self.issuer = issuer
        self.body: bytes | None = None
        self.status = "200 OK"
        self.asked = 0
        self.url = ""

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a service that trusts this provider."""
        return {"openid_issuer": self.issuer, "openid_audience": AUDIENCE, "openid_jwks_url": self.url}

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[LocalIssuer]:
        """Serve until the block ends; the port is another one each time."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=tls)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"keys": self.listed}).encode() if self.body is None else self.body
        head = (f"HTTP/1.1 {self.status}", f"location: {self.url}", f"content-length: {len(body)}", "connection: close")
        writer.write("\r\n".join((*head, "", "")).encode() + body)
        with suppress(ConnectionError):  # who asked may have had enough
            await writer.drain()
        writer.close()

    def token(
        self,
        subject: str,
        at: datetime,
        *,
        kid: str = "rsa-1",
        algorithm: str = "",
        header: dict[str, Any] | None = None,
        key: Any = None,  # noqa: ANN401 - whatever signs
        **changes: Any,  # noqa: ANN401 - any claim; None leaves it out
    ) -> str:
        """Return a token for a subject that was issued at an instant."""
        issued = int(at.timestamp())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": issued}
        claims |= {"exp": issued + int(LIFE.total_seconds()), **changes}
        named = algorithm or {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}[kid.partition("-")[0]]
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            private_key(kid) if key is None else key,
            algorithm=named,
            headers={"kid": kid, **(header or {})},
        )


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what a server on the loopback shows, and the file by which a client knows it."""
    key, name = private_key("rsa-tls"), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime.now(UTC) - timedelta(hours=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, begin + 2 * DAY)
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    file, key_file = folder / "tls.pem", folder / "tls.key"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, file


def unsigned(header: dict[str, Any], claims: bytes, signature: bytes = b"") -> str:
    """Return what has the form of a token, with whatever parts."""
    parts = (json.dumps(header).encode(), claims, signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def verifier_of(own: SetVerifier, keys: ProviderKeys, issuer: str = ISSUER) -> OpenIdVerifier:
    """Return what verifies tokens of the local issuer."""
    return OpenIdVerifier(own, keys, issuer=issuer, audience=AUDIENCE)
