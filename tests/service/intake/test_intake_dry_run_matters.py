"""A dry run on disputes of one matter: links, colours and what they heard of one another are taken as recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from dispute.wire.handoff.v1 import handoff_pb2
from tests.dry_run.dry_run_proof import EXCLUSION, changed_rules, tried
from tests.dry_run.dry_run_traffic import all_heard
from tests.support.county_rules import write
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts, parties
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)
EVENT = "2024-02-20"
ROLES = ("petitioner", "respondent")
NO_INCIDENTS = (
    EXCLUSION.replace("[petition]", "[police]").replace("purpose", "case_cause").replace("[request]", "[dispute]")
)


class Matter:
    """An incident, a suit and a petition about one event, on an intake's store."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
        self.police = FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")
        self.incident = self.police.dispute_id("J-1")
        self.suit = rig.bridge.dispute_id("A-1")
        self.petition = self.office.dispute_id("X-1")

    async def begin(self, client: IntakeClient) -> None:
        """Register the incident, the suit and the petition, each linked by the matching; the petition is yellow."""
        await client.advance(HANDED_OVER)
        facts = case_facts(procedure="", suit_kind="", case_cause="dispute", happened_on=EVENT)
        people = parties("p-2", "p-1", ("applicant", "respondent"))
        await self._send(client, self.police, self.police.handoff("J-1", case_received=facts, people=people))
        facts, people = case_facts(happened_on=EVENT), parties("p-1", "p-2")
        await self._send(client, self.rig.bridge, self.rig.bridge.handoff("A-1", case_received=facts, people=people))
        facts = case_facts(procedure="", suit_kind="", case_cause="", purpose="request", happened_on=EVENT)
        people = parties("p-1", "p-2", ROLES)
        await self._send(client, self.office, self.office.handoff("X-1", case_received=facts, people=people))

    async def settle(self, client: IntakeClient) -> None:
        """Let the incident be agreed and performed, and the others hear it."""
        await client.execute(*to_mediation(self.incident), agree(self.incident, HANDED_OVER + DAY))
        await all_heard(client)
        done = HANDED_OVER + 2 * DAY
        await client.execute(order(self.incident, "record_performance", done, evidence_sha256="ab" * 32))
        await all_heard(client)

    async def events(self, client: IntakeClient, dispute_id: str) -> list[tuple[str, str]]:
        return [(event.type, event.actor_id) for event in await client.history(dispute_id)]

    async def _send(self, client: IntakeClient, bridge: FakeBridge, handoff: handoff_pb2.Handoff) -> None:
        bridge.send(handoff)
        await client.applied(bridge)


@pytest.fixture
async def matter(tmp_path: Path) -> AsyncIterator[Matter]:
    async with AsyncExitStack() as stack:
        yield Matter(Rig(f"sqlite:///{tmp_path / 'intake.db'}", tmp_path / "keys", stack))


async def test_a_matter_that_was_settled_is_reproduced(matter: Matter, tmp_path: Path) -> None:
    client = await matter.rig.start()
    await matter.begin(client)
    await matter.settle(client)
    events = await matter.events(client, matter.petition)
    assert [name for name, by in events if by == "matching"] == ["linked"]
    assert [name for name, by in events if by == "risk"] == ["colour_changed"]
    assert [name for name, by in events if by == "matter"] == ["agreed", "performed"]
    await client.stop()
    found = tried(matter.rig.settings(), write(tmp_path / "same"))
    assert (found.totals.disputes, found.totals.changed, found.not_reproduced) == (3, 0, [])


async def test_a_matter_that_was_left_is_reproduced(matter: Matter, tmp_path: Path) -> None:
    client = await matter.rig.start()
    await matter.begin(client)
    await client.execute(*to_mediation(matter.petition))
    await matter.settle(client)
    await client.execute(order(matter.petition, "unlink", HANDED_OVER + 4 * DAY, reason_code="mistaken"))
    await all_heard(client)
    events = await matter.events(client, matter.petition)
    assert [event for event in events if event[1] == "matter" or event[0] == "unlinked"] == [
        ("agreed", "matter"),
        ("performed", "matter"),
        ("unlinked", "clerk-1"),
    ]
    assert await client.state(matter.petition) == "mediating"
    await client.stop()
    found = tried(matter.rig.settings(), write(tmp_path / "same"))
    assert found.not_reproduced == []


async def test_who_would_not_be_mediated_hears_nothing(matter: Matter, tmp_path: Path) -> None:
    client = await matter.rig.start()
    await matter.begin(client)
    await matter.settle(client)
    assert await client.state(matter.petition) == "performed"
    await client.stop()
    found = tried(matter.rig.settings(), changed_rules(tmp_path / "rules"))
    (differing,) = found.differing
    assert differing.dispute_id == matter.petition
    assert differing.what["state"] == ("performed", "returned")
    assert differing.what["reason"] == ("", "handled_above")


async def test_what_another_case_would_not_have_is_not_heard(matter: Matter, tmp_path: Path) -> None:
    client = await matter.rig.start()
    await matter.begin(client)
    await matter.settle(client)
    await client.stop()
    found = tried(matter.rig.settings(), write(tmp_path / "rules", "test-4", screening=NO_INCIDENTS))
    assert found.not_reproduced == []
    differing = {each.dispute_id: each for each in found.differing}
    assert differing.keys() == {matter.incident, matter.suit, matter.petition}
    assert differing[matter.incident].what["state"] == ("performed", "returned")
    for name in (matter.suit, matter.petition):
        assert differing[name].what["agreed_on"][1] == ""
        assert differing[name].what["state"] == ("performed", "accepted")
        assert differing[name].causes == ("screening.exclusions.claims",)
