"""What differs from agency to agency, in one value: the bridge of each is built from its trade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic

from bridge.accepting.acceptance import Prepare
from bridge.accepting.admission import ToWire
from bridge.record.dto import MatterDto, ReportDto
from bridge.record.facts import RecordT


@dataclass(frozen=True, slots=True)
class Trade(Generic[RecordT]):
    """One agency's kind of business.

    Attributes:
        channel: court, police or petition; also the prefix of its agencies' ids.
        service: Name of the service, producer of its streams.
        title: Of the OpenAPI page.
        noun: Plural in the paths: `/v1/<noun>`.
        field: Name of the record in a request of gRPC and in an item of a REST batch.
        record: Its DTO.
        to_record: Inside shape of a DTO of class `record`.
        report: DTO of later facts.
        prepare: Its own step at the desk.
        to_wire: Its facts in a hand-off.
        messages: Generated module of its proto.
        add_servicer: Generated function that has a gRPC server serve its six calls.
        folder: The service's `adapters`: code lists in `codes`, schema in `migrations/versions`.
        example: A record for OpenAPI.
    """

    channel: str
    service: str
    title: str
    noun: str
    field: str
    record: type[MatterDto]
    to_record: Callable[[Any], RecordT]
    report: type[ReportDto]
    prepare: Prepare[RecordT]
    to_wire: ToWire[RecordT]
    messages: ModuleType
    add_servicer: Callable[[Any, Any], None]
    folder: Path
    example: Mapping[str, object]

    @property
    def versions(self) -> Path:
        """Folder of the store's revisions."""
        return self.folder / "migrations" / "versions"
