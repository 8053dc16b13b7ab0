"""Kafka clients end with their test: their threads draw random numbers, which would fail a Hypothesis test."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Collection, Iterator

import pytest

END_S = 10.0
NAMES = re.compile(r"kafka-io-.*|.*-network-thread")
"""Of kafka-python's consumers and admin clients, and of its producers."""


def clients_left(before: Collection[threading.Thread], within_s: float) -> list[str]:
    """Wait for the clients' threads that were not there before; returns the names of those that never end."""
    end = time.monotonic() + within_s
    clients = [each for each in threading.enumerate() if NAMES.fullmatch(each.name) and each not in before]
    for client in clients:
        client.join(max(0.0, end - time.monotonic()))
    return [client.name for client in clients if client.is_alive()]


@pytest.fixture(autouse=True)
def no_client_outlives_its_test() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert clients_left(before, END_S) == []
