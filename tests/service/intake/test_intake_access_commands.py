"""`hub credentials` and `hub audit` at a terminal, as processes."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from dispute.wire.intake.v1 import intake_pb2
from hub.access.credential import Credential, digest_of, id_of
from hub.access.credential_set import stored_set
from hub.access.uses import UseRecorder
from hub.grpc.client import channel
from ops.run import credential_commands
from ops.run.run_folder import find, write
from tests.support.intake_rig import IntakeClient, Rig

LATE = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """SQLite alone: each command is a process, and what they do to a store has tests on both kinds."""
    return f"sqlite:///{tmp_path / 'intake.db'}"


@pytest.fixture
async def desk(rig: Rig, client: IntakeClient, tmp_path: Path) -> Path:
    """A run folder with an operator's token; the clock of the hub is not far from the machine's."""
    rig.clock.move_to(max(datetime.now(UTC), LATE))
    running = await client.running(tmp_path)
    write(replace(running, stores={"intake": rig.store_url}))
    return tmp_path


async def hub(desk: Path, *arguments: str, code: int = 0, mute: bool = True) -> str:
    command = (sys.executable, "-m", "ops", *arguments, "--run", str(desk))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == code, errors.decode()
    return output.decode() + (errors.decode() if code or not mute else "")


async def document(desk: Path, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(await hub(desk, *arguments, "--json"))


async def test_a_credential_is_issued_listed_and_revoked(desk: Path, client: IntakeClient) -> None:
    out = desk / "clerk-7.token"
    made = await document(
        desk, "credentials", "issue", "clerk-7", "clerk", "--area", "620725", "--days", "30", "--out", str(out)
    )
    assert out.stat().st_mode & 0o777 == 0o600
    token = out.read_text().strip()
    assert token not in str(made)
    listed = await document(desk, "credentials", "list", "--holder", "clerk-7")
    assert [(each["credential_id"], each["role"], each["area"], each["revoked_at"]) for each in listed] == [
        (made["credential_id"], "clerk", "620725", "")
    ]
    assert token not in await hub(desk, "credentials", "list")
    (its,) = [each for each in (await client.intake.store.read(stored_set)).credentials if each.holder == "clerk-7"]
    assert its.token_sha256 == digest_of(token)
    assert "exists already" in await hub(desk, "credentials", "issue", "clerk-7", "clerk", "--out", str(out), code=2)
    (ended,) = await document(desk, "credentials", "revoke", made["credential_id"])
    assert ended["revoked_at"]
    assert "unknown_credential" in await hub(desk, "credentials", "revoke", "x", code=1)
    assert "bad_holder" in await hub(desk, "credentials", "issue", "张三", "clerk", code=1)
    assert "unknown_role" in await hub(desk, "credentials", "issue", "chief-1", "chief", code=1)


async def test_a_person_of_a_provider_is_issued_a_credential_without_a_token(desk: Path, client: IntakeClient) -> None:
    issuer, subject = "https://id.example.invalid/realms/county", "8d1c-张 三"
    command = ("credentials", "issue", "clerk-7", "clerk", "--openid", subject, "--issuer", issuer)
    made = await document(desk, *command, "--area", "620725")
    assert (made["holder"], made["role"], made["after"], "token" in made) == ("clerk-7", "clerk", [], False)
    verifier = client.intake.verifier
    verifier.take(await client.intake.store.read(stored_set))
    now = datetime.now(UTC)
    caller = verifier.person(issuer, subject, now)
    assert caller is not None
    assert (caller.credential_id, caller.area) == (made["credential_id"], "620725")
    await hub(desk, "credentials", "revoke", made["credential_id"])
    again = await document(desk, "credentials", "issue", "clerk-7", "mediator", *command[4:])
    assert again["after"] == [], "the one before is revoked"
    verifier.take(await client.intake.store.read(stored_set))
    caller = verifier.person(issuer, subject, now)
    assert caller is not None
    assert (caller.credential_id, caller.role) == (again["credential_id"], "mediator")
    shown = await hub(desk, *command)
    assert again["credential_id"] in shown
    assert "an earlier one counts, as mediator" in shown.replace("\n", " ")


async def last_used(desk: Path, holder: str) -> list[str]:
    return [each["last_used"] for each in await document(desk, "credentials", "list", "--holder", holder)]


async def test_a_call_shows_that_a_credential_is_used_and_a_denied_one_does_not(
    desk: Path, client: IntakeClient, rig: Rig
) -> None:
    minute = rig.clock.now().replace(second=0, microsecond=0).isoformat()
    (uses,) = (part for part in client.intake.parts if isinstance(part, UseRecorder))
    await client.credentials.of("clerk", "clerk-1")
    who = await client.credentials.of("mediator", "mediator-1")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.stub.Submit(intake_pb2.SubmitRequest(), timeout=20, metadata=who)
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    await uses.step()
    assert await last_used(desk, "mediator-1") == await last_used(desk, "clerk-1") == [""]
    await client.call("ListDisputes", intake_pb2.ListDisputesRequest())  # an operator may list
    await client.stub.ListDisputes(intake_pb2.ListDisputesRequest(), timeout=20, metadata=who)
    await uses.step()
    assert await last_used(desk, "mediator-1") == await last_used(desk, "operator-1") == [minute]
    assert await last_used(desk, "clerk-1") == [""]
    table = await hub(desk, "credentials", "list", "--holder", "mediator-1")
    assert "最近使用" in table
    assert minute in table


async def test_the_list_is_shown_although_a_store_is_away_and_says_so(desk: Path, rig: Rig) -> None:
    gone = f"sqlite:///{desk / 'gone' / 'stats.db'}"
    write(replace(find(desk), stores={"intake": rig.store_url, "stats": gone}))
    said = await hub(desk, "credentials", "list", code=4)
    assert "operator-1" in said
    assert "last use is not whole: stats: store_unavailable" in said


async def test_keys_of_before_become_known(desk: Path, client: IntakeClient) -> None:
    file = desk / "keys.json"
    key = {"agency": "court-620725", "county": "620725", "key_sha256": digest_of("a key of before")}
    file.write_text(json.dumps([key]))
    for _ in range(2):
        (line,) = await document(desk, "credentials", "import", str(file))
        assert (line["holder"], line["role"], line["area"]) == ("court-620725", "agency", "620725")
    assert len([one for one in (await client.intake.store.read(stored_set)).credentials if one.role == "agency"]) == 1
    file.write_text("{}")
    assert "credentials_unreadable" in await hub(desk, "credentials", "import", str(file), code=2)


async def test_an_import_opens_one_channel(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counted(address: str) -> grpc.aio.Channel:
        opened.append(address)
        return channel(address)

    monkeypatch.setattr(credential_commands, "channel", counted)
    later = datetime.now(UTC) + timedelta(days=9)
    court = Credential("", "", "court-620725", "agency", frozenset(), "620725", later)
    given = [msgspec.structs.replace(court, token_sha256=digest_of(f"key {number}")) for number in range(3)]
    lines = await credential_commands.take_over(find(desk), given)
    assert [line.credential_id for line in lines] == [id_of(each.token_sha256) for each in given]
    assert len(opened) == 1


async def test_the_audit_is_listed_verified_and_exported(desk: Path) -> None:
    made = await document(desk, "credentials", "issue", "clerk-7", "clerk")
    (issued, *_) = await document(desk, "audit", "list", "--holder", "operator-1")
    assert (issued["service"], issued["entry"]["role"], issued["entry"]["about"]) == (
        "intake",
        "operator",
        [made["credential_id"]],
    )
    assert "IssueCredential" in await hub(desk, "audit", "list", "--since", "2026-01-01")
    assert await document(desk, "audit", "list", "--denied") == []
    ends = desk / "ends.json"
    verdict = await document(desk, "audit", "verify", "--keep", str(ends))
    assert json.loads(ends.read_text()) == verdict
    assert list(verdict["intake"]) == ["position", "hash"]
    assert verdict["intake"]["position"] == 1
    assert "up to no. 1" in await hub(desk, "audit", "verify", "--known", str(ends))
    said = await hub(desk, "audit", "export", str(desk / "audit.jsonl"), mute=False)
    assert said == f"1 条 entries: {desk / 'audit.jsonl'}\n", "no bar where there is no terminal"
    assert (desk / "audit.jsonl").stat().st_mode & 0o777 == 0o600
    assert "exists already" in await hub(desk, "audit", "export", str(desk / "audit.jsonl"), code=2)
    (line,) = (desk / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["entry"]["about"] == [made["credential_id"]]
    kept = json.loads(ends.read_text())
    kept["intake"]["hash"] = "0" * 64
    ends.write_text(json.dumps(kept))
    assert "broken at 1" in await hub(desk, "audit", "verify", "--known", str(ends), code=1)
    again = await document(desk, "credentials", "issue", "clerk-8", "clerk")
    (newest,) = await document(desk, "audit", "list", "--last", "1")
    assert newest["entry"]["about"] == [again["credential_id"]]
    assert "no such service" in await hub(desk, "audit", "list", "--service", "nobody", code=2)
