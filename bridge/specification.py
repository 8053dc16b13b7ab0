"""Specification of a bridge.

What differs from agency to agency; a bridge is built from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic

from google.protobuf.descriptor import ServiceDescriptor

from bridge.accepting.acceptance import Admitted
from bridge.accepting.admission import ToWire
from bridge.record.dto import MatterDto, ReportDto
from bridge.record.facts import RecordT
from hub.errors import Code


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record that the law seals: whoever asks for it is refused.

    Attributes:
        path: Last segment of its path, `/v1/<noun>/{reference}/<path>`.
        call: Its gRPC call.
        code: The refusal.
        text: Of the OpenAPI page.
    """

    path: str
    call: str
    code: Code
    text: str


@dataclass(frozen=True, slots=True)
class Specification(Generic[RecordT]):
    """One agency's records, as the engine needs them.

    Attributes:
        channel: court, police or petition; also the prefix of its agencies' ids.
        title: Of the OpenAPI page.
        noun: Plural in the paths: `/v1/<noun>`.
        record: DTO of a record.
        report: DTO of later facts.
        admitted: The agency's own checks of a record.
        to_wire: A record's facts in a hand-off.
        messages: Generated module of its proto.
        servicers: Generated gRPC module of its proto.
        folder: The service's: code lists in `codes`, schema in `migrations/versions`.
        sealed: Records about its agencies' references that are given to nobody.
    """

    channel: str
    title: str
    noun: str
    record: type[MatterDto]
    report: type[ReportDto]
    admitted: Admitted[RecordT]
    to_wire: ToWire[RecordT]
    messages: ModuleType
    servicers: ModuleType
    folder: Path
    sealed: tuple[SealedRecord, ...] = ()

    @property
    def service(self) -> str:
        """Name of the service, producer of its streams."""
        return f"{self.channel}_bridge"

    @property
    def called(self) -> ServiceDescriptor:
        """The one gRPC service of its proto."""
        services: Mapping[str, ServiceDescriptor] = self.messages.DESCRIPTOR.services_by_name
        (service,) = services.values()
        return service

    @property
    def field(self) -> str:
        """Name of the record in gRPC requests and REST batches."""
        (name,) = (
            field.name for field in self.called.methods_by_name["Submit"].input_type.fields if field.message_type
        )
        return str(name)

    @property
    def add_servicer(self) -> Callable[[Any, Any], None]:
        """The generated function that adds the servicer to a server."""
        added: Callable[[Any, Any], None] = getattr(self.servicers, f"add_{self.called.name}Servicer_to_server")
        return added

    @property
    def versions(self) -> Path:
        """Folder of the store's revisions."""
        return self.folder / "migrations" / "versions"
