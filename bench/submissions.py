"""Makes records and commands for the public interfaces.

Generating a record costs half a millisecond, which would be the driver's cost and not the hub's. So the published
scenario is generated once, and each case is a copy of one of its records with new people, a new reference and a place
drawn from a land of realistic size. The few records that wait for a timer or for a court's ruling are left out: the
driver does not move the clock.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from google.protobuf import json_format

from bench.lands import SUBCATEGORIES, Land
from bench.machine import ROOT
from dispute.lifecycle.identity import dispute_id_of
from dispute.wire.court.v1 import court_pb2
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.petition.v1 import petition_pb2
from dispute.wire.police.v1 import police_pb2
from ops.play.scenarios.generate import generate
from ops.play.scenarios.journeys import journey
from ops.play.scenarios.load import load
from ops.play.scenarios.people import BIRTH_SPAN_DAYS, FIRST_BIRTH, check_character
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking, Fate
from ops.play.simulators.bodies import REFERENCE, body_of
from ops.play.simulators.mediators import command_of

SCENARIO: Final = ROOT / "scenarios" / "shandan-2024.yaml"
NEEDS_A_TURN: Final = frozenset({"apply_for_confirmation", "ruling"})
PEOPLE_A_DAY: Final = 999
PHONES: Final = 10**8
MEDIATORS: Final = 12
"""Number of mediators of one town."""

Matter = court_pb2.CourtCase | police_pb2.PoliceIncident | petition_pb2.PetitionItem
Submission = court_pb2.SubmitRequest | police_pb2.SubmitRequest | petition_pb2.SubmitRequest


class GivenCommand(NamedTuple):
    """A command, and the role of who gives it."""

    role: str
    command: command_pb2.Command


@dataclass(frozen=True, slots=True)
class Case:
    """One dispute from its record to its last step.

    Attributes:
        agency: Agency whose credential sends it.
        matter: The record as its agency's bridge gets it.
        commands: Commands of people for it at intake, in order; empty when the hub does not accept it.
    """

    record: Record
    agency: str
    reference: str
    dispute_id: str
    matter: Matter
    commands: tuple[GivenCommand, ...]

    @property
    def submission(self) -> Submission:
        """The case as an item of a SubmitBatch."""
        match self.matter:
            case court_pb2.CourtCase():
                return court_pb2.SubmitRequest(court_case=self.matter)
            case police_pb2.PoliceIncident():
                return police_pb2.SubmitRequest(incident=self.matter)
            case _:
                return petition_pb2.SubmitRequest(petition=self.matter)


@dataclass(frozen=True, slots=True)
class _Pattern:
    record: Record
    matter: Matter
    commands: tuple[GivenCommand, ...]


def _patterns() -> dict[Docking, tuple[_Pattern, ...]]:
    scenario = load(SCENARIO)
    found: dict[Docking, list[_Pattern]] = {channel: [] for channel in Docking}
    for record in generate(scenario):
        steps = journey(record, scenario).steps
        if record.ending.fate is Fate.EXPIRED or any(step.action in NEEDS_A_TURN for step in steps):
            continue
        matter = _empty(record.channel)
        json_format.ParseDict(body_of(record), matter)
        found[record.channel].append(
            _Pattern(record, matter, tuple(GivenCommand(step.role, command_of("", step)) for step in steps))
        )
    return {channel: tuple(own) for channel, own in found.items()}


class Press:
    """Makes cases from the scenario's records.

    The same seed and numbers give the same cases. Making a `Press` takes about two seconds.

    Args:
        where: Land of their places.
        seed: Seed of the places and kinds drawn; it is in every reference.
    """

    def __init__(self, where: Land, seed: int) -> None:
        self._land = where
        self._seed = seed
        self._patterns = _patterns()

    def cases(self, channel: Docking, numbers: Sequence[int]) -> Iterator[Case]:
        """Yield the case of each number.

        A number stands for the same two people in every channel.
        """
        dice = random.Random(f"{self._seed}/{channel}/{numbers[0]}")  # noqa: S311 - load, no secret
        places = dice.choices(self._land.villages, cum_weights=self._land.weights, k=len(numbers))
        drawn = dice.choices(self._patterns[channel], k=len(numbers))
        for number, village, pattern in zip(numbers, places, drawn, strict=True):
            yield self._case(number, village, pattern)

    def _case(self, number: int, village: str, pattern: _Pattern) -> Case:
        record = pattern.record
        county, town = village[:6], village[:9]
        agency = f"{record.channel}-{county}"
        reference = f"{record.channel[:2].upper()}{county}{self._seed:04d}{number:09d}"
        matter = _empty(record.channel)
        matter.MergeFrom(pattern.matter)  # type: ignore[arg-type] # both are of the record's channel
        setattr(matter, REFERENCE[record.channel], reference)
        matter.county_code, matter.town_code, matter.village_code = county, town, village
        matter.category = f"{record.category[:2]}{number % SUBCATEGORIES + 1:02d}"
        for side, party in enumerate(matter.parties):
            someone = 2 * number + side
            party.id_number = citizen_id(county, someone)
            party.phone = f"139{someone % PHONES:08d}"
        dispute_id = dispute_id_of(agency, reference)
        commands = tuple(_stamped(pattern, at, dispute_id, town, number) for at in range(len(pattern.commands)))
        return Case(record, agency, reference, dispute_id, matter, commands)


def citizen_id(county: str, number: int) -> str:
    """Return the generated citizen ID of a person.

    Its checksum is valid; the IDs of a county repeat after 18 million people.
    """
    serial = number // BIRTH_SPAN_DAYS % PEOPLE_A_DAY + 1
    first17 = f"{county}{_BIRTHDAYS[number % BIRTH_SPAN_DAYS]}{serial:03d}"
    return first17 + check_character(first17)


_BIRTHDAYS: Final = tuple(
    FIRST_BIRTH.fromordinal(FIRST_BIRTH.toordinal() + day).strftime("%Y%m%d") for day in range(BIRTH_SPAN_DAYS)
)


def _stamped(pattern: _Pattern, at: int, dispute_id: str, town: str, number: int) -> GivenCommand:
    command = command_pb2.Command()
    role, given = pattern.commands[at]
    command.CopyFrom(given)
    command.dispute_id = dispute_id
    # The dispute's id with its last block replaced by the step: in canonical form, and the same at every repeat.
    command.command_id = f"{dispute_id[:24]}{at:012x}"
    match command.WhichOneof("instruction"):
        case "dispatch":
            command.dispatch.organisation = f"committee-{town}"
        case "begin_mediation":
            command.begin_mediation.mediator_id = f"mediator-{town}-{number % MEDIATORS}"
        case _:
            pass
    return GivenCommand(role, command)


def _empty(channel: Docking) -> Matter:
    match channel:
        case Docking.COURT:
            return court_pb2.CourtCase()
        case Docking.POLICE:
            return police_pb2.PoliceIncident()
        case Docking.PETITION:
            return petition_pb2.PetitionItem()
