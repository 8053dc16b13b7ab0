"""A reader in trouble is one that had to wait just now, is not fed, or does not move."""

from __future__ import annotations

from hub.streams.reader_progress import STUCK_S, TROUBLE_S, UNANSWERED_S, ReaderProgress


class Clock:
    now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def test_a_reader_s_standing() -> None:
    clock = Clock()
    standing = ReaderProgress(now=clock)
    assert standing.trouble(fed=True) == ""
    assert standing.trouble(fed=False) == "bus_unavailable"
    standing.met("store_full")
    clock.now_s += TROUBLE_S - 0.1
    assert standing.trouble(fed=True) == "store_full"
    clock.now_s += 0.2
    standing.answered()
    standing.moved()
    assert standing.trouble(fed=True) == ""
    clock.now_s += STUCK_S + 0.1
    assert standing.trouble(fed=True) == "reader_stuck"
    standing.moved()
    assert standing.trouble(fed=True) == ""


def test_brokers_that_take_long_to_fail_leave_no_gap_in_the_trouble() -> None:
    """Two of three were gone: each question ended after ten seconds, and in between health said that all is well."""
    clock = Clock()
    standing = ReaderProgress(now=clock)
    for _ in range(3):
        standing.met("bus_unavailable")
        clock.now_s += 10.7
        standing.moved()
        assert standing.trouble(fed=True) == "bus_unavailable"
    standing.answered()
    assert standing.trouble(fed=True) == ""


def test_a_worker_that_has_nothing_to_ask_is_well_again_after_a_while() -> None:
    clock = Clock()
    standing = ReaderProgress(now=clock)
    standing.met("bus_unavailable")
    clock.now_s += UNANSWERED_S
    standing.moved()
    assert standing.trouble(fed=True) == ""
