"""Submit and corrections know the county's towns and villages; what was sent keeps its digest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispute.codes.division_files import load
from dispute.contracts.codec import timestamp_of
from dispute.lifecycle import Reclassify, State, dispute_id_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Rejected
from hub.runtime.clock import FixedClock
from services.intake.cases.ports import Case
from services.intake.cases.unit_of_work import Planned, Task
from services.intake.inbound.requests import Requests
from services.intake.law.handoff import Arrival
from tests.support.access import CLERK, HANDLER
from tests.support.intake import BOOK
from tests.support.intake_rig import AGENCY, HANDED_OVER, case_facts
from tests.support.lifecycle import reach
from tests.support.orders import order

MAPS = """source: "县民政局"
version: "1"
as_of: 2026-01-01
divisions:
  "620725204": {name: "李桥乡", valid_until: 2024-03-31}
maps:
  - {from: "620725204", to: "620725203", valid_from: 2024-04-01}
  - {from: "620725101099", to: "620725102201"}
"""
APRIL = datetime(2024, 4, 2, tzinfo=UTC)


def requests(path: Path | None = None) -> Requests:
    clock = FixedClock(datetime(2026, 11, 20, tzinfo=UTC))
    return Requests(clock, "wall", lambda _: None, load(path))


@pytest.fixture
def mapped(tmp_path: Path) -> Requests:
    path = tmp_path / "divisions.yaml"
    path.write_text(MAPS, "utf-8")
    return requests(path)


def submit(at: datetime = HANDED_OVER, **facts: Any) -> intake_pb2.SubmitRequest:  # noqa: ANN401 - any field
    return intake_pb2.SubmitRequest(
        channel="window",
        source_organ="window-620725",
        source_ref="W-1",
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        occurred_at=timestamp_of(at),
        facts=case_facts(**facts),
    )


def place(asked: Requests, request: intake_pb2.SubmitRequest) -> tuple[str, str]:
    _, handoff = asked.submission(request, CLERK)
    assert isinstance(handoff.body, Arrival)
    return handoff.body.dimensions.town_code, handoff.body.dimensions.village_code


def correction(
    asked: Requests,
    at: datetime = HANDED_OVER,
    **fields: Any,  # noqa: ANN401 - any field
) -> tuple[Task, Reclassify]:
    """Return the task of a correction and what it orders."""
    message = order(dispute_id_of(AGENCY, "A-1"), "reclassify", at, reason_code="clerk_error", **fields)
    task = asked.command(message, CLERK)
    planned = task.plan(Case(reach(State.ACCEPTED).state), (), BOOK)
    assert isinstance(planned, Planned)  # only an absent case is refused
    (command,) = planned.commands
    assert isinstance(command.instruction, Reclassify)
    return task, command.instruction


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"town_code": "620725999"}, "town_code"),
        ({"town_code": "620725101", "village_code": "620725101999"}, "village_code"),
    ],
)
def test_a_submission_with_an_unknown_division_is_refused(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected) as refused:
        requests().submission(submit(**facts), CLERK)
    assert (refused.value.code, refused.value.field) == ("unknown_division", field)


def test_a_correction_to_an_unknown_town_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        correction(requests(), town_code="620725999")
    assert (refused.value.code, refused.value.field) == ("unknown_division", "town_code")


def test_the_day_of_the_submission_decides(mapped: Requests) -> None:
    assert place(mapped, submit(town_code="620725204")) == ("620725204", "")
    assert place(mapped, submit(APRIL, town_code="620725204")) == ("620725203", "")


def test_a_submission_s_digest_is_that_of_what_was_sent(mapped: Requests) -> None:
    request = submit(town_code="620725101", village_code="620725101099")
    task, handoff = mapped.submission(request, CLERK)
    assert place(mapped, request) == ("620725102", "620725102201")
    assert request.facts.village_code == "620725101099"
    unmapped, _ = requests().submission(submit(town_code="620725101"), CLERK)
    assert handoff.digest == task.digest != unmapped.digest


def test_a_correction_goes_on_in_the_current_codes(mapped: Requests) -> None:
    task, order_given = correction(mapped, APRIL, town_code="620725204")
    assert order_given.town_code == "620725203"
    same, unmapped = correction(requests(), APRIL, town_code="620725204")
    assert unmapped.town_code == "620725204"
    assert same.digest == task.digest
    _, village = correction(mapped, village_code="620725101099")
    assert (village.town_code, village.village_code) == ("620725102", "620725102201")


def test_other_commands_pass_as_they_are() -> None:
    message = order(dispute_id_of(AGENCY, "A-1"), "sign", actor=("handler", "handler-1"))
    assert requests().command(message, HANDLER).dispute_id == message.dispute_id
