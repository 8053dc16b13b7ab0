"""The set of credentials in a store, on SQLite and PostgreSQL: one issues, the others hold a copy."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from hub.access.credential import Credential, digest_of, id_of
from hub.access.credential_set import (
    CredentialSet,
    IssuedCredential,
    adopt,
    issue,
    reconcile,
    revoke,
    stored_set,
    take_over,
)
from hub.access.tables import access_credential
from hub.access.verifier import SetVerifier
from hub.errors import Refused
from hub.store.store import Store
from tests.support.stores import OpenStore

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
WANTED = Credential("", "", "clerk-1", "clerk", frozenset({"submit", "read"}), "620725", NOW + 24 * HOUR)


async def issued(store: Store, wanted: Credential = WANTED) -> IssuedCredential:
    return await store.write(lambda tx: issue(tx, wanted))


def refused(verifier: SetVerifier, token: str, at: datetime) -> str:
    with pytest.raises(Refused) as error:
        verifier.caller_of(token, at)
    return error.value.code


async def test_a_token_is_shown_once_and_its_digest_kept(store: Store) -> None:
    made = await issued(store)
    assert re.fullmatch(r"hub_[A-Za-z0-9_-]{43}", made.token)
    assert made.token not in repr(made)
    found = await store.read(stored_set)
    assert found == CredentialSet(1, (made.credential,))
    rows = await store.read(lambda tx: tx.execute(sa.select(access_credential)).all())
    assert made.token not in repr(rows)
    assert made.credential == replace(
        WANTED, credential_id=made.credential.credential_id, token_sha256=digest_of(made.token)
    )


async def test_each_change_is_a_version(store: Store, open_store: OpenStore) -> None:
    first, _ = await issued(store), await issued(store)
    await store.write(lambda tx: revoke(tx, first.credential.credential_id, NOW))
    found = await open_store().read(stored_set)
    assert found.version == 3
    assert [each.revoked_at for each in found.credentials if each.credential_id == first.credential.credential_id] == [
        NOW
    ]


async def test_a_change_that_fails_is_no_version(store: Store) -> None:
    with pytest.raises(Refused) as error:
        await store.write(lambda tx: revoke(tx, "nobody's", NOW))
    assert (error.value.code, error.value.refusal.field) == ("unknown_credential", "credential_id")
    assert (await store.read(stored_set)).version == 0


async def test_what_is_revoked_stays_so_and_may_be_revoked_earlier(store: Store) -> None:
    of = (await issued(store)).credential.credential_id
    for at, ends in ((NOW + HOUR, NOW + HOUR), (NOW, NOW), (NOW + 2 * HOUR, NOW)):
        its = await store.write(lambda tx, at=at: revoke(tx, of, at))  # type: ignore[misc] # mypy knows no default of a lambda
        assert its.revoked_at == ends


async def test_a_copy_only_becomes_newer(store: Store) -> None:
    one = Credential("1", digest_of("a"), "court-1", "court", frozenset(), "", NOW)
    two = replace(one, credential_id="2", token_sha256=digest_of("b"), revoked_at=NOW)
    steps = [
        (CredentialSet(3, (one,)), CredentialSet(3, (one,))),
        (CredentialSet(2, (two,)), CredentialSet(3, (one,))),
        (CredentialSet(3, (two,)), CredentialSet(3, (one,))),
        (CredentialSet(4, (one, two)), CredentialSet(4, (one, two))),
        (CredentialSet(5, (replace(one, revoked_at=NOW), two)), CredentialSet(5, (replace(one, revoked_at=NOW), two))),
    ]
    for newer, newest in steps:
        assert await store.write(lambda tx, newer=newer: take_over(tx, newer)) == newest  # type: ignore[misc] # as above
        assert await store.read(stored_set) == newest


async def test_a_file_adds_what_is_not_known_and_takes_nothing_back(store: Store) -> None:
    given = replace(WANTED, credential_id=id_of(digest_of("a")), token_sha256=digest_of("a"))
    await store.write(lambda tx: adopt(tx, [given], issues=True))
    await store.write(lambda tx: adopt(tx, [given], issues=True))
    assert await store.read(stored_set) == CredentialSet(1, (given,)), "the second time changes nothing"
    its = await store.write(lambda tx: revoke(tx, given.credential_id, NOW))
    await store.write(lambda tx: adopt(tx, [given], issues=True))
    assert await store.read(stored_set) == CredentialSet(2, (its,))


async def test_a_copy_keeps_its_own_keys_until_the_set_has_them(store: Store) -> None:
    own = replace(WANTED, credential_id=id_of(digest_of("a")), token_sha256=digest_of("a"))
    other = replace(WANTED, credential_id=id_of(digest_of("b")), token_sha256=digest_of("b"))
    await store.write(lambda tx: adopt(tx, [own], issues=False))
    verifier = SetVerifier()
    verifier.take(await store.read(stored_set))
    verifier.take(await store.write(lambda tx: take_over(tx, CredentialSet(1, (other,)))))
    assert [verifier.caller_of(token, NOW).holder for token in ("a", "b")] == ["clerk-1", "clerk-1"]
    verifier.take(await store.write(lambda tx: take_over(tx, CredentialSet(2, (replace(own, revoked_at=NOW),)))))
    assert refused(verifier, "a", NOW) == "unauthenticated"


async def test_a_key_that_exists_is_taken_over_without_a_token(store: Store) -> None:
    made = await issued(store, replace(WANTED, token_sha256=digest_of("a key")))
    assert (made.token, made.credential.credential_id) == ("", id_of(digest_of("a key")))
    await issued(store, replace(WANTED, token_sha256=digest_of("a key"), holder="another-1"))
    assert [each.holder for each in (await store.read(stored_set)).credentials] == ["clerk-1"]


async def test_a_holder_is_verified_until_the_end_or_the_revocation(store: Store) -> None:
    made = await issued(store)
    verifier = SetVerifier()
    assert refused(verifier, made.token, NOW) == "unauthenticated"
    verifier.take(await store.read(stored_set))
    caller = verifier.caller_of(made.token, NOW)
    assert (caller.holder, caller.role, caller.scopes, caller.area) == ("clerk-1", "clerk", WANTED.scopes, "620725")
    answers = {refused(verifier, token, NOW) for token in ("", "hub_", made.token[:-1], made.token + "A", "x" * 47)}
    answers.add(refused(verifier, made.token, WANTED.expires_at))
    assert answers == {"unauthenticated"}
    await store.write(lambda tx: revoke(tx, made.credential.credential_id, NOW + HOUR))
    older, newer = verifier.version, await store.read(stored_set)
    verifier.take(newer)
    assert (older, verifier.version) == (1, 2)
    assert verifier.caller_of(made.token, NOW).credential_id == made.credential.credential_id
    assert refused(verifier, made.token, NOW + HOUR) == "unauthenticated"
    verifier.take(CredentialSet(1, (made.credential,)))
    assert refused(verifier, made.token, NOW + HOUR) == "unauthenticated", "an older set takes nothing back"


async def test_a_restored_store_takes_back_what_it_had_told(store: Store) -> None:
    one, two = (await issued(store)).credential, (await issued(store)).credential
    later = replace(WANTED, credential_id="3", token_sha256=digest_of("c"))
    told = CredentialSet(9, (replace(one, revoked_at=NOW), two, later))
    for _ in range(2):
        await store.write(lambda tx: reconcile(tx, told))
        found = await store.read(stored_set)
        assert found.version == 10, "the others hear of it as of a change"
        assert {each.credential_id: each.revoked_at for each in found.credentials} == {
            one.credential_id: NOW,
            two.credential_id: None,
            "3": None,
        }


async def test_a_store_that_is_ahead_of_what_it_told_stays_as_it_is(store: Store) -> None:
    one = (await issued(store)).credential
    its = await store.write(lambda tx: revoke(tx, one.credential_id, NOW))
    await store.write(lambda tx: reconcile(tx, CredentialSet(1, (one,))))
    assert await store.read(stored_set) == CredentialSet(2, (its,))
