"""The native broker as its starter sees it: stopped at any moment of its start, it leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import Retryable
from ops.run.broker import NativeKafka
from tests.support.buses import until

pytestmark = pytest.mark.kafka


def formatting(broker: NativeKafka) -> bool:
    return (broker.folder / "broker-1" / "format.log").exists()


def starting(broker: NativeKafka) -> bool:
    return broker.runs(1)


def pids(broker: NativeKafka) -> list[int]:
    return [int(path.read_text()) for path in broker.folder.rglob("broker.pid")]


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.parametrize("moment", [formatting, starting])
async def test_a_stop_during_the_start_ends_both(tmp_path: Path, moment: Callable[[NativeKafka], bool]) -> None:
    broker = NativeKafka(tmp_path, say=print)
    start = asyncio.create_task(asyncio.to_thread(broker.start))
    await until(lambda: moment(broker))
    began = pids(broker)
    await asyncio.to_thread(broker.stop)
    with pytest.raises(Retryable, match="stopped before it had started"):
        await start
    assert not broker.runs(1)
    assert not [pid for pid in began + pids(broker) if lives(pid)]
