"""Tries every call as every role and tells which were let pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped] # no stubs

from dispute.contracts.codec import TYPE_OF, command_to_wire
from dispute.lifecycle import State
from dispute.lifecycle.vocabulary import Role
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import refusal_of
from hub.refusals import NOT_FOR_ROLE, UNAUTHENTICATED
from tests.roles.hub_of_roles import NOW, HubOfRoles
from tests.roles.written import Allowed
from tests.support.lifecycle import command
from tests.unit.dispute.test_lifecycle_matrix import GOOD

ROLES: Final = tuple(str(role) for role in Role)
DENIED: Final = frozenset({NOT_FOR_ROLE.name, UNAUTHENTICATED.name})
STREAM_S: Final = 0.5
"""A stream that is let pass says nothing for so long."""
STANDS_AT: Final = 10**9
"""Where no dispute stands: a command that may be given changes nothing."""

Found = defaultdict[str, set[str]]


async def try_calls(hub: HubOfRoles) -> Allowed:
    """Return the roles that were let pass, by RPC and by REST route."""
    found: Found = defaultdict(set)
    await _rpcs(hub, found)
    await _routes(hub, found)
    return {call: frozenset(roles) for call, roles in found.items()}


async def try_commands(hub: HubOfRoles) -> tuple[Allowed, Allowed]:
    """Return the roles that were let pass by command and state: given one by one, and together."""
    singly: Found = defaultdict(set)
    together: Found = defaultdict(set)
    await _executed(hub, singly)
    await _executed_together(hub, together)
    one, all_ = ({call: frozenset(roles) for call, roles in found.items()} for found in (singly, together))
    return one, all_


async def _rpcs(hub: HubOfRoles, found: Found) -> None:
    for service, line in hub.lines.items():
        for method in await _served(line):
            name = f"{method.containing_service.full_name}/{method.name}"
            found.setdefault(name, set())
            for role in ROLES:
                if await _passes(line, method, hub, role, at=service.removesuffix("_bridge")):
                    found[name].add(role)


async def _served(line: grpc.aio.Channel) -> list[MethodDescriptor]:
    """Return every method of a server, as it tells by reflection; not those about its health."""
    stub = reflection_pb2_grpc.ServerReflectionStub(line)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    names = [each.name async for answer in call for each in answer.list_services_response.service]
    pool = descriptor_pool.Default()
    ours = [pool.FindServiceByName(name) for name in names if name.startswith("hub.")]
    return [method for service in ours for method in service.methods]


async def _passes(line: grpc.aio.Channel, method: MethodDescriptor, hub: HubOfRoles, role: str, *, at: str) -> bool:
    request = message_factory.GetMessageClass(method.input_type)()
    answer = message_factory.GetMessageClass(method.output_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    make: Callable[..., Any] = line.unary_stream if method.server_streaming else line.unary_unary
    call = make(path, type(request).SerializeToString, answer.FromString)
    who = hub.who(role, at if at in hub.webs else "court")
    try:
        if method.server_streaming:
            await call(request, metadata=who, timeout=STREAM_S).read()
        else:
            await call(request, metadata=who, timeout=20)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).code not in DENIED
    return True


async def _routes(hub: HubOfRoles, found: Found) -> None:
    for name, web in hub.webs.items():
        document = (await web.get("/openapi.json")).json()
        for path, methods in document["paths"].items():
            for method in methods:
                call = f"{method.upper()} {path}"
                found.setdefault(call, set())
                for role in ROLES:
                    headers = {"authorization": f"Bearer {hub.token(role, name)}"}
                    body: dict[str, str] | None = {} if method == "post" else None
                    url = path.replace("{ref}", "T-1")
                    answer = await web.request(method.upper(), url, headers=headers, json=body)
                    if answer.json().get("code") not in DENIED:
                        found[call].add(role)


async def _executed(hub: HubOfRoles, found: Found) -> None:
    stub = intake_pb2_grpc.IntakeServiceStub(hub.lines["intake"])
    for name, given in _commands(hub).items():
        found.setdefault(name, set())
        for role in ROLES:
            request = intake_pb2.ExecuteRequest(command=given())
            try:
                await stub.Execute(request, metadata=hub.who(role), timeout=20)
            except grpc.aio.AioRpcError as error:
                if refusal_of(error).code in DENIED:
                    continue
            found[name].add(role)


async def _executed_together(hub: HubOfRoles, found: Found) -> None:
    stub = intake_pb2_grpc.IntakeServiceStub(hub.lines["intake"])
    commands = _commands(hub)
    for role in ROLES:
        for name in commands:
            found.setdefault(name, set())
        request = intake_pb2.ExecuteBatchRequest(commands=[given() for given in commands.values()])
        try:
            answer = await stub.ExecuteBatch(request, metadata=hub.who(role), timeout=60)
        except grpc.aio.AioRpcError as error:
            if refusal_of(error).code not in DENIED:
                raise
            continue
        for name, result in zip(commands, answer.results, strict=True):
            if result.refusal.code not in DENIED:
                found[name].add(role)


def _commands(hub: HubOfRoles) -> Mapping[str, Callable[[], command_pb2.Command]]:
    """Return what makes each command, by its name and the state of its dispute."""
    wire_names = {kind.__name__: name for name, kind in TYPE_OF.items()}

    def maker(kind: str, state: State) -> Callable[[], command_pb2.Command]:
        def given() -> command_pb2.Command:
            message = command_to_wire(command(GOOD[kind]))
            message.command_id, message.dispute_id = str(uuid4()), hub.disputes[state]
            message.expected_sequence = STANDS_AT
            message.occurred_at.FromDatetime(NOW - timedelta(days=1))
            message.ClearField("actor")
            return message

        return given

    return {
        f"{wire_names[kind]} @ {state}": maker(kind, state) for kind in GOOD if kind in wire_names for state in State
    }
