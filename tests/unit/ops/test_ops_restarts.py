"""What keeps a hub up: when a process is started again, when it counts as hung, when it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ops.console.exits import CommandError, Exit
from ops.run.children import Child
from ops.run.restarts import End, EndList, RestartPolicy, ends, restarts
from ops.run.supervisor import SILENT_LOOKS, STARTING_S, ServiceWard, Silence, Supervisor

QUICK = 0.001


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Mortal:
    """A ward that ends as often as it is told, and then stays."""

    label = "mortal"

    def __init__(self, causes: Sequence[str], *, revivable: bool = True) -> None:
        self._causes = list(causes)
        self._revivable = revivable
        self.starts = 0
        self.stays = asyncio.Event()

    async def ended(self) -> str:
        if not self._causes:
            self.stays.set()
            await asyncio.Event().wait()
        return self._causes.pop(0)

    async def start(self) -> bool:
        self.starts += 1
        return self._revivable

    def obituary(self, note: str) -> CommandError:
        return CommandError(Exit.DIFFERENCE, note)


def quick() -> RestartPolicy:
    return RestartPolicy(first_pause_s=QUICK)


def supervisor(folder: Path, ward: Mortal, say: Callable[[str], None]) -> Supervisor:
    return Supervisor([ward], EndList(folder), say, quick)


def test_each_restart_within_a_minute_waits_twice_as_long_and_the_sixth_is_none() -> None:
    policy = RestartPolicy(Hands())
    assert [policy.pause_s() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, None, None]


def test_a_minute_later_a_restart_is_forgotten() -> None:
    clock = Hands()
    policy = RestartPolicy(clock)
    for _ in range(5):
        policy.pause_s()
    clock.now += 59.9
    assert policy.pause_s() is None
    clock.now += 0.1
    assert policy.pause_s() == 0.5


def test_who_ends_every_quarter_of_an_hour_is_started_again_for_ever() -> None:
    clock = Hands()
    policy = RestartPolicy(clock)
    for _ in range(100):
        assert policy.pause_s() == 0.5
        clock.now += 900


def test_a_process_is_hung_after_three_looks_without_an_answer() -> None:
    silence = Silence(answered=False)
    looks = [True, False, False, True, *[False] * SILENT_LOOKS]
    assert [silence.hung(answered=answered, since_start_s=1.0) for answered in looks] == [False] * 6 + [True]


def test_a_process_that_starts_may_be_silent_for_longer() -> None:
    silence = Silence(answered=False)
    assert not any(silence.hung(answered=False, since_start_s=STARTING_S) for _ in range(30))
    assert silence.hung(answered=False, since_start_s=STARTING_S + 1)


def test_a_process_that_served_may_not() -> None:
    silence = Silence(answered=True)
    assert [silence.hung(answered=False, since_start_s=1.0) for _ in range(3)] == [False, False, True]


async def test_an_end_is_told_written_down_and_followed_by_a_start(tmp_path: Path) -> None:
    ward, said = Mortal(["signal SIGKILL", "exit code 70"]), list[str]()
    keeping = asyncio.create_task(supervisor(tmp_path, ward, said.append).run())
    await asyncio.wait_for(ward.stays.wait(), 10)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert ward.starts == 2
    assert ["signal SIGKILL" in said[0], "exit code 70" in said[1]] == [True, True]
    assert [(end.process, end.cause, end.again_in_s) for end in ends(tmp_path)] == [
        ("mortal", "signal SIGKILL", QUICK),
        ("mortal", "exit code 70", 2 * QUICK),
    ]
    assert restarts(tmp_path) == {"mortal": 2}


async def test_who_will_not_stay_up_is_given_up_and_everything_with_it(tmp_path: Path) -> None:
    ward = Mortal(["exit code 1"] * 6)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(supervisor(tmp_path, ward, lambda _: None).run(), 10)
    (error,) = caught.value.exceptions
    assert isinstance(error, CommandError)
    assert "restarted 5 times within 60 s" in str(error)
    assert ward.starts == 5
    assert ends(tmp_path)[-1].again_in_s is None
    assert restarts(tmp_path) == {"mortal": 5}


async def test_what_can_not_go_on_is_no_restart_for_ever(tmp_path: Path) -> None:
    ward = Mortal(["its process has ended"], revivable=False)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(supervisor(tmp_path, ward, lambda _: None).run(), 10)
    assert "can't go on" in str(caught.value.exceptions[0])


def test_the_list_begins_anew_with_each_run(tmp_path: Path) -> None:
    assert ends(tmp_path) == []
    EndList(tmp_path).add(End("stats", "2026-01-01T00:00:00+00:00", "exit code 70", 0.5))
    assert restarts(tmp_path) == {"stats": 1}
    EndList(tmp_path)
    assert ends(tmp_path) == []


async def test_a_service_that_ended_is_told_with_its_cause_and_starts_again(tmp_path: Path) -> None:
    child = Child("nobody", 1, {"HUB_GRPC_PORT": "1", "HUB_HTTP_PORT": "2"}, tmp_path, ("/bin/sh", "-c", "exit 70"))
    ward = ServiceWard(child)
    child.start()
    assert await asyncio.wait_for(ward.ended(), 20) == "退出码 exit code 70"
    assert await ward.start()
    assert await asyncio.wait_for(ward.ended(), 20) == "退出码 exit code 70"


async def test_nobody_answers_at_a_closed_port_and_any_word_is_an_answer(tmp_path: Path) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = str(server.sockets[0].getsockname()[1])
        alive = Child("alive", 1, {"HUB_GRPC_PORT": "1", "HUB_HTTP_PORT": port}, tmp_path)
        assert await alive.answers(5.0)
    silent = Child("silent", 1, {"HUB_GRPC_PORT": "1", "HUB_HTTP_PORT": "2"}, tmp_path)
    assert not await silent.answers(5.0)
