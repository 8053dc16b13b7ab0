"""A Kafka client that outlives its test is seen."""

from __future__ import annotations

import threading

from tests.support.client_threads import clients_left


def test_a_client_that_ends_is_waited_for_and_one_that_stays_is_told() -> None:
    stop = threading.Event()
    before = set(threading.enumerate())
    threading.Thread(target=stop.wait, args=(0.05,), name="kafka-io-brief").start()
    assert clients_left(before, 10.0) == []
    stays = threading.Thread(target=stop.wait, name="kafka-io-stays")
    stays.start()
    try:
        assert clients_left(before, 0.05) == ["kafka-io-stays"]
        assert clients_left({*before, stays}, 0.05) == []
    finally:
        stop.set()
        stays.join()
