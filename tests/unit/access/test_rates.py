"""Calls and guesses are counted by the minute, each credential and each address for itself."""

from __future__ import annotations

import pytest

from hub.access import rates
from hub.access.rates import CallRates
from hub.access.verifier import Caller
from hub.errors import Refusal, Refused


class Desk:
    """Counts by a clock of the test's own."""

    def __init__(self) -> None:
        self.now = 7.0
        self.rates = CallRates(staff=2, systems=3, guesses=2, elapsed=lambda: self.now)

    def call(self, holder: str, *, is_person: bool = True) -> Refusal | None:
        try:
            self.rates.count(Caller(f"id of {holder}", holder, "", frozenset(), ""), is_person=is_person)
        except Refused as refused:
            return refused.refusal
        return None

    def guess(self, address: str) -> Refusal | None:
        try:
            self.rates.count_guess(address)
        except Refused as refused:
            return refused.refusal
        return None


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_each_credential_has_its_own_minute(desk: Desk) -> None:
    assert [desk.call("clerk-1") for _ in range(2)] == [None, None]
    desk.now = 40.0
    refused = desk.call("clerk-1")
    assert refused is not None
    assert (refused.code, refused.after_s) == ("too_many_calls", 27.0)
    assert desk.call("clerk-2") is None
    assert [desk.call("court-1", is_person=False) is None for _ in range(4)] == [True, True, True, False]
    desk.now = 66.9
    late = desk.call("clerk-1")
    assert late is not None
    assert late.after_s == 1.0, "never less than a second"
    desk.now = 67.0
    assert desk.call("clerk-1") is None


def test_each_address_guesses_for_itself_and_not_for_long(desk: Desk) -> None:
    assert [desk.guess("a") is None for _ in range(3)] == [True, True, False]
    assert desk.guess("b") is None
    assert desk.call("clerk-1") is None
    desk.now = 67.0
    assert desk.guess("a") is None


def test_addresses_without_end_are_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "ADDRESSES_MOST", 3)
    assert [desk.guess(f"{n}") is None for n in range(6)] == [True, True, True, True, True, False]
    assert desk.guess("0") is None, "who is known keeps the own count"
