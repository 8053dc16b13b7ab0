"""`hub credentials`: who may call the services of a run.

A token is shown once, when it is made; the hub keeps its digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import Struct, to_builtins
from msgspec.structs import replace
from rich.table import Table

from hub.access.credential import Credential, id_of, is_subject, openid_digest
from hub.access.credential_file import read_file
from hub.access.uses import last_uses
from hub.errors import Fault, Refused
from hub.grpc.client import call, channel
from hub.store.snapshots import snapshot
from hub.wire.access.v1 import access_pb2, access_pb2_grpc
from ops.console import output
from ops.console.exits import CommandError, Exit
from ops.run.client import INTAKE, PERSON_S
from ops.run.credentials import make, shown, write_private
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

COLUMNS: Final = (
    "凭证 credential",
    "持有人 holder",
    "角色 role",
    "范围 scopes",
    "区划 area",
    "至 until",
    "撤销 revoked",
)
LAST_USED: Final = "最近使用 last used"
LONGEST_DAYS: Final = 365
ISSUER: Final = re.compile(r"[!-~]{1,255}")

app = typer.Typer(help="凭证 Who may call the services: issue, revoke, list, import.", no_args_is_help=True)
Holder = Annotated[
    str, typer.Argument(help="持有人化名，或系统名 pseudonym of a person, or name of a system: clerk-7, court-620725")
]
RoleName = Annotated[str, typer.Argument(help="角色 role, docs/roles.md: clerk, mediator, operator, agency …")]
Area = Annotated[str, typer.Option(help="区划代码 county or town it reaches; empty is all")]
Scopes = Annotated[list[str], typer.Option("--scope", help="只用于 only for: submit, report, read; repeat it")]
Days = Annotated[int, typer.Option(min=1, max=LONGEST_DAYS, help="有效天数 valid for this many days")]
Out = Annotated[Path | None, typer.Option(help="令牌写入 the token goes to this new file (0600), not to the screen")]

Subject = Annotated[
    str | None,
    typer.Option("--openid", help="身份提供方所给的 sub: who it is there; such a person gets no token from the hub"),
]
Issuer = Annotated[
    str,
    typer.Option(envvar="HUB_OPENID_ISSUER", help="身份提供方 issuer, exactly as the services have it in the settings"),
]


class CredentialLine(Struct, frozen=True, omit_defaults=True):
    """One credential, without its token.

    Attributes:
        expires_at: ISO 8601, UTC.
        revoked_at: As above; empty while it is not.
        last_used: As above, in any service, rounded down to the minute; empty when none saw it, None when not asked.
    """

    credential_id: str
    holder: str
    role: str
    scopes: tuple[str, ...]
    area: str
    expires_at: str
    revoked_at: str
    last_used: str | None = None


@app.command()
def first(
    agencies: Annotated[list[str], typer.Argument(help="机构 agencies, for example court-620725 police-620725")],
    folder: Annotated[Path, typer.Option(help="写到 where the files go")] = Path("credentials"),
    *,
    json: Json = False,
) -> None:
    """首批凭证 For a first start: digests for the services, keys for agencies, an operator's token."""
    made = make(folder, [(agency, agency.partition("-")[2][:6]) for agency in agencies])
    if json:
        output.document({"file": str(made.file), "keys_file": str(made.keys_file), "agencies": agencies})
        return
    output.console().print(
        f"HUB_CREDENTIALS_FILE={made.file}\n密钥 keys (0600): {made.keys_file}\n"
        f"运维凭证 operator's token (0600): {folder / 'operator.token'}"
    )


@app.command()
def issue(  # noqa: PLR0917 - options of a command
    holder: Holder,
    role: RoleName,
    area: Area = "",
    scopes: Scopes = [],  # noqa: B006 - typer reads it
    days: Days = 90,
    out: Out = None,
    openid: Subject = None,
    issuer: Issuer = "",
    run: Run = None,
    *,
    json: Json = False,
) -> None:
    """签发 Issue a credential; its token is shown this once."""
    if out is not None and out.exists():
        raise typer.BadParameter(f"已存在 exists already: {out}", param_hint="--out")
    request = access_pb2.IssueCredentialRequest(holder=holder, role=role, scopes=scopes, area=area)
    request.expires_at.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    if openid is not None:
        _issue_to_person(request, openid, issuer, out, run, json=json)
        return
    (answer,) = output.carry_out(_ask(find_or_fail(run), "IssueCredential", request))
    if out is not None:
        write_private(out, answer.token + "\n")
    if json:
        line = to_builtins(_line(answer.credential))
        output.document(line | ({"token_file": str(out)} if out else {"token": answer.token}))
        return
    console = output.console()
    console.print(f"凭证 credential: {answer.credential.credential_id}", soft_wrap=True)
    where = f"令牌文件 token (0600): {out}" if out else f"令牌，只显示这一次 token, shown this once: {answer.token}"
    console.print(where, markup=False, soft_wrap=True)


def _issue_to_person(
    request: access_pb2.IssueCredentialRequest,
    subject: str,
    issuer: str,
    out: Path | None,
    run: Path | None,
    *,
    json: bool,
) -> None:
    """Issue a credential to whom an identity provider names: there is no token, the provider makes them."""
    if out is not None:
        raise typer.BadParameter("没有令牌可写 no token is made for --openid", param_hint="--out")
    if not ISSUER.fullmatch(issuer):
        raise typer.BadParameter("须给出身份提供方 name the identity provider: --issuer", param_hint="--issuer")
    if not is_subject(subject):
        raise typer.BadParameter("不是 sub no subject of a provider", param_hint="--openid")
    running = find_or_fail(run)
    (listed,) = output.carry_out(_ask(running, "ListCredentials", access_pb2.ListCredentialsRequest()))
    known = {its.credential_id: its for its in listed.credentials}
    earlier = []
    for number in count(1):
        request.token_sha256 = openid_digest(issuer, subject, number)
        if (before := known.get(id_of(request.token_sha256))) is None:
            break
        earlier.append(_line(before))
    (answer,) = output.carry_out(_ask(running, "IssueCredential", request))
    now = datetime.now(UTC).isoformat()
    first = [its for its in earlier if now < its.expires_at and (not its.revoked_at or now < its.revoked_at)]
    if json:
        output.document(to_builtins(_line(answer.credential)) | {"after": [its.credential_id for its in first]})
        return
    console = output.console()
    console.print(f"凭证 credential: {answer.credential.credential_id}", soft_wrap=True)
    console.print("令牌由身份提供方签发 the identity provider makes this person's tokens", soft_wrap=True)
    for its in first:
        until = min(its.expires_at, its.revoked_at or its.expires_at)
        console.print(
            f"此人原有凭证先用到 until {until} an earlier one counts, as {its.role}: {its.credential_id}",
            markup=False,
            soft_wrap=True,
        )


@app.command()
def revoke(
    credential: Annotated[str, typer.Argument(help="凭证编号 its id: hub credentials list")],
    after_s: Annotated[
        float, typer.Option(min=0, help="多少秒后生效 seconds from now, to change over to a new one")
    ] = 0,
    run: Run = None,
    *,
    json: Json = False,
) -> None:
    """撤销 Revoke a credential in all services, within a second."""
    request = access_pb2.RevokeCredentialRequest(credential_id=credential)
    if after_s:
        request.at.FromDatetime(datetime.now(UTC) + timedelta(seconds=after_s))
    (answer,) = output.carry_out(_ask(find_or_fail(run), "RevokeCredential", request))
    _show([_line(answer.credential)], json=json)


@app.command("list")
def list_credentials(
    holder: Annotated[str, typer.Option(help="只看此人 only of this holder")] = "",
    run: Run = None,
    *,
    json: Json = False,
) -> None:
    """列出 All credentials, without their tokens, and when any service last saw each used."""
    running = find_or_fail(run)
    request = access_pb2.ListCredentialsRequest(holder=holder)
    (answer,) = output.carry_out(_ask(running, "ListCredentials", request))
    seen, unread = seen_uses(running.stores)
    lines = [
        replace(_line(each), last_used=its.isoformat() if (its := seen.get(each.credential_id)) else "")
        for each in answer.credentials
    ]
    _show(lines, json=json)
    if unread:
        # The list is shown all the same: who is in a hurry to revoke needs the ids.
        with output.failing():
            raise CommandError(Exit.TIMED_OUT, f"最近使用不全 last use is not whole: {'; '.join(unread)}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="凭证文件 file of digests (docs/roles.md)")],
    run: Run = None,
    *,
    json: Json = False,
) -> None:
    """导入 Take over keys that exist, so that they can be listed and revoked; one without an end gets a year."""
    with output.failing():
        try:
            given = read_file(file)
        except Fault as error:
            raise CommandError(Exit.USAGE, str(error)) from error
    _show(output.carry_out(take_over(find_or_fail(run), given)), json=json)


async def take_over(running: Running, given: Sequence[Credential]) -> list[CredentialLine]:
    """Make keys known to intake that exist already; returns them as it has them."""
    requests = []
    last = datetime.now(UTC) + timedelta(days=LONGEST_DAYS)
    for its in given:
        request = access_pb2.IssueCredentialRequest(
            holder=its.holder,
            role=its.role,
            scopes=sorted(its.scopes),
            area=its.area,
            token_sha256=its.token_sha256,
        )
        request.expires_at.FromDatetime(min(its.expires_at, last))
        requests.append(request)
    return [_line(answer.credential) for answer in await _ask(running, "IssueCredential", *requests)]


def seen_uses(stores: Mapping[str, str]) -> tuple[dict[str, datetime], list[str]]:
    """Return when each credential was last used in any service, and a line for each store that can't be read now.

    Args:
        stores: Service to its store's address.
    """
    newest: dict[str, datetime] = {}
    unread = []
    for service, url in stores.items():
        try:
            with snapshot(url) as tx:
                found = last_uses(tx)
        except (Refused, Fault) as error:
            unread.append(f"{service}: {error}")
            continue
        for of, at in found.items():
            newest[of] = max(at, newest.get(of, at))
    return newest, unread


async def _ask(running: Running, method: str, *requests: Any) -> list[Any]:  # noqa: ANN401 - messages of the service
    """Return the answers to requests, which are sent one after the other over one channel."""
    # Issuing twice would make two tokens, one of which nobody has: it is not tried again.
    again, who = method != "IssueCredential", shown(running.folder)
    async with channel(running.grpc[INTAKE]) as opened:
        asked = getattr(access_pb2_grpc.AccessServiceStub(opened), method)
        return [await call(asked, each, timeout_s=PERSON_S, metadata=who, retry=again) for each in requests]


def _line(its: access_pb2.Credential) -> CredentialLine:
    revoked_at = its.revoked_at.ToDatetime(tzinfo=UTC).isoformat() if its.HasField("revoked_at") else ""
    expires_at = its.expires_at.ToDatetime(tzinfo=UTC).isoformat()
    return CredentialLine(its.credential_id, its.holder, its.role, tuple(its.scopes), its.area, expires_at, revoked_at)


def _show(lines: Sequence[CredentialLine], *, json: bool) -> None:
    if json:
        output.document(to_builtins(list(lines)))
        return
    table = Table()
    looked = any(line.last_used is not None for line in lines)
    for column in (*COLUMNS, LAST_USED) if looked else COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        scopes = ", ".join(line.scopes) or "全部 all"
        cells = (line.credential_id, line.holder, line.role, scopes, line.area or "全部 all", line.expires_at)
        table.add_row(*cells, line.revoked_at, *([line.last_used or ""] if looked else []))
    output.show(table)
