"""A periodic part: its steps, their end, and the error of one."""

from __future__ import annotations

import asyncio

import pytest
from typing_extensions import override

from hub.runtime.periodic import Periodic


class Steps(Periodic):
    name = "steps"

    def __init__(self, *answers: float | Exception | None) -> None:
        super().__init__()
        self.answers = list(answers)
        self.done = 0
        self.begun = asyncio.Event()

    @override
    async def step(self) -> float | None:
        self.done += 1
        self.begun.set()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_it_repeats_until_a_step_tells_no_next_one() -> None:
    part = Steps(0.0, 0.0, None)
    await part.start()
    assert part._task is not None
    await part._task
    await part.stop()
    assert part.done == 3


async def test_a_stop_does_not_wait_for_the_next_step() -> None:
    part = Steps(3600.0)
    await part.start()
    async with asyncio.timeout(5):
        await part.begun.wait()
        await part.stop()
    assert part.done == 1


async def test_the_error_of_a_step_fails_the_part() -> None:
    part = Steps(ValueError("ours"))
    await part.start()
    with pytest.raises(ValueError, match="ours"):
        await part.failed()
    await part.stop()
