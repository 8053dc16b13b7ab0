"""Runs `make shredding`; see the package. Prints one JSON line; exits with 1 when anything is not as it must be.

The demo's small scenario is played on a real Kafka and five processes; everybody in it is a canary. Nobody who has no
right to see persons may find one. Then some parties are forgotten, by two persons each, and whoever has all keys,
stores, backups of before and Kafka's records reads everybody else, and none of them. Every figure is what it was.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
from msgspec import json as msgspec_json
from msgspec import to_builtins
from typing_extensions import override

from dispute.contracts.topics import HANDOFFS
from dispute.lifecycle import canonical_reference, dispute_id_of
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.audit.chain import ChainBreak, entries, verify
from hub.grpc.client import bearer, channel
from hub.kafka.bus import Bus
from hub.kafka.publisher import KafkaPublisher
from hub.store.backups import backup
from hub.store.snapshots import snapshot
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend, pack
from ops.play.privacy import search
from ops.play.progress import RunProgress
from ops.play.scenarios.load import load
from ops.play.scenarios.people import InventedPerson
from ops.play.scenarios.record import Record
from ops.play.session import Options, RunReport, Session
from ops.run.client import HubClient
from ops.run.credentials import FOLDER, PEOPLE, token_path
from ops.run.launcher import SERVICES, Hub
from ops.run.run_folder import find
from tests.shredding_proof.reading import in_stores, on_kafka, readable
from tests.support.journals import until
from tests.support.tree import ROOT

SCENARIO: Final = ROOT / "scenarios" / "small.yaml"
EACH: Final = 4
"""Records of a channel of which a party is forgotten; of the first one both parties."""
GROUND: Final = "consent_withdrawn"
CALL_S: Final = 20.0
CLEAR: Final = {"clerk", "handler", "mediator"}
SEES_NONE: Final = {"auditor", "operator"}


@dataclass(frozen=True)
class Forgotten:
    """A party that is forgotten."""

    dispute_id: str
    number: int
    person: InventedPerson


class ProofSession(Session):
    """A demo after which persons are looked for, and some forgotten, while the hub runs.

    Attributes:
        verdict: What was found.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        super().__init__(options, RunProgress(), _say)
        self._folder = folder
        self.verdict: dict[str, Any] = {}

    @override
    async def _look_for_people(self, report: RunReport, hub: Hub, hub_client: HubClient) -> None:
        await super()._look_for_people(report, hub, hub_client)
        self.verdict = await Proof(report, hub, hub_client, self._folder).run()


class Proof:
    """Looks for persons in a hub that was played with."""

    def __init__(self, report: RunReport, hub: Hub, hub_client: HubClient, folder: Path) -> None:
        self._records: Sequence[Record] = report.script.records
        self._window = report.script.scenario.window.dates
        self._people = [person for record in self._records for person in record.parties]
        self._traces = report.traces
        self._hub, self._client, self._folder = hub, hub_client, folder
        self._stores = dict(find(folder).stores)
        self._tokens = {role: token_path(folder / FOLDER, role).read_text(encoding="utf-8").strip() for role in PEOPLE}
        self._shown = {role: bearer(token) for role, token in self._tokens.items()}

    async def run(self) -> dict[str, Any]:
        """Look, forget, look again."""
        intake = channel(self._hub.of("intake")[0].grpc_address)
        self._stub: Any = intake_pb2_grpc.IntakeServiceStub(intake)
        try:
            await self._dead_letter()
            return await self._proved()
        finally:
            await intake.close()

    async def _proved(self) -> dict[str, Any]:
        await self._journal_at_rest()
        without_scope = await self._without_scope()
        chosen = self._chosen()
        before = await self._figures()
        keys = self._folder / "keys"
        old_keys, copies = self._folder / "keys-of-before", self._backups()
        shutil.copytree(keys, old_keys)
        seen = await self._everywhere(keys, copies)
        wrong = [f"{place}: nobody can be read, so nothing is shown" for place, whom in seen.items() if not whom]

        for each in chosen:
            await self._forget(each)
        gone = {each.person.id_number for each in chosen}
        after = await self._everywhere(keys, copies)
        by_old_keys = await self._everywhere(old_keys, copies)
        figures = await self._figures()
        for place, whom in seen.items():
            if after[place] & gone:
                wrong.append(f"{place}: {len(after[place] & gone)} who were forgotten can be read")
            if after[place] != whom - gone:
                wrong.append(f"{place}: {len(whom - gone - after[place])} others can't be read any more")
        if by_old_keys["intake register, backup"] != seen["intake register, backup"]:
            wrong.append("a copy of the keys of before does not open the backup: the control shows nothing")
        wrong += [f"figures: {name} changed" for name in before if before[name] != figures[name]]
        wrong += await self._shown_by_intake(chosen)
        acts, chain = self._audit()
        wrong += [] if acts == 2 * len(chosen) else [f"audit: {acts} acts, {2 * len(chosen)} expected"]
        wrong += [] if chain == "ok" else [f"audit: {chain}"]
        wrong += [f"without the right: {line}" for line in without_scope["hits"]]
        wrong += [f"in the open: {self._traces} traces"] if self._traces else []
        hits = search(self._audits(), self._people)
        wrong += [f"{hit.place} afterwards: {hit.kind}" for hit in hits[:10]]
        return {
            "persons": len({person.id_number for person in self._people}),
            "forgotten": len(chosen),
            "searched_bytes": without_scope["bytes"],
            "traces": self._traces + len(without_scope["hits"]),
            "readable_before": {place: len(whom & gone) for place, whom in seen.items()},
            "readable_after": {place: len(whom & gone) for place, whom in after.items()},
            "others_before": {place: len(whom - gone) for place, whom in seen.items()},
            "others_after": {place: len(whom - gone) for place, whom in after.items()},
            "with_old_keys": len(by_old_keys["intake register, backup"] & gone),
            "figures_equal": before == figures,
            "audit": chain,
            "wrong": wrong,
            "ok": not wrong,
        }

    def _chosen(self) -> list[Forgotten]:
        """Return whom to forget: in each channel some of those who claim and some of those who answer."""
        found = []
        for channel_ in sorted({record.channel for record in self._records}):
            of_one = [record for record in self._records if record.channel is channel_][:EACH]
            for at, record in enumerate(of_one):
                dispute_id = _dispute_of(record)
                numbers = (1, 2) if at == 0 else (at % 2 + 1,)
                found += [Forgotten(dispute_id, number, record.parties[number - 1]) for number in numbers]
        return found

    async def _forget(self, each: Forgotten) -> None:
        """Approve as the leader and carry out as the operator; the first one at a terminal."""
        if each.number == 1:
            which = (each.dispute_id, "--party", "1", "--ground", GROUND)
            await self._hub_says("privacy", "approve", *which)
            await self._hub_says("privacy", "shred", *which)
            return
        of = each.dispute_id, each.number
        await self._stub.ApproveShredding(
            intake_pb2.ApproveShreddingRequest(dispute_id=of[0], party=of[1], ground=GROUND),
            timeout=CALL_S,
            metadata=self._shown["leader"],
        )
        await self._stub.ShredParty(
            intake_pb2.ShredPartyRequest(dispute_id=of[0], party=of[1], ground=GROUND),
            timeout=CALL_S,
            metadata=self._shown["operator"],
        )

    async def _hub_says(self, *words: str) -> bytes:
        """Return what a command prints."""
        command = [sys.executable, "-m", "ops", *words, "--run", str(self._folder)]
        done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True, capture_output=True)
        return done.stdout + done.stderr

    async def _dead_letter(self) -> None:
        """Have intake refuse a hand-off with persons in it: a stranger sends a real one with a code that is none."""
        real = next(
            its
            for record in on_kafka(self._hub.broker.bootstrap)[HANDOFFS.name]
            if (its := handoff_pb2.Handoff.FromString(record)).confidential.parts
            and its.dispute_id == _dispute_of(self._records[0])
        )
        real.case_received.procedure = "no such procedure"
        content = real.SerializeToString()
        place = BatchPlace(StreamName("stranger", 0, "e0000001"), 1, 1, GENESIS, extend(GENESIS, content))
        message = pack(HANDOFFS, place, [content], partition=0, written_at=datetime.now(UTC))
        publisher = KafkaPublisher(Bus(self._hub.broker.bootstrap))
        try:
            delivery = publisher.send(message)
            await until(_done(delivery))
        finally:
            await asyncio.to_thread(publisher.close)

        async def died() -> bool:
            return bool(on_kafka(self._hub.broker.bootstrap)[HANDOFFS.dead_letters])

        await until(died, seconds=CALL_S)

    async def _everywhere(self, keys: Path, copies: Mapping[str, str]) -> dict[str, set[str]]:
        """Return whom somebody with these keys reads in the stores, the backups of before, and on Kafka."""

        def look() -> dict[str, set[str]]:
            live = {**in_stores(self._stores), **on_kafka(self._hub.broker.bootstrap)}
            found = readable(keys, live, self._stores["intake"], self._people)
            old = readable(keys, in_stores(copies), copies["intake"], self._people)
            return found | {f"{place}, backup": whom for place, whom in old.items()}

        return await asyncio.to_thread(look)

    def _backups(self) -> dict[str, str]:
        copies = {}
        for name, url in self._stores.items():
            to = self._folder / "backups" / f"{name}.db"
            backup(url, to, datetime.now(UTC))
            copies[name] = f"sqlite:///{to}"
        return copies

    async def _journal_at_rest(self) -> None:
        """Wait until stats counted everything."""

        async def level() -> bool:
            sheets = await self._client.sheets(SERVICES)
            return sheets == await self._client.sheets(SERVICES)

        await until(level, seconds=CALL_S)

    async def _figures(self) -> dict[str, Any]:
        """Return everything that is counted or decided: rates, books, states, histories."""
        rates, events = await self._client.rates(*self._window, {})
        states = await self._pages("ListDisputes", intake_pb2.ListDisputesRequest(page_size=1000), "auditor")
        histories = [
            await self._stub.GetHistory(
                intake_pb2.GetHistoryRequest(dispute_id=its.dispute_id), timeout=CALL_S, metadata=self._shown["auditor"]
            )
            for page in states
            for its in page.disputes
        ]
        return {
            "rates": rates,
            "events": events,
            "books": repr(sorted((await self._client.sheets(SERVICES)).items())),
            "states": [page.SerializeToString(deterministic=True) for page in states],
            "histories": [each.SerializeToString(deterministic=True) for each in histories],
        }

    async def _pages(self, method: str, request: Any, role: str) -> list[Any]:  # noqa: ANN401 - stubs are untyped
        pages = []
        while True:
            pages.append(await getattr(self._stub, method)(request, timeout=CALL_S, metadata=self._shown[role]))
            request.page_token = pages[-1].next_page_token
            if not request.page_token:
                return pages

    async def _without_scope(self) -> dict[str, Any]:
        """Search what is given to those who see no persons, or see them masked, and what is exported."""
        figures, told = await self._figures(), self._audits()
        told["answers about disputes"] = b"".join((*figures["states"], *figures["histories"]))
        for words in ("stats rates", "exits list", "alarms", "audit list"):
            told[f"hub {words}"] = await self._hub_says(*words.split(), "--json")
        for role in PEOPLE:
            answers = [await self._parties(role, dispute_id) for dispute_id in self._dispute_ids()]
            if role not in CLEAR:
                told[f"GetParties by {role}"] = b"".join(map(_bytes, answers))
            elif not search({role: b"".join(map(_bytes, answers))}, self._people):
                raise AssertionError(f"{role} sees nobody: the search shows nothing")
        hits = search(told, self._people)
        return {"hits": [f"{hit.place}: {hit.kind}" for hit in hits[:10]], "bytes": sum(map(len, told.values()))}

    def _dispute_ids(self) -> list[str]:
        return [_dispute_of(record) for record in self._records]

    async def _parties(self, role: str, dispute_id: str) -> Any:  # noqa: ANN401 - an answer, or the text of a refusal
        request = intake_pb2.GetPartiesRequest(dispute_id=dispute_id, purpose="oversight")
        try:
            return await self._stub.GetParties(request, timeout=CALL_S, metadata=self._shown[role])
        except grpc.aio.AioRpcError as error:
            return f"{error.code()} {error.details()}"

    def _audits(self) -> dict[str, bytes]:
        """Return every entry of every service's audit, as it is exported."""
        found = {}
        for name, url in self._stores.items():
            with snapshot(url) as tx:
                found[f"audit of {name}"] = b"\n".join(msgspec_json.encode(to_builtins(its)) for _, its in entries(tx))
        return found

    async def _shown_by_intake(self, chosen: Sequence[Forgotten]) -> list[str]:
        """Return what a clerk is shown wrongly: who was forgotten, or not everybody else."""
        gone: dict[str, set[int]] = {}
        for each in chosen:
            gone.setdefault(each.dispute_id, set()).add(each.number)
        wrong = []
        for record in self._records:
            dispute_id = _dispute_of(record)
            found = await self._parties("clerk", dispute_id)
            forgotten = gone.get(dispute_id, set())
            expected = ["" if at in forgotten else person.name for at, person in enumerate(record.parties, start=1)]
            if [party.name for party in found.parties] != expected or set(found.forgotten) != forgotten:
                wrong.append(f"GetParties of record {record.number}: {len(found.parties)} parties")
        return wrong

    def _audit(self) -> tuple[int, str]:
        """Return how many acts of forgetting are in intake's audit, and whether its chain holds."""
        with snapshot(self._stores["intake"]) as tx:
            acts = sum("Shred" in entry.call and not entry.denied for _, entry in entries(tx))
            end = verify(tx, None)
        return acts, f"broken at {end.position}" if isinstance(end, ChainBreak) else "ok"


def _dispute_of(record: Record) -> str:
    return dispute_id_of(record.agency, canonical_reference(record.ref))


def _bytes(answer: Any) -> bytes:  # noqa: ANN401 - an answer, or the text of a refusal
    return answer.encode() if isinstance(answer, str) else bytes(answer.SerializeToString())


def _done(delivery: Any) -> Any:  # noqa: ANN401 - of the publisher
    async def done() -> bool:
        return bool(delivery.done())

    return done


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _run(folder: Path) -> dict[str, Any]:
    session = ProofSession(Options(load(SCENARIO), folder), folder)
    report = await session.run()
    told = session.verdict
    told["differences"] = [f"{its}" for its in report.differences]
    told["ok"] = told["ok"] and report.ok
    return told


def main() -> int:
    """Run it, and print the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(_run(Path(folder)))
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
