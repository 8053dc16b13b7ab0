"""The file of credentials that a service is given at its start.

It is how a county begins: nobody could be asked for a credential before there is one. The file holds digests only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.access.credential import NEVER, Credential, id_of
from hub.errors import Fault

_SHA256: Final = r"^[0-9a-f]{64}$"
_AREA: Final = r"^([0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3})?)?)?)?$"
_NAME: Final = r"^[a-z][a-z0-9._-]{0,63}$"


class _Row(BaseModel):
    """One credential."""

    model_config = ConfigDict(extra="forbid")
    token_sha256: str = Field(pattern=_SHA256)
    holder: str = Field(pattern=_NAME)
    role: str = Field(pattern=_NAME)
    scopes: list[str] = []
    area: str = Field(default="", pattern=_AREA)
    expires_at: AwareDatetime

    def credential(self) -> Credential:
        """Return the credential."""
        return Credential(
            id_of(self.token_sha256),
            self.token_sha256,
            self.holder,
            self.role,
            frozenset(self.scopes),
            self.area,
            self.expires_at,
        )


class _AgencyRow(BaseModel):
    """Key of an agency, as files of earlier releases have it: for ever, for all that agencies do."""

    model_config = ConfigDict(extra="forbid", strict=True)
    agency: str = Field(pattern=_NAME)
    county: str = Field(pattern=_AREA)
    key_sha256: str = Field(pattern=_SHA256)

    def credential(self) -> Credential:
        """Return the credential."""
        return agency_credential(self.agency, self.county, self.key_sha256)


_ROWS: Final = TypeAdapter(list[_Row | _AgencyRow])


def agency_credential(agency: str, county: str, key_sha256: str) -> Credential:
    """Return the credential of an agency's key of an earlier release."""
    return Credential(id_of(key_sha256), key_sha256, agency, "agency", frozenset(), county, NEVER)


def read_file(path: Path) -> tuple[Credential, ...]:
    """Return the credentials of a file: a JSON list (docs/roles.md).

    Raises:
        Fault: `credentials_unreadable`: start-up stops, because nobody that the file is for could be served.
    """
    try:
        rows = _ROWS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error) if isinstance(error, OSError) else f"{error.error_count()} faults in its entries"
        raise Fault("credentials_unreadable", f"{path}: {reason}") from None
    return tuple(row.credential() for row in rows)


def as_row(its: Credential) -> dict[str, object]:
    """Return a credential as an entry of such a file."""
    return {
        "token_sha256": its.token_sha256,
        "holder": its.holder,
        "role": its.role,
        "scopes": sorted(its.scopes),
        "area": its.area,
        "expires_at": its.expires_at.isoformat(),
    }
