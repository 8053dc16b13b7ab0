"""The set of credentials in a store.

Its version rises with each change, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import asdict, replace
from typing_extensions import override

from hub.access.credential import NEVER, Credential, digest_of, id_of, new_token
from hub.access.tables import access_credential, access_set
from hub.refusals import UNKNOWN_CREDENTIAL
from hub.store.instants import from_micros, to_micros
from hub.store.prepared import insert_into
from hub.store.store import Transaction

THE_SET: Final = 1
_C: Final = access_credential.c


class CredentialSet(Struct, frozen=True):
    """Credentials as of a version.

    Attributes:
        version: 0 for the set of nothing.
        credentials: By id; revoked and expired ones too, so that whoever shows one is named in the audit.
    """

    version: int
    credentials: tuple[Credential, ...]


class IssuedCredential(Struct, frozen=True):
    """A new credential and its token, which is not kept anywhere.

    Its repr does not show the token.
    """

    credential: Credential
    token: str

    @override
    def __repr__(self) -> str:
        """Return it without the token."""
        return f"IssuedCredential({self.credential!r})"


def issue(tx: Transaction, wanted: Credential) -> IssuedCredential:
    """Store a new credential and return it with its token, which is shown only this once.

    Args:
        tx: Of the issuing store.
        wanted: Whose id and digest are made here. With a digest it is a key that exists already: then there is no
            token to return, and one that is known stays as it is.
    """
    token = "" if wanted.token_sha256 else new_token()
    digest = wanted.token_sha256 or digest_of(token)
    made = replace(wanted, credential_id=id_of(digest), token_sha256=digest)
    _raise_version(tx)
    _run(tx, _added(tx), [made])
    return IssuedCredential(made, token)


def adopt(tx: Transaction, given: Iterable[Credential], *, issues: bool) -> None:
    """Store credentials that were given at the start; those that are known stay as they are, revoked ones too.

    Args:
        tx: Of any service's store.
        given: Of the file.
        issues: Whether this store issues credentials: then the others hear of them.
    """
    known = set(tx.scalars(sa.select(_C.credential_id)))
    new = [each for each in given if each.credential_id not in known]
    if new and issues:
        _raise_version(tx)
    _run(tx, _added(tx), new)


def revoke(tx: Transaction, credential_id: str, at: datetime) -> Credential:
    """Revoke a credential from an instant on, and return it; one that is revoked earlier stays so.

    With an instant that is still to come two tokens of one holder are valid meanwhile: so a token is rotated.

    Raises:
        Rejected: `unknown_credential`.
    """
    _raise_version(tx)
    known = tx.execute(sa.select(access_credential).where(_C.credential_id == credential_id)).first()
    if known is None:
        raise UNKNOWN_CREDENTIAL.error()
    its = _credential_of(known)
    if its.revoked_at is None or at < its.revoked_at:
        its = replace(its, revoked_at=at)
        revoked = sa.update(access_credential).where(_C.credential_id == credential_id)
        tx.execute(revoked.values(revoked_at=to_micros(at)))
    return its


def stored_version(tx: Transaction) -> int:
    """Return the version of the set that the store has."""
    return tx.scalar(sa.select(access_set.c.version).where(access_set.c.id == THE_SET)) or 0


def stored_set(tx: Transaction) -> CredentialSet:
    """Return the set that the store has."""
    version = stored_version(tx)
    rows = tx.execute(sa.select(access_credential).order_by(_C.credential_id))
    return CredentialSet(version, tuple(_credential_of(row) for row in rows))


def reconcile(tx: Transaction, published: CredentialSet) -> None:
    """Bring what this store once told the others back into it, so that no revocation is lost with a restored backup.

    Args:
        tx: Of the issuing store.
        published: Newest set on the bus.
    """
    own = stored_set(tx)
    known = {each.credential_id: each for each in own.credentials}
    missing = [each for each in published.credentials if _ends(each) < _ends(known.get(each.credential_id))]
    if not missing and own.version >= published.version:
        return
    values = {"version": max(own.version, published.version) + bool(missing)}
    _raise_version(tx)
    tx.execute(sa.update(access_set).where(access_set.c.id == THE_SET).values(**values))
    _run(tx, _replaced(tx), missing)


def _ends(its: Credential | None) -> tuple[bool, datetime]:
    """Return until when a credential is valid; one that is not known, for longer than any."""
    return (its is None, NEVER if its is None or its.revoked_at is None else its.revoked_at)


def take_over(tx: Transaction, newer: CredentialSet) -> CredentialSet:
    """Take a newer set into the copy; an older one, or the same, changes nothing.

    A set never loses a credential; what this store has beside it are keys of its own: of its file, or of earlier
    releases.

    Returns:
        What the store has now.
    """
    insert = insert_into(tx.dialect.name, access_set).values(id=THE_SET, version=newer.version)
    higher = insert.on_conflict_do_update(
        index_elements=[access_set.c.id],
        set_={"version": insert.excluded.version},
        where=access_set.c.version < insert.excluded.version,
    )
    if tx.execute(higher.returning(access_set.c.version)).first():
        _run(tx, _replaced(tx), newer.credentials)
    return stored_set(tx)


def _replaced(tx: Transaction) -> sa.Executable:
    each = insert_into(tx.dialect.name, access_credential)
    values = {column.name: each.excluded[column.name] for column in access_credential.columns}
    return each.on_conflict_do_update(index_elements=[_C.credential_id], set_=values)


def _added(tx: Transaction) -> sa.Executable:
    return insert_into(tx.dialect.name, access_credential).on_conflict_do_nothing()


def _run(tx: Transaction, statement: sa.Executable, some: Iterable[Credential]) -> None:
    rows = [_row_of(each) for each in some]
    if rows:
        tx.execute(statement, rows)


def _raise_version(tx: Transaction) -> None:
    """Raise the version first: its row is the lock of whoever changes the set."""
    insert = insert_into(tx.dialect.name, access_set).values(id=THE_SET, version=1)
    tx.execute(
        insert.on_conflict_do_update(index_elements=[access_set.c.id], set_={"version": access_set.c.version + 1})
    )


def _row_of(its: Credential) -> dict[str, Any]:
    return asdict(its) | {
        "scopes": ",".join(sorted(its.scopes)),
        "expires_at": to_micros(its.expires_at),
        "revoked_at": None if its.revoked_at is None else to_micros(its.revoked_at),
    }


def _credential_of(row: sa.Row[Any]) -> Credential:
    return Credential(
        credential_id=row.credential_id,
        token_sha256=row.token_sha256,
        holder=row.holder,
        role=row.role,
        scopes=frozenset(filter(None, row.scopes.split(","))),
        area=row.area,
        expires_at=from_micros(row.expires_at),
        revoked_at=None if row.revoked_at is None else from_micros(row.revoked_at),
    )
