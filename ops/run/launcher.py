"""Starts and stops a broker and the five services.

They belong to one run, use free ports of the loopback, and are stopped in order.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn, Self

from dispute.contracts.topics import BRIDGES
from hub.errors import Fault, Rejected, Retryable
from ops.console.exits import CommandError, Exit
from ops.console.refusals import NO_BROKER
from ops.run.broker import Broker, BrokerKind, Choice, choose, open_broker
from ops.run.broker.ports import free_ports
from ops.run.broker.secured import SecuredKafka, secured_broker
from ops.run.calendar import CALENDARS
from ops.run.children import Child
from ops.run.credentials import FILE, FOLDER, make
from ops.run.rules import settings_of
from ops.run.run_folder import WALL, Running, left_over, write
from ops.run.stores import Stores, open_stores

SERVICES: Final = (*BRIDGES, "intake", "stats")
DIVISIONS: Final = "divisions.yaml"
WATCH_S: Final = 0.5
LEFT_OVER_S: Final = 2.0
GRACE_S: Final = 30.0
"""Wait for processes of an earlier run; longer than a leash gives a process to stop."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What the launcher starts.

    Attributes:
        folder: Run folder: stores, keys, logs, broker data.
        store: sqlite or postgres.
        intake_workers: Processes of intake; more than one needs PostgreSQL.
        stats_workers: Processes of stats; as above.
        clock: scenario or wall.
        settings: More `HUB_…` variables for every service.
        extra: Label of a process -> more variables for it alone.
        command: Service -> what to run instead of its module.
        secured: The broker asks for a login over TLS, and each service may do there what it must (a native broker).
        bus_only: Only the broker and the stores, for repairs with all services stopped.
    """

    folder: Path
    store: str = "sqlite"
    intake_workers: int = 1
    stats_workers: int = 1
    clock: str = "scenario"
    settings: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    command: Mapping[str, Sequence[str]] = field(default_factory=dict)
    secured: bool = False
    bus_only: bool = False

    def __post_init__(self) -> None:
        if max(self.intake_workers, self.stats_workers) > 1 and self.store != "postgres":
            raise CommandError(
                Exit.USAGE,
                "--intake-workers 大于 1 时须用 --store postgres / more than one intake needs --store postgres",
            )


class Hub:
    """A running hub.

    It is an asynchronous context manager that leaves no process behind.

    Args:
        plan: What is to be started.
        say: Gets progress lines.
        broker: Started and stopped here like any other; when None, the one that the environment selects.
    """

    def __init__(self, plan: LaunchPlan, say: Say, broker: Broker | None = None) -> None:
        self.plan = plan
        self._say = say
        self._given = broker
        self._broker: Broker | None = None
        self._stores: Stores | None = None
        self.children: list[Child] = []

    @property
    def broker(self) -> Broker:
        """The broker; only while running."""
        if self._broker is None:
            raise CommandError(Exit.DIFFERENCE, "the hub is not running")
        return self._broker

    def store_url(self, service: str) -> str:
        """Return the address of a service's store.

        It exists only while the hub runs.
        """
        if self._stores is None:
            raise CommandError(Exit.DIFFERENCE, "the hub is not running")
        return self._stores.url(service)

    def of(self, service: str) -> list[Child]:
        """Return the processes of one service."""
        return [child for child in self.children if child.name == service]

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _start(self) -> None:
        folder = self.plan.folder
        folder.mkdir(parents=True, exist_ok=True)
        await self._await_left_over()
        self._broker = self._given or (
            secured_broker(folder, self._say) if self.plan.secured else _open(folder, self._say)
        )
        # The container broker reports its start itself.
        if self._broker.kind != BrokerKind.DOCKER:
            external = self._broker.kind == BrokerKind.EXTERNAL
            self._say("连接中 connecting …" if external else "Kafka 启动中 starting …")
        try:
            await asyncio.to_thread(self._broker.start)
        except Rejected as error:
            raise CommandError(Exit.MISSING_TOOL, error.detail) from error
        except (Retryable, Fault) as error:
            raise CommandError(Exit.TIMED_OUT, str(error)) from error
        self._say(f"Apache Kafka {self._broker.version} ({self._broker.kind}) {self._broker.bootstrap}")
        if isinstance(self._broker, SecuredKafka):
            await asyncio.to_thread(self._broker.admit)
        self._stores = await asyncio.to_thread(open_stores, self.plan.store, folder, SERVICES)
        if self.plan.bus_only:
            return
        make(folder / FOLDER)
        self.children = [self._child(name, worker) for name in SERVICES for worker in self._workers(name)]
        for child in self.children:
            child.start()
        self._say("五个服务启动中 five services starting …")
        async with asyncio.TaskGroup() as group:
            for child in self.children:
                group.create_task(child.wait_ready())
        self._say("五个服务就绪 five services ready")

    async def _await_left_over(self) -> None:
        """Wait for the processes of a killed launcher.

        Their leash ends them within its grace period.
        """
        end = time.monotonic() + GRACE_S
        while (pids := left_over(self.plan.folder)) and time.monotonic() < end:
            self._say(f"等待上次的进程结束 waiting for processes of the run before: {', '.join(map(str, pids))}")
            await asyncio.sleep(LEFT_OVER_S)

    async def guard(self) -> NoReturn:
        """Wait until a process ends by itself.

        In a healthy run none does.

        Raises:
            CommandError: With the end of its log.
        """
        while True:
            for child in self.children:
                if child.broke_down:
                    raise child.obituary()
            await asyncio.sleep(WATCH_S)

    def write_runfile(self) -> None:
        """Write `run.json`, which other commands read."""
        stores = self._stores
        write(
            Running(
                folder=str(self.plan.folder),
                pid=os.getpid(),
                kafka=self.broker.bootstrap,
                grpc={child.label: child.grpc_address for child in self.children},
                http={child.label: child.http_url for child in self.children},
                stores={} if stores is None else {name: stores.url(name) for name in SERVICES},
                clock=self.plan.clock,
            )
        )

    def _workers(self, name: str) -> range:
        wanted = {"intake": self.plan.intake_workers, "stats": self.plan.stats_workers}
        return range(1, wanted.get(name, 1) + 1)

    def _child(self, name: str, worker: int) -> Child:
        folder, plan = self.plan.folder, self.plan
        grpc_port, http_port = free_ports(2)
        if self._stores is None:
            raise CommandError(Exit.DIFFERENCE, "stores are opened before children are made")
        environment = environment_of(name, folder, self._stores.url(name), self.broker.bootstrap, plan.clock) | {
            "HUB_GRPC_PORT": str(grpc_port),
            "HUB_HTTP_PORT": str(http_port),
            "HUB_LOG_FORMAT": "json",
            "HUB_CREDENTIALS_FILE": str(plan.folder / FOLDER / FILE),
            "PYTHONUNBUFFERED": "1",
        }
        if isinstance(self._broker, SecuredKafka):
            environment |= self._broker.settings(name)
        child = Child(name, worker, environment | dict(plan.settings), folder, plan.command.get(name, ()))
        child.environment.update(plan.extra.get(child.label, {}))
        return child

    async def _stop(self) -> None:
        for child in self.children:
            child.terminate()
        await asyncio.gather(*(child.wait_ended() for child in self.children))
        if self._stores is not None:
            await asyncio.to_thread(self._stores.stop)
        if self._broker is not None:
            await asyncio.to_thread(self._broker.stop)


def environment_of(name: str, folder: Path, store: str, kafka: str, clock: str) -> dict[str, str]:
    """Return the environment of a service's process in a run, or of a command beside it: any free ports.

    No `HUB_` variable of our own environment reaches it: the run alone describes it.

    Args:
        name: Of the service.
        folder: Of the run.
        store: URL of its store.
        kafka: Bootstrap servers.
        clock: What the run's limits pass by; only intake has limits.
    """
    ours = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    its = {
        "HUB_STORE_URL": store,
        "HUB_KAFKA_BOOTSTRAP": kafka,
        "HUB_KEYS_DIR": str(folder / "keys"),
        "HUB_CLOCK": clock if name == "intake" else WALL,
        "HUB_GRPC_PORT": "0",
        "HUB_HTTP_PORT": "0",
    }
    return ours | its | files_of(name, folder)


def files_of(name: str, folder: Path) -> dict[str, str]:
    """Return the settings of a service that name the operator's files in the run folder."""
    found: dict[str, str] = {}
    if name == "intake":
        calendars = folder / CALENDARS
        calendars.mkdir(exist_ok=True)
        found["HUB_CALENDAR_DIR"] = str(calendars)
        found |= settings_of(folder)
    if name in {*BRIDGES, "intake"} and (folder / DIVISIONS).is_file():
        found["HUB_DIVISIONS_FILE"] = str(folder / DIVISIONS)
    return found


def _open(folder: Path, say: Say) -> Broker:
    return open_broker(check_broker(), folder / "kafka", say)


def check_broker() -> Choice:
    """Return the broker that the environment selects.

    Raises:
        CommandError: There is none, or the setting is invalid.
    """
    try:
        return choose(os.environ)
    except Rejected as error:
        exit_code = Exit.MISSING_TOOL if error.code == NO_BROKER.name else Exit.USAGE
        raise CommandError(exit_code, error.detail) from error
